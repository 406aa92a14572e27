"""The tables of a datastore with their numbers, found by id, name or alias."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

from ...sats.definition import ModuleDef, TableDef
from ..release import Release
from .backing import BackingTable, backing_table
from .errors import NoSuchIndex, NoSuchTable
from .schema import Index, Table
from .sequences import Sequence
from .system_tables import SYSTEM_IDS, SYSTEM_TABLES


class Numbers:
    """Hands out ids: to every kind of object from the same number on, and to a known object the id that it has.

    Args:
        first: The first id of every kind.
        known: Ids that are given already, by kind and name.
    """

    def __init__(self, first: int, known: Mapping[tuple[str, str], int] | None = None) -> None:
        self._known = dict(known or {})
        self._next: dict[str, int] = {}
        self._first = first

    def take(self, kind: str, name: str) -> int:
        """Return the id of an object, a new one if it has none."""
        found = self._known.get((kind, name))
        if found is None:
            if kind not in self._next:
                used = [id_ for (of, _), id_ in self._known.items() if of == kind]
                self._next[kind] = max([self._first - 1, *used]) + 1
            found = self._known[kind, name] = self._next[kind]
            self._next[kind] += 1
        return found


class Catalog:
    """All tables of a datastore, the system's own included; it never changes.

    Args:
        definition: The module's definition.
        tables: The tables in the order of their slots.
        release: The release of the server whose ids and system tables these are.
    """

    def __init__(self, definition: ModuleDef, tables: tuple[Table, ...], release: Release) -> None:
        self.definition = definition
        self.tables = tables
        self.release = release
        self.table_ids = {table.id: table for table in tables}
        self.index_ids = {index.id: index for table in tables for index in table.indexes}
        self.table_names: dict[str, Table] = {}
        self.index_names: dict[str, Index] = {}
        for table in tables:
            self.table_names[table.name] = table
            self.table_names.setdefault(table.definition.source_name, table)
            for index in table.indexes:
                self.index_names[index.name] = index
                self.index_names.setdefault(index.source_name, index)

    @classmethod
    def create(
        cls, definition: ModuleDef, release: Release, known: Mapping[tuple[str, str], int] | None = None
    ) -> Catalog:
        """Number the tables of a module and what belongs to them, in the order of their names; those behind views come last.

        Args:
            definition: The module's definition.
            release: The release of the server that is imitated.
            known: Ids that the objects of an earlier version have and keep, by kind and name.
        """
        builder = _Builder()
        system = Numbers(1, SYSTEM_IDS)
        for id_, table in SYSTEM_TABLES.items():
            if id_ <= release.last_system_table:
                builder.add(table, system)
        user = Numbers(release.first_id, known)
        for name in sorted(definition.tables):
            builder.add(definition.tables[name], user)
        for name in sorted(definition.views):
            builder.add(backing_table(definition, definition.views[name]), user)
        return cls(definition, tuple(builder.tables), release)

    @property
    def ids(self) -> dict[tuple[str, str], int]:
        """The ids of everything that belongs to the module, by kind and name."""
        ids: dict[tuple[str, str], int] = {}
        for table in self.tables:
            if table.definition.is_system:
                continue
            ids["table", table.name] = table.id
            ids.update({("index", index.name): index.id for index in table.indexes})
            ids.update({("constraint", name): id_ for name, id_ in table.constraint_ids.items()})
            ids.update({("sequence", sequence.name): sequence.id for sequence in table.sequences})
            if table.definition.schedule is not None and table.schedule_id is not None:
                ids["schedule", table.definition.schedule.name] = table.schedule_id
            if table.view_id is not None:
                ids["view", table.name] = table.view_id
        return ids

    @property
    def sequences(self) -> Iterator[Sequence]:
        """The sequences of all tables, in the order of their slots."""
        return (sequence for table in self.tables for sequence in table.sequences)

    def table(self, name: str) -> Table:
        """Return a table by its name or its name in the module's source."""
        try:
            return self.table_names[name]
        except KeyError:
            raise NoSuchTable(name) from None

    def table_by_id(self, id: int) -> Table:
        """Return a table by its id."""
        try:
            return self.table_ids[id]
        except KeyError:
            raise NoSuchTable(id) from None

    def index(self, name: str) -> Index:
        """Return an index by its name or its name in the module's source."""
        try:
            return self.index_names[name]
        except KeyError:
            raise NoSuchIndex(name) from None

    def index_by_id(self, id: int) -> Index:
        """Return an index by its id."""
        try:
            return self.index_ids[id]
        except KeyError:
            raise NoSuchIndex(id) from None


class _Builder:
    """Makes tables one after the other."""

    def __init__(self) -> None:
        self.tables: list[Table] = []
        self._sequences = count()

    def add(self, definition: TableDef, numbers: Numbers) -> None:
        table = Table(numbers.take("table", definition.name), definition, len(self.tables))
        unique_sets = {frozenset(constraint.columns) for constraint in definition.constraints}
        table.indexes = tuple(
            Index(numbers.take("index", index.name), table, index, number, frozenset(index.columns) in unique_sets)
            for number, index in enumerate(sorted(definition.indexes, key=lambda index: index.name))
        )
        table.unique_indexes = tuple(index for index in table.indexes if index.is_unique)
        for name in sorted(sequence.name for sequence in definition.sequences):
            numbers.take("sequence", name)
        table.sequences = tuple(
            Sequence(
                numbers.take("sequence", sequence.name),
                sequence,
                definition.columns[sequence.column],
                next(self._sequences),
            )
            for sequence in sorted(definition.sequences, key=lambda sequence: sequence.column)
        )
        names = sorted(constraint.name for constraint in definition.constraints)
        table.constraint_ids = {name: numbers.take("constraint", name) for name in names}
        if definition.schedule is not None:
            table.schedule_id = numbers.take("schedule", definition.schedule.name)
        if isinstance(definition, BackingTable):
            table.view_id = numbers.take("view", definition.name)
        self.tables.append(table)
