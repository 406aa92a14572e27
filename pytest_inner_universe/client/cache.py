"""The rows that a client knows, table by table, decoded when somebody looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ..sats.bsatn import Codec, codec
from ..sats.types import Product
from .callbacks import CallbackRunner, Cancel, Listeners
from .changes import Bag, Change, Delta, apply, pair
from .errors import UnknownTable

if TYPE_CHECKING:
    from ..sats.definition import ModuleDef, TableDef, ViewDef

Row = dict[str, Any]


class ChangeListeners:
    """Callbacks for the three kinds of change."""

    __slots__ = ("deletes", "inserts", "updates")

    def __init__(self) -> None:
        self.inserts = Listeners()
        self.updates = Listeners()
        self.deletes = Listeners()

    def __bool__(self) -> bool:
        return bool(self.inserts or self.updates or self.deletes)

    def notify(self, runner: CallbackRunner, changes: list[Change]) -> None:
        """Run the callbacks for changes, which were applied before."""
        if not self:
            return
        for change in changes:
            if change.old is None:
                if self.inserts and change.new is not None:
                    self.inserts.notify(runner, change.table.read(change.new))
            elif change.new is None:
                if self.deletes:
                    self.deletes.notify(runner, change.table.read(change.old))
            elif self.updates:
                self.updates.notify(runner, change.table.read(change.old), change.table.read(change.new))


class TableCache:
    """The rows of one table that the subscriptions of a connection cover.

    A row is here as long as at least one subscription covers it. Rows are given out as new dicts; what is nested in them
    is shared, so change neither.

    Callbacks tell of transactions: of rows that came, changed or went in the database or out of sight of all
    subscriptions, not of rows that arrive with a new subscription or leave with an old one. They run after the whole
    transaction has been applied, and before the `call` that caused it returns. Each may be an ordinary function or an
    asynchronous one, which then goes on by itself.

    Args:
        name: Name of the table or view.
        row_codec: How its rows are read.
        primary_key: Name of the column with the primary key, if there is one.
    """

    def __init__(self, name: str, row_codec: Codec, primary_key: str | None) -> None:
        self.name = name
        """The name as the module has it, whichever alias it was asked for by."""

        self.primary_key = primary_key
        """Name of the column with the primary key; None where there is none, so that there are no updates."""

        self.listeners = ChangeListeners()
        self._codec = row_codec
        self._key_codec: Codec | None = None
        self._bag: Bag = {}
        self._values: dict[bytes, Any] = {}
        # Values of rows that went with the latest transaction, whose callbacks still want to see them.
        self._gone: dict[bytes, Any] = {}
        # Built by the first `find`, kept from then on.
        self._by_key: dict[bytes, bytes] | None = None
        if primary_key is not None and type(row_codec.type) is Product:
            key_type = next(element.type for element in row_codec.type.elements if element.name == primary_key)
            self._key_codec = codec(key_type)

    # Reading

    def rows(self) -> list[Row]:
        """Return all rows, in the order in which they came."""
        values, decode = self._values, self._codec.decode
        rows = []
        for row in self._bag:
            value = values.get(row)
            if value is None:
                value = values[row] = decode(row)
            rows.append(value.copy() if type(value) is dict else value)
        return rows

    def find(self, key: Any) -> Row | None:
        """Return the row with a primary key, or None.

        Args:
            key: The key in any form that its column takes.

        Raises:
            TypeError: The table has no primary key.
            EncodeError: The key does not fit its column.
        """
        if self._key_codec is None:
            raise TypeError(f"table {self.name!r} has no primary key to find rows by")
        if self._by_key is None:
            self._by_key = {self._key_of(row): row for row in self._bag}
        row = self._by_key.get(self._key_codec.encode(key))
        return None if row is None else self.read(row)

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self._bag)

    def __len__(self) -> int:
        return len(self._bag)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows())

    def __repr__(self) -> str:
        return f"<TableCache {self.name}, {self.count} rows>"

    # Callbacks

    def on_insert(self, callback: Callable[[Row], Any]) -> Cancel:
        """Call a function with every row that comes. For an event table, these are the events.

        Returns:
            A function that ends this, which may be called more than once.
        """
        return self.listeners.inserts.add(callback)

    def on_update(self, callback: Callable[[Row, Row], Any]) -> Cancel:
        """Call a function with the old and the new form of every row that changes but keeps its primary key."""
        return self.listeners.updates.add(callback)

    def on_delete(self, callback: Callable[[Row], Any]) -> Cancel:
        """Call a function with every row that goes."""
        return self.listeners.deletes.add(callback)

    # What a connection does

    def read(self, row: bytes) -> Any:
        """Return the value of a row, decoding it if it has not been so far."""
        value = self._value(row)
        return value.copy() if type(value) is dict else value

    def decode(self, row: bytes) -> Any:
        """Return the value of a row that is not kept."""
        return self._codec.decode(row)

    def apply(self, counts: Bag) -> list[Change]:
        """Apply the sum of what all query sets say, and return it as changes if anybody listens.

        Raises:
            RemoteProtocolError: Rows are taken away that are not here.
            DecodeError: A row is damaged, if it had to be read.
        """
        deleted, inserted = apply(self.name, self._bag, counts)
        self._gone = {row: self._values.pop(row) for row in deleted if row in self._values}
        if self._by_key is not None:
            for row in deleted:
                self._by_key.pop(self._key_of(row), None)
            for row in inserted:
                self._by_key[self._key_of(row)] = row
        return self.paired(deleted, inserted) if self.listeners else []

    def take(self, delta: Delta) -> list[Change]:
        """Apply a transaction; see `apply`."""
        return self.apply(delta.counts) + self.events(delta.events)

    def paired(self, deleted: list[bytes], inserted: list[bytes]) -> list[Change]:
        """Make changes of rows that went and rows that came."""
        return pair(self, deleted, inserted, self._key_of if self._key_codec is not None else None)

    def events(self, rows: dict[bytes, None]) -> list[Change]:
        """Make changes of the rows of an event table, which never stay."""
        return [Change(self, None, row) for row in rows]

    def _key_of(self, row: bytes) -> bytes:
        assert self._key_codec is not None
        return self._key_codec.encode(self._value(row)[self.primary_key])

    def _value(self, row: bytes) -> Any:
        known = self._values if row in self._bag else self._gone
        value = known.get(row)
        if value is None:
            value = known[row] = self._codec.decode(row)
        return value


class Tables:
    """The tables of a connection, by name; a name in the module's source works as well.

    Args:
        definition: What the module declares.
    """

    def __init__(self, definition: ModuleDef) -> None:
        self._definition = definition
        self._tables: dict[str, TableCache] = {}

    def __getitem__(self, name: str) -> TableCache:
        """Return a table.

        Raises:
            UnknownTable: The module has none of this name.
        """
        found = self._tables.get(name)
        if found is None:
            made = self._make(name)
            found = self._tables[name] = self._tables.setdefault(made.name, made)
        return found

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and self[name] is not None
        except UnknownTable:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __repr__(self) -> str:
        return f"<Tables {', '.join(f'{name}: {table.count}' for name, table in self._known().items())}>"

    def _known(self) -> dict[str, TableCache]:
        return {table.name: table for table in self._tables.values()}

    def _names(self) -> list[str]:
        return [*self._definition.tables, *self._definition.views]

    def _make(self, name: str) -> TableCache:
        try:
            table = self._definition.table(name)
        except KeyError:
            pass
        else:
            return _cache_of_table(table)
        for view in self._definition.views.values():
            if name in {view.name, view.source_name}:
                return _cache_of_view(view)
        raise UnknownTable(name, self._names())


def _cache_of_table(table: TableDef) -> TableCache:
    key = None if table.primary_key is None else table.columns[table.primary_key].name
    return TableCache(table.name, table.row_codec, key)


def _cache_of_view(view: ViewDef) -> TableCache:
    return TableCache(view.name, codec(view.row_type), view.primary_key[0] if len(view.primary_key) == 1 else None)
