"""Tables made again from the event log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, permutations
from operator import itemgetter

from .changes import RowChange, apply, change_of
from .rows import JsonRow, line
from .store import RowStore
from .tables import ARCHIVE_TABLES

REBUILT = ("entity", "relation", "admin", "permission")
"""The tables that can be made of events."""

_MOST_ORDERS = 6
"""Changes of one row at one microsecond, of which all orders are tried."""


class LogGap(Exception):
    """The log does not say how a row came to be.

    Args:
        table: Its table.
        key: Its primary key.
        at: When, in microseconds.
        reason: What is wrong.
    """

    def __init__(self, table: str, key: str, at: int, reason: str) -> None:
        super().__init__(table, key, at, reason)
        self.table = table
        self.key = key
        self.at = at
        self.reason = reason


class Rebuilding:
    """Tables that follow the event log, from empty ones on."""

    def __init__(self) -> None:
        self.tables = {name: RowStore() for name in REBUILT}

    def __enter__(self) -> Rebuilding:
        return self

    def __exit__(self, *_: object) -> None:
        for store in self.tables.values():
            store.close()

    def follow(self, events: Iterable[JsonRow]) -> None:
        """Apply events, which are ordered by time.

        Raises:
            LogGap: They do not fit, or leave open what came first.
        """
        for _, moment in groupby(events, key=itemgetter("timestamp")):
            self._at_once(change for event in moment if (change := change_of(event)) is not None)

    def _at_once(self, changes: Iterator[RowChange]) -> None:
        """Apply the changes of one microsecond, which the log has in no order."""
        by_row: dict[tuple[str, str], list[RowChange]] = {}
        for change in changes:
            by_row.setdefault((change.table, change.key), []).append(change)
        for (table, key), of_row in by_row.items():
            store = self.tables[table]
            row = _outcome(store.get(key), of_row)
            if row is None:
                store.remove(key)
            else:
                at = row["created_at"] if ARCHIVE_TABLES[table].is_ordered_by_time else 0
                store.put(at, key, line(row))


def _outcome(row: JsonRow | None, changes: list[RowChange]) -> JsonRow | None:
    """Return what changes make of a row, in whatever order they fit."""
    first = changes[0]
    orders = permutations(changes) if len(changes) <= _MOST_ORDERS else iter(())
    outcomes: list[JsonRow | None] = []
    for order in orders:
        try:
            after = row
            for change in order:
                after = apply(after, change)
        except LookupError:
            continue
        if after not in outcomes:
            outcomes.append(after)
    if len(outcomes) == 1:
        return outcomes[0]
    if outcomes or len(changes) > _MOST_ORDERS:
        reason = f"it changed {len(changes)} times within a microsecond, in an order that the log does not tell"
    else:
        reason = f"the log says that it was {first.kind}, but it was {'not ' if row is None else ''}there"
    raise LogGap(first.table, first.key, first.at, reason)
