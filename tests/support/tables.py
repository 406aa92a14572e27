"""Tables and modules written down in a line each, and their rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_inner_universe.engine.store import Datastore, Table
from pytest_inner_universe.sats import (
    AlgebraicType,
    ColumnDef,
    ConstraintDef,
    IndexDef,
    ModuleDef,
    ScheduleDef,
    SequenceDef,
    TableDef,
)


def table_def(
    name: str,
    primary_key: str | None = None,
    unique: Iterable[str] = (),
    indexes: Iterable[str] = (),
    sequences: Iterable[SequenceDef] = (),
    schedule: ScheduleDef | None = None,
    is_public: bool = True,
    is_event: bool = False,
    defaults: dict[int, bytes] | None = None,
    /,
    **columns: AlgebraicType,
) -> TableDef:
    """Define a table.

    Args:
        name: Its name; the source calls it the same in capitals.
        primary_key: The column that is the primary key.
        unique: Unique keys, each as columns with commas in between.
        indexes: Further indexes, likewise, with an algorithm in front where it is not a btree: ``hash:a,b``.
    """
    names = list(columns)
    keys = ([primary_key] if primary_key else []) + list(unique)
    found = {text: text for text in keys} | {text.partition(":")[2] or text: text for text in indexes}

    def positions(text: str) -> tuple[int, ...]:
        return tuple(names.index(column) for column in text.split(","))

    index_defs = []
    for key, text in found.items():
        algorithm = text.partition(":")[0] if ":" in text else "btree"
        suffix = f"{key.replace(',', '_')}_idx_{algorithm}"
        index_defs.append(IndexDef(f"{name}_{suffix}", f"{name.upper()}_{suffix}", positions(key), algorithm))
    return TableDef(
        name,
        name.upper(),
        tuple(ColumnDef(i, column, column, type_) for i, (column, type_) in enumerate(columns.items())),
        primary_key=names.index(primary_key) if primary_key else None,
        indexes=tuple(index_defs),
        constraints=tuple(ConstraintDef(f"{name}_{key.replace(',', '_')}_key", positions(key)) for key in keys),
        sequences=tuple(sequence._replace(name=f"{name}_{sequence.name}") for sequence in sequences),
        schedule=schedule,
        is_public=is_public,
        is_event=is_event,
        defaults=defaults or {},
    )


def module_def(*tables: TableDef, **more: Any) -> ModuleDef:
    """Define a module that has these tables."""
    return ModuleDef(version=9, tables={table.name: table for table in tables}, reducers={}, **more)


def datastore(*tables: TableDef) -> Datastore:
    """Make a datastore that has these tables."""
    return Datastore.create(module_def(*tables))


def auto_inc(
    column: int, start: int | None = None, minimum: int | None = None, maximum: int | None = None, increment: int = 1
) -> SequenceDef:
    """Define the sequence of a column."""
    return SequenceDef(f"seq_{column}", column, start, minimum, maximum, increment)


def row(table: Table, *values: Any) -> bytes:
    """Encode a row."""
    return table.definition.row_codec.encode(values)


def values(table: Table, rows: Iterable[bytes]) -> list[tuple[Any, ...]]:
    """Decode rows into tuples."""
    return [tuple(table.definition.row_codec.decode(data).values()) for data in rows]


def key(type: AlgebraicType, value: Any) -> bytes:
    """Encode the key of a single column."""
    from pytest_inner_universe.sats import codec

    return codec(type).encode(value)
