"""A fixed exchange of a client with a server, which keeps book of what was promised and what was heard.

Whatever happens to the connection, in the end the client has done all of it, and knows what the server knows.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from pytest_inner_universe.client import (
    ClientError,
    Connection,
    ConnectionRejected,
    NotConnected,
    OutcomeUnknown,
    Reconnect,
    ReducerFailed,
    ServerUnreachable,
    SubscriptionFailed,
    WebSocketTransport,
)
from pytest_inner_universe.client.cache import Row
from pytest_inner_universe.sats import ModuleDef

AT_ONCE = Reconnect(attempts=20, first_delay=0.0, sleep=lambda _: asyncio.sleep(0))
PATIENCE = 20.0
"""Seconds after which a test says that somebody hangs."""

EVERYBODY = "SELECT * FROM person"
CALLS = 10
_MOST_CONNECTIONS = 6


def people(connection: Connection) -> dict[str, int]:
    """Return the ages that a client knows, by name; every name occurs once."""
    rows = connection.tables["person"].rows()
    ages = {row["name"]: row["age"] for row in rows}
    assert len(ages) == len(rows)
    return ages


class Exchange:
    """Connect, subscribe, ten calls, see what others do, query, unsubscribe, close.

    Args:
        transport: The way to the server.
        definition: The module ``every_type``.
        other: A client whose connection is not harmed.
        name: Start of the names of the people that it adds.
    """

    def __init__(self, transport: WebSocketTransport, definition: ModuleDef, other: Connection, name: str) -> None:
        self._transport = transport
        self._definition = definition
        self._other = other
        self.name = name
        self._connection: Connection | None = None
        self.confirmed: set[str] = set()
        """Who was added, by the server's word."""

        self.unknown: set[str] = set()
        """Who was perhaps added."""

        self.refused: set[str] = set()
        """Who was not added, by the server's word: nothing but a doubled call leads to that."""

        self.errors: list[ClientError] = []
        """What was raised on the way."""

        self.inserted: Counter[str] = Counter()
        """What callbacks of the latest connection heard."""

    async def run(self) -> None:
        """Do all of it."""
        try:
            for number in range(CALLS - 2):
                await self._add(f"{self.name}-{number}")
            for age in (31, 32):
                await self._grow(age)
            await self._see()
            await self._ask()
            await self._leave()
        finally:
            await self._leave_early()

    # Steps

    async def _there(self) -> Connection:
        """Return a connection that is open and follows the table."""
        for _ in range(_MOST_CONNECTIONS):
            if self._connection is not None and self._connection.is_open:
                return self._connection
            try:
                await self._arrive()
            except (ConnectionRejected, ServerUnreachable, NotConnected) as error:
                self.errors.append(error)
            except SubscriptionFailed as error:  # release 1.2.0 may tell first that a doubled one is refused
                self.errors.append(error)
                await self._leave_early()
        raise AssertionError(f"one fault led to {self.errors}")

    async def _leave_early(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _arrive(self) -> None:
        await self._leave_early()
        self._connection = await Connection.open(self._transport, self._definition, reconnect=AT_ONCE)
        self.inserted.clear()
        await self._connection.subscribe(EVERYBODY, on_insert=self._note, replay=True)

    def _note(self, row: Row) -> None:
        self.inserted[row["name"]] += 1

    async def _add(self, name: str) -> None:
        while name not in self.confirmed | self.unknown | self.refused:
            connection = await self._there()
            try:
                await connection.call("add_person", name, 1, 30)
            except OutcomeUnknown as error:
                self.unknown.add(name)
                self.errors.append(error)
            except NotConnected as error:  # it was not sent
                self.errors.append(error)
            except ReducerFailed as error:
                self.refused.add(name)
                self.errors.append(error)
            else:
                self.confirmed.add(name)
                assert name in people(connection), "a call returns when its changes are in the cache"

    async def _grow(self, age: int) -> None:
        if not self.confirmed:
            return
        name, is_done = min(self.confirmed), False
        while not is_done:
            connection = await self._there()
            try:
                await connection.call("set_age", name, age, retry=True)
                is_done = True
            except NotConnected as error:
                self.errors.append(error)

    async def _see(self) -> None:
        """Wait until both clients know the same, someone included who came by the other's doing."""
        await self._other.call("add_person", f"{self.name}-other", 1, 30)
        while not await self._agree(await self._there()):
            pass

    async def _agree(self, mine: Connection) -> bool:
        news = asyncio.Event()
        cancels: list[Callable[[], object]] = []
        for connection in (mine, self._other):
            listeners = connection.tables["person"]
            cancels += [listeners.on_insert(lambda _: news.set()), listeners.on_update(lambda *_: news.set())]
        ended = asyncio.ensure_future(mine.wait_closed())
        ended.add_done_callback(lambda _: news.set())
        try:
            while mine.is_open and people(mine) != people(self._other):
                news.clear()
                await news.wait()
            return mine.is_open
        finally:
            for cancel in cancels:
                cancel()
            ended.cancel()
            with suppress(asyncio.CancelledError):
                await ended

    async def _ask(self) -> None:
        while True:
            connection = await self._there()
            try:
                found = await connection.query(EVERYBODY)
            except NotConnected as error:
                self.errors.append(error)
            else:
                assert {row["name"]: row["age"] for row in found} == people(self._other)
                return

    async def _leave(self) -> None:
        connection = await self._there()
        known = people(connection)
        assert known == people(self._other)
        assert self.inserted == Counter(known.keys()), "every row was heard of once"
        (subscription,) = connection.subscriptions
        try:
            await subscription.unsubscribe()
        except NotConnected as error:
            self.errors.append(error)
        else:
            assert subscription.rows("person") == []
