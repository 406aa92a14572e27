"""One embedded server for all tests of commands, a database of its own for each, and commands run in this process."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from support.shells import EVERY_TYPE, INNER_UNIVERSE, Place, Ran, Run, Terminal

from pytest_inner_universe.cli import main
from pytest_inner_universe.client import SyncHttp
from pytest_inner_universe.server.embedded_host import EmbeddedHost

_LOOKS = re.compile("\x1b\\[[0-9;]*m")
_numbers = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedHost]:
    with EmbeddedHost() as server:
        yield server


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of the test's own, and an environment that says nothing."""
    for name in list(os.environ):
        if name.startswith("INNER_UNIVERSE_") and name != "INNER_UNIVERSE_CACHE_DIR":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command as a script does: nobody looks, and texts come as they are."""

    def run(*arguments: object, given: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run a command on a terminal of some width; what changes the looks of text is taken out."""

    def look(width: int, *arguments: object) -> Ran:
        out, err = Terminal(), Terminal()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("TERM", "xterm")
        code = main([str(argument) for argument in arguments])
        monkeypatch.undo()
        return Ran(code, _LOOKS.sub("", out.getvalue()), _LOOKS.sub("", err.getvalue()))

    return look


def _published(server: EmbeddedHost, module: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    name = f"db-{next(_numbers)}"
    with SyncHttp(server.url) as anybody:
        owner = anybody.new_identity()
    with SyncHttp(server.url, owner.token) as api:
        done = api.publish(module.read_bytes(), name)
    for variable, value in (("URL", server.url), ("DATABASE", name), ("TOKEN", owner.token)):
        monkeypatch.setenv(f"INNER_UNIVERSE_{variable}", value)
    return Place(server.url, name, done.identity.hex(), owner.token)


@pytest.fixture
def place(server: EmbeddedHost, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A database with Inner Universe in it, which the environment names."""
    return _published(server, INNER_UNIVERSE, monkeypatch)


@pytest.fixture
def typed(server: EmbeddedHost, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A database with rows of every type, which the environment names."""
    return _published(server, EVERY_TYPE, monkeypatch)
