"""Everything that can be wrong around a server: each has one message that names the cause, what was tried and what helps.

What only a real server shows is in `tests/servers/test_bad_surroundings.py`; programs that are none, in `test_binary.py`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.sockets import refusing_port

from pytest_inner_universe.server.binary import find_binary
from pytest_inner_universe.server.docker import DockerServer
from pytest_inner_universe.server.errors import (
    BinaryUnusable,
    DockerMissing,
    InvalidName,
    ServerGone,
    StartFailed,
    TokenRefused,
)
from pytest_inner_universe.server.external import ExternalServer
from pytest_inner_universe.server.leftovers import Run
from pytest_inner_universe.server.names import DatabaseNames
from pytest_inner_universe.server.process import ProcessServer
from pytest_inner_universe.server.registry import Registry
from pytest_inner_universe.server.token_check import check_token, told_by_clocks, told_by_token

if TYPE_CHECKING:
    from support.programs import MakeProgram

MOST_LINES = 10


def text_of(error: BaseException) -> str:
    """Return the message of an error, which has to be short."""
    assert len(str(error).splitlines()) <= MOST_LINES
    return str(error)


# Programs


@pytest.mark.parametrize(
    ("behaviour", "last_words", "remedy"),
    [
        (
            "dies",
            "No space left on device (os error 28)",
            "the disk with {data} is full: make room there, or name another folder",
        ),
        (
            "dies-forbidden",
            "Permission denied (os error 13)",
            "this user may not write into {data} or listen on port 4: name others",
        ),
        (
            "dies-taken",
            "Address already in use (os error 98)",
            "port 4 is taken: end what listens there, or use port 0 to get a free one",
        ),
        (
            "dies-large",
            "File too large (os error 27)",
            "this user may not write files of that size (ulimit -f): raise the limit, for {data}",
        ),
        ("dies-strange", "who knows", ""),
    ],
)
def test_a_server_that_starts_and_dies(
    behaviour: str, last_words: str, remedy: str, make_program: MakeProgram, run: Run
) -> None:
    server = ProcessServer(make_program(behaviour), run=run, port=4)
    with pytest.raises(StartFailed) as caught:
        server.start()
    data = run.folder / "server-1" / "data"
    help_ = f"  {remedy.format(data=data)}\n" if remedy else ""
    assert text_of(caught.value) == (
        f"the SpacetimeDB server did not start: it ended with code 3: {last_words}\n"
        f"  started: {' '.join(server.command)}\n"
        f"{help_}"
        "  the last that it wrote:\n"
        "    WARN starting\n"
        f"    Error: {last_words}"
    )


def test_a_server_that_never_answers(make_program: MakeProgram, run: Run, an_hour_passes: Callable[..., None]) -> None:
    server = ProcessServer(make_program("silent"), run=run, start_timeout=60, on_line=an_hour_passes)
    with pytest.raises(StartFailed) as caught:
        server.start()
    assert text_of(caught.value) == (
        "the SpacetimeDB server did not start: not ready within 60 s; it did not say where it listens\n"
        f"  started: {' '.join(server.command)}\n"
        "  the last that it wrote:\n"
        "    WARN starting"
    )


def test_a_folder_that_may_not_be_made(
    make_program: MakeProgram, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    server = ProcessServer(make_program(), run=run, data_dir=tmp_path / "data")
    usual = Path.mkdir
    monkeypatch.setattr(Path, "mkdir", lambda path, *a, **k: (forbid if path.name == "data" else usual)(path, *a, **k))
    with pytest.raises(StartFailed) as caught:
        server.start()
    assert text_of(caught.value) == (
        f"the SpacetimeDB server did not start: Permission denied: {tmp_path}/data\n"
        f"  started: {' '.join(server.command)}\n"
        f"  this user may not write into {tmp_path}/data or listen on port 0: name others"
    )


def test_a_program_for_another_processor(tmp_path: Path) -> None:
    path = tmp_path / "spacetimedb-standalone"
    path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00" + bytes(200))
    path.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("platform.machine", lambda: "x86_64")
        with pytest.raises(BinaryUnusable) as caught:
            find_binary(path)
    assert text_of(caught.value) == (
        f"{path} cannot be run as a SpacetimeDB server: it is no program for this machine's processor and system, but for "
        "aarch64; this machine is x86_64\n"
        "  named by --universe-binary\n"
        "  name a spacetimedb-standalone or spacetime program of this machine's kind, or leave the name out to have one looked "
        "for"
    )


# Names


def test_a_name_with_an_underscore() -> None:
    with pytest.raises(InvalidName) as caught:
        DatabaseNames("run").new("my_game")
    assert text_of(caught.value) == (
        "'my_game' is no name for a database: servers take groups of lower case letters a-z and digits, joined by single hyphens"
    )


# Tokens and clocks


@contextmanager
def web_server(status: int, text: str, date: str | None = None) -> Iterator[str]:
    """Play a server that answers every request with a token like that, and others well; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def date_time_string(self, timestamp: float | None = None) -> str:
            return date or super().date_time_string(timestamp)

        def do_GET(self) -> None:
            is_refused = "Authorization" in self.headers
            body = text.encode() if is_refused else b""
            self.send_response(status if is_refused else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_a_text_that_is_no_token() -> None:
    with web_server(401, "TokenError(Error(InvalidToken))") as url, pytest.raises(TokenRefused) as caught:
        ExternalServer(url, "secret").start()
    assert text_of(caught.value) == (
        f"the server at {url} refuses the token: TokenError(Error(InvalidToken))\n"
        "  asked: GET /v1/ping, answered with status 401\n"
        "  it is no token at all: three parts are joined by dots in one\n"
        "  give one that this server signed, or none to be somebody new: --universe-token"
    )


def test_a_token_of_another_server() -> None:
    other = Registry().authority.mint().token
    with web_server(401, "Invalid token: InvalidSignature") as url, pytest.raises(TokenRefused) as caught:
        ExternalServer(url, other).start()
    assert text_of(caught.value) == (
        f"the server at {url} refuses the token: Invalid token: InvalidSignature\n"
        "  asked: GET /v1/ping, answered with status 401\n"
        "  give one that this server signed, or none to be somebody new: --universe-token"
    )


def test_an_expired_token() -> None:
    authority = Registry().authority
    old = authority.renew(authority.mint(), -7_300).token
    with web_server(401, "Invalid token: ExpiredSignature") as url, pytest.raises(TokenRefused) as caught:
        ExternalServer(url, old).start()
    lines = text_of(caught.value).splitlines()
    assert lines[0] == f"the server at {url} refuses the token: Invalid token: ExpiredSignature"
    assert lines[2].startswith("  it expired at 20")
    assert lines[2].endswith(" UTC, 2 hours ago")


def test_a_clock_that_is_far_off() -> None:
    authority = Registry().authority
    fresh = authority.renew(authority.mint(), 60).token
    ahead = formatdate(time.time() + 3 * 86_400 + 5, usegmt=True)
    with web_server(401, "Invalid token: ExpiredSignature", ahead) as url, pytest.raises(TokenRefused) as caught:
        ExternalServer(url, fresh).start()
    assert text_of(caught.value) == (
        f"the server at {url} refuses the token: Invalid token: ExpiredSignature\n"
        "  asked: GET /v1/ping, answered with status 401\n"
        "  the server's clock is 3 days ahead of this machine's\n"
        "  give one that this server signed, or none to be somebody new: --universe-token"
    )


def test_a_token_with_a_line_in_it_is_not_sent() -> None:
    with pytest.raises(TokenRefused) as caught:
        check_token("http://127.0.0.1:1", "a\nb")
    assert text_of(caught.value) == (
        "the server at http://127.0.0.1:1 refuses the token: it has characters that no token has\n"
        "  give one that this server signed, or none to be somebody new: --universe-token"
    )


def test_a_token_that_is_accepted_is_no_matter() -> None:
    with web_server(200, "") as url:
        ExternalServer(url, "token").start()


@pytest.mark.parametrize(
    ("date", "facts"),
    [
        (None, []),
        ("no date", []),
        ("Thu, 01 Jan 1970 00:16:40 GMT", []),
        ("Thu, 01 Jan 1970 00:17:20 GMT", ["the server's clock is 40 seconds ahead of this machine's"]),
        ("Thu, 01 Jan 1970 00:00:00 GMT", ["the server's clock is 16 minutes behind this machine's"]),
    ],
)
def test_clocks_are_compared(date: str | None, facts: list[str]) -> None:
    assert told_by_clocks(date, 1_000.0) == facts


def jwt(**claims: Any) -> str:
    import base64

    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.x"


@pytest.mark.parametrize(
    ("token", "facts"),
    [
        (jwt(exp=None, iat=5), []),
        (jwt(exp=True, iat="x"), []),
        (jwt(exp=10**300), []),
        (jwt(exp=900), ["it expired at 1970-01-01 00:15:00 UTC, 100 seconds ago"]),
        (jwt(iat=8_200), ["it was issued at 1970-01-01 02:16:40 UTC, which on this machine is 2 hours from now"]),
        ("a.W10.b", ["it is no token at all: three parts are joined by dots in one"]),
        ("a.=.b", ["it is no token at all: three parts are joined by dots in one"]),
    ],
)
def test_tokens_tell_what_is_wrong_with_them(token: str, facts: list[str]) -> None:
    assert told_by_token(token, 1_000.0) == facts


def test_a_server_elsewhere_that_is_not_there() -> None:
    with refusing_port() as port, pytest.raises(ServerGone) as caught:
        ExternalServer(url := f"http://127.0.0.1:{port}").start()
    assert text_of(caught.value) == (
        f"the server at {url} is not running: GET /v1/ping: [Errno 111] Connection refused"
    )


# Containers


@pytest.fixture
def docker_host(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A short path for a socket, which is where Docker is looked for."""
    path = tmp_path_factory.mktemp("d") / "s"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    return path


def test_an_image_for_another_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    server = DockerServer("of/arm")
    server.name = "inner-universe-1"
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(server, "_state", lambda: {"Running": False, "ExitCode": 255})
    monkeypatch.setattr(server, "log_tail", lambda _: ["exec /usr/local/bin/spacetime: exec format error"])
    assert text_of(server._start_failure("it ended")) == (
        "the SpacetimeDB server did not start: its container ended with code 255\n"
        "  started: image of/arm, container inner-universe-1\n"
        "  the image is for another processor than x86_64: name another with --universe-image\n"
        "  the last that it wrote:\n"
        "    exec /usr/local/bin/spacetime: exec format error"
    )


def test_an_image_where_there_is_no_docker(docker_host: Path, run: Run) -> None:
    with pytest.raises(DockerMissing) as caught:
        DockerServer("nobody/nothing", run=run).start()
    assert text_of(caught.value) == (
        "no server can be started in Docker: no engine answers\n"
        f"  no such socket: DOCKER_HOST=unix://{docker_host}\n"
        "  - start Docker, Podman's service, or name an engine elsewhere in DOCKER_HOST\n"
        "  - or run without it: --universe-backend=embedded needs nothing, process needs a server program\n"
        "  - --universe-missing=skip or embedded says what becomes of tests whose backend is missing"
    )
