"""The same for code that is not asynchronous."""

from __future__ import annotations

import asyncio
import threading

import pytest
from support.fake_server import MODULE, SOMEBODY, FakeServer, change, item, rows, update
from support.fake_websocket import Peer, serving

from pytest_inner_universe.client import (
    ConnectionRejected,
    LoopThread,
    MemoryTransport,
    NotConnected,
    RequestTimeout,
    SyncConnection,
    SyncHttp,
    WaitTimeout,
)


def threads() -> int:
    return sum(thread.name == "inner-universe-client" for thread in threading.enumerate())


@pytest.fixture(autouse=True)
def no_thread_is_left() -> object:
    before = threads()
    yield
    assert threads() == before


class TestLoopThread:
    def test_it_runs_what_it_is_given(self) -> None:
        with LoopThread() as loop:
            assert loop.run(asyncio.sleep(0, "done")) == "done"
            assert loop.call(threading.current_thread) is not threading.current_thread()
        assert loop.is_closed
        loop.close()

    def test_what_goes_wrong_goes_wrong_here(self) -> None:
        async def fails() -> None:
            raise TimeoutError("mine")

        with LoopThread() as loop, pytest.raises(TimeoutError, match=r"^mine$"):
            loop.run(fails(), timeout=5)

    def test_what_takes_too_long_is_cancelled(self) -> None:
        cancelled = threading.Event()

        async def forever() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        with LoopThread() as loop:
            with pytest.raises(RequestTimeout) as caught:
                loop.run(forever(), timeout=0.01)
            assert cancelled.wait(5)
        assert str(caught.value).endswith(".forever did not come within 0.01 s")

    def test_closing_ends_what_runs(self) -> None:
        ended = threading.Event()

        async def start() -> None:
            started.append(asyncio.create_task(last()))
            await asyncio.sleep(0)

        async def last() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        started: list[asyncio.Task[None]] = []
        with LoopThread() as loop:
            loop.run(start())
        assert ended.is_set()

    def test_it_cannot_be_used_when_it_is_closed_or_by_itself(self) -> None:
        with LoopThread() as loop:

            def nested() -> str:
                with pytest.raises(RuntimeError) as caught:
                    loop.run(asyncio.sleep(0))
                return str(caught.value)

            assert loop.call(nested) == "the loop would wait for itself"
        with pytest.raises(RuntimeError, match=r"^the loop is closed$"):
            loop.run(asyncio.sleep(0))


class TestConnection:
    def test_all_of_it(self) -> None:
        server = FakeServer()
        server.rows["a"] = rows(item=[item(1, "one")])
        with SyncConnection(MemoryTransport(server), MODULE) as connection:
            assert (connection.identity, connection.token, connection.is_open) == (SOMEBODY, "token", True)
            assert int(connection.connection_id) == 1
            seen: list[object] = []
            subscription = connection.subscribe("a", on_insert=seen.append)
            assert subscription.rows("item") == connection.rows("item") == [{"id": 1, "name": "one"}]
            connection.call("remove_item", 7)
            assert connection.query("a") == [{"id": 1, "name": "one"}]
            server.end.say_from_thread(update(change(1, inserts=(item(2, "two"),))))
            assert connection.wait_for(lambda c: c.tables["item"].count == 2, timeout=5) is True
            assert connection.find("item", 2) == {"id": 2, "name": "two"}
            assert seen == [{"id": 2, "name": "two"}]
            with pytest.raises(WaitTimeout):
                connection.wait_for(lambda c: c.tables["item"].count == 3, timeout=0.01)
            assert repr(connection) == "<SyncConnection open, 1 subscriptions, 0 waiting>"
            subscription.unsubscribe()
            assert not subscription.is_active
        assert not connection.is_open
        connection.close()

    def test_one_that_is_refused(self) -> None:
        server = FakeServer()
        server.refusal = "no"
        with pytest.raises(ConnectionRejected):
            SyncConnection(MemoryTransport(server), MODULE)

    def test_several_share_a_loop(self) -> None:
        server = FakeServer()
        with LoopThread() as loop:
            first, second = (SyncConnection(MemoryTransport(server), MODULE, loop=loop) for _ in range(2))
            first.close()
            with pytest.raises(NotConnected):
                first.query("x")
            assert second.query("x") == []
            second.close()


def test_http() -> None:
    paths: list[str] = []

    async def conduct(peer: Peer) -> None:
        body = await peer.body()
        paths.append(f"{peer.method} {peer.path} {body.decode()}".strip())
        answers = {"names": b'{"names":["a"]}', "logs": b"", "call": b""}
        peer.answer("200 OK", answers.get(peer.path.split("/")[4] if peer.path.count("/") > 3 else "", b""))

    async def serve_until(stop: asyncio.Event, ready: asyncio.Future[str]) -> None:
        async with serving(conduct) as url:
            ready.set_result(url)
            await stop.wait()

    async def start() -> tuple[str, asyncio.Event, asyncio.Task[None]]:
        stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
        task = asyncio.create_task(serve_until(stop, ready))
        return await ready, stop, task

    async def finish(task: asyncio.Task[None], stop: asyncio.Event) -> None:
        stop.set()
        await task

    with LoopThread("a server") as servers:
        url, stop, task = servers.run(start())
        with SyncHttp(url, "t") as api:
            api.ping()
            assert api.names("db") == ["a"]
            assert api.logs("db", 3) == []
            assert list(api.follow_logs("db", 0)) == []
            assert api.call("db", "f", [1]) is None
            assert repr(api) == f"<SyncHttp {url}>"
        api.close()
        servers.run(finish(task, stop))
    assert paths == [
        "GET /v1/ping",
        "GET /v1/database/db/names",
        "GET /v1/database/db/logs?num_lines=3",
        "GET /v1/database/db/logs?follow=true&num_lines=0",
        "POST /v1/database/db/call/f [1]",
    ]
