"""Rows for a client of the first protocol, by table rather than by query set."""

from __future__ import annotations

from collections.abc import Iterable

from . import messages as common
from . import v1
from .rows import EMPTY, RowList
from .schema import Schema
from .v1_codecs import V1Codec


class Updates:
    """The query sets of one connection that are live, and the rows in messages about them.

    Args:
        codec: The encoding.
        schema: The module, for the numbers of tables.
    """

    def __init__(self, codec: V1Codec, schema: Schema | None) -> None:
        self._codec = codec
        self._schema = schema
        self._live: set[int] = set()

    def start(self, query_set_id: int, rows: common.QueryRows) -> tuple[v1.TableUpdate, ...]:
        """Let a set start, and return its rows as insertions."""
        self._live.add(query_set_id)
        return tuple(self.table(entry.table, [self.page(entry.table, EMPTY, entry.rows)]) for entry in rows.tables)

    def end(self, query_set_id: int, rows: common.QueryRows | None) -> tuple[v1.TableUpdate, ...]:
        """Let a set end, and return its rows as deletions."""
        if query_set_id not in self._live or rows is None:
            rows = common.QueryRows()
        self._live.discard(query_set_id)
        return tuple(self.table(entry.table, [self.page(entry.table, entry.rows, EMPTY)]) for entry in rows.tables)

    def end_all(self) -> None:
        """Let all sets end."""
        self._live.clear()

    def changed(self, update: common.TransactionUpdate) -> v1.DatabaseUpdate:
        """Return what a transaction changed; rows of event tables have no place in it."""
        tables: dict[str, list[v1.QueryUpdate]] = {}
        for part in update.query_sets:
            if part.query_set_id not in self._live:
                continue
            for table in part.tables:
                for rows in table.rows:
                    if isinstance(rows, common.PersistentTableRows):
                        tables.setdefault(table.table_name, []).append(self._delta(table.table_name, rows))
        return v1.DatabaseUpdate(tuple(self.table(name, updates) for name, updates in tables.items()))

    def one_off(self, rows: common.QueryRows) -> tuple[v1.OneOffTable, ...]:
        """Return the rows of a query that was asked once."""
        return tuple(
            v1.OneOffTable(entry.table, self._codec.page_rows(entry.table, entry.rows.rows)) for entry in rows.tables
        )

    def table(self, name: str, updates: Iterable[v1.QueryUpdate]) -> v1.TableUpdate:
        """Return the part of a message about one table."""
        updates = tuple(updates)
        count = sum(len(update.deletes) + len(update.inserts) for update in updates)
        return v1.TableUpdate(self.table_id(name), name, count, updates)

    def table_id(self, name: str) -> int:
        """Return the number of a table."""
        return 0 if self._schema is None else self._schema.table_id(name)

    def page(self, table: str, deletes: RowList, inserts: RowList) -> v1.QueryUpdate:
        """Return rows of a state."""
        write = self._codec.page_rows
        return v1.QueryUpdate(write(table, deletes.rows), write(table, inserts.rows))

    def _delta(self, table: str, rows: common.PersistentTableRows) -> v1.QueryUpdate:
        write = self._codec.delta_rows
        return v1.QueryUpdate(write(table, rows.deletes.rows), write(table, rows.inserts.rows))
