"""The definitions of the system tables: what a database of the newest imitated release keeps about itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from ...sats.definition import ColumnDef, ConstraintDef, IndexDef, TableDef
from ...sats.types import (
    BOOL,
    BYTES,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    I128,
    STRING,
    U8,
    U16,
    U32,
    U64,
    U128,
    U256,
    AlgebraicType,
    Array,
    Sum,
    SumVariant,
    option,
    product,
)

_COLUMNS = Array(U16)
_INDEX_ALGORITHM = Sum(
    (
        SumVariant("Unused", U128),
        SumVariant("BTree", product(columns=_COLUMNS)),
        SumVariant("Direct", product(column=U16)),
        SumVariant("Hash", product(columns=_COLUMNS)),
    )
)
_CONSTRAINT_DATA = Sum((SumVariant("Unused", U128), SumVariant("Unique", product(columns=_COLUMNS))))
_VALUE = Sum(
    tuple(
        SumVariant(str(type_), type_)
        for type_ in (BOOL, I8, U8, I16, U16, I32, U32, I64, U64, I128, U128, F32, F64, STRING)
    )
)


def _table(
    name: str,
    primary_key: str | None,
    unique: tuple[tuple[str, ...], ...] = (),
    /,
    *,
    indexed: tuple[tuple[str, ...], ...] = (),
    **columns: AlgebraicType,
) -> TableDef:
    """Return a definition.

    Args:
        name: Its name.
        primary_key: The column with the primary key, if there is one.
        unique: Columns of further unique constraints.
        indexed: Columns of indexes that are not unique.
        **columns: Its columns.
    """
    names = list(columns)
    keys = [tuple(map(names.index, key)) for key in (*([(primary_key,)] if primary_key else []), *unique)]
    others = [tuple(map(names.index, key)) for key in indexed]

    def named(key: tuple[int, ...], ending: str) -> str:
        return "_".join((name, *(names[position] for position in key), ending))

    return TableDef(
        name,
        name,
        tuple(ColumnDef(i, column, column, type_) for i, (column, type_) in enumerate(columns.items())),
        primary_key=names.index(primary_key) if primary_key else None,
        indexes=tuple(
            IndexDef(named(key, "idx_btree"), named(key, "idx_btree"), key, "btree") for key in (*others, *keys)
        ),
        constraints=tuple(ConstraintDef(named(key, "key"), key) for key in keys),
        is_system=True,
    )


SYSTEM_TABLES = {
    1: _table(
        "st_table",
        "table_id",
        (("table_name",),),
        table_id=U32,
        table_name=STRING,
        table_type=STRING,
        table_access=STRING,
        table_primary_key=option(_COLUMNS),
    ),
    2: _table(
        "st_column", None, (("table_id", "col_pos"),), table_id=U32, col_pos=U16, col_name=STRING, col_type=BYTES
    ),
    4: _table("st_index", "index_id", index_id=U32, table_id=U32, index_name=STRING, index_algorithm=_INDEX_ALGORITHM),
    5: _table(
        "st_constraint",
        "constraint_id",
        constraint_id=U32,
        constraint_name=STRING,
        table_id=U32,
        constraint_data=_CONSTRAINT_DATA,
    ),
    6: _table(
        "st_module",
        None,
        database_identity=U256,
        owner_identity=U256,
        program_kind=U8,
        program_hash=U256,
        program_bytes=BYTES,
        module_version=STRING,
    ),
    7: _table("st_client", None, (("identity", "connection_id"),), identity=U256, connection_id=U128),
    8: _table("st_var", "name", name=STRING, value=_VALUE),
    9: _table(
        "st_scheduled",
        "schedule_id",
        (("table_id",),),
        schedule_id=U32,
        table_id=U32,
        reducer_name=STRING,
        schedule_name=STRING,
        at_column=U16,
    ),
    10: _table("st_row_level_security", "sql", indexed=(("table_id",),), table_id=U32, sql=STRING),
    3: _table(
        "st_sequence",
        "sequence_id",
        sequence_id=U32,
        sequence_name=STRING,
        table_id=U32,
        col_pos=U16,
        increment=I128,
        start=I128,
        min_value=I128,
        max_value=I128,
        allocated=I128,
    ),
    11: replace(
        _table("st_connection_credentials", "connection_id", connection_id=U128, jwt_payload=STRING), is_public=False
    ),
    12: _table(
        "st_view",
        "view_id",
        (("view_name",),),
        view_id=U32,
        view_name=STRING,
        table_id=option(U32),
        is_public=BOOL,
        is_anonymous=BOOL,
    ),
    13: _table(
        "st_view_param",
        None,
        (("view_id", "param_pos"),),
        view_id=U32,
        param_pos=U16,
        param_name=STRING,
        param_type=BYTES,
    ),
    14: _table(
        "st_view_column", None, (("view_id", "col_pos"),), view_id=U32, col_pos=U16, col_name=STRING, col_type=BYTES
    ),
    15: _table(
        "st_view_sub",
        None,
        indexed=(("identity",), ("has_subscribers",), ("view_id", "arg_id", "identity")),
        view_id=U32,
        arg_id=U64,
        identity=U256,
        num_subscribers=U64,
        has_subscribers=BOOL,
        last_called=I64,
    ),
    16: _table("st_view_arg", "id", (("bytes",),), id=U64, bytes=BYTES),
    17: _table("st_event_table", "table_id", table_id=U32),
    18: _table(
        "st_table_accessor", None, (("table_name",), ("accessor_name",)), table_name=STRING, accessor_name=STRING
    ),
    19: _table(
        "st_index_accessor", None, (("index_name",), ("accessor_name",)), index_name=STRING, accessor_name=STRING
    ),
    20: _table(
        "st_column_accessor",
        None,
        (("table_name", "col_name"), ("table_name", "accessor_name")),
        table_name=STRING,
        col_name=STRING,
        accessor_name=STRING,
    ),
}
"""Definitions of the system tables by their ids, which every server gives them, in the order in which servers list them.

Servers since 2.0 keep `st_view_sub` and `st_view_arg` without writing to them."""


def _ids() -> dict[tuple[str, str], int]:
    ids = {("table", table.name): id_ for id_, table in SYSTEM_TABLES.items()}
    for kind in ("index", "constraint"):
        numbers = count(1)
        for id_ in sorted(SYSTEM_TABLES):
            definition = SYSTEM_TABLES[id_]
            for item in definition.indexes if kind == "index" else definition.constraints:
                ids[kind, item.name] = next(numbers)
    return ids


SYSTEM_IDS = _ids()
"""Ids of the system tables and what belongs to them, by kind and name; the same on every server."""
