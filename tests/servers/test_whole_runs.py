"""Whole runs of pytest on a real server: one server for all workers, a clean state for every test, nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from support.resets import leaving_tests

from pytest_inner_universe.server.binary import VARIABLE

pytestmark = pytest.mark.timeout(240)
QUIET = ("-pno:randomly", "-pno:cacheprovider", "-oasyncio_default_fixture_loop_scope=function", "-q")
Run = Callable[..., pytest.RunResult]

PEOPLE = """
import pytest

@pytest.mark.parametrize("number", range(6))
def test_alone(universe, number):
    assert universe.count("entity") == 0
    universe.call("publish_event", "the-id", "HERE", None, "{}")
    with open("used", "a") as file:
        file.write(f"{universe.url} {universe.name}\\n")
"""


class Servers:
    """A program that is the real server and takes note of each start.

    Args:
        real: The real server.
        folder: Where this one is, and its notes.
    """

    def __init__(self, real: Path, folder: Path) -> None:
        self.program = folder / "spacetimedb-standalone"
        self._notes = folder / "starts"
        self.program.write_text(f'#!/bin/sh\necho "$1 $$" >> "{self._notes}"\nexec "{real}" "$@"\n', "utf-8")
        self.program.chmod(0o755)

    @property
    def started(self) -> list[int]:
        """Numbers of the processes that were servers."""
        lines = self._notes.read_text("utf-8").splitlines() if self._notes.exists() else []
        return [int(number) for what, number in map(str.split, lines) if what == "start"]

    @property
    def alive(self) -> list[int]:
        """Those that have not ended."""
        return [number for number in self.started if Path(f"/proc/{number}").exists()]


class Used(NamedTuple):
    """A database that a test of an inner run had."""

    url: str
    name: str


def used(folder: Path) -> list[Used]:
    return [Used(*line.split()) for line in (folder / "used").read_text("utf-8").splitlines()]


@pytest.fixture
def servers(
    real_server: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Servers]:
    """The program that inner runs find."""
    servers = Servers(real_server, tmp_path_factory.mktemp("program"))
    for name in [name for name in os.environ if name.startswith(("INNER_UNIVERSE_", "PYTEST_"))]:
        if name not in {"PYTEST_CURRENT_TEST", "INNER_UNIVERSE_CACHE_DIR"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv(VARIABLE, str(servers.program))
    yield servers
    assert servers.alive == []


@pytest.fixture
def run(pytester: pytest.Pytester, servers: Servers) -> Run:
    """Run pytest on a real server, in a process of its own."""
    return lambda *arguments: pytester.runpytest_subprocess("--universe-backend=process", *QUIET, *arguments)


# Workers


@pytest.mark.parametrize(
    "arguments",
    [
        ("-n0",),
        ("-n1",),
        ("-n4",),
        ("-n2", "--dist=loadfile"),
        ("-n2", "--dist=worksteal"),
    ],
    ids=" ".join,
)
def test_a_run_has_one_server_whatever_the_number_of_workers(
    pytester: pytest.Pytester, run: Run, servers: Servers, arguments: tuple[str, ...]
) -> None:
    pytester.makepyfile(test_one=PEOPLE, test_other=PEOPLE)
    run(*arguments).assert_outcomes(passed=12)
    found = used(pytester.path)
    assert len(servers.started) == len({database.url for database in found}) == 1
    assert servers.alive == []
    # Every test had a database of its own, named after the one run.
    assert len({database.name for database in found}) == 12
    assert len({tuple(database.name.split("-")[:2]) for database in found}) == 1


def test_names_of_databases_say_which_worker_had_them(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(test_one=PEOPLE, test_other=PEOPLE)
    run("-n2", "--dist=loadfile").assert_outcomes(passed=12)
    workers = {part for database in used(pytester.path) for part in database.name.split("-") if part in {"gw0", "gw1"}}
    assert workers == {"gw0", "gw1"}


def test_a_worker_that_dies_takes_the_server_from_nobody(pytester: pytest.Pytester, run: Run, servers: Servers) -> None:
    pytester.makepyfile(test_one=PEOPLE, test_dying="import os\n\ndef test_dies(universe):\n    os._exit(1)\n")
    run("-n2").assert_outcomes(passed=6, failed=1)
    assert len(servers.started) == 1
    assert servers.alive == []


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [(("-n2",), 2), ((), 2), (("-k", "without"), 2), (("--collect-only", "-n0", "."), 0)],
    ids=["workers", "alone", "deselected", "collected only"],
)
def test_no_server_is_started_for_tests_that_need_none(
    pytester: pytest.Pytester, run: Run, servers: Servers, arguments: tuple[str, ...], passed: int
) -> None:
    pytester.makepyfile(test_without="def test_one():\n    pass\n\ndef test_two(universe_settings):\n    pass\n")
    if passed == 0 or "-k" in arguments:
        pytester.makepyfile(test_other=PEOPLE)
    result = run(*arguments)
    result.assert_outcomes(passed=passed, deselected=6 if "-k" in arguments else 0)
    assert servers.started == []


def test_a_server_that_cannot_start_is_told_to_every_worker_and_tried_once(
    pytester: pytest.Pytester, run: Run, servers: Servers
) -> None:
    servers.program.write_text(
        servers.program.read_text("utf-8").replace("exec", '[ "$1" = start ] && exit 3\nexec'), "utf-8"
    )
    pytester.makepyfile(test_one=PEOPLE, test_other=PEOPLE)
    result = run("-n2", "--dist=loadfile")
    result.assert_outcomes(errors=12)
    assert len(servers.started) == 1
    assert result.stdout.str().count("it ended with code 3") >= 12


# Two runs at once


MEETING = """
import os

