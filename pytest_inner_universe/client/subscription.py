"""Subscriptions: queries that keep their rows in the cache up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from enum import Enum
from typing import TYPE_CHECKING

from .cache import ChangeListeners, Row
from .callbacks import Listeners
from .changes import Bag, Change, Delta, apply
from .errors import SubscriptionFailed

if TYPE_CHECKING:
    from ..wire.messages import QueryRows
    from .dialogue import Dialogue


class SubscriptionState(Enum):
    """How far a subscription is."""

    STARTING = "starting"
    ACTIVE = "active"
    ENDING = "ending"
    ENDED = "ended"


class FrozenRows:
    """The rows that a subscription covered at some moment, decoded one by one each time that somebody goes through them.

    Args:
        decode: Reads a row.
        packed: The rows.
    """

    __slots__ = ("_decode", "_packed")

    def __init__(self, decode: Callable[[bytes], Row], packed: list[bytes]) -> None:
        self._decode = decode
        self._packed = packed

    def __len__(self) -> int:
        return len(self._packed)

    def __iter__(self) -> Iterator[Row]:
        return map(self._decode, self._packed)

    def __repr__(self) -> str:
        return f"<FrozenRows, {len(self)} rows>"


class Subscription:
    """A set of queries and the rows that they cover; made by `Connection.subscribe`.

    It is also the record of what to ask for again, should the connection have to be made anew: the queries, and the
    callbacks.
    """

    def __init__(self, dialogue: Dialogue, query_set_id: int, queries: tuple[str, ...], replay: bool) -> None:
        self.queries = queries
        """The queries, as they were asked."""

        self.query_set_id = query_set_id
        """The number under which the server knows the set on this connection."""

        self.replay = replay
        """Whether the first rows are reported as insertions."""

        self.state = SubscriptionState.STARTING
        """How far it is."""

        self.error: SubscriptionFailed | None = None
        """Why the server gave it up, if it did."""

        self.is_mute = False
        """Whether nobody wants to hear of it any more, though the server has not been told or has not answered yet."""

        self.listeners = ChangeListeners()
        self.errors = Listeners()
        self._dialogue = dialogue
        self.bags: dict[str, Bag] = {}
        """The rows that it covers, by table."""

        self._ended = asyncio.Event()

    @property
    def is_active(self) -> bool:
        """Whether the server still sends changes."""
        return self.state is SubscriptionState.ACTIVE

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a table that this subscription covers, each once, in the order in which they came.

        After the end of the subscription there are none; after the end of the connection, the last ones.

        Args:
            table: Name of the table.

        Raises:
            UnknownTable: The module has no table of this name.
        """
        cache = self._dialogue.tables[table]
        return [cache.read(row) for row in self.bags.get(cache.name, ())]

    def frozen(self, table: str) -> FrozenRows:
        """Return the rows of a table that this subscription covers now, in their packed form.

        Later changes do not change what was returned, and nothing of it is kept decoded: for tables that are large.

        Args:
            table: Name of the table.

        Raises:
            UnknownTable: The module has no table of this name.
        """
        cache = self._dialogue.tables[table]
        return FrozenRows(cache.decode, list(self.bags.get(cache.name, ())))

    async def unsubscribe(self) -> None:
        """End the subscription; its rows leave the cache if no other subscription covers them.

        Does nothing if it has ended already, or the connection has.

        Raises:
            ConnectionLost: The connection went away before the server answered.
            RequestTimeout: The server did not answer in time.
            WrongLoop: The connection belongs to another event loop.
        """
        await self._dialogue.unsubscribe(self)

    def __repr__(self) -> str:
        rows = sum(len(bag) for bag in self.bags.values())
        return f"<Subscription {self.query_set_id} {self.state.value}, {len(self.queries)} queries, {rows} rows>"

    # What a connection does

    def fill(self, rows: QueryRows) -> list[Change]:
        """Take the first rows, and return them as changes if they are to be told.

        Raises:
            UnknownTable: The module does not declare the table of some of them; nothing was taken then.
        """
        bags = {self._dialogue.tables[name]: counts for name, counts in counts_of(rows).items()}
        self.state = SubscriptionState.ACTIVE
        for table, counts in bags.items():
            table.apply(counts)
            self.bags[table.name] = counts
        if not self.replay:
            return []
        return [Change(table, None, row) for table, counts in bags.items() for row in counts]

    def take(self, deltas: dict[str, Delta]) -> list[Change]:
        """Take this set's share of a transaction, after the tables themselves have taken it.

        Returns:
            The changes, if anybody listens.

        Raises:
            RemoteProtocolError: Rows are taken away that are not here.
        """
        changes: list[Change] = []
        for name, delta in deltas.items():
            table = self._dialogue.tables[name]
            deleted, inserted = apply(table.name, self.bags.setdefault(table.name, {}), delta.counts)
            if self.listeners:
                changes += table.paired(deleted, inserted) + table.events(delta.events)
        return changes

    def end(self) -> None:
        """Take the rows out of the cache."""
        self.state = SubscriptionState.ENDED
        bags, self.bags = self.bags, {}
        for name, bag in bags.items():
            self._dialogue.tables[name].apply({row: -count for row, count in bag.items()})
        self._ended.set()

    def leave(self) -> None:
        """Take note of the end of the connection: the rows stay as a last view, but nothing follows."""
        self.state = SubscriptionState.ENDED
        self._ended.set()

    async def ended(self) -> None:
        """Wait for the end."""
        await self._ended.wait()


def counts_of(rows: QueryRows) -> dict[str, Bag]:
    """Return how often each row occurs, by table."""
    bags: dict[str, Bag] = {}
    for table in rows.tables:
        bag = bags.get(table.table)
        if bag is None:
            bag = bags[table.table] = dict.fromkeys(table.rows.rows, 1)
            if len(bag) == len(table.rows):
                continue
            bag.clear()
        for row in table.rows.rows:
            bag[row] = bag.get(row, 0) + 1
    return bags
