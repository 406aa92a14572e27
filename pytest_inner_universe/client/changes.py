"""Changes of rows: what a transaction changed in a bag of rows, and which deletions and insertions are one update."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..wire.errors import RemoteProtocolError
from ..wire.messages import PersistentTableRows, QuerySetUpdate

if TYPE_CHECKING:
    from .cache import TableCache

Bag = dict[bytes, int]
"""Rows with the number of reasons for which each is there."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row that came (no old one), changed, or went (no new one)."""

    table: TableCache
    old: bytes | None
    new: bytes | None


class Delta:
    """What a transaction did to the rows of one table, seen through one query set or through all of them.

    Rows of an event table are only passed on; all others are counted, because overlapping queries send a row more than
    once, and only the sum tells whether it is still there.
    """

    __slots__ = ("counts", "events")

    def __init__(self) -> None:
        self.counts: Bag = {}
        # A dict for its order: several queries may send the same event.
        self.events: dict[bytes, None] = {}

    def add(self, other: Delta) -> None:
        """Add another query set's share."""
        if not self.counts:
            self.counts.update(other.counts)
        else:
            for row, count in other.counts.items():
                self.counts[row] = self.counts.get(row, 0) + count
        self.events.update(other.events)


def deltas_of(update: QuerySetUpdate) -> dict[str, Delta]:
    """Return what one query set's part of a transaction says, by table."""
    deltas: dict[str, Delta] = {}
    for table in update.tables:
        delta = deltas.get(table.table_name)
        if delta is None:
            delta = deltas[table.table_name] = Delta()
        counts = delta.counts
        for rows in table.rows:
            if type(rows) is PersistentTableRows:
                for row in rows.deletes.rows:
                    counts[row] = counts.get(row, 0) - 1
                for row in rows.inserts.rows:
                    counts[row] = counts.get(row, 0) + 1
            else:
                delta.events.update(dict.fromkeys(rows.events.rows))  # type: ignore[union-attr]
    return deltas


def apply(table: str, bag: Bag, counts: Bag) -> tuple[list[bytes], list[bytes]]:
    """Change a bag by a number per row.

    Args:
        table: Whose rows they are, for messages.
        bag: The rows that are there.
        counts: How many reasons came, or went, for each row.

    Returns:
        The rows that are gone, and the rows that are new.

    Raises:
        RemoteProtocolError: A row would be there less than zero times; the bag is left as it was.
    """
    if not bag and counts and min(counts.values()) > 0:
        bag.update(counts)
        return [], list(counts)
    deleted: list[bytes] = []
    inserted: list[bytes] = []
    after: list[tuple[bytes, int]] = []
    for row, count in counts.items():
        if count:
            before = bag.get(row, 0)
            if before + count < 0:
                raise RemoteProtocolError(f"a row of table {table!r} went {-count} times, but was there {before} times")
            after.append((row, before + count))
            if before == 0:
                inserted.append(row)
            elif before + count == 0:
                deleted.append(row)
    for row, count in after:
        if count:
            bag[row] = count
        else:
            del bag[row]
    return deleted, inserted


def pair(
    table: TableCache, deleted: Iterable[bytes], inserted: Iterable[bytes], key_of: Callable[[bytes], bytes] | None
) -> list[Change]:
    """Make changes of rows that went and rows that came.

    Args:
        table: Whose rows they are.
        deleted: The rows that went.
        inserted: The rows that came.
        key_of: Returns a row's primary key; a deletion and an insertion with the same key are one update. None where
            the table has no primary key, so that there are no updates.

    Returns:
        First the deletions, then insertions and updates, each in the server's order.
    """
    deleted, inserted = list(deleted), list(inserted)
    if key_of is None or not deleted or not inserted:
        return [Change(table, row, None) for row in deleted] + [Change(table, None, row) for row in inserted]
    old_rows: dict[bytes, list[bytes]] = {}
    for row in deleted:
        old_rows.setdefault(key_of(row), []).append(row)
    arrivals = []
    for row in inserted:
        twins = old_rows.get(key_of(row))
        arrivals.append(Change(table, twins.pop(0) if twins else None, row))
    return [Change(table, row, None) for rows in old_rows.values() for row in rows] + arrivals
