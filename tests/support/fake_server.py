"""A server in memory that says what a test tells it to say, and refuses to break the protocol unless asked to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from pytest_inner_universe.client.errors import ConnectionRejected
from pytest_inner_universe.sats import (
    STRING,
    U32,
    UNIT,
    Array,
    ConnectionId,
    Identity,
    Timestamp,
    codec,
    product,
)
from pytest_inner_universe.sats.definition import ColumnDef, ModuleDef, ReducerDef, TableDef, ViewDef
from pytest_inner_universe.sats.types import Product
from pytest_inner_universe.wire import (
    CallReducer,
    ClientMessage,
    EventTableRows,
    InitialConnection,
    OneOffQuery,
    OneOffQueryResult,
    PersistentTableRows,
    QueryRows,
    QuerySetUpdate,
    ReducerOk,
    ReducerOutcome,
    ReducerResult,
    RowList,
    ServerMessage,
    SingleTableRows,
    Subscribe,
    SubscribeApplied,
    TableUpdate,
    TransactionUpdate,
    Unsubscribe,
    UnsubscribeApplied,
)
from pytest_inner_universe.wire.session import ServerSession

SOMEBODY = Identity(bytes(range(32)))
NOW = Timestamp(1_700_000_000_000_000)


def _table(name: str, columns: dict[str, Any], primary_key: int | None = None, is_event: bool = False) -> TableDef:
    made = tuple(ColumnDef(i, column, column, type_) for i, (column, type_) in enumerate(columns.items()))
    return TableDef(name, name.title(), made, primary_key, is_event=is_event)


ITEM = _table("item", {"id": U32, "name": STRING}, primary_key=0)
LINK = _table("link", {"left": U32, "right": U32})
NOTICE = _table("notice", {"text": STRING}, is_event=True)

MODULE = ModuleDef(
    10,
    {table.name: table for table in (ITEM, LINK, NOTICE)},
    {
        "init": ReducerDef(0, "init", "init", UNIT, lifecycle="init"),
        "put_item": ReducerDef(1, "put_item", "put_item", product(id=U32, name=STRING)),
        "remove_item": ReducerDef(2, "remove_item", "remove_item", product(id=U32)),
    },
    views={
        "all_items": ViewDef("all_items", "AllItems", 0, True, True, Product(()), Array(ITEM.row_type)),
    },
)
"""A module with a table with a primary key, one without, an event table, and a view."""


def item(id: int, name: str) -> bytes:
    """Return a row of the table ``item``."""
    return ITEM.row_codec.encode({"id": id, "name": name})


def link(left: int, right: int) -> bytes:
    """Return a row of the table ``link``."""
    return LINK.row_codec.encode({"left": left, "right": right})


def notice(text: str) -> bytes:
    """Return a row of the event table ``notice``."""
    return codec(NOTICE.row_type).encode({"text": text})


def rows(**tables: list[bytes]) -> QueryRows:
    """Return rows by table."""
    return QueryRows(tuple(SingleTableRows(name, RowList(data)) for name, data in tables.items()))


def change(
    query_set_id: int, table: str = "item", inserts: tuple[bytes, ...] = (), deletes: tuple[bytes, ...] = ()
) -> QuerySetUpdate:
    """Return what one query set hears of a transaction on an ordinary table."""
    return QuerySetUpdate(
        query_set_id, (TableUpdate(table, (PersistentTableRows(RowList(inserts), RowList(deletes)),)),)
    )


def happening(query_set_id: int, *events: bytes) -> QuerySetUpdate:
    """Return what one query set hears of a transaction on the event table."""
    return QuerySetUpdate(query_set_id, (TableUpdate("notice", (EventTableRows(RowList(events)),)),))


def update(*query_sets: QuerySetUpdate) -> TransactionUpdate:
    """Return a transaction."""
    return TransactionUpdate(query_sets)


class FakeEnd:
    """The server's end of one connection.

    Args:
        server: The server.
        deliver: Takes messages for the client.
        closed: Takes the end of the connection.
    """

    def __init__(
        self, server: FakeServer, deliver: Callable[[ServerMessage], None], closed: Callable[[int | None, str], None]
    ) -> None:
        self.server = server
        self.session = ServerSession()
        self.heard: list[ClientMessage] = []
        self.is_closed_by_client = False
        self.closed = closed
        self.deliver = deliver

    def say(self, *messages: ServerMessage) -> None:
        """Say something, which has to be in order."""
        for message in messages:
            self.session.send(message)
            self.deliver(message)

    def say_from_thread(self, *messages: ServerMessage) -> None:
        """Say something from a thread, and return when it is said."""
        thread = threading.Thread(target=self.say, args=messages)
        thread.start()
        thread.join()

    def handle(self, message: ClientMessage) -> None:
        self.session.receive(message)
        self.heard.append(message)
        self.say(*self.server.answers[type(message)](message))

    def close(self) -> None:
        self.is_closed_by_client = True


class FakeServer:
    """A server whose answers are functions from the request to messages, to be replaced by a test.

    Attributes:
        answers: By class of the request.
        rows: What a query finds, by its text; nothing unless set.
        outcomes: What the next calls lead to, in turn; success without changes when there is none left.
        refusal: The text with which clients are turned away.
        is_silent: Whether the first message is held back.
    """

    def __init__(self) -> None:
        self.ends: list[FakeEnd] = []
        self.who: list[Identity | str | None] = []
        self.rows: dict[str, QueryRows] = {}
        self.outcomes: list[ReducerOutcome] = []
        self.refusal: str | None = None
        self.is_silent = False
        self.answers: dict[type, Callable[[Any], list[ServerMessage]]] = {
            Subscribe: self.subscribed,
            Unsubscribe: lambda request: [UnsubscribeApplied(request.request_id, request.query_set_id)],
            OneOffQuery: self.queried,
            CallReducer: self.called,
        }

    def attach(
        self,
        identity_or_token: Identity | str | None,
        deliver: Callable[[ServerMessage], None],
        closed: Callable[[int | None, str], None],
    ) -> FakeEnd:
        self.who.append(identity_or_token)
        if self.refusal is not None:
            raise ConnectionRejected(self.refusal)
        end = FakeEnd(self, deliver, closed)
        self.ends.append(end)
        if not self.is_silent:
            end.say(InitialConnection(SOMEBODY, ConnectionId.from_int(len(self.ends)), "token"))
        return end

    @property
    def end(self) -> FakeEnd:
        """The end of the latest connection."""
        return self.ends[-1]

    def be_silent(self, request: type) -> None:
        """Leave a kind of request without answer."""
        self.answers[request] = lambda _: []

    def subscribed(self, request: Subscribe) -> list[ServerMessage]:
        found = [part for query in request.query_strings for part in self.rows.get(query, QueryRows()).tables]
        return [SubscribeApplied(request.request_id, request.query_set_id, QueryRows(tuple(found)))]

    def queried(self, request: OneOffQuery) -> list[ServerMessage]:
        return [OneOffQueryResult(request.request_id, self.rows.get(request.query_string, QueryRows()))]

    def called(self, request: CallReducer) -> list[ServerMessage]:
        outcome = self.outcomes.pop(0) if self.outcomes else ReducerOk(b"", TransactionUpdate())
        return [ReducerResult(request.request_id, NOW, outcome)]
