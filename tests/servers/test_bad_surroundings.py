"""What can be wrong around a real server, where only a real one shows it: whole messages, of at most ten lines."""

from __future__ import annotations

import re
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_inner_universe.client.errors import PublishRejected
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.binary import find_binary
from pytest_inner_universe.server.errors import ModuleRejected, StartFailed, TokenRefused
from pytest_inner_universe.server.external import ExternalServer
from pytest_inner_universe.server.leftovers import Run
from pytest_inner_universe.server.process import ProcessServer
from pytest_inner_universe.testing.universe import Universe

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
MOST_LINES = 10
LOG = r"  the last that it wrote:\n(?:    .*\n?){1,4}"


def text_of(error: BaseException) -> str:
    """Return the message of an error, which has to be short."""
    assert len(str(error).splitlines()) <= MOST_LINES
    return str(error)


@pytest.fixture(scope="module")
def process() -> Iterator[ProcessServer]:
    with ProcessServer() as server:
        yield server


@pytest.fixture
def with_small_files(tmp_path: Path) -> Path:
    """The real program, for which the disk is full as soon as a file has 100 KiB."""
    path = tmp_path / "spacetimedb-standalone"
    # A signal that is not ignored would end the program before it can say anything.
    limit = "case $1 in start) ulimit -f ${LIMIT:-200};; esac"
    path.write_text(f"#!/bin/sh\ntrap '' XFSZ\n{limit}\nexec {find_binary().path} \"$@\"\n", "utf-8")
    path.chmod(0o755)
    return path


def test_a_port_in_use(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = ProcessServer(run=run, port=port)
        with pytest.raises(StartFailed) as caught:
            server.start()
    assert re.fullmatch(
        re.escape(
            "the SpacetimeDB server did not start: it ended with code 1: Address already in use (os error 98)\n"
            f"  started: {' '.join(server.command)}\n"
            f"  port {port} is taken: end what listens there, or use port 0 to get a free one\n"
        )
        + LOG,
        text_of(caught.value),
    )
    assert caught.value.log[-1] == "Error: Address already in use (os error 98)"


def test_a_disk_that_is_full_from_the_start(run: Run, with_small_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMIT", "0")
    server = ProcessServer(with_small_files, run=run, in_memory=False)
    with pytest.raises(StartFailed) as caught:
        server.start()
    assert re.fullmatch(
        re.escape(
            "the SpacetimeDB server did not start: it ended with code 1: File too large (os error 27)\n"
            f"  started: {' '.join(server.command)}\n"
            "  this user may not write files of that size (ulimit -f): raise the limit, for "
            f"{run.folder}/server-1/data\n"
        )
        + LOG,
        text_of(caught.value),
    )


def test_a_disk_that_is_full_when_a_module_is_published(run: Run, with_small_files: Path, module: Module) -> None:
    with ProcessServer(with_small_files, run=run, in_memory=False) as server:
        with pytest.raises(ModuleRejected) as caught:
            server.database("full", module)
        assert re.fullmatch(
            rf"the server at {server.url} did not publish {re.escape(module.name)}: .*not found\n"
            rf"  as database 'iu-{run.id}-full-\w+-1'\n{LOG}",
            text_of(caught.value),
        )


def test_a_disk_that_becomes_full_is_told_by_the_log_only(
    run: Run, with_small_files: Path, module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMIT", "400")
    with ProcessServer(with_small_files, run=run, in_memory=False) as server:
        universe = Universe(server.database("full", module))
        universe.call("many", 10_000)
        # The server answers as if nothing had happened, and asking is what gives it time to find out.
        while not any("File too large" in line for line in server.log_tail(100)):
            universe.call("nothing")
        assert universe.count("seen") >= 10_000
        universe.close()


def test_a_module_for_a_newer_server(process: ProcessServer) -> None:
    newer = Module.load_file(MODULES / "every_type_2_8.wasm")
    with pytest.raises(ModuleRejected) as caught:
        process.database("newer", newer)
    assert re.fullmatch(
        rf"the server at {process.url} did not publish {re.escape(newer.name)}: "
        r"abi version 10\.4 is not supported \(host implements 10\.0\)\n"
        rf"  as database 'iu-{process.run_id}-newer-\w+-\d+'\n{LOG}",
        text_of(caught.value),
    )


def test_a_name_with_an_underscore(process: ProcessServer, module: Module) -> None:
    with pytest.raises(PublishRejected) as caught:
        process.run(process.api().publish(module.data, "my_game"))
    assert text_of(caught.value) == (
        "PUT /v1/database/my_game was rejected (status 400): Invalid URL: invalid characters in database name"
    )


def test_a_text_that_is_no_token(process: ProcessServer) -> None:
    with pytest.raises(TokenRefused) as caught:
        ExternalServer(process.url, "secret").start()
    assert text_of(caught.value) == (
        f"the server at {process.url} refuses the token: TokenError(Error(InvalidToken))\n"
        "  asked: GET /v1/ping, answered with status 401\n"
        "  it is no token at all: three parts are joined by dots in one\n"
        "  give one that this server signed, or none to be somebody new: --universe-token"
    )


def test_a_token_of_another_server(process: ProcessServer) -> None:
    with ProcessServer() as other:
        token = other.credentials(None).token
    with pytest.raises(TokenRefused) as caught:
        ExternalServer(process.url, token).start()
    first, *_, last = text_of(caught.value).splitlines()
    assert first.startswith(f"the server at {process.url} refuses the token: ")
    assert last == "  give one that this server signed, or none to be somebody new: --universe-token"


def signed(data_dir: Path, **claims: object) -> str:
    """Return a token signed with a server's own key."""
    import jwt

    content = {"iss": "localhost", "sub": secrets.token_hex(8), "aud": ["spacetimedb"], **claims}
    return jwt.encode(content, (data_dir / "id").read_text("utf-8"), algorithm="ES256")


def test_an_expired_token_and_one_from_a_clock_that_is_ahead(run: Run, tmp_path: Path) -> None:
    with ProcessServer(run=run, data_dir=tmp_path) as server:
        now = int(time.time())
        ExternalServer(server.url, signed(tmp_path, iat=now, exp=now + 600)).start()
        with pytest.raises(TokenRefused) as caught:
            ExternalServer(server.url, signed(tmp_path, iat=now - 90_000, exp=now - 86_400 * 2 - 5)).start()
        assert re.fullmatch(
            rf"the server at {server.url} refuses the token: .*ExpiredSignature.*\n"
            r"  asked: GET /v1/ping, answered with status 401\n"
            r"  it expired at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, 2 days ago\n"
            r"  give one that this server signed, or none to be somebody new: --universe-token",
            text_of(caught.value),
        )
