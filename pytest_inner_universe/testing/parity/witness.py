"""What a test sees of a universe: its calls, its statements, what its clients are told, and the rows that it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ...client.cache import Tables
from ...client.changes import Bag, Delta, apply, deltas_of
from ...client.subscription import counts_of
from ...server.embedded_handle import EmbeddedHandle
from ...wire.messages import (
    InitialConnection,
    OneOffQuery,
    OneOffQueryResult,
    QueryRows,
    QuerySetUpdate,
    ReducerOk,
    ReducerResult,
    SubscribeApplied,
    SubscriptionError,
    TransactionUpdate,
    UnsubscribeApplied,
)
from .values import AnyOrder

if TYPE_CHECKING:
    from ...engine.sql import SqlError
    from ...sats import ConnectionId
    from ...wire.messages import ClientMessage, ServerMessage
    from ..actor import Rows
    from ..calling import Call
    from ..universe import Universe

    Read = Callable[[str], list[dict[str, Any]]]
    IsThere = Callable[[ConnectionId], bool]

BARRIER: Final = 2**32 - 1
"""Number of the request whose answer shows that everything before it has arrived."""
SETTLED_WITHIN: Final = 2.0
"""The most seconds that closing a client waits for what is on its way."""
AGREED_WITHIN: Final = 2.0
"""The most seconds that a server's rows may take to become those of the other side; a server notices later that a client has gone."""
LOOK_AGAIN: Final = 0.02
QUIET: Final = 0.1
"""Seconds without a change after which rows are taken for the last ones."""


class Witness:
    """What a test sees of one universe.

    Args:
        universe: The universe.
        other: Who saw the same universe on the other side, which ran before; None on the side that runs first.
        read: Returns the rows of a table, and changes none by that.
        is_there: Returns whether a connection still counts as that of a client; None where one that has left never does.
    """

    def __init__(self, universe: Universe, other: Witness | None, read: Read, is_there: IsThere | None = None) -> None:
        self.universe = universe
        self.other = other
        self.is_there = is_there
        self._read = read
        self.calls = universe.calls
        self.calls.clear()
        self.statements: list[tuple[str, str, Any]] = []
        self.clients: list[ClientWitness] = []
        self.tables: dict[str, AnyOrder] | None = None
        """The rows at the end of the test; None where they could not be looked at."""
        self.is_reset = False
        """Whether the test went back to the state right after publishing, which is older on one side than on the other."""
        self.unreadable = ""
        """Why not, where something went wrong."""
        self.known: dict[str, str] = {}
        """What has to differ from side to side and has a name: texts, and what they stand for."""

    # While the test runs

    def answered(self, actor: str | None, text: str, rows: Rows) -> None:
        """Take note of a statement and its rows."""
        changed = {name: n for name in ("inserted", "deleted", "updated") if (n := getattr(rows, name))}
        self.statements.append((actor or "owner", text, changed or AnyOrder(rows)))

    def refused(self, actor: str | None, text: str, error: SqlError) -> None:
        """Take note of a statement that was refused."""
        self.statements.append((actor or "owner", text, f"refused: {error.reason}"))

    def client(self, who: str | None) -> ClientWitness:
        """Return who listens to what a new connection is told."""
        place = len(self.clients)
        others = self.other.clients if self.other is not None else []
        made = ClientWitness(self, who or f"client {place + 1}", others[place] if place < len(others) else None)
        self.clients.append(made)
        return made

    # At its end

    def learn_names(self) -> None:
        """Take note of what everybody is called."""
        universe = self.universe
        self.known = {universe.identity.hex(): "<owner>", universe.database_identity.hex(): "<database>"}
        self.known |= {actor.identity.hex(): f"<{actor.name}>" for actor in universe.actors}
        self.known[universe.name] = "<name of the database>"

    def look(self, agree: Callable[[Witness, Witness], bool]) -> None:
        """Take note of the rows; if need be again until they agree with the other side's, or the time is over.

        Args:
            agree: Tells whether two witnesses have seen the same rows.
        """
        self._read_tables()
        deadline = time.monotonic() + AGREED_WITHIN
        other = self.other
        if other is None:
            self._look_until_quiet(deadline)
        if other is None or other.tables is None:
            return
        while self.tables is not None and not agree(other, self) and time.monotonic() < deadline:
            time.sleep(LOOK_AGAIN)
            self._read_tables()

    def _look_until_quiet(self, deadline: float) -> None:
        """Read rows again as long as they change: clients that came over a socket of the engine may still be leaving."""
        handle = self.universe.handle
        before = None
        if isinstance(handle, EmbeddedHandle) and handle.server.is_listening:
            while self.tables is not None and self.tables != before and time.monotonic() < deadline:
                before = self.tables
                time.sleep(QUIET)
                self._read_tables()

    def _read_tables(self) -> None:
        universe = self.universe
        if universe.closed:
            return
        try:
            self.tables = {name: AnyOrder(self._read(name)) for name in universe.schema.tables}
        except Exception as error:  # noqa: BLE001  # the server may be what has failed
            self.tables, self.unreadable = None, str(error).splitlines()[0]

    def named_calls(self) -> list[tuple[Call, str]]:
        """Return the calls and who made each; clients that are nobody's actor have numbers."""
        numbers = {f"client {client.identity[:12]}": client.name for client in self.clients if client.identity}
        return [(call, numbers.get(call.caller, call.caller)) for call in self.calls]


