"""Rows for a client of the first protocol: what its query sets cover, without what it has been sent under another id."""

from __future__ import annotations

from collections.abc import Iterable

from . import messages as common
from . import v1
from .rows import EMPTY, RowList
from .schema import Schema
from .v1_codecs import V1Codec
from .v1_queries import by_table


class Updates:
    """The query sets of one connection, and the rows in messages about them.

    Of several sets with the very same queries of a table, only the oldest speaks of it; when that ends, the next one takes
    over. Sets whose queries of a table only overlap all speak.

    Args:
        codec: The encoding.
        schema: The module, for the numbers of tables.
    """

    def __init__(self, codec: V1Codec, schema: Schema | None) -> None:
        self._codec = codec
        self._schema = schema
        # The queries of each set, by table; under None where the tables are not known, and then all of them.
        self._queries: dict[int, dict[str | None, frozenset[str]]] = {}
        self._sets: dict[frozenset[str], list[int]] = {}

    def start(self, query_set_id: int, queries: Iterable[str], rows: common.QueryRows) -> tuple[v1.TableUpdate, ...]:
        """Let a set start, and return its rows as insertions."""
        groups: dict[str | None, frozenset[str]] = by_table(
            queries, str if self._schema is None else self._schema.name_of
        )
        if None in groups:
            groups = {None: frozenset[str]().union(*groups.values())}
        self._queries[query_set_id] = groups
        for texts in groups.values():
            self._sets.setdefault(texts, []).append(query_set_id)
        spoken = [entry for entry in rows.tables if self._speaks(query_set_id, entry.table)]
        return tuple(self.table(entry.table, [self.page(entry.table, EMPTY, entry.rows)]) for entry in spoken)

    def end(self, query_set_id: int, rows: common.QueryRows | None) -> tuple[v1.TableUpdate, ...]:
        """Let a set end, and return the rows that nothing else covers as deletions."""
        spoken = [
            entry
            for entry in (rows.tables if rows is not None else ())
            if self._speaks(query_set_id, entry.table) and len(self._speakers(query_set_id, entry.table)) <= 1
        ]
        for texts in self._queries.pop(query_set_id, {}).values():
            self._sets[texts].remove(query_set_id)
            if not self._sets[texts]:
                del self._sets[texts]
        return tuple(self.table(entry.table, [self.page(entry.table, entry.rows, EMPTY)]) for entry in spoken)

    def dropped(self, query_set_id: int) -> set[str]:
        """Return the queries that nothing covers any more when a set ends."""
        texts = {number: frozenset[str]().union(*groups.values()) for number, groups in self._queries.items()}
        return set(texts.pop(query_set_id, ())).difference(*texts.values())

    def end_all(self) -> None:
        """Let all sets end."""
        self._queries.clear()
        self._sets.clear()

    def changed(self, update: common.TransactionUpdate) -> v1.DatabaseUpdate:
        """Return what a transaction changed; rows of event tables have no place in it."""
        tables: dict[str, list[v1.QueryUpdate]] = {}
        for part in update.query_sets:
            for table in part.tables:
                if not self._speaks(part.query_set_id, table.table_name):
                    continue
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

    def _speaks(self, query_set_id: int, table: str) -> bool:
        if query_set_id not in self._queries:
            return False
        speakers = self._speakers(query_set_id, table)
        return not speakers or speakers[0] == query_set_id

    def _speakers(self, query_set_id: int, table: str) -> list[int]:
        """Return the sets with the same queries of a table, oldest first; none if its queries are not known."""
        groups = self._queries[query_set_id]
        texts = groups.get(table) or groups.get(None)
        return self._sets[texts] if texts else []
