"""The command as a whole: help, exit codes, what it loads, and its end by Ctrl-C."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.shells import Ran, Run

from pytest_inner_universe.cli import failures, main
from pytest_inner_universe.cli.failures import CommandError

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "pytest_inner_universe.cli")


def commands(run: Run) -> list[str]:
    return re.findall(r"^    ([a-z]+) ", run("--help").out, re.MULTILINE)


def test_every_command_is_in_the_guide(run: Run) -> None:
    guide = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z]+)` \|", guide, re.MULTILINE) == commands(run)


def test_every_command_explains_itself(run: Run) -> None:
    for name in commands(run):
        ran = run(name, "--help")
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith(f"usage: inner-universe {name} ")
        assert "--json" in ran.out


def test_help_tells_the_exit_codes_and_so_does_the_guide(run: Run) -> None:
    told = dict(re.findall(r"^  (\d+) +(.*)$", run("--help").out, re.MULTILINE))
    guide = dict(re.findall(r"^\| (\d+) \| (.*?) \|$", (ROOT / "docs" / "cli.md").read_text("utf-8"), re.MULTILINE))
    assert told == guide
    assert [int(code) for code in told] == [
        failures.OK,
        failures.FAILED,
        failures.USAGE,
        failures.UNREACHABLE,
        failures.INTERRUPTED,
    ]


@pytest.mark.parametrize("arguments", [[], ["serv"], ["sql", "x", "--jso"], ["sql", "x", "--json=1"]])
def test_mistakes_are_told_in_two_lines(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert re.fullmatch(
        r"inner-universe( sql)?: error: [^\n]+\n  inner-universe( sql)? --help shows how it is used\n", ran.err
    )


def test_help_loads_nothing_that_takes_long() -> None:
    script = (
        "import sys; from pytest_inner_universe.cli import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert loaded.isdisjoint({"rich", "aiohttp", "wasmtime", "cryptography", "jwt", "pytest", "faker"})


def test_ctrl_c_ends_it_without_a_word() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen(
            [*COMMAND, "status", "--url", url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            asked, _ = silent.accept()
            with asked:
                asked.recv(1)  # it waits for an answer now
                process.send_signal(signal.SIGINT)
                assert process.communicate(timeout=20) == ("", "")
            assert process.returncode == 130


def test_what_should_not_happen_is_told_without_a_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> object:
        raise KeyError("x")

    monkeypatch.setattr("pytest_inner_universe.cli.observing.config_of", broken)
    assert run("status") == Ran(
        1,
        "",
        "inner-universe: this should not happen: KeyError: 'x'\n  INNER_UNIVERSE_DEBUG=1 shows where it came from\n",
    )


def test_long_messages_are_cut(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: object) -> object:
        raise CommandError("\n".join(["x" * 1000, *map(str, range(20))]))

    monkeypatch.setattr("pytest_inner_universe.cli.observing.config_of", failing)
    lines = run("status").err.splitlines()
    assert len(lines) == 10
    assert len(lines[0]) == 400
    assert lines[-2:] == ["7", "..."]


def test_the_program_is_the_module() -> None:
    assert main.__module__ == "pytest_inner_universe.cli.main"
