"""Putting tables together: positions are checked, and what has no name gets one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from .bsatn import codec
from .definition import ColumnDef, ConstraintDef, IndexDef, ScheduleDef, SequenceDef, TableDef
from .errors import DecodeError, DefinitionError
from .raw import RawTypeName
from .types import AlgebraicType, Ref
from .typespace import RecursiveType, Typespace

T = TypeVar("T")


def add_once(found: dict[str, T], name: str, what: str, definition: T) -> None:
    """Put a definition into a mapping by name.

    Raises:
        DefinitionError: The name is taken.
    """
    if name in found:
        raise DefinitionError(f"{what} {name!r} is declared twice")
    found[name] = definition


def named_types(typespace: Typespace, declared: Sequence[RawTypeName]) -> dict[str, AlgebraicType]:
    """Return the named types by name, scopes separated by points; recursive ones stay references."""
    types: dict[str, AlgebraicType] = {}
    for parts, index, _ in declared:
        type_: AlgebraicType = Ref(index)
        with suppress(RecursiveType):
            type_ = typespace.resolve(type_)
        add_once(types, ".".join(parts), "type", type_)
    return types


def build_table(
    raw: dict[str, Any],
    name: str,
    columns: tuple[ColumnDef, ...],
    *,
    schedule: tuple[str | None, str, int] | None,
    defaults: Mapping[int, bytes],
    index_names: Mapping[str, str] | None = None,
) -> TableDef:
    """Put a table together.

    Args:
        raw: What was read.
        name: The name that clients see; ``raw["name"]`` is the one in the source.
        columns: Its columns, with the names that clients see.
        schedule: Name, function and column of its schedule.
        defaults: BSATN of the default values by column position.
        index_names: For form 10, which makes up all names of indexes and constraints: explicit names of indexes by source name.

    Raises:
        DefinitionError: A position is outside of the columns or stands twice, or a default value does not fit.
    """

    def joined(positions: tuple[int, ...], what: str) -> str:
        for position in positions:
            if position >= len(columns):
                raise DefinitionError(f"{what} of table {name!r} refers to column {position} of {len(columns)}")
        if len(set(positions)) != len(positions) or not positions:
            raise DefinitionError(f"{what} of table {name!r} has {'no columns' if not positions else 'a column twice'}")
        return "_".join(columns[position].name for position in positions)

    converts = index_names is not None
    indexes = []
    for index in raw["indexes"]:
        generated = f"{name}_{joined(index.columns, 'an index')}_idx_{index.algorithm}"
        chosen = (index_names.get(index.name or "") if index_names is not None else index.name) or generated
        indexes.append(IndexDef(chosen, index.name or chosen, index.columns, index.algorithm))
    constraints = []
    for constraint in raw["constraints"]:
        generated = f"{name}_{joined(constraint.columns, 'a constraint')}_key"
        constraints.append(ConstraintDef(generated if converts else constraint.name or generated, constraint.columns))
    sequences = []
    for sequence in raw["sequences"]:
        generated = f"{name}_{joined((sequence.column,), 'a sequence')}_seq"
        sequences.append(SequenceDef(sequence.name or generated, *sequence[1:]))
    key = raw["primary_key"]
    if len(key) > 1:
        raise DefinitionError(f"table {name!r} has a primary key of {len(key)} columns, 1 is the most")
    if key:
        joined(key, "the primary key")
    _check_defaults(name, columns, defaults)
    return TableDef(
        name=name,
        source_name=raw["name"],
        columns=columns,
        primary_key=key[0] if key else None,
        indexes=tuple(indexes),
        constraints=tuple(constraints),
        sequences=tuple(sequences),
        schedule=schedule
        and ScheduleDef(schedule[0] if schedule[0] and not converts else f"{name}_sched", schedule[1], schedule[2]),
        is_public=raw["is_public"],
        is_event=raw.get("is_event", False),
        is_system=raw["is_system"],
        defaults=defaults,
    )


def _check_defaults(table: str, columns: tuple[ColumnDef, ...], defaults: Mapping[int, bytes]) -> None:
    for position, value in defaults.items():
        if position >= len(columns):
            raise DefinitionError(f"a default of table {table!r} refers to column {position} of {len(columns)}")
        column = columns[position]
        try:
            codec(column.type).decode(value)
        except DecodeError as error:
            raise DefinitionError(f"the default of column {column.name!r} of table {table!r} is bad: {error}") from None
