"""The command ``inner-universe``, run as a user runs it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from support.http_requests import Requests

from pytest_inner_universe.cli import main

MODULES = Path(__file__).parents[1] / "fixtures" / "modules"
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


def test_it_publishes_a_module_and_tells_whose_it_is() -> None:
    serving = Serving("--module", str(MODULES / "every_type_2_8.wasm"))
    try:
        requests = Requests(serving.url)
        told = dict(serving.line().split(": ") for _ in range(3))
        assert told["database"] == "every-type-2-8"
        assert requests("GET", "/v1/database/every-type-2-8/identity").text == told["identity"]
        requests.token = told["owner's token"]
        assert requests("GET", "/v1/database/every-type-2-8/logs").status == 200
    finally:
        assert serving.end(signal.SIGINT)[0] == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--port", "x"], "argument --port: 'x' is no port: ports are numbers up to 65535, 0 takes any free one"),
        (
            ["--port", "65536"],
            "argument --port: '65536' is no port: ports are numbers up to 65535, 0 takes any free one",
        ),
        (["--name", "x"], "--name needs --module"),
    ],
)
def test_options_that_make_no_sense(options: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["serve", *options])
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {text}\n")


def test_a_module_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--module", "nowhere.wasm"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("inner-universe: cannot read the module nowhere.wasm: No such file or directory\n")


def test_a_name_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--module", str(MODULES / "every_type_1_4.wasm"), "--name", "No_Name"]) == 1
    assert capsys.readouterr().err == (
        "inner-universe: 'No_Name' is no name for a database: servers take groups of lower case letters a-z and digits, "
        "joined by single hyphens\n"
    )


def test_a_port_that_is_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"inner-universe: cannot listen on 127.0.0.1:{port}: Address already in use\n  port 0 takes any free one\n"
    )


def test_signals_are_as_before_when_it_ends() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    main(["serve", "--module", "nowhere.wasm"])
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
