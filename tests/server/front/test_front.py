"""The front as a whole: where it listens, how it ends, and schedules that run by themselves."""

from __future__ import annotations

import socket
import threading

import pytest
from server.front.peer import Peer, call
from support.http_requests import Requests

from pytest_inner_universe.engine.clock import ManualClock
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.embedded import EmbeddedServer
from pytest_inner_universe.server.errors import CannotListen
from pytest_inner_universe.server.front import Front
from pytest_inner_universe.server.registry import Registry
from pytest_inner_universe.wire import messages


def test_it_listens_until_it_is_stopped(registry: Registry) -> None:
    before = set(threading.enumerate())
    front = Front(registry)
    assert front.url is None
    with front:
        assert front.url is not None
        assert front.start() == front.url
        assert Requests(front.url)("GET", "/v1/ping").status == 200
    assert front.url is None
    front.stop()
    assert set(threading.enumerate()) <= before  # others may have ended meanwhile
    with front:
        assert front.url is not None


def test_an_address_that_is_in_use(registry: Registry) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        front = Front(registry, port=port)
        with pytest.raises(CannotListen) as caught:
            front.start()
        front.stop()
    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1:{port}: Address already in use\n  port 0 takes any free one"
    )


def test_two_fronts_may_serve_one_registry(registry: Registry) -> None:
    with Front(registry) as first, Front(registry) as second:
        assert first.url != second.url


@pytest.mark.asyncio
@pytest.mark.usefixtures("published")
async def test_schedules_of_published_databases_run_by_themselves(front: Front, module: Module) -> None:
    async with Peer(front.url) as peer:
        await peer.ask(messages.Subscribe(1, 5, ("SELECT * FROM seen",)))
        await peer.ask(call(module, 2, "schedule_once", 1000, "soon"))
        update = await peer.hear()
    assert isinstance(update, messages.TransactionUpdate)
    (changes,) = update.query_sets[0].tables[0].rows
    assert isinstance(changes, messages.PersistentTableRows)
    assert [bytes(row) for row in changes.inserts] == [b"\x09\0\0\0once soon"]


@pytest.mark.asyncio
async def test_schedules_of_added_databases_wait_for_their_clock(
    front: Front, registry: Registry, module: Module
) -> None:
    server = EmbeddedServer(module, clock=ManualClock)
    handle = server.handle()
    registry.add(handle.database)
    async with Peer(front.url, handle.name) as peer:
        await peer.ask(messages.Subscribe(1, 5, ("SELECT * FROM seen",)))
        await peer.ask(call(module, 2, "schedule_once", 1000, "soon"))
        assert await peer.ask(messages.Subscribe(3, 6, ("SELECT * FROM team WHERE id = 9",))) is not None
        assert handle.advance(1000) == 1
        assert isinstance(await peer.hear(), messages.TransactionUpdate)
    registry.remove(handle.database)
    server.close()


@pytest.mark.asyncio
async def test_a_long_reducer_keeps_no_other_database_waiting(front: Front, registry: Registry, module: Module) -> None:
    server = EmbeddedServer(module, clock=ManualClock)
    busy, idle = server.database("busy"), server.database("idle")
    for database in (busy, idle):
        registry.add(database)
    async with Peer(front.url, busy.name) as waiting, Peer(front.url, idle.name) as other:
        with busy.lock:
            await waiting.say(call(module, 1, "nothing"))
            assert isinstance(await other.ask(call(module, 2, "nothing")), messages.ReducerResult)
        answer = await waiting.hear()
        assert isinstance(answer, messages.ReducerResult)
        assert answer.request_id == 1
    for database in (busy, idle):
        registry.remove(database)
    server.close()
