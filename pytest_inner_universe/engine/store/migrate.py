"""What has to happen to the tables of a module so that they become those of its next version, and what forbids it.

The rules are those of a server's automatic migration. A plan names all obstacles at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ...sats.bsatn import codec
from ...sats.definition import ModuleDef, TableDef
from ...sats.types import AlgebraicType
from .compatibility import is_upgrade
from .projector import is_exactly, projector
from .sequences import Sequence

if TYPE_CHECKING:
    from .datastore import Datastore
    from .schema import Table


class Step(NamedTuple):
    """One change.

    Args:
        action: ``add table``, ``remove index``, ``change access`` and the like.
        name: Name of the table, index, constraint, sequence, schedule, column or view; the text of a filter.
        table: The table that it belongs to, None for tables, views and filters.
    """

    action: str
    name: str
    table: str | None = None

    def __str__(self) -> str:
        return f"{self.action} {self.name!r}" + (f" of table {self.table!r}" if self.table is not None else "")


@dataclass(frozen=True)
class MigrationPlan:
    """The way from one version of a module to the next.

    Args:
        old: The definition of the tables that are there.
        new: The definition that they are to have.
        steps: What changes; changes of reducers and procedures do not concern the tables and are not among them.
        breaks_clients: Whether connected clients could not go on with what they know, and are disconnected.
        refusals: Why it cannot be done; empty when it can.
    """

    old: ModuleDef
    new: ModuleDef
    steps: tuple[Step, ...]
    breaks_clients: bool
    refusals: tuple[str, ...]


def plan_migration(datastore: Datastore, new: ModuleDef) -> MigrationPlan:
    """Compare the tables of a datastore with those of another definition.

    Args:
        datastore: The tables and rows that are there.
        new: The definition that they are to have.
    """
    planner = _Planner(datastore, new)
    planner.tables()
    planner.views()
    planner.filters()
    return MigrationPlan(
        datastore.definition, new, tuple(planner.steps), planner.breaks_clients, tuple(planner.refusals)
    )


class _Planner:
    def __init__(self, datastore: Datastore, new: ModuleDef) -> None:
        self.datastore = datastore
        self.view = datastore.view()
        self.old = datastore.definition
        self.new = new
        self.steps: list[Step] = []
        self.refusals: list[str] = []
        self.breaks_clients = False
        self._is_able = datastore.release.migrates_tables

    def tables(self) -> None:
        for name in sorted({*self.old.tables, *self.new.tables}):
            old, new = self.old.tables.get(name), self.new.tables.get(name)
            if old is None:
                self.steps.append(Step("add table", name))
            elif new is None:
                self._remove_table(name)
            else:
                self._table(self.datastore.table(name), old, new)

    def _remove_table(self, name: str) -> None:
        count = self.view.count(self.datastore.table(name))
        if not self._is_able:
            self.refusals.append(f"table {name!r} was removed")
        elif count:
            self.refusals.append(f"table {name!r} was removed, but has {count} row{'s' if count > 1 else ''}")
        self.steps.append(Step("remove table", name))
        self.breaks_clients = True

    def _table(self, table: Table, old: TableDef, new: TableDef) -> None:
        if old.is_event != new.is_event:
            became = "became an event table" if new.is_event else "is no event table any more"
            self.refusals.append(f"table {new.name!r} {became}")
        if new.is_event and old.is_event:
            self._event_columns(old, new)
        elif not self._columns(old, new):
            return  # positions have lost their meaning: whatever else differs could not be told right
        if old.is_public != new.is_public:
            self.steps.append(Step("change access", new.name))
        if old.primary_key != new.primary_key:
            self.steps.append(Step("change primary key", new.name))
        self._indexes(old, new)
        self._constraints(table, old, new)
        self._sequences(table, old, new)
        self._schedule(old, new)

    def _event_columns(self, old: TableDef, new: TableDef) -> None:
        if old.row_type != new.row_type:
            self.steps.append(Step("change columns", new.name))
            self.breaks_clients = True

    def _columns(self, old: TableDef, new: TableDef) -> bool:
        """Compare the columns; return whether the old ones stand where they stood."""
        before = len(self.refusals)
        new_names = [column.name for column in new.columns]
        old_names = [column.name for column in old.columns]
        for column in old.columns:
            if column.name not in new_names:
                self._refuse(new, f"column {column.name!r} was removed")
            elif new_names[: len(old_names)] != old_names and new_names.index(column.name) != column.position:
                self._refuse(new, f"column {column.name!r} is not in its place any more")
        for column in new.columns:
            if column.name in old_names:
                self._column_type(old, new, column.name)
            elif column.position < len(old_names):
                self._refuse(new, f"column {column.name!r} was added before the end")
            elif not self._is_able:
                self._refuse(new, f"column {column.name!r} was added")
            elif column.position not in new.defaults:
                self._refuse(new, f"column {column.name!r} was added without a default value")
            elif not is_exactly(column.type, new.defaults[column.position]):
                self._refuse(new, f"the default value of column {column.name!r} is no {_short(column.type)}")
            else:
                self.steps.append(Step("add column", column.name, new.name))
                self.breaks_clients = True
        return len(self.refusals) == before

    def _column_type(self, old: TableDef, new: TableDef, name: str) -> None:
        was, is_ = old.column(name).type, new.column(name).type
        if was != is_ and not (self._is_able and is_upgrade(was, is_)):
            self._refuse(new, f"column {name!r} changed its type from {_short(was)} to {_short(is_)}")
        elif was != is_:
            self.steps.append(Step("change type", name, new.name))

    def _refuse(self, table: TableDef, reason: str) -> None:
        self.refusals.append(f"table {table.name!r}: {reason}")

    def _indexes(self, old: TableDef, new: TableDef) -> None:
        self._compare(
            "index",
            new.name,
            {index.name: (index.columns, index.algorithm) for index in old.indexes},
            {index.name: (index.columns, index.algorithm) for index in new.indexes},
        )

    def _constraints(self, table: Table, old: TableDef, new: TableDef) -> None:
        was = {constraint.name: constraint.columns for constraint in old.constraints}
        is_ = {constraint.name: constraint.columns for constraint in new.constraints}
        for name in was.keys() & is_.keys():
            if set(was[name]) != set(is_[name]):
                text = f"constraint {name!r} was on {_columns(old, was[name])} and is on {_columns(new, is_[name])}"
                self._refuse(new, text)
                is_[name] = was[name]
        for name in self._compare("constraint", new.name, was, is_):
            keys = list(self._keys(table, new, is_[name]))
            if not self._is_able:
                self._refuse(new, f"the unique constraint {name!r} was added")
            elif len(set(keys)) < len(keys):
                text = f"rows have the same {_columns(new, is_[name])}, which the new constraint {name!r} forbids"
                self._refuse(new, text)

    def _sequences(self, table: Table, old: TableDef, new: TableDef) -> None:
        was = {sequence.name: sequence for sequence in old.sequences}
        is_ = {sequence.name: sequence for sequence in new.sequences}
        for name in self._compare("sequence", new.name, was, is_):
            column = new.columns[is_[name].column]
            sequence = Sequence(0, is_[name], column, 0)
            read = codec(column.type).decode
            if any(
                sequence.minimum <= read(key) <= sequence.maximum for key in self._keys(table, new, (column.position,))
            ):
                text = f"column {column.name!r} has values in the range of the new sequence {name!r}"
                self._refuse(new, text)

    def _keys(self, table: Table, new: TableDef, columns: tuple[int, ...]) -> Iterator[bytes]:
        """Return what the rows of a table will have in some columns."""
        added = added_columns(table.definition, new)
        project = projector([column.type for column in new.columns], [columns])
        return (project(row + added)[0] for row in self.view.rows(table))

    def _schedule(self, old: TableDef, new: TableDef) -> None:
        self._compare(
            "schedule",
            new.name,
            {old.schedule.name: old.schedule} if old.schedule is not None else {},
            {new.schedule.name: new.schedule} if new.schedule is not None else {},
        )

    def _compare(self, kind: str, table: str | None, was: Mapping[str, object], is_: Mapping[str, object]) -> list[str]:
        """Note what goes and what comes among things with names; a changed one does both. Return the names of what comes."""
        goes = [name for name in sorted(was) if is_.get(name) != was[name]]
        comes = [name for name in sorted(is_) if was.get(name) != is_[name]]
        self.steps += [Step(f"remove {kind}", name, table) for name in goes]
        self.steps += [Step(f"add {kind}", name, table) for name in comes]
        return comes

    def views(self) -> None:
        """Compare the views; one that clients may read and that goes or changes its form disconnects them."""
        was = {name: (view.params, view.return_type) for name, view in self.old.views.items()}
        is_ = {name: (view.params, view.return_type) for name, view in self.new.views.items()}
        self._compare("view", None, was, is_)
        if any(is_.get(name) != form for name, form in was.items()):
            self.breaks_clients = True

    def filters(self) -> None:
        """Compare the filters of row-level security."""
        was = dict.fromkeys(self.old.row_level_security, True)
        is_ = dict.fromkeys(self.new.row_level_security, True)
        self._compare("filter", None, was, is_)


def added_columns(old: TableDef, new: TableDef) -> bytes:
    """Return what a row gets at its end: the default values of the columns that are new."""
    return b"".join(new.defaults[column.position] for column in new.columns[len(old.columns) :])


def _columns(table: TableDef, positions: tuple[int, ...]) -> str:
    return "(" + ", ".join(table.columns[position].name for position in positions) + ")"


def _short(type_: AlgebraicType) -> str:
    text = str(type_)
    return text if len(text) <= 60 else text[:57] + "..."
