"""What is asked of a Docker engine, with one that is played by a thread; a real one is in `tests/servers`."""

from __future__ import annotations

import json
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from support.sockets import refusing_port

from pytest_inner_universe.server import docker_check
from pytest_inner_universe.server.docker_check import RUN_LABEL, Engine, find_engine, ping, remove_container
from pytest_inner_universe.server.errors import DockerMissing
from pytest_inner_universe.server.leftovers import ContainerRecord, Run, Swept, sweep

Answer = Callable[[str, str], tuple[int, object]]


@contextmanager
def engine(path: Path, answer: Answer) -> Iterator[list[tuple[str, str]]]:
    """Play an engine at a socket; gives the requests that came."""
    requests: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def address_string(self) -> str:
            return "a socket"

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            requests.append((self.command, self.path))
            status, body = answer(self.command, self.path)
            data = json.dumps(body).encode()
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if status != 204:
                self.wfile.write(data)

        do_GET = do_DELETE = _answer  # noqa: N815  # the library calls them so

    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield requests
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short path, which sockets need."""
    return tmp_path_factory.mktemp("d")


def test_the_engine_that_is_named_is_asked_and_no_other(place: Path) -> None:
    with engine(place / "s", lambda *_: (200, "OK")) as requests:
        address = f"unix://{place}/s"
        assert find_engine({"DOCKER_HOST": address}) == Engine(address, "DOCKER_HOST")
    assert requests == [("GET", "/_ping")]


@pytest.mark.parametrize(
    ("socket_path", "place_name"),
    [("docker.sock", "rootless Docker's socket"), ("podman/podman.sock", "Podman's socket")],
)
def test_the_users_own_sockets_are_found(
    socket_path: str, place_name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "podman").mkdir()
    usual = docker_check._sockets
    monkeypatch.setattr(
        docker_check, "_sockets", lambda variables: [found for found in usual(variables) if place in found[1].parents]
    )
    with engine(place / socket_path, lambda *_: (200, "OK")):
        found = find_engine({"XDG_RUNTIME_DIR": str(place), "HOME": str(place)})
    assert found == Engine(f"unix://{place}/{socket_path}", place_name)


def test_without_an_engine_what_was_tried_and_what_to_do_is_said(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "file").write_text("", "utf-8")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place / "deaf"))
    listener.listen()
    sockets = [("", place / name) for name in ("nothing", "nothing2", "file", "deaf")]
    monkeypatch.setattr(docker_check, "_sockets", lambda _: sockets)
    monkeypatch.setattr(docker_check, "_ANSWER_SECONDS", 0.05)
    with listener, pytest.raises(DockerMissing) as caught:
        find_engine({})
    assert str(caught.value) == (
        "no server can be started in Docker: no engine answers\n"
        "  not set: DOCKER_HOST\n"
        f"  no such socket: {place}/nothing, {place}/nothing2\n"
        f"  Connection refused: {place}/file\n"
        f"  no answer within 0.05 s: {place}/deaf\n"
        "  - start Docker, Podman's service, or name an engine elsewhere in DOCKER_HOST\n"
        "  - or run without it: --universe-backend=embedded needs nothing, process needs a server program\n"
        "  - --universe-missing=skip or embedded says what becomes of tests whose backend is missing"
    )
    assert len(str(caught.value).splitlines()) <= 10


def test_a_named_engine_that_does_not_answer_is_not_replaced(place: Path) -> None:
    with pytest.raises(DockerMissing) as caught:
        find_engine({"DOCKER_HOST": f"unix://{place}/nothing"})
    assert caught.value.tried == ((f"DOCKER_HOST=unix://{place}/nothing", "no such socket"),)


@pytest.mark.parametrize(
    ("address", "result"),
    [
        ("ssh://host", None),
        ("npipe:////./pipe/docker_engine", None),
        ("host:2375", "no address of an engine; they look like unix:///run/docker.sock or tcp://host:2375"),
        ("tcp://", "no address of an engine; they look like unix:///run/docker.sock or tcp://host:2375"),
    ],
)
def test_addresses_of_other_kinds(address: str, result: str | None) -> None:
    assert ping(address, {}) == result


def test_an_engine_over_tcp_is_asked() -> None:
    with refusing_port() as port:
        assert ping(f"tcp://127.0.0.1:{port}", {}) == "Connection refused"


def test_certificates_that_are_not_there_are_reported(place: Path) -> None:
    assert ping("tcp://127.0.0.1:2376", {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(place)}) == "no such socket"


def test_something_else_at_the_socket_is_no_engine(place: Path) -> None:
    with engine(place / "s", lambda *_: (500, "no")):
        assert ping(f"unix://{place}/s", {}) == "answered with status 500"


def test_nothing_of_the_libraries_is_loaded_to_find_out_that_there_is_no_engine(place: Path) -> None:
    code = (
        "import sys\n"
        "from pytest_inner_universe.server.docker import DockerServer\n"
        "from pytest_inner_universe.server.errors import DockerMissing\n"
        "try:\n"
        "    DockerServer().start()\n"
        "except DockerMissing as error:\n"
        "    print(len(str(error).splitlines()), *{'docker', 'testcontainers', 'aiohttp'} & set(sys.modules))\n"
    )
    environment = {"DOCKER_HOST": f"unix://{place}/nothing", "PATH": "/usr/bin"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "5\n"


def labels(run: str) -> dict[str, object]:
    return {"Config": {"Labels": {RUN_LABEL: run}}}


def test_a_dead_runs_container_is_removed(place: Path) -> None:
    run = Run(place / "runs")
    run.note(ContainerRecord("inner-universe-x", run.id, f"unix://{place}/s"))
    run.close()
    with engine(place / "s", lambda method, _: (204, "") if method == "DELETE" else (200, labels(run.id))) as requests:
        assert sweep(place / "runs") == Swept(runs=[run.id], containers=["inner-universe-x"])
    assert requests == [
        ("GET", "/containers/inner-universe-x/json"),
        ("DELETE", "/containers/inner-universe-x?force=1&v=1"),
    ]


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        (404, {}, False),
        (200, labels("another"), None),
        (200, {"Config": {"Labels": None}}, None),
        (200, [], None),
        (500, labels("mine"), None),
    ],
)
def test_only_a_container_with_the_runs_label_is_removed(
    status: int, body: object, result: bool | None, place: Path
) -> None:
    with engine(place / "s", lambda *_: (status, body)) as requests:
        assert remove_container(ContainerRecord("x", "mine", f"unix://{place}/s")) is result
    assert [method for method, _ in requests] == ["GET"]
