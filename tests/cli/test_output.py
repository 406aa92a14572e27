"""What is printed, and where it is plain."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from support.shells import Place, Terminal, run_on_terminal

from pytest_inner_universe.cli.output import Output, cell, printable
from pytest_inner_universe.sats import Identity, Timestamp

COMMAND = (sys.executable, "-m", "pytest_inner_universe.cli")


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A narrow terminal, as the output of what runs now; pytest would put its own back between a fixture and its test."""
    found = Terminal()
    monkeypatch.setattr(sys, "stdout", found)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    return found


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ("text", "text"),
        ("[red]no markup", "[red]no markup"),
        (b"\x00\xff", "0x00ff"),
        (Timestamp(0), "1970-01-01T00:00:00+00:00"),
        (Identity.zero(), "0" * 64),
        ({"a": [1, None, b"\x01"]}, '{"a": [1, null, "0x01"]}'),
        ((), "[]"),
    ],
)
def test_cells(value: object, text: str) -> None:
    assert cell(value) == text


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    assert printable("a\tb\r\x1b[31m\x9b\u202e ä 漢") == "a\tb\\r\\x1b[31m\\x9b\\u202e ä 漢"


def test_tables_fold_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    Output().table(["name", "text"], [["[bold]", "x" * 40]])
    text = terminal.getvalue()
    assert "[bold]" in text
    assert "\x1b[1m" in text
    assert max(len(line) for line in text.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()) <= 40


def test_scripts_get_json_on_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    Output(as_json=True).facts({"name": "ä"})
    assert terminal.getvalue() == '{"name":"ä"}\n'


def test_without_rich_a_terminal_gets_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    for name in [name for name in sys.modules if name.split(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    output = Output()
    output.table(["name", "n"], [["Ada", 36]])
    output.facts({"one_thing": 1})
    output.line("red", "red")
    assert terminal.getvalue() == "name   n\n----  --\nAda   36\none thing  1\nred\n"


def test_texts_that_the_output_cannot_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii"))
    Output().line("ä")
    assert raw.getvalue() == b"\\xe4\n"


def test_a_real_terminal_shows_what_goes_on_and_no_more(place: Place) -> None:
    code, out, err = run_on_terminal("publish")
    assert (code, out.decode()) == (0, f"published {place.database} (updated, {place.identity}) at {place.url}\n")
    assert f"publishing {place.database}" in err.decode()


def test_a_reader_that_has_enough(place: Place) -> None:
    with subprocess.Popen(
        [*COMMAND, "sql", "SELECT * FROM config"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(50) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
