"""Counting rows: what `v1_shares` keeps its books with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .messages import PersistentTableRows, QuerySetUpdate, TableUpdate, TransactionUpdate
from .rows import RowList

Bag = dict[bytes, int]
"""Rows, each with how often it is there."""


def listed(bag: Bag) -> list[bytes]:
    """Return the rows of a bag, each as often as it is there."""
    return [row for row, count in bag.items() for _ in range(count)]


class Balance:
    """Counts of rows by table, which may be less than none."""

    def __init__(self) -> None:
        self.bags: dict[str, Bag] = {}

    def add(self, bags: dict[str, Bag]) -> None:
        """Add the rows of bags."""
        for table, bag in bags.items():
            own = self.bags.setdefault(table, {})
            for row, count in bag.items():
                own[row] = own.get(row, 0) + count

    def subtract(self, table: str, rows: Iterable[bytes]) -> None:
        """Take rows of a table away, whether or not they are there."""
        own = self.bags.setdefault(table, {})
        for row in rows:
            own[row] = own.get(row, 0) - 1

    def entries(self) -> Iterator[tuple[str, bytes, int]]:
        """Return table, row and count wherever the count is not zero."""
        for table, bag in self.bags.items():
            for row, count in bag.items():
                if count:
                    yield table, row, count


class Parts:
    """A transaction in the making, by query set and table."""

    def __init__(self) -> None:
        self._parts: dict[int, dict[str, list[PersistentTableRows]]] = {}

    def add(
        self, query_sets: Iterable[int], table: str, inserts: Sequence[bytes] = (), deletes: Sequence[bytes] = ()
    ) -> None:
        """Note that rows of a table came or went in some query sets."""
        if not inserts and not deletes:
            return
        rows = PersistentTableRows(inserts=RowList(inserts), deletes=RowList(deletes))
        for number in query_sets:
            self._parts.setdefault(number, {}).setdefault(table, []).append(rows)

    def update(self) -> TransactionUpdate:
        """Return all of it as a message."""
        return TransactionUpdate(
            tuple(
                QuerySetUpdate(number, tuple(TableUpdate(table, tuple(rows)) for table, rows in tables.items()))
                for number, tables in self._parts.items()
            )
        )
