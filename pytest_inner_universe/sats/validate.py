"""Checks of a module definition that a server makes before it publishes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .definition import ModuleDef, TableDef
from .errors import DefinitionError
from .functions import ProcedureDef, ReducerDef, ViewDef
from .types import INTEGERS, U8, U16, U32, U64, AlgebraicType, is_simple_enum, special

_DIRECT = frozenset({U8, U16, U32, U64})


def check_definition(definition: ModuleDef) -> None:
    """Check that names are unique and that tables, keys and schedules fit together.

    Raises:
        DefinitionError: The first thing that a server would refuse.
    """
    functions: list[ReducerDef | ProcedureDef | ViewDef] = [
        *definition.reducers.values(),
        *definition.procedures.values(),
        *definition.views.values(),
    ]
    _unique("an object of the database", _object_names(definition))
    _unique("a function", [function.name for function in functions])
    for function in functions:
        _identifier("function", function.name)
        for i, element in enumerate(function.params.elements):
            if element.name is None:
                raise DefinitionError(f"parameter {i} of {function.name!r} has no name")
            _identifier(f"parameter of {function.name!r}", element.name)
        _unique(f"a parameter of {function.name!r}", [element.name or "" for element in function.params.elements])
    for table in definition.tables.values():
        _check_table(definition, table)
    hooks = [reducer.lifecycle for reducer in definition.reducers.values() if reducer.lifecycle]
    for hook in hooks:
        if hooks.count(hook) > 1:
            raise DefinitionError(f"more than one reducer serves the hook {hook}")


def _object_names(definition: ModuleDef) -> Iterator[str]:
    """Yield the names in the database; a name in the source counts where it differs, since it stays valid."""
    for table in definition.tables.values():
        yield from {table.name, table.source_name}
        for index in table.indexes:
            yield from {index.name, index.source_name}
        yield from (constraint.name for constraint in table.constraints)
        yield from (sequence.name for sequence in table.sequences)
        if table.schedule:
            yield table.schedule.name
    yield from definition.views


def _unique(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DefinitionError(f"the name {name!r} stands for more than one thing; {what} needs a name of its own")
        seen.add(name)


def _identifier(what: str, name: str) -> None:
    if not name.isidentifier():
        raise DefinitionError(f"the {what} {name!r} has a name that is no identifier")


def _check_table(definition: ModuleDef, table: TableDef) -> None:
    name = table.name
    _identifier("table", name)
    if name.startswith("st_") and not table.is_system:
        raise DefinitionError(f"table {name!r} has a name that is reserved for system tables")
    for column in table.columns:
        _identifier(f"column of table {name!r}", column.name)
    _unique(f"a column of table {name!r}", [column.name for column in table.columns])
    unique_sets = [frozenset(constraint.columns) for constraint in table.constraints]
    if table.primary_key is not None and frozenset({table.primary_key}) not in unique_sets:
        raise DefinitionError(f"the primary key of table {name!r} has no unique constraint")
    indexed = [frozenset(index.columns) for index in table.indexes]
    for constraint in table.constraints:
        if frozenset(constraint.columns) not in indexed:
            raise DefinitionError(
                f"the unique constraint {constraint.name!r} of table {name!r} has no index over its columns"
            )
    for index in table.indexes:
        if index.algorithm == "direct" and not _direct(table.columns[index.columns[0]].type):
            raise DefinitionError(
                f"the direct index {index.name!r} of table {name!r} is on a type that cannot have one"
            )
    _check_sequences(table)
    if table.schedule is not None:
        _check_schedule(definition, table)


def _check_sequences(table: TableDef) -> None:
    columns: set[int] = set()
    for sequence in table.sequences:
        column = table.columns[sequence.column]
        what = f"the sequence {sequence.name!r} of table {table.name!r}"
        if column.type not in INTEGERS:
            raise DefinitionError(f"{what} is on a column of type {column.type}, which is no integer")
        if sequence.column in columns:
            raise DefinitionError(f"{what} is the second one on column {column.name!r}")
        columns.add(sequence.column)
        if sequence.increment == 0:
            raise DefinitionError(f"{what} has an increment of 0")
        bounds = [bound for bound in (sequence.minimum, sequence.start, sequence.maximum) if bound is not None]
        if bounds != sorted(bounds):
            raise DefinitionError(f"{what} starts outside of its bounds")


def _check_schedule(definition: ModuleDef, table: TableDef) -> None:
    schedule = table.schedule
    assert schedule is not None
    key = table.primary_key
    if key is None or table.columns[key].type != U64:
        raise DefinitionError(f"the scheduled table {table.name!r} needs a primary key of type U64")
    if schedule.at_column >= len(table.columns) or special(table.columns[schedule.at_column].type) != "schedule_at":
        raise DefinitionError(
            f"the scheduled table {table.name!r} has no ScheduleAt column where its schedule looks for one"
        )
    function = definition.reducers.get(schedule.function) or definition.procedures.get(schedule.function)
    if function is None:
        raise DefinitionError(
            f"the scheduled table {table.name!r} runs {schedule.function!r}, which the module does not have"
        )
    if len(function.params.elements) != 1 or function.params.elements[0].type != table.row_type:
        raise DefinitionError(
            f"{schedule.function!r} does not take a row of the scheduled table {table.name!r} as its argument"
        )


def _direct(type_: AlgebraicType) -> bool:
    return type_ in _DIRECT or is_simple_enum(type_)
