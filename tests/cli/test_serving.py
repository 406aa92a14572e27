"""``serve``, run as a user runs it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from support.http_requests import Requests
from support.programs import write_program
from support.shells import MODULES, Ran, Run

COMMAND = [sys.executable, "-m", "pytest_inner_universe.cli"]
STOP_SECONDS = 20


class Serving:
    """A running ``serve``."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "serve", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.output: IO[str] = self.process.stdout
        self.url = self.line()

    def line(self) -> str:
        return self.output.readline().strip()

    def end(self, number: int) -> tuple[int, str, str]:
        """Send a signal and return exit status and the rest of the output."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=STOP_SECONDS)
        return self.process.returncode, output, errors


@pytest.fixture
def bare() -> Iterator[Serving]:
    serving = Serving()
    yield serving
    serving.process.kill()
    serving.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_and_stops_cleanly(bare: Serving, number: int) -> None:
    assert Requests(bare.url)("GET", "/v1/ping").status == 200
    assert bare.end(number) == (0, "", "")


@pytest.mark.parametrize(("options", "version"), [([], "2.8.3"), (["--release", "1.2"], "1.2.0")])
def test_it_imitates_the_release_that_is_wanted(options: list[str], version: str) -> None:
    serving = Serving(*options)
    try:
        assert Requests(serving.url)("GET", "/v1/health").json()["version"] == version
        assert serving.end(signal.SIGINT) == (0, "", "")
    finally:
        serving.process.kill()
        serving.process.communicate()


def test_clients_publish_to_it(bare: Serving) -> None:
    requests = Requests(bare.url)
    program = (MODULES / "every_type_1_4.wasm").read_bytes()
    assert requests("PUT", "/v1/database/game", program).json()["Success"]["domain"] == "game"
    assert bare.end(signal.SIGINT)[0] == 0


def test_it_publishes_a_module_and_keeps_its_owner_s_token_while_it_runs(tmp_path: Path) -> None:
    serving = Serving("--module", str(MODULES / "every_type_2_8.wasm"), "--data-dir", "db")
    try:
        requests = Requests(serving.url)
        told = dict(serving.line().split(": ") for _ in range(3))
        assert told["database"] == "every-type-2-8"
        assert requests("GET", "/v1/database/every-type-2-8/identity").text == told["identity"]
        assert told["owner's token"] == "in db/owner-tokens.json"
        requests.token = json.loads((tmp_path / "db" / "owner-tokens.json").read_text())[serving.url]
        assert requests("GET", "/v1/database/every-type-2-8/logs").status == 200
    finally:
        assert serving.end(signal.SIGINT)[0] == 0
    assert list((tmp_path / "db").iterdir()) == []


def test_what_a_script_gets(tmp_path: Path) -> None:
    serving = Serving("--module", str(MODULES / "every_type_2_8.wasm"), "--database", "game", "--json")
    try:
        told = json.loads(serving.url)
        assert told.keys() == {"url", "database", "identity", "owner_tokens"}
        assert told["database"] == "game"
        assert Requests(told["url"])("GET", "/v1/database/game").status == 200
    finally:
        assert serving.end(signal.SIGTERM)[0] == 0


def test_a_program_of_a_real_server(tmp_path: Path) -> None:
    program = write_program(tmp_path / "spacetime")
    serving = Serving("--backend", "process", "--binary", str(program), "--data-dir", "db")
    try:
        assert Requests(serving.url)("GET", "/v1/ping").status == 200
        assert serving.end(signal.SIGINT) == (0, "", "")
    finally:
        serving.process.kill()
        serving.process.communicate()
    arguments = (tmp_path / "db" / "arguments").read_text().splitlines()
    assert arguments[:3] == ["start", "--data-dir", str(tmp_path / "db")]


def test_a_program_that_does_not_come_up(run: Run, tmp_path: Path) -> None:
    program = write_program(tmp_path / "spacetime", "dies")
    ran = run("serve", "--backend", "process", "--binary", program)
    assert (ran.code, ran.out) == (1, "")
    assert "No space left on device" in ran.err
    assert len(ran.err.splitlines()) <= 10


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--port", "x"], "argument --port: 'x' is no port: ports are numbers up to 65535, 0 takes any free one"),
        (
            ["--port", "65536"],
            "argument --port: '65536' is no port: ports are numbers up to 65535, 0 takes any free one",
        ),
    ],
)
def test_options_that_are_none(options: list[str], text: str, run: Run) -> None:
    assert run("serve", *options) == Ran(
        2, "", f"inner-universe serve: error: {text}\n  inner-universe serve --help shows how it is used\n"
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--database", "x"], "--database needs --module"),
        (["--release", "1.2", "--backend", "process"], "--release needs --backend embedded"),
        (["--binary", "x"], "--binary needs --backend process"),
        (["--image", "x", "--backend", "process"], "--image needs --backend docker"),
    ],
)
def test_options_that_make_no_sense(options: list[str], text: str, run: Run) -> None:
    assert run("serve", *options) == Ran(2, "", f"inner-universe: {text}\n")


def test_a_module_that_is_not_there(run: Run) -> None:
    assert run("serve", "--module", "nowhere.wasm") == Ran(
        1, "", "inner-universe: cannot read the module nowhere.wasm: No such file or directory\n"
    )


def test_a_module_that_is_none(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.wasm").write_text("text")
    ran = run("serve", "--module", "text.wasm")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("inner-universe: cannot deploy to database 'text' at http://127.0.0.1:")
    assert len(ran.err.splitlines()) <= 10


def test_a_name_that_is_none(run: Run) -> None:
    assert run("serve", "--module", MODULES / "every_type_1_4.wasm", "--database", "No_Name") == Ran(
        2,
        "",
        "inner-universe: database must be lowercase letters and digits with single dashes between, not 'No_Name'\n",
    )


def test_a_port_that_is_in_use(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run("serve", "--port", port) == Ran(
            1,
            "",
            f"inner-universe: no server at http://127.0.0.1:{port}: cannot listen on 127.0.0.1:{port}: Address already in "
            "use\n  port 0 takes any free one\n",
        )


def test_signals_are_as_before_when_it_ends(run: Run) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run("serve", "--module", "nowhere.wasm")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
