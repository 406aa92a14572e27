"""Notes what a view reads, to know after which changes it has to be computed again."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .store import Changes, Index, Table, Transaction


class ReadSet:
    """What a view has read: whole tables, and single keys of indexes.

    Attributes:
        tables: Names of tables that were read as a whole, in a range, or counted.
        points: Keys that were looked up, whether or not there were rows.
    """

    __slots__ = ("points", "tables")

    def __init__(self) -> None:
        self.tables: set[str] = set()
        self.points: dict[Index, set[bytes]] = {}

    def touched_by(self, changes: Changes) -> bool:
        """Tell whether changes concern anything that was read."""
        if not self.tables.isdisjoint(changes):
            return True
        for index, keys in self.points.items():
            change = changes.get(index.table.name)
            if change is not None and any(index.key_of(row) in keys for row in chain(change.inserts, change.deletes)):
                return True
        return False

    def merge(self, other: ReadSet) -> None:
        """Add what was read in another way."""
        self.tables |= other.tables
        for index, keys in other.points.items():
            self.points.setdefault(index, set()).update(keys)


class RecordingTransaction:
    """A transaction as a view gets it: reading is noted, everything else is that of the transaction.

    Args:
        tx: The transaction.
        reads: Takes the notes.
    """

    def __init__(self, tx: Transaction, reads: ReadSet) -> None:
        self._tx = tx
        self._reads = reads

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def count(self, table: Table) -> int:
        """Count the rows of a table."""
        self._reads.tables.add(table.name)
        return self._tx.count(table)

    def rows(self, table: Table) -> list[bytes]:
        """Return all rows of a table."""
        self._reads.tables.add(table.name)
        return self._tx.rows(table)

    def seek(self, index: Index, key: bytes) -> list[bytes]:
        """Return the rows with a key."""
        found = self._tx.seek(index, key)
        self._reads.points.setdefault(index, set()).add(key)
        return found

    def range_bsatn(self, index: Index, prefix: bytes, prefix_elems: int, rstart: bytes, rend: bytes) -> list[bytes]:
        """Return the rows between two bounds; a range that can only hold one key is the look-up of that key."""
        found = self._tx.range_bsatn(index, prefix, prefix_elems, rstart, rend)
        if rstart == rend and rstart[:1] == b"\0" and prefix_elems + 1 == len(index.columns):
            self._reads.points.setdefault(index, set()).add(prefix + rstart[1:])
        else:
            self._reads.tables.add(index.table.name)
        return found