def test_while_the_other_runs(universe):
    with open("used", "a") as file:
        file.write(f"{universe.url} {universe.name}\\n")
    universe.call("publish_event", "the-id", os.environ["WHO"], None, "{}")
    with open(os.environ["MEET"], os.environ["WAY"]) as file:
        file.write("here") if os.environ["WAY"] == "w" else file.read()
    if os.environ["WAY"] == "r":
        with open(os.environ["AFTERWARDS"]) as file:
            file.read()
    rows = universe.sql("SELECT event_type FROM event_log WHERE event_id = 'the-id'")
    assert rows == [{"event_type": os.environ["WHO"]}]
"""


def test_two_runs_at_once_do_not_touch_each_other(servers: Servers, tmp_path: Path) -> None:
    """The first one ends, and with it its server, while a test of the second is under way."""
    meet, afterwards = tmp_path / "meet", tmp_path / "afterwards"
    for pipe in (meet, afterwards):
        os.mkfifo(pipe)
    runs = []
    for who, way in (("first", "w"), ("second", "r")):
        folder = tmp_path / who
        folder.mkdir()
        (folder / "test_meeting.py").write_text(MEETING, "utf-8")
        environment = {**os.environ, "WHO": who, "WAY": way, "MEET": str(meet), "AFTERWARDS": str(afterwards)}
        arguments = [sys.executable, "-m", "pytest", "--universe-backend=process", *QUIET, "-n1"]
        runs.append(subprocess.Popen(arguments, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True))
    first, second = runs
    told, _ = first.communicate()
    assert first.returncode == 0, told
    assert len(servers.started) == 2
    assert len(servers.alive) == 1
    afterwards.write_text("go on", "utf-8")
    told, _ = second.communicate()
    assert second.returncode == 0, told
    databases = [used(tmp_path / who)[0] for who in ("first", "second")]
    assert databases[0].url != databases[1].url
    assert databases[0].name.split("-")[:2] != databases[1].name.split("-")[:2]


# Clean states


@pytest.mark.parametrize("order", [("one", "other"), ("other", "one")], ids="-".join)
@pytest.mark.parametrize("reset", ["fresh", "reuse", "clear", "reducer"])
def test_neither_of_two_tests_sees_the_other(
    pytester: pytest.Pytester, run: Run, servers: Servers, reset: str, order: tuple[str, str]
) -> None:
    pytester.makepyfile(leaving_tests(order))
    run(f"--universe-reset={reset}").assert_outcomes(passed=2)
    assert len(servers.started) == 1


def test_without_a_reset_the_second_test_finds_what_the_first_left(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(leaving_tests(("one", "other")))
    run("--universe-reset=never").assert_outcomes(passed=1, failed=1)


def test_a_server_has_no_forks(pytester: pytest.Pytester, run: Run, servers: Servers) -> None:
    pytester.makepyfile(leaving_tests(("one",)))
    result = run("--universe-reset=fork")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*fresh, reuse, clear, reducer or never*"])
    assert servers.started == []
