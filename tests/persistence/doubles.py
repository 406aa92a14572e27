"""Stand-ins for a server: SQLite answers what is pushed down, and a connection records what is asked of it."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from pytest_inner_universe.persistence.errors import ValidationError
from pytest_inner_universe.persistence.schema import SCHEMA_VERSION, TABLES, TableSchema
from pytest_inner_universe.persistence.sql import rfc3339
from pytest_inner_universe.sats import Identity, Timestamp

Wire = dict[str, Any]


def answer(sql: str, rows: dict[str, list[Wire]]) -> list[Wire]:
    """Evaluate a statement of the subscription grammar with SQLite, which compares text and times as the server does.

    Columns that the server cannot compare are not there, so that a statement that names one fails here as well.
    """
    match = re.match(r'SELECT \* FROM "([a-z_]+)"', sql)
    assert match is not None, sql
    table = TABLES[match[1]]
    columns = [str(c.name) for c in table.row.elements if is_pushable(table, str(c.name))]
    database = sqlite3.connect(":memory:")
    try:
        database.execute(f'CREATE TABLE "{table.name}" (position, {", ".join(map(quoted, columns))})')
        marks = ", ".join("?" * (len(columns) + 1))
        stored = rows.get(table.name, [])
        for position, row in enumerate(stored):
            values = [plain(row[column]) for column in columns]
            database.execute(f'INSERT INTO "{table.name}" VALUES ({marks})', (position, *values))
        text = re.sub(r"0x([0-9a-f]{64})", r"'\1'", sql)
        return [dict(stored[position]) for (position, *_) in database.execute(text)]
    finally:
        database.close()


def is_pushable(table: TableSchema, column: str) -> bool:
    try:
        return table.field(column).pushable
    except ValidationError:
        return False


def quoted(name: str) -> str:
    return f'"{name}" TEXT COLLATE BINARY'


def plain(value: Any) -> str:
    if isinstance(value, Timestamp):
        return str(rfc3339(value))
    return value.hex() if isinstance(value, Identity) else str(value)


class FakeSubscription:
    def __init__(self, connection: FakeConnection, table: str, callbacks: dict[str, Any]) -> None:
        self.connection = connection
        self.table = table
        self.callbacks = callbacks
        self.is_active = True

    async def unsubscribe(self) -> None:
        self.is_active = False
        self.connection.subscriptions.remove(self)


class FakeConnection:
    """Has the methods of a connection that the client uses."""

    def __init__(self) -> None:
        self.is_open = True
        self.identity = Identity.from_int(1)
        self.calls: list[tuple[Any, ...]] = []
        self.statements: list[str] = []
        info = {"id": 0, "module_version": "0.1.0", "schema_version": SCHEMA_VERSION, "start_time": Timestamp(0)}
        self.tables: dict[str, list[Wire]] = {"system_info": [info]}
        self.subscriptions: list[FakeSubscription] = []
        self.failure: BaseException | None = None

    async def call(self, reducer: str, *args: Any) -> None:
        if self.failure is not None:
            raise self.failure
        self.calls.append((reducer, *args))

    async def query(self, sql: str) -> list[Wire]:
        if self.failure is not None:
            raise self.failure
        self.statements.append(sql)
        return answer(sql, self.tables)

    async def subscribe(self, *queries: str, replay: bool = False, **callbacks: Any) -> FakeSubscription:
        if self.failure is not None:
            raise self.failure
        (sql,) = queries
        table = sql.split('"')[1]
        subscription = FakeSubscription(self, table, callbacks)
        self.subscriptions.append(subscription)
        for row in answer(sql, self.tables) if replay else ():
            callbacks["on_insert"](row)
        return subscription

    async def close(self) -> None:
        self.is_open = False

    def change(self, table: str, kind: str, *rows: Wire) -> None:
        """Tell the subscribers of a table what changed: insert or delete (row), update (before, after)."""
        for subscription in list(self.subscriptions):
            if subscription.table == table:
                subscription.callbacks[f"on_{kind}"](*rows)
