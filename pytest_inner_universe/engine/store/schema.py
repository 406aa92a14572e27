"""Tables and indexes as the datastore knows them: numbered, with the functions that check rows and keys."""

from __future__ import annotations

from functools import cached_property

from ...sats.bsatn import codec
from ...sats.definition import ColumnDef, IndexDef, TableDef
from ...sats.errors import DecodeError
from ...sats.types import Array
from .errors import KeyDecodeFailed, RowDecodeFailed
from .ordering import OrderKey, order_key
from .projector import FAILURES, Locator, Projector, is_exactly, locator, projector, skipper
from .sequences import Sequence


class Index:
    """An index of a table.

    Args:
        id: Its number in the database.
        table: The table.
        definition: How the module declared it.
        number: Its place among the indexes of the table.
        is_unique: Whether a unique constraint holds for its columns.
    """

    def __init__(self, id: int, table: Table, definition: IndexDef, number: int, is_unique: bool) -> None:
        self.id = id
        self.table = table
        self.definition = definition
        self.name = definition.name
        self.source_name = definition.source_name
        self.columns = definition.columns
        self.algorithm = definition.algorithm
        self.number = number
        self.slot = table.slot
        self.is_unique = is_unique
        self.is_ordered_column = definition.algorithm != "hash" and len(definition.columns) == 1

    def __repr__(self) -> str:
        return f"<Index {self.name} of {self.table.name}>"

    @cached_property
    def column_defs(self) -> tuple[ColumnDef, ...]:
        """The indexed columns."""
        return tuple(self.table.definition.columns[position] for position in self.columns)

    def key_of(self, row: bytes) -> bytes:
        """Return the BSATN of the indexed columns of a row of the table, in the order of the index.

        Raises:
            RowDecodeFailed: The bytes are no row of the table.
        """
        return self.table.keys_of(row)[self.number]

    @cached_property
    def _order_keys(self) -> list[OrderKey]:
        types = [column.type for column in self.column_defs]
        return [order_key(types[:count]) for count in range(len(types) + 1)]

    def order_key(self, columns: int | None = None) -> OrderKey:
        """Return the function that makes the order key of the first columns, of all when no number is given."""
        return self._order_keys[len(self.columns) if columns is None else columns]

    def check(self, part: str, data: bytes, first: int, count: int) -> None:
        """Check that bytes are the values of some of the columns.

        Args:
            part: What they were given as, for the message.
            data: The bytes.
            first: The first of the columns, counted in the index.
            count: How many columns.

        Raises:
            KeyDecodeFailed: They are not.
        """
        try:
            self._checkers[first, count](data)
        except FAILURES:
            raise KeyDecodeFailed(self.name, part, self._explain(data, first, count)) from None

    @cached_property
    def _checkers(self) -> _Checkers:
        return _Checkers(self)

    def _explain(self, data: bytes, first: int, count: int) -> str:
        offset = 0
        for column in self.column_defs[first : first + count]:
            try:
                _, offset = codec(column.type).read(data, offset)
            except DecodeError as error:
                where = f"{column.name}.{error.path}" if error.path else column.name
                return str(DecodeError(error.reason, error.offset, where))
        return f"{len(data) - offset} bytes left over after the value at byte {offset}"


class _Checkers(dict[tuple[int, int], Projector]):
    """The functions that check keys and parts of keys, made when they are first needed."""

    def __init__(self, index: Index) -> None:
        super().__init__()
        self._index = index

    def __missing__(self, span: tuple[int, int]) -> Projector:
        first, count = span
        types = [column.type for column in self._index.column_defs[first : first + count]]
        check = self[span] = projector(types, ())
        return check


class Table:
    """A table of a datastore.

    Args:
        id: Its number in the database.
        definition: How the module declared it.
        slot: Its place among all tables of the datastore.
    """

    def __init__(self, id: int, definition: TableDef, slot: int) -> None:
        self.id = id
        self.definition = definition
        self.name = definition.name
        self.slot = slot
        self.indexes: tuple[Index, ...] = ()
        self.unique_indexes: tuple[Index, ...] = ()
        self.sequences: tuple[Sequence, ...] = ()
        self.constraint_ids: dict[str, int] = {}
        self.schedule_id: int | None = None
        self.view_id: int | None = None

    def __repr__(self) -> str:
        return f"<Table {self.name}>"

    @cached_property
    def project(self) -> Projector:
        """The function that checks a row and returns the key of every index, or raises one of `FAILURES`."""
        types = [column.type for column in self.definition.columns]
        return projector(types, [index.columns for index in self.indexes])

    @cached_property
    def locate(self) -> Locator:
        """The function that tells where in a row the sequence columns begin."""
        types = [column.type for column in self.definition.columns]
        return locator(types, [sequence.column for sequence in self.sequences])

    def keys_of(self, row: bytes) -> tuple[bytes, ...]:
        """Return the key of every index in a row.

        Raises:
            RowDecodeFailed: The bytes are no row of the table.
        """
        try:
            return self.project(row)
        except FAILURES:
            raise self.refusal(row) from None

    def refusal(self, row: bytes) -> RowDecodeFailed:
        """Return the error that says why bytes are no row of the table."""
        try:
            self.definition.row_codec.decode(row)
        except DecodeError as error:
            return RowDecodeFailed(self.name, str(error))
        return RowDecodeFailed(self.name, "the bytes do not decode")

    def split_rows(self, data: bytes) -> list[bytes]:
        """Cut the BSATN of an array of rows into the rows.

        Raises:
            RowDecodeFailed: The bytes are no array of rows of the table.
        """
        rows_type = Array(self.definition.row_type)
        if not is_exactly(rows_type, data):
            try:
                codec(rows_type).decode(data)
            except DecodeError as error:
                raise RowDecodeFailed(self.name, str(error)) from None
        skip, size, start = skipper(self.definition.row_type), len(data), 4
        rows = []
        for _ in range(int.from_bytes(data[:4], "little")):
            end = skip(data, start, size)
            rows.append(data[start:end])
            start = end
        return rows
