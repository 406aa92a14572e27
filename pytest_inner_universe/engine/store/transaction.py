"""The one open transaction of a datastore."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from .changes import Changes, TableChanges
from .errors import IndexNotUnique, NoSuchIndex, NoSuchRow, TransactionClosed, UniqueViolation
from .layer import Layer
from .projector import FAILURES
from .reading import Reader, Stack, find_unique, visible_rows

if TYPE_CHECKING:
    from .datastore import Datastore
    from .schema import Index, Table


class _Ended:
    """Stands where the layers of an ended transaction were, so that open ones need not be asked whether they are."""

    def __init__(self, ending: str) -> None:
        self.ending = ending

    def __getitem__(self, slot: int) -> NoReturn:
        raise TransactionClosed(self.ending)


class Transaction(Reader):
    """Changes that nobody else sees until they are committed; get one from `Datastore.begin`.

    Reading sees the transaction's own changes. A method that raises leaves the transaction as it was, except that the values
    that it took from sequences are gone.

    Args:
        datastore: What it changes.
        stacks: The committed layers of each table, by its slot.
    """

    def __init__(self, datastore: Datastore, stacks: list[Stack]) -> None:
        super().__init__(datastore, stacks)
        self._own: dict[int, tuple[Table, Layer]] = {}

    def __repr__(self) -> str:
        ended = self._stacks
        state = ended.ending if isinstance(ended, _Ended) else f"open, {len(self._own)} tables touched"
        return f"<Transaction {state}>"

    def _own_depth(self, slot: int) -> int:
        return 1 if slot in self._own else 0

    def _layer(self, table: Table) -> Layer:
        """Return the transaction's own layer of a table."""
        found = self._own.get(table.slot)
        if found is not None:
            return found[1]
        committed = self._stacks[table.slot]
        layer = Layer(len(table.indexes))
        self._own[table.slot] = table, layer
        self._stacks[table.slot] = (layer, *committed)
        return layer

    def insert(self, table: Table, row: bytes) -> tuple[bytes, bytes]:
        """Insert a row; a row that is there already is left alone, which is a success.

        Args:
            table: Where.
            row: BSATN of the row. Sequence columns that are zero get the next value of their sequence.

        Returns:
            The row as it is stored, and the BSATN of the columns that a sequence has filled, in ascending order.

        Raises:
            RowDecodeFailed: The bytes are no row of the table.
            UniqueViolation: Another row has the same key in a unique index.
        """
        stack = self._stacks[table.slot]
        try:
            keys = table.project(row)
        except FAILURES:
            raise table.refusal(row) from None
        generated = b""
        if table.sequences:
            row, keys, generated = self._generate(table, row, keys)
        for layer in stack:
            if row in layer.inserts:
                return row, generated
            if row in layer.deletes:
                break
        for index in table.unique_indexes:
            existing = find_unique(stack, index.number, keys[index.number])
            if existing is not None:
                raise _violation(index, row, existing)
        self._put(table, row, keys)
        return row, generated

    def _put(self, table: Table, row: bytes, keys: tuple[bytes, ...]) -> None:
        layer = self._layer(table)
        if row in layer.deletes:
            del layer.deletes[row]  # deleted by this very transaction: that has not happened
        else:
            layer.add(row, keys)

    def _generate(self, table: Table, row: bytes, keys: tuple[bytes, ...]) -> tuple[bytes, tuple[bytes, ...], bytes]:
        """Fill the sequence columns of a row that are zero."""
        values = []
        patched = None
        for sequence, start in zip(table.sequences, table.locate(row)):
            end = start + sequence.width
            if row[start:end] == sequence.zero:
                value = self.datastore.next_value(sequence)
                values.append(value)
                patched = bytearray(row) if patched is None else patched
                patched[start:end] = value
        if patched is None:
            return row, keys, b""
        row = bytes(patched)
        return row, table.project(row), b"".join(values)

    def update(self, table: Table, index: Index, row: bytes) -> tuple[bytes, bytes]:
        """Replace the row that has the same key in a unique index.

        Args:
            table: Where.
            index: A unique index of the table.
            row: BSATN of the new row. Sequence columns that are zero get the next value of their sequence, also when they
                are part of the key, which then finds nothing.

        Returns:
            The row as it is stored, and the BSATN of the columns that a sequence has filled, in ascending order.

        Raises:
            NoSuchIndex: The index is one of another table.
            IndexNotUnique: The index may have several rows for a key.
            RowDecodeFailed: The bytes are no row of the table.
            NoSuchRow: There is nothing to replace.
            UniqueViolation: Another row has the same key in another unique index.
        """
        stack = self._stacks[table.slot]
        if index.table is not table:
            raise NoSuchIndex(index.name, table.name)
        if not index.is_unique:
            raise IndexNotUnique(index.name)
        keys = table.keys_of(row)
        generated = b""
        if table.sequences:
            row, keys, generated = self._generate(table, row, keys)
        old = find_unique(stack, index.number, keys[index.number])
        if old is None:
            raise NoSuchRow(table.name, index.name, row)
        if old == row:
            return old, generated
        for other in table.unique_indexes:
            existing = find_unique(stack, other.number, keys[other.number])
            if existing is not None and existing != old:
                raise _violation(other, row, existing)
        self._drop(self._layer(table), old)
        self._put(table, row, keys)
        return row, generated

    @staticmethod
    def _drop(layer: Layer, row: bytes) -> None:
        """Delete a row that is there."""
        if row in layer.inserts:
            layer.remove(row)
        else:
            layer.deletes[row] = None

    def delete(self, table: Table, row: bytes) -> bool:
        """Delete a row, if it is there.

        Returns:
            Whether it was.
        """
        if not self.contains(table, row):
            return False
        self._drop(self._layer(table), row)
        return True

    def delete_rows(self, table: Table, rows: Iterable[bytes]) -> int:
        """Delete rows, as far as they are there.

        Returns:
            How many were.
        """
        return sum([self.delete(table, row) for row in rows])

    def clear(self, table: Table) -> int:
        """Delete all rows of a table.

        Returns:
            How many these were.
        """
        count = self.count(table)
        if count:
            self._layer(table)
            committed = self._stacks[table.slot][1:]
            emptied = Layer(len(table.indexes))
            emptied.deletes = dict.fromkeys(visible_rows(committed))
            self._own[table.slot] = table, emptied
            self._stacks[table.slot] = (emptied, *committed)
        return count

    def peek(self) -> Changes:
        """Return what a commit would change now."""
        self._check_open()
        return {
            table.name: TableChanges(table, list(layer.inserts), list(layer.deletes))
            for table, layer in self._own.values()
            if layer.inserts or layer.deletes
        }

    def commit(self) -> Changes:
        """Make the changes visible to everyone and end the transaction.

        Returns:
            What changed.
        """
        changes = self.peek()
        self.datastore.finish([own for own in self._own.values() if own[0].name in changes])
        self._end("committed")
        return changes

    def rollback(self) -> None:
        """Forget the changes and end the transaction."""
        self._check_open()
        self.datastore.finish([])
        self._end("rolled back")

    def _check_open(self) -> None:
        if isinstance(self._stacks, _Ended):
            raise TransactionClosed(self._stacks.ending)

    def _end(self, ending: str) -> None:
        self._own = {}
        ended: Any = _Ended(ending)
        self._stacks = ended


def _violation(index: Index, row: bytes, existing: bytes) -> UniqueViolation:
    columns = tuple(column.name for column in index.column_defs)
    return UniqueViolation(index.table.name, index.name, columns, row, existing)
