"""The host functions that read and write tables.

Parameters are checked as the server does it: what a function reads from the module's memory comes first and stops the module
when it is not there, then the transaction, then the object. Errors of the datastore carry the number that the module gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from .abi import BUFFER_TOO_SMALL, EXHAUSTED, NO_SUCH_ITER, NOT_IN_TRANSACTION
from .errors import Trap
from .handles import Bytes, RowIterator, Slab
from .host import Host, NoHost
from .memory import NoMemory

if TYPE_CHECKING:
    from ..store import Index, Table, Transaction
    from .memory import GuestMemory

_MOST_PREFIX_ELEMENTS = 0xFFFF


class DatastoreImports:
    """The part of an instance's host functions that works on the datastore."""

    def __init__(self) -> None:
        self.host: Host = NoHost()
        self.memory: GuestMemory = cast("GuestMemory", NoMemory())
        self.bytes = Bytes()
        self.iterators: Slab[RowIterator] = Slab()

    # Names and numbers

    def table_id_from_name(self, name: int, name_length: int, out: int) -> int:
        """Find a table by its name or its name in the source."""
        text = self.memory.read_text(name, name_length)
        host = self.host
        if host.tx is None:
            return NOT_IN_TRANSACTION
        self.memory.write_u32(out, host.datastore.table(text).id)
        return 0

    def index_id_from_name(self, name: int, name_length: int, out: int) -> int:
        """Find an index by its name or its name in the source."""
        text = self.memory.read_text(name, name_length)
        host = self.host
        if host.tx is None:
            return NOT_IN_TRANSACTION
        self.memory.write_u32(out, host.datastore.index(text).id)
        return 0

    def datastore_table_row_count(self, table_id: int, out: int) -> int:
        """Count the rows that the transaction sees."""
        host = self.host
        tx = host.tx
        if tx is None:
            return NOT_IN_TRANSACTION
        self.memory.write_u64(out, tx.count(host.datastore.table_by_id(table_id)))
        return 0

    # Scans

    def datastore_table_scan_bsatn(self, table_id: int, out: int) -> int:
        """Iterate over all rows of a table."""
        host = self.host
        tx = host.tx
        if tx is None:
            return NOT_IN_TRANSACTION
        return self._iterate(tx.rows(host.datastore.table_by_id(table_id)), out)

    def datastore_index_scan_point_bsatn(self, index_id: int, point: int, point_length: int, out: int) -> int:
        """Iterate over the rows with one key."""
        key = self.memory.read(point, point_length)
        host = self.host
        tx = host.tx
        if tx is None:
            return NOT_IN_TRANSACTION
        return self._iterate(tx.seek(host.datastore.index_by_id(index_id), key), out)

    def datastore_index_scan_range_bsatn(
        self,
        index_id: int,
        prefix: int,
        prefix_length: int,
        prefix_elements: int,
        start: int,
        start_length: int,
        end: int,
        end_length: int,
        out: int,
    ) -> int:
        """Iterate over the rows whose key lies in a range."""
        bounds = self._bounds(prefix, prefix_length, prefix_elements, start, start_length, end, end_length)
        host = self.host
        tx = host.tx
        if tx is None:
            return NOT_IN_TRANSACTION
        return self._iterate(tx.range_bsatn(host.datastore.index_by_id(index_id), *bounds), out)

    datastore_btree_scan_bsatn = datastore_index_scan_range_bsatn  # the name of 1.0

    def _bounds(
        self, prefix: int, prefix_length: int, elements: int, start: int, start_length: int, end: int, end_length: int
    ) -> tuple[bytes, int, bytes, bytes]:
        memory = self.memory
        if elements > _MOST_PREFIX_ELEMENTS:
            raise Trap(f"it asked for an index range with {elements} prefix columns")
        prefix_bytes = memory.read(prefix, prefix_length) if elements else b""
        return prefix_bytes, elements, memory.read(start, start_length), memory.read(end, end_length)

    def _iterate(self, rows: Sequence[bytes], out: int) -> int:
        self.memory.check(out, 4)
        self.memory.write_u32(out, self.iterators.add(RowIterator(rows)))
        return 0

    def row_iter_bsatn_advance(self, handle: int, buffer: int, length_at: int) -> int:
        """Copy the next rows; the answer that comes with the last ones says so, and ends the iterator."""
        memory = self.memory
        capacity = memory.read_u32(length_at)
        memory.check(buffer, capacity)
        iterator = self.iterators.get(handle)
        if iterator is None:
            return NO_SUCH_ITER
        taken = iterator.take(capacity)
        if isinstance(taken, int):
            memory.write_u32(length_at, taken)
            return BUFFER_TOO_SMALL
        data, is_last = taken
        memory.write(buffer, data)
        memory.write_u32(length_at, len(data))
        if is_last:
            self.iterators.remove(handle)
            return EXHAUSTED
        return 0

    def row_iter_bsatn_close(self, handle: int) -> int:
        """End an iterator."""
        return NO_SUCH_ITER if self.iterators.remove(handle) is None else 0

    # Changes

    def datastore_insert_bsatn(self, table_id: int, row: int, length_at: int) -> int:
        """Insert a row and hand back the values that sequences gave it."""
        memory = self.memory
        data = memory.read(row, memory.read_u32(length_at))
        host = self.host
        tx = host.tx
        if tx is None:
            return NOT_IN_TRANSACTION
        table = host.datastore.table_by_id(table_id)
        stored, generated = tx.insert(table, data)
        return self._stored(table, stored, generated, row, length_at)

    def datastore_update_bsatn(self, table_id: int, index_id: int, row: int, length_at: int) -> int:
        """Replace the row with the same key and hand back the values that sequences gave the new one."""
        memory = self.memory
        data = memory.read(row, memory.read_u32(length_at))
        host = self.host
        tx = host.tx
        if tx is None:
            return NOT_IN_TRANSACTION
        table = host.datastore.table_by_id(table_id)
        stored, generated = tx.update(table, host.datastore.index_by_id(index_id), data)
        return self._stored(table, stored, generated, row, length_at)

    def _stored(self, table: Table, stored: bytes, generated: bytes, row: int, length_at: int) -> int:
        if table.definition.schedule is not None:
            self.host.row_inserted(table, stored)
        if generated:
            self.memory.write(row, generated)
        self.memory.write_u32(length_at, len(generated))
        return 0

    def datastore_delete_by_index_scan_point_bsatn(self, index_id: int, point: int, point_length: int, out: int) -> int:
        """Delete the rows with one key."""
        key = self.memory.read(point, point_length)
        host = self.host
        tx = host.tx
        if tx is None:
            return NOT_IN_TRANSACTION
        index = host.datastore.index_by_id(index_id)
        return self._delete(tx, index, tx.seek(index, key), out)

    def datastore_delete_by_index_scan_range_bsatn(
        self,
        index_id: int,
        prefix: int,
        prefix_length: int,
        prefix_elements: int,
        start: int,
        start_length: int,
        end: int,
        end_length: int,
        out: int,
    ) -> int:
        """Delete the rows whose key lies in a range."""
        bounds = self._bounds(prefix, prefix_length, prefix_elements, start, start_length, end, end_length)
        host = self.host
        tx = host.tx
        if tx is None:
            return NOT_IN_TRANSACTION
        index = host.datastore.index_by_id(index_id)
        return self._delete(tx, index, tx.range_bsatn(index, *bounds), out)

    datastore_delete_by_btree_scan_bsatn = datastore_delete_by_index_scan_range_bsatn  # the name of 1.0

    def _delete(self, tx: Transaction, index: Index, rows: Sequence[bytes], out: int) -> int:
        self.memory.write_u32(out, tx.delete_rows(index.table, rows))
        return 0

    def datastore_delete_all_by_eq_bsatn(self, table_id: int, relation: int, relation_length: int, out: int) -> int:
        """Delete rows that are given whole."""
        data = self.memory.read(relation, relation_length)
        host = self.host
        tx = host.tx
        if tx is None:
            return NOT_IN_TRANSACTION
        table = host.datastore.table_by_id(table_id)
        self.memory.write_u32(out, tx.delete_rows(table, table.split_rows(data)))
        return 0

    def datastore_clear(self, table_id: int, out: int) -> int:
        """Delete all rows of a table."""
        host = self.host
        tx = host.tx
        if tx is None:
            return NOT_IN_TRANSACTION
        self.memory.write_u64(out, tx.clear(host.datastore.table_by_id(table_id)))
        return 0
