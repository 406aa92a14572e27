"""The embedded server beside a real one. Collected only where this folder is named: `python -m pytest tests/parity`.

The real server is a process, or with `--universe-backend=docker` a container; without one, the tests fail with what was
looked for. `--parity-operations=20000` says how many operations are compared, and the terminal tells at the end what they
were. `--parity-seed` repeats a run, and `--parity-shrink` looks for fewer operations that show a difference.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.parity.tally import Tally

from pytest_inner_universe.server.remote import RemoteServer
from pytest_inner_universe.testing.backends import OWNED, start
from pytest_inner_universe.testing.errors import BackendFailed
from pytest_inner_universe.testing.settings import Settings

HERE = Path(__file__).parent
USUAL = 2_000
TALLY = pytest.StashKey[Tally]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("parity", "Embedded and real server side by side")
    group.addoption("--parity-operations", type=int, default=USUAL, help="how many operations are compared")
    group.addoption(
        "--parity-seed", type=int, default=None, help="where the operations start; the same on CI unless given"
    )
    group.addoption(
        "--parity-shrink",
        action="store_true",
        help="take operations away as long as the difference stays; takes minutes",
    )


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    named = (Path(config.invocation_params.dir, argument.partition("::")[0]) for argument in config.args)
    return None if any(HERE in (path, *path.parents) for path in map(Path.resolve, named)) else True


def pytest_configure(config: pytest.Config) -> None:
    # Where the whole suite is collected, this file comes too late to add options; nothing is run then.
    config.stash[TALLY] = Tally(config.getoption("--parity-operations", USUAL))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tally = config.stash[TALLY]
    if tally.operations:
        terminalreporter.section("parity")
        for line in tally.lines():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Tally:
    return pytestconfig.stash[TALLY]


@pytest.fixture(scope="session")
def first_seed(pytestconfig: pytest.Config) -> int:
    given = pytestconfig.getoption("--parity-seed")
    if given is not None:
        return int(given)
    return 1 if os.environ.get("CI") else int.from_bytes(os.urandom(4), "little")


@pytest.fixture(scope="session")
def real(universe_settings: Settings) -> Iterator[RemoteServer]:
    """The real server; a process unless the backend is one that runs in a container."""
    backend = universe_settings.backend if universe_settings.backend in OWNED else "process"
    try:
        server = start(replace(universe_settings, backend=backend))
    except BackendFailed as error:
        pytest.fail(str(error), pytrace=False)
    yield server
    server.stop()
