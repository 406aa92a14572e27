"""Finds the subscribed queries that a change concerns.

Queries are filed under the tables that they read. Those that want one value of a column are filed under the value, too,
so that a thousand clients with a row each cost a row that changes one lookup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..sql.rowreader import column_slice
from ..sql.stored import Reader, Schema
from .compiled import CompiledQuery, Fragment
from .deltas import Change, Rows

Deltas = dict[CompiledQuery, tuple[Rows, Rows]]


@dataclass(slots=True)
class _Column:
    """The queries that want one value of a column, by its BSATN."""

    cut: Callable[[bytes], bytes]
    by_value: dict[bytes, dict[Fragment, None]] = field(default_factory=dict)


@dataclass(slots=True)
class _Table:
    """The queries that read a table."""

    scans: dict[Fragment, None] = field(default_factory=dict)
    columns: dict[int, _Column] = field(default_factory=dict)


class Registry:
    """All subscribed queries of a database.

    Args:
        schema: The datastore.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._tables: dict[str, _Table] = {}

    def add(self, query: CompiledQuery) -> None:
        """File a query."""
        for fragment in query.fragments:
            for name, point in fragment.points.items():
                table = self._tables.setdefault(name, _Table())
                if point is None:
                    table.scans[fragment] = None
                    continue
                position, value = point
                if position not in table.columns:
                    table.columns[position] = _Column(column_slice(self.schema.table(name).definition, position))
                table.columns[position].by_value.setdefault(value, {})[fragment] = None

    def remove(self, query: CompiledQuery) -> None:
        """Take a query out again."""
        for fragment in query.fragments:
            for name, point in fragment.points.items():
                table = self._tables[name]
                if point is None:
                    del table.scans[fragment]
                else:
                    column = table.columns[point[0]]
                    del column.by_value[point[1]][fragment]
                    if not column.by_value[point[1]]:
                        del column.by_value[point[1]]
                    if not column.by_value:
                        del table.columns[point[0]]
                if not table.scans and not table.columns:
                    del self._tables[name]

    def deltas(self, changes: Mapping[str, Change], view: Callable[[], Reader]) -> Deltas:
        """Compute what a commit changes for every query; those that it does not change are not in the result.

        Args:
            changes: What the commit did, by table.
            view: Gives the state after the commit; asked only for joins.
        """
        found: Deltas = {}
        joins: dict[Fragment, None] = {}
        for name, table in self._tables.items() if len(self._tables) < len(changes) else self._touched(changes):
            change = changes.get(name)
            if change is not None:
                self._table(table, change, found, joins)
        if joins:
            after = view()
            for fragment in joins:
                assert fragment.join is not None
                _note(found, fragment, *fragment.join.of(changes.get, after))
        return found

    def _touched(self, changes: Mapping[str, Change]) -> list[tuple[str, _Table]]:
        return [(name, self._tables[name]) for name in changes if name in self._tables]

    def _table(self, table: _Table, change: Change, found: Deltas, joins: dict[Fragment, None]) -> None:
        for fragment in table.scans:
            if fragment.table is None:
                joins[fragment] = None
            else:
                _note(found, fragment, fragment.table.of(change.inserts), fragment.table.of(change.deletes))
        for column in table.columns.values():
            wanted: dict[Fragment, tuple[Rows, Rows]] = {}
            for side, rows in enumerate((change.inserts, change.deletes)):
                for row in rows:
                    for fragment in column.by_value.get(column.cut(row), ()):
                        wanted.setdefault(fragment, ([], []))[side].append(row)
            for fragment, (inserts, deletes) in wanted.items():
                if fragment.table is None:
                    joins[fragment] = None
                else:
                    _note(found, fragment, fragment.table.of(inserts), fragment.table.of(deletes))


def _note(found: Deltas, fragment: Fragment, inserts: Rows, deletes: Rows) -> None:
    if not inserts and not deletes:
        return
    hidden = fragment.query.hidden
    if hidden:
        inserts, deletes = [row[hidden:] for row in inserts], [row[hidden:] for row in deletes]
    known = found.get(fragment.query)
    found[fragment.query] = (known[0] + inserts, known[1] + deletes) if known else (inserts, deletes)
