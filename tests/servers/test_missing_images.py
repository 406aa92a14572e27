"""An image that cannot be had, as the Docker library tells it of an engine that is played at a socket."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from pytest_inner_universe.server.docker import DockerServer
from pytest_inner_universe.server.errors import ImageMissing
from pytest_inner_universe.server.leftovers import Run

Answer = Callable[[str, str], tuple[int, object]]


@contextmanager
def engine(path: Path, answer: Answer) -> Iterator[None]:
    """Play a Docker engine at a socket."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self) -> str:
            return "a socket"

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = answer(self.command, self.path)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815  # the library calls them so

    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def docker_host(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A short path for a socket, which is where Docker is looked for."""
    path = tmp_path_factory.mktemp("d") / "s"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
    return path


def without_the_image(method: str, path: str) -> tuple[int, object]:
    """Answer as an engine does that has no images and gets none."""
    if path.endswith("/_ping"):
        return 200, "OK"
    if path.endswith("/version"):
        return 200, {"ApiVersion": "1.43", "MinAPIVersion": "1.24", "Version": "24.0"}
    if path.endswith("/info"):
        return 200, {"Name": "played", "OperatingSystem": "none"}
    if "/images/create" in path:
        denied = "pull access denied for nobody/nothing, repository does not exist or may require 'docker login'"
        return 404, {"message": denied}
    return 404, {"message": "No such image: nobody/nothing:latest"}


def test_an_image_that_does_not_exist(docker_host: Path, run: Run) -> None:
    with engine(docker_host, without_the_image), pytest.raises(ImageMissing) as caught:
        DockerServer("nobody/nothing", run=run).start()
    assert str(caught.value) == (
        "the image 'nobody/nothing' is not here and cannot be pulled: pull access denied for nobody/nothing, repository does not "
        "exist or may require 'docker login'\n"
        "  check its name and tag, pull it by hand, or name another image with --universe-image"
    )