class ClientWitness:
    """What one connection of a client is told.

    Args:
        universe: What else is seen of its universe.
        name: Who the client is.
        other: The same connection on the side that ran before.
    """

    def __init__(self, universe: Witness, name: str, other: ClientWitness | None) -> None:
        self.name = name
        self.events: list[tuple[str, Any]] = []
        """What it was told, in order: a word for what it is, and the rows or text."""
        self.is_settled = False
        """Whether everything arrived that was on its way when the client closed."""
        self.identity = ""
        self._connection_id: ConnectionId | None = None
        self._universe = universe
        self._other = other
        self._tables = Tables(universe.universe.schema)
        self._sets: dict[int, dict[str, Bag]] = {}
        self._all: dict[str, Bag] = {}
        self._arrived: asyncio.Event | None = None
        self._enough: asyncio.Event

    def hear(self, message: ServerMessage) -> bool:
        """Take a message; return whether it was for nobody else."""
        if isinstance(message, OneOffQueryResult) and message.request_id == BARRIER:
            if self._arrived is not None:
                self._arrived.set()
            return True
        try:
            self._take(message)
        except Exception as error:  # noqa: BLE001  # the client itself will say what is wrong with the message
            self.events.append(("broken", f"{type(error).__name__}: {error}"))
        if self._arrived is not None and self._has_enough():
            self._enough.set()
        return False

    def _has_enough(self) -> bool:
        return self._other is None or len(self.events) >= len(self._other.events)

    def _take(self, message: ServerMessage) -> None:
        if isinstance(message, InitialConnection):
            self.identity, self._connection_id = message.identity.hex(), message.connection_id
        elif isinstance(message, SubscribeApplied):
            self._subscribed(message.query_set_id, message.rows)
        elif isinstance(message, UnsubscribeApplied):
            self._forget(message.query_set_id)
            self.events.append(("unsubscribed", ""))
        elif isinstance(message, SubscriptionError):
            self._forget(message.query_set_id)
            self.events.append(("subscription refused", message.error))
        elif isinstance(message, TransactionUpdate):
            self._changed(message.query_sets)
        elif isinstance(message, ReducerResult):
            if isinstance(message.result, ReducerOk):
                self._changed(message.result.transaction_update.query_sets)
        elif isinstance(message, OneOffQueryResult):
            answer = message.result
            self.events.append(("answer", answer if isinstance(answer, str) else self._rows_of(answer)))

    def _rows_of(self, rows: QueryRows) -> dict[str, AnyOrder]:
        found = {name: self._read(name, bag) for name, bag in counts_of(rows).items() if bag}
        return dict(sorted(found.items()))

    def _read(self, table: str, rows: Mapping[bytes, Any] | list[bytes]) -> AnyOrder:
        return AnyOrder(self._tables[table].decode(row) for row in rows)

    def _subscribed(self, number: int, rows: QueryRows) -> None:
        self._sets[number] = bags = counts_of(rows)
        for table, counts in bags.items():
            apply(table, self._all.setdefault(table, {}), dict(counts))
        self.events.append(("subscribed", self._rows_of(rows)))

    def _forget(self, number: int) -> None:
        for table, bag in self._sets.pop(number, {}).items():
            apply(table, self._all[table], {row: -count for row, count in bag.items()})

    def _changed(self, query_sets: tuple[QuerySetUpdate, ...]) -> None:
        sums: dict[str, Delta] = {}
        for part in query_sets:
            bags = self._sets.setdefault(part.query_set_id, {})
            for table, delta in deltas_of(part).items():
                apply(table, bags.setdefault(table, {}), delta.counts)
                sums.setdefault(table, Delta()).add(delta)
        told: dict[str, AnyOrder] = {}
        for table, delta in sorted(sums.items()):
            gone, come = apply(table, self._all.setdefault(table, {}), delta.counts)
            for what, rows in (("deleted", gone), ("inserted", [*come, *delta.events])):
                if rows:
                    told[f"{what} {table}"] = self._read(table, rows)
        if told:
            self.events.append(("changes", told))

    # Its end

    async def settle(self, send: Callable[[ClientMessage], None]) -> None:
        """Wait until everything has arrived that is on its way to the client.

        The answer to a request comes after what was said before. Newer servers send changes from a queue of their own, so that as many
        are waited for as there were on the other side.

        Args:
            send: Sends a message to the server.
        """
        if self._arrived is not None:
            return
        self._arrived, self._enough = asyncio.Event(), asyncio.Event()
        with contextlib.suppress(Exception):  # the connection has ended already, or the server has
            send(OneOffQuery(BARRIER, "SELECT"))
            await asyncio.wait_for(self._arrived.wait(), SETTLED_WITHIN)
            self.is_settled = True
            if not self._has_enough():
                await asyncio.wait_for(self._enough.wait(), SETTLED_WITHIN)

    async def leave(self) -> None:
        """Wait until the server has run its hook for the client, which has gone."""
        is_there = self._universe.is_there
        if is_there is None or self._connection_id is None or self._universe.universe.closed:
            return
        with contextlib.suppress(Exception):  # the server may be gone as well
            await asyncio.to_thread(_wait_while, partial(is_there, self._connection_id))


def _wait_while(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SETTLED_WITHIN
    while holds() and time.monotonic() < deadline:
        time.sleep(LOOK_AGAIN)
