"""Real servers in containers."""

from __future__ import annotations

import http.client
import json
import os
import uuid
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.docker import DockerServer
from pytest_inner_universe.server.docker_check import RUN_LABEL, connect, find_engine
from pytest_inner_universe.server.errors import ImageMissing, ServerGone, StartFailed
from pytest_inner_universe.server.leftovers import Run, sweep
from pytest_inner_universe.server.readiness import ping
from pytest_inner_universe.testing.universe import Universe


def ask(method: str, path: str) -> tuple[int, dict[str, object]]:
    """Ask the engine itself."""
    connection = connect(find_engine().address, timeout=20)
    assert connection is not None
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else {}
    finally:
        connection.close()


@pytest.fixture
def volume() -> Iterator[str]:
    name = f"inner-universe-test-{uuid.uuid4().hex}"
    yield name
    assert ask("DELETE", f"/volumes/{name}")[0] == http.client.NO_CONTENT


def test_a_container_carries_the_run_and_is_gone_afterwards(image: str, run: Run) -> None:
    with DockerServer(image, run=run) as server:
        assert ping(server.url) is None
        status, found = ask("GET", f"/containers/{server.name}/json")
        assert status == http.client.OK
        assert found["Config"]["Labels"][RUN_LABEL] == run.id  # type: ignore[index]
        bindings = found["NetworkSettings"]["Ports"]["3000/tcp"]  # type: ignore[index]
        assert bindings == [{"HostIp": "127.0.0.1", "HostPort": str(urlsplit(server.url).port)}]
    assert ask("GET", f"/containers/{server.name}/json")[0] == http.client.NOT_FOUND
    assert server.log_tail(1) != []
    with pytest.raises(ServerGone):
        _ = server.url
    server.stop()


def test_a_volume_keeps_what_a_server_wrote(image: str, run: Run, module: Module, volume: str) -> None:
    server = DockerServer(image, run=run, in_memory=False, volume=volume)
    with server:
        universe = Universe(server.database("game", module))
        universe.call("add_person", "Ada", 1, 36)
    with server:
        assert [row["name"] for row in universe.rows("person")] == ["Ada"]


def test_a_container_that_somebody_removed_is_no_error_at_the_end(image: str, run: Run) -> None:
    with DockerServer(image, run=run) as server:
        assert ask("DELETE", f"/containers/{server.name}?force=1")[0] == http.client.NO_CONTENT
    assert list((run.folder / "records").iterdir()) == []


def test_an_image_that_is_not_there_is_named(run: Run) -> None:
    with pytest.raises(ImageMissing) as caught:
        DockerServer("inner-universe.invalid/nothing:1", run=run).start()
    assert caught.value.image == "inner-universe.invalid/nothing:1"
    assert len(str(caught.value).splitlines()) == 2
    assert list((run.folder / "records").iterdir()) == []


def test_a_server_that_dies_is_reported_with_its_last_words(
    image: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = DockerServer(image, run=run)
    monkeypatch.setattr("pytest_inner_universe.server.commands.start_arguments", lambda *_: ["start", "--nonsense"])
    with pytest.raises(StartFailed) as caught:
        server.start()
    assert caught.value.reason == "its container ended with code 2"
    assert "error: unexpected argument '--nonsense' found" in caught.value.log
    assert ask("GET", f"/containers/{server.name}/json")[0] == http.client.NOT_FOUND


def test_a_dead_runs_container_is_swept_by_the_next(image: str, run: Run) -> None:
    dead = Run(run.folder.parent)
    server = DockerServer(image, run=dead).start()
    server.close_clients()
    dead.close()
    swept = sweep(run.folder.parent)
    assert (swept.runs, swept.containers) == ([dead.id], [server.name])
    assert ask("GET", f"/containers/{quote(server.name)}/json")[0] == http.client.NOT_FOUND
    server.stop()


def test_the_environment_is_left_as_it_was(image: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
    before = dict(os.environ)
    with DockerServer(image, run=run):
        assert dict(os.environ) == before
