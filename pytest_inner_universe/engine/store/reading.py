"""Reading rows: of what is committed, or of a transaction with its own changes on top.

Both are one class over stacks of layers. A stack lists the layers of a table from the top down; a transaction that has
changed the table has its own layer in front.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from .errors import KeyDecodeFailed, WrongIndexAlgorithm
from .layer import Bucket, Layer
from .ordering import after_prefix

if TYPE_CHECKING:
    from .datastore import Datastore
    from .schema import Index, Table

INCLUDED, EXCLUDED, UNBOUNDED = range(3)
"""Kinds of bounds, numbered as in the ABI."""

Stack = tuple[Layer, ...]
"""The layers of a table from the top down."""

_order_of = itemgetter(0)


class Bound(NamedTuple):
    """One end of a range.

    Args:
        kind: `INCLUDED`, `EXCLUDED` or `UNBOUNDED`.
        value: BSATN of the bounded column; empty when unbounded.
    """

    kind: int
    value: bytes = b""


class Reader:
    """The reading half of views and transactions.

    Args:
        datastore: Whose rows they are.
        stacks: The layers of each table, by its slot.
    """

    def __init__(self, datastore: Datastore, stacks: list[Stack]) -> None:
        self.datastore = datastore
        self._stacks = stacks

    def _own_depth(self, slot: int) -> int:
        """Return how many layers at the top of a stack belong to a transaction, whose rows come apart from the others."""
        return 0

    def count(self, table: Table) -> int:
        """Return the number of rows of a table."""
        total = 0
        for layer in self._stacks[table.slot]:
            total += len(layer.inserts) - len(layer.deletes)
        return total

    def contains(self, table: Table, row: bytes) -> bool:
        """Tell whether a table has a row."""
        for layer in self._stacks[table.slot]:
            if row in layer.inserts:
                return True
            if row in layer.deletes:
                return False
        return False

    def rows(self, table: Table) -> list[bytes]:
        """Return all rows of a table: the committed ones in the order of their insertion, then those of the transaction."""
        return visible_rows(self._stacks[table.slot])

    def seek(self, index: Index, key: bytes) -> list[bytes]:
        """Return the rows with a key.

        Args:
            index: Where to look.
            key: BSATN of all columns of the index.

        Returns:
            The rows of the transaction, then committed ones in the order of their insertion.

        Raises:
            KeyDecodeFailed: The bytes are no key of the index.
        """
        stack = self._stacks[index.slot]
        number = index.number
        if index.is_unique:
            row = find_unique(stack, number, key)
            if row is not None:
                return [row]
            rows = []
        else:
            rows = self._seek_all(stack, index, key)
        if not rows:
            index.check("key", key, 0, len(index.columns))  # what was found needs no check
        return rows

    def _seek_all(self, stack: Stack, index: Index, key: bytes) -> list[bytes]:
        pieces = []
        above: list[dict[bytes, None]] = []
        for layer in stack:
            found = layer.indexes[index.number].get(key)
            pieces.append(_visible(found, above) if found is not None else [])
            if layer.deletes:
                above.append(layer.deletes)
        if len(pieces) == 1:
            return pieces[0]
        own = self._own_depth(index.slot)
        return [row for piece in (*pieces[:own], *reversed(pieces[own:])) for row in piece]

    def range(self, index: Index, prefix: bytes, prefix_elems: int, start: Bound, end: Bound) -> list[bytes]:
        """Return the rows between two bounds.

        Args:
            index: An index that keeps an order.
            prefix: BSATN of the first columns of the index, which the rows have to have.
            prefix_elems: How many columns these are.
            start: Where the column after them begins.
            end: Where it ends. Further columns do not matter.

        Returns:
            The rows of the transaction in the order of their keys, then the committed ones in the order of their keys.

        Raises:
            WrongIndexAlgorithm: The index keeps no order.
            KeyDecodeFailed: The bytes are not what they should be, or no column is left for the bounds.
        """
        if index.algorithm == "hash":
            raise WrongIndexAlgorithm(index.name, index.algorithm)
        self._check_range(index, prefix, prefix_elems, start, end)
        if start == end and start.kind == INCLUDED and prefix_elems + 1 == len(index.columns):
            return self.seek(index, prefix + start.value)
        order_key = index.order_key(prefix_elems + 1)
        beginning = index.order_key(prefix_elems)(prefix)
        low: bytes | None = beginning
        high = after_prefix(beginning)
        if start.kind != UNBOUNDED:
            low = order_key(prefix + start.value)
            low = after_prefix(low) if start.kind == EXCLUDED else low
        if end.kind != UNBOUNDED:
            high = order_key(prefix + end.value)
            high = after_prefix(high) if end.kind == INCLUDED else high
        return [] if low is None else self._between(index, low, high)

    def _check_range(self, index: Index, prefix: bytes, prefix_elems: int, start: Bound, end: Bound) -> None:
        if prefix_elems >= len(index.columns):
            reason = f"it has {len(index.columns)} columns, a prefix of {prefix_elems} leaves none for the bounds"
            raise KeyDecodeFailed(index.name, "prefix", reason)
        index.check("prefix", prefix, 0, prefix_elems)
        for part, bound in (("start", start), ("end", end)):
            if bound.kind != UNBOUNDED:
                index.check(part, bound.value, prefix_elems, 1)

    def range_bsatn(self, index: Index, prefix: bytes, prefix_elems: int, rstart: bytes, rend: bytes) -> list[bytes]:
        """Return the rows between two bounds in the form of the ABI: the kind as one byte, then the value.

        Raises:
            WrongIndexAlgorithm: The index keeps no order.
            KeyDecodeFailed: The bytes are not what they should be, or no column is left for the bounds.
        """
        if rstart == rend and rstart[:1] == b"\0" and not prefix and not prefix_elems and index.is_ordered_column:
            return self.seek(index, rstart[1:])  # how modules built with 1.x ask for one key
        start, end = _read_bound(index, "start", rstart), _read_bound(index, "end", rend)
        return self.range(index, prefix, prefix_elems, start, end)

    def _between(self, index: Index, low: bytes, high: bytes | None) -> list[bytes]:
        """Return the rows whose order keys are at least one value and less than another."""
        stack = self._stacks[index.slot]
        number, order_key = index.number, index.order_key()
        pieces: list[list[tuple[bytes, bytes]]] = []
        above: list[dict[bytes, None]] = []
        for layer in stack:
            entries = layer.in_order(number, order_key) if layer.inserts else []
            begin = bisect_left(entries, (low,))
            end = len(entries) if high is None else bisect_left(entries, (high,))
            keyed = layer.indexes[number]
            pieces.append([(order, row) for order, key in entries[begin:end] for row in _visible(keyed[key], above)])
            if layer.deletes:
                above.append(layer.deletes)
        own = self._own_depth(index.slot)
        committed = [piece for piece in reversed(pieces[own:]) if piece]
        merged = committed[0] if len(committed) == 1 else sorted(chain.from_iterable(committed), key=_order_of)
        return [row for piece in (*pieces[:own], merged) for _, row in piece]


class ReadView(Reader):
    """The committed rows of a datastore, always as they are now: what an open transaction has done is not in it."""


def visible_rows(stack: Stack) -> list[bytes]:
    """Return all rows of a stack from the bottom up, in each layer in the order of insertion."""
    pieces = []
    gone: set[bytes] = set()
    for layer in stack:
        pieces.append([row for row in layer.inserts if row not in gone] if gone else list(layer.inserts))
        gone.update(layer.deletes)
    return pieces[0] if len(pieces) == 1 else [row for piece in reversed(pieces) for row in piece]


def find_unique(stack: Stack, number: int, key: bytes) -> bytes | None:
    """Return the row that has a key in a unique index, None if there is none.

    The topmost layer that knows the key decides: a row further down with the same key has been deleted.
    """
    for depth, layer in enumerate(stack):
        found = layer.indexes[number].get(key)
        if found is not None:
            for above in stack[:depth]:
                if found in above.deletes:
                    return None
            assert type(found) is bytes  # a unique index has one row for a key
            return found
    return None


def _visible(found: Bucket, above: list[dict[bytes, None]]) -> list[bytes]:
    """Return the rows that an index has for a key, without those that a layer above has deleted."""
    rows = [found] if isinstance(found, bytes) else list(found)
    if not above:
        return rows
    return [row for row in rows if not any(row in deletes for deletes in above)]


def _read_bound(index: Index, part: str, data: bytes) -> Bound:
    if not data or data[0] > UNBOUNDED or (data[0] == UNBOUNDED and len(data) > 1):
        raise KeyDecodeFailed(index.name, part, "a bound is 0 and a value, 1 and a value, or 2 alone")
    return Bound(data[0], data[1:])
