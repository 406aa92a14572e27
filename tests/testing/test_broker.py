"""How workers come to the one server of a run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_inner_universe.testing.broker import Broker, Place, ask
from pytest_inner_universe.testing.errors import BackendFailed


class Server:
    """A server that counts what happens to it."""

    url = "http://127.0.0.1:1"
    run_id = "run"
    token = "token"
    log_file: Path | None = None

    def __init__(self) -> None:
        self.stopped = 0

    def credentials(self, actor: str | None) -> Server:
        assert actor is None
        return self

    def stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def broker_of() -> Iterator[Callable[..., Broker]]:
    brokers: list[Broker] = []

    def make(start: Callable[[], object]) -> Broker:
        brokers.append(Broker(start))  # type: ignore[arg-type]
        return brokers[-1]

    yield make
    for broker in brokers:
        broker.stop()


def test_all_workers_get_the_same_server_started_once(broker_of: Callable[..., Broker]) -> None:
    started: list[Server] = []

    def start() -> Server:
        started.append(Server())
        return started[-1]

    broker = broker_of(start)
    places: list[Place] = []
    workers = [threading.Thread(target=lambda: places.append(ask(broker.address))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(10)
    assert places == [Place("http://127.0.0.1:1", "token", "run")] * 4
    assert len(started) == 1
    broker.stop()
    assert started[0].stopped == 1


def test_workers_learn_where_the_server_writes(broker_of: Callable[..., Broker]) -> None:
    server = Server()
    server.log_file = Path("/somewhere/server.log")
    assert ask(broker_of(lambda: server).address) == Place(
        "http://127.0.0.1:1", "token", "run", "/somewhere/server.log"
    )


def test_nobody_asks_nothing_starts(broker_of: Callable[..., Broker]) -> None:
    started: list[int] = []
    broker_of(lambda: started.append(1)).stop()
    assert started == []


def test_a_server_that_does_not_start_fails_every_worker_alike(broker_of: Callable[..., Broker]) -> None:
    attempts: list[int] = []

    def start() -> Server:
        attempts.append(1)
        raise RuntimeError("no binary here")

    broker = broker_of(start)
    for _ in range(2):
        with pytest.raises(BackendFailed, match=r"^no binary here$"):
            ask(broker.address)
    assert len(attempts) == 1


def test_a_stranger_without_the_key_does_not_end_the_service(broker_of: Callable[..., Broker]) -> None:
    broker = broker_of(Server)
    host, port, _ = broker.address
    with pytest.raises(Exception, match="digest"):
        ask((host, port, "00" * 16))
    assert ask(broker.address).run_id == "run"
