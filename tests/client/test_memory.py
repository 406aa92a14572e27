"""The transport inside one process: order, threads, ends."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import anyio
import pytest
from support.fake_server import MODULE, FakeServer, change, item, rows, update

from pytest_inner_universe.client import Connection, MemoryTransport
from pytest_inner_universe.wire import CallReducer, OneOffQuery, TransactionUpdate


class Listener:
    """A receiver that notes what it gets, and where."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.ends: list[tuple[int | None, str]] = []
        self.threads: set[int] = set()

    def messages(self, messages: list[Any]) -> None:
        self.batches.append(messages)
        self.threads.add(threading.get_ident())

    def closed(self, code: int | None, reason: str) -> None:
        self.ends.append((code, reason))
        self.threads.add(threading.get_ident())

    @property
    def ids(self) -> list[int]:
        """The query set ids of the updates that came."""
        found = [message for batch in self.batches for message in batch if isinstance(message, TransactionUpdate)]
        return [message.query_sets[0].query_set_id for message in found]


def numbered(number: int) -> TransactionUpdate:
    return update(change(number))


@pytest.mark.asyncio
class TestDelivery:
    async def test_messages_come_on_the_next_turn_and_in_order(self, server: FakeServer) -> None:
        listener = Listener()
        await MemoryTransport(server).open(listener)
        for number in range(3):
            server.end.deliver(numbered(number))
        assert listener.batches == []
        await asyncio.sleep(0)
        assert listener.ids == [0, 1, 2]
        assert len(listener.batches) == 1

    async def test_what_is_said_from_threads_arrives_on_the_loops_thread(self, server: FakeServer) -> None:
        listener = Listener()
        await MemoryTransport(server).open(listener)
        end = server.end

        def speak(first: int) -> None:
            for number in range(first, first + 200):
                end.deliver(numbered(number))

        threads = [threading.Thread(target=speak, args=(first,)) for first in (0, 1000, 2000)]
        for thread in threads:
            thread.start()
        speak(3000)
        for thread in threads:
            await asyncio.to_thread(thread.join)
        await asyncio.sleep(0)
        assert listener.threads == {threading.get_ident()}
        assert len(listener.ids) == 800
        for first in (0, 1000, 2000, 3000):
            mine = [number for number in listener.ids if first <= number < first + 200]
            assert mine == list(range(first, first + 200))

    async def test_what_a_receiver_causes_waits_for_the_next_turn(self, server: FakeServer) -> None:
        class Echo(Listener):
            def messages(self, messages: list[Any]) -> None:
                super().messages(messages)
                server.end.deliver(numbered(len(self.batches)))

        listener = Echo()
        await MemoryTransport(server).open(listener)
        for turn in range(1, 5):
            await asyncio.sleep(0)
            assert len(listener.batches) == turn

    async def test_the_end_comes_after_what_was_said_before(self, server: FakeServer) -> None:
        listener = Listener()
        link = await MemoryTransport(server).open(listener)
        server.end.deliver(numbered(1))
        server.end.closed(1001, "module exited")
        server.end.deliver(numbered(2))
        await asyncio.sleep(0)
        assert listener.ids == [1]
        assert listener.ends == [(1001, "module exited")]
        link.send(OneOffQuery(1, "a"))
        await link.close()
        assert server.end.heard == []
        assert not server.end.is_closed_by_client

    async def test_after_closing_nothing_comes(self, server: FakeServer) -> None:
        listener = Listener()
        link = await MemoryTransport(server).open(listener)
        server.end.deliver(numbered(1))
        await link.close()
        server.end.deliver(numbered(2))
        server.end.closed(1001, "late")
        await asyncio.sleep(0)
        assert (listener.batches, listener.ends) == ([], [])
        assert server.end.is_closed_by_client

    async def test_a_receiver_that_closes_gets_nothing_more(self, server: FakeServer) -> None:
        class Closing(Listener):
            def messages(self, messages: list[Any]) -> None:
                super().messages(messages)
                closing.append(asyncio.ensure_future(link.close()))
                closing[0].get_loop().call_soon(server.end.deliver, numbered(2))

        closing: list[asyncio.Future[None]] = []
        listener = Closing()
        link = await MemoryTransport(server).open(listener)
        await asyncio.sleep(0)
        await closing[0]
        await asyncio.sleep(0)
        assert len(listener.batches) == 1

    async def test_the_transport_can_be_told_apart(self, server: FakeServer) -> None:
        assert repr(MemoryTransport(server)) == f"<MemoryTransport to {server!r}>"


def test_a_client_left_behind_with_its_loop_does_not_harm_the_server(server: FakeServer) -> None:
    async def leave() -> Connection:
        connection = await Connection.open(MemoryTransport(server), MODULE)
        await connection.subscribe("a")
        return connection

    connection = asyncio.run(leave())
    server.end.say(update(change(1, inserts=(item(1, "one"),))))
    server.end.say_from_thread(update(change(1, inserts=(item(2, "two"),))))
    assert connection.tables["item"].count == 0


@pytest.mark.asyncio
async def test_a_server_may_speak_from_a_thread_while_a_client_waits(
    server: FakeServer, connection: Connection
) -> None:
    await connection.subscribe("a")
    waiting = asyncio.create_task(connection.wait_for(lambda: connection.tables["item"].count == 2))
    await asyncio.to_thread(server.end.say, update(change(1, inserts=(item(1, "one"),))))
    server.end.say(update(change(1, inserts=(item(2, "two"),))))
    assert await waiting


@pytest.mark.asyncio
async def test_clients_are_independent(server: FakeServer) -> None:
    server.rows["a"] = rows(item=[item(1, "one")])
    async with (
        await Connection.open(MemoryTransport(server), MODULE) as first,
        await Connection.open(MemoryTransport(server), MODULE) as second,
    ):
        await first.subscribe("a")
        await second.call("remove_item", 1)
        assert first.connection_id != second.connection_id
        assert (first.tables["item"].count, second.tables["item"].count) == (1, 0)
        assert CallReducer not in map(type, server.ends[0].heard)


def test_it_works_under_anyio(server: FakeServer) -> None:
    """Scopes and task groups of anyio, which run on asyncio here, cancel and wait as they should."""
    outcomes: list[object] = []

    async def main() -> None:
        async with await Connection.open(MemoryTransport(server), MODULE) as connection:
            await connection.subscribe("a")
            async with anyio.create_task_group() as group:
                group.start_soon(connection.wait_for, lambda: connection.tables["item"].count == 1)
                server.end.say(update(change(1, inserts=(item(1, "one"),))))
            server.be_silent(CallReducer)
            with anyio.move_on_after(0.01) as scope:
                await connection.call("remove_item", 1)
            outcomes.extend([scope.cancelled_caught, repr(connection)])

    anyio.run(main, backend="asyncio")
    assert outcomes == [True, "<Connection open, 1 subscriptions, 0 waiting>"]
