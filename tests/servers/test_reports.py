"""What the report of a failed test shows of a real server."""

from __future__ import annotations

import re

import pytest

from pytest_inner_universe.server.binary import find_binary

FAILING = """
def test_fails(universe):
    universe.call("publish_event", "e1", "PING", None, "{}")
    assert False
"""
KILL = """
import os, signal

def kill(universe):
    pid = universe.handle.server.pid
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
"""


def sections(result: pytest.RunResult) -> dict[str, str]:
    """The sections about universes, by title."""
    found = re.findall(r"^-+ (universe[^\n]*?) -+\n(.*?)(?=^[-=]{5})", result.stdout.str(), re.MULTILINE | re.DOTALL)
    return {title: text.rstrip("\n") for title, text in found}


@pytest.fixture(scope="session")
def program() -> str:
    """The server's program, found before there is another home."""
    return str(find_binary().path)


@pytest.fixture(autouse=True)
def _on_a_server(program: str, pytester: pytest.Pytester) -> None:
    options = f"-p no:randomly -p no:cacheprovider --universe-backend=process --universe-binary={program}"
    pytester.makeini(f"[pytest]\naddopts = {options} --universe-report=5")


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "worker"])
def test_the_last_lines_of_its_log(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    pytester.makepyfile(FAILING)
    result = pytester.runpytest_subprocess(*workers)
    result.assert_outcomes(failed=1)
    shown = sections(result)
    assert list(shown) == ["universe: module log", "universe: last reducer calls", "universe: server log"]
    lines = shown["universe: server log"].splitlines()
    assert len(lines) == 5
    assert all(re.match(r"20\d\d-\S+ +(INFO|DEBUG|WARN)", line) for line in lines)


def test_a_server_that_ended_in_the_middle(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        killing=KILL,
        test_killing="""
        from killing import kill

        def test_kills(universe):
            kill(universe)
            universe.call("publish_event", "e1", "PING", None, "{}")
    """,
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    shown = sections(result)
    assert shown["universe: module log"] == (
        "(cannot be read: the server process is not running: it was ended by SIGKILL)"
    )
    assert len(shown["universe: server log"].splitlines()) == 5
    assert "ServerGone: the server process is not running: it was ended by SIGKILL" in result.stdout.str()
