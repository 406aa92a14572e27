"""What a report shows, and how it is shortened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.embedded import EmbeddedServer
from pytest_inner_universe.server.errors import ServerGone
from pytest_inner_universe.testing.kept import keep
from pytest_inner_universe.testing.reporting import LONGEST_LINE, sections, shorten
from pytest_inner_universe.testing.universe import Universe

MODULE = Path(__file__).parents[2] / "fixtures" / "modules" / "every_type_1_4.wasm"


@pytest.mark.parametrize(
    ("lines", "limit", "text"),
    [
        ([], 3, ""),
        (["a", "b"], 2, "a\nb"),
        (["a", "b", "c"], 2, "(1 earlier line not shown; --universe-report=3 shows all)\nb\nc"),
        (["a\nb", "c\nd"], 2, "(2 earlier lines not shown; --universe-report=4 shows all)\nc\nd"),
        (["", "b"], 2, "\nb"),
        (["x" * LONGEST_LINE], 1, "x" * LONGEST_LINE),
        (["x" * (LONGEST_LINE + 7)], 1, "x" * LONGEST_LINE + " ... (7 more characters)"),
    ],
)
def test_shortened(lines: list[str], limit: int, text: str) -> None:
    assert shorten(lines, limit) == text


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Universe:
    """A universe whose server has gone, but has left its log."""
    universe = Universe(EmbeddedServer(Module.load_file(MODULE)).handle("broken"))
    universe.call("nothing")

    def gone(*_: Any) -> Any:
        raise ServerGone("process", "it was ended by SIGKILL", ["one", "two"])

    monkeypatch.setattr(universe.handle, "log", gone)
    monkeypatch.setattr(universe.handle, "rows", gone)
    monkeypatch.setattr(universe.handle, "server_log", lambda count: ["one", "two", "three"][-count:])
    return universe


def test_a_server_that_is_gone_is_reported_with_its_log(broken: Universe) -> None:
    assert sections(broken, 2) == [
        ("module log", "(cannot be read: the server process is not running: it was ended by SIGKILL)"),
        ("last reducer calls", "owner: nothing() -> committed"),
        ("server log", "two\nthree"),
    ]


def test_what_is_left_of_a_server_that_is_gone_is_kept(broken: Universe, tmp_path: Path) -> None:
    keep(broken, tmp_path, "test")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["about.json", "calls.txt", "log.txt", "server.txt"]
    about = json.loads((tmp_path / "about.json").read_text())
    assert (about["kept"], about["unreadable"].splitlines()[0]) == (
        False,
        "the server process is not running: it was ended by SIGKILL",
    )
    assert (tmp_path / "server.txt").read_text() == "one\ntwo\nthree\n"
