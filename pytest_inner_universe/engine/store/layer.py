"""Layers: what is added to a table and taken away from it, on top of the layers below.

One class serves for all three kinds of layers: those that are frozen and shared between forks, the committed overlay of one
datastore, and what an open transaction has done so far. A row is there if the topmost layer that mentions it inserts it.
A layer may mention a row in both ways: then it hides the row below and has it again itself, as newly inserted; in the
layer of a transaction the two cancel out instead.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Union

from .ordering import OrderKey

Bucket = Union[bytes, "dict[bytes, None]"]
"""What an index has for a key: the row, or several rows in the order in which they came."""

Entry = tuple[bytes, bytes]
"""A key in its place: its order key, the key."""


class Layer:
    """Inserted and deleted rows of one table, with its part of every index.

    Args:
        width: Number of indexes of the table.

    Attributes:
        inserts: The rows that this layer adds, each with its keys, in the order in which they came.
        deletes: Rows of layers below that are gone.
        indexes: For each index the rows of this layer by key.
        is_frozen: Whether the layer is shared, so that nothing in it changes but what is computed on first use.
    """

    __slots__ = ("_changed", "_sorted", "deletes", "indexes", "inserts", "is_frozen")

    def __init__(self, width: int) -> None:
        self.inserts: dict[bytes, tuple[bytes, ...]] = {}
        self.deletes: dict[bytes, None] = {}
        self.indexes: list[dict[bytes, Bucket]] = [{} for _ in range(width)]
        self.is_frozen = False
        self._sorted: dict[int, list[Entry]] = {}
        self._changed: dict[int, set[bytes]] = {}

    @property
    def size(self) -> int:
        """The number of rows that the layer mentions, which is what it costs to merge it."""
        return len(self.inserts) + len(self.deletes)

    def add(self, row: bytes, keys: tuple[bytes, ...]) -> None:
        """Insert a row that is not there."""
        self.inserts[row] = keys
        for index, key in zip(self.indexes, keys):
            found = index.setdefault(key, row)
            if found is not row:
                if type(found) is dict:
                    found[row] = None
                else:
                    index[key] = {found: None, row: None}  # type: ignore[dict-item]
        if self._changed:
            self._note(keys)

    def remove(self, row: bytes) -> None:
        """Take back a row that this layer has inserted."""
        keys = self.inserts.pop(row)
        for index, key in zip(self.indexes, keys):
            found = index[key]
            if type(found) is dict:
                del found[row]
                if len(found) == 1:
                    index[key] = next(iter(found))
            else:
                del index[key]
        if self._changed:
            self._note(keys)

    def _note(self, keys: tuple[bytes, ...]) -> None:
        for number, changed in self._changed.items():
            changed.add(keys[number])

    def absorb(self, above: Layer) -> None:
        """Take over everything that the layer on top of this one says."""
        inserts, deletes = self.inserts, self.deletes
        for row in above.deletes:
            if row in inserts:
                self.remove(row)
            else:
                deletes[row] = None
        for row, keys in above.inserts.items():
            self.add(row, keys)

    def freeze(self) -> None:
        """Prepare the layer for being shared."""
        for number, changed in self._changed.items():
            if changed:
                del self._sorted[number]
        self._changed = {}
        self.is_frozen = True

    def in_order(self, number: int, order_key: OrderKey) -> list[Entry]:
        """Return the keys of an index in their order.

        The list is kept. Keys that have come and gone since the last time are put into their places one by one, unless
        they are so many that sorting everything costs less.

        Args:
            number: Which index.
            order_key: Gives the order key of a key.
        """
        index = self.indexes[number]
        entries = self._sorted.get(number)
        changed = self._changed.get(number, ())
        if entries is None or len(changed) * 8 > len(index):
            entries = sorted([(order_key(key), key) for key in index])
            self._sorted[number] = entries
        else:
            for key in changed:
                entry = (order_key(key), key)
                place = bisect_left(entries, entry)
                is_listed = place < len(entries) and entries[place] == entry
                if is_listed and key not in index:
                    del entries[place]
                elif not is_listed and key in index:
                    entries.insert(place, entry)
        if not self.is_frozen:
            self._changed[number] = set()
        return entries
