"""Definitions of form 9, which bindings up to 1.12 emit: names are used as they are, missing ones are made up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .build import add_once, build_table, named_types
from .cursor import Cursor
from .definition import ColumnDef, ModuleDef, TableDef
from .errors import DefinitionError
from .functions import ProcedureDef, ReducerDef, ViewDef
from .meta import read_product, read_type
from .raw import LIFECYCLES, RawTypeName, read_named_types, read_table_body
from .types import AlgebraicType, Product
from .typespace import Typespace
from .validate import check_definition


class Parts(NamedTuple):
    """What a definition consists of; nothing of it was checked so far.

    Args:
        typespace: The types, which refer to each other by number.
        tables: As `read_table_body` gives them, with ``name``, ``schedule``, ``is_system`` and ``is_public``.
        reducers: Name, parameters and number of the hook.
        types: Names of types.
        exports: Kind (0 default value, 1 procedure, 2 view), name, and the rest.
        filters: Row level security, as SQL.
    """

    typespace: list[AlgebraicType]
    tables: list[dict[str, Any]]
    reducers: list[tuple[str, Product, int | None]]
    types: list[RawTypeName]
    exports: list[tuple[int, str, tuple[Any, ...]]]
    filters: tuple[str, ...]


def read_parts(cursor: Cursor) -> Parts:
    """Read a definition of form 9, without the tag in front.

    Raises:
        DecodeError: The bytes are none.
    """
    return Parts(
        cursor.array(lambda: read_type(cursor)),
        cursor.array(lambda: _read_table(cursor)),
        cursor.array(
            lambda: (
                cursor.string("reducer name"),
                read_product(cursor),
                cursor.option(lambda: cursor.tag(3, "lifecycle")),
            )
        ),
        read_named_types(cursor),
        cursor.array(lambda: _read_export(cursor)),
        tuple(cursor.array(lambda: cursor.string("row level security"))),
    )


def read(cursor: Cursor) -> Callable[[], ModuleDef]:
    """Read a definition of form 9, without the tag in front.

    Returns:
        What puts the definition together; nothing of it was checked so far.
    """
    parts = read_parts(cursor)
    return lambda: build(parts)


def build(parts: Parts) -> ModuleDef:
    """Put a definition together.

    Raises:
        DefinitionError: It contradicts itself.
    """
    return _Builder(Typespace(parts.typespace), parts.exports).build(
        parts.tables, parts.reducers, parts.types, parts.filters
    )


def _read_table(cursor: Cursor) -> dict[str, Any]:
    return {
        "name": cursor.string("table name"),
        **read_table_body(cursor),
        "schedule": cursor.option(
            lambda: (cursor.option(cursor.string), cursor.string(), cursor.unsigned(2, "column"))
        ),
        "is_system": cursor.tag(2, "table type") == 0,
        "is_public": cursor.tag(2, "table access") == 0,
    }


def _read_export(cursor: Cursor) -> tuple[int, str, tuple[Any, ...]]:
    tag, name = cursor.tag(3, "miscellaneous export"), cursor.string()
    if tag == 0:
        return tag, name, (cursor.unsigned(2, "column"), cursor.blob())
    if tag == 1:
        return tag, name, (read_product(cursor), read_type(cursor))
    numbers = (cursor.unsigned(4, "index"), cursor.boolean("access"), cursor.boolean("anonymity"))
    return tag, name, (*numbers, read_product(cursor), read_type(cursor))


class _Builder:
    """Puts the definition together."""

    def __init__(self, typespace: Typespace, exports: list[tuple[int, str, tuple[Any, ...]]]) -> None:
        self.typespace = typespace
        self.defaults: dict[str, dict[int, bytes]] = {}
        self.procedures: dict[str, ProcedureDef] = {}
        self.views: dict[str, ViewDef] = {}
        for tag, name, parts in exports:
            if tag == 0:
                self._default(name, *parts)
            elif tag == 1:
                self._procedure(name, *parts)
            else:
                self._view(name, *parts)

    def _default(self, table: str, column: int, value: bytes) -> None:
        defaults = self.defaults.setdefault(table, {})
        if column in defaults:
            raise DefinitionError(f"column {column} of table {table!r} has more than one default")
        defaults[column] = value

    def _procedure(self, name: str, params: Product, returns: AlgebraicType) -> None:
        resolved = self.typespace.resolve_product(params)
        procedure = ProcedureDef(
            len(self.procedures), name, name, resolved, return_type=self.typespace.resolve(returns)
        )
        add_once(self.procedures, name, "procedure", procedure)

    def _view(
        self, name: str, index: int, is_public: bool, is_anonymous: bool, params: Product, returns: AlgebraicType
    ) -> None:
        row, _ = self.typespace.view_row(returns, name)
        self.typespace.row_type(row, name)
        resolved = self.typespace.resolve_product(params)
        view = ViewDef(name, name, index, is_public, is_anonymous, resolved, self.typespace.resolve(returns))
        add_once(self.views, name, "view", view)

    def build(
        self,
        raw_tables: list[dict[str, Any]],
        raw_reducers: list[tuple[str, Product, int | None]],
        types: list[RawTypeName],
        filters: tuple[str, ...],
    ) -> ModuleDef:
        tables: dict[str, TableDef] = {}
        for raw in raw_tables:
            name = raw["name"]
            row = self.typespace.row_type(raw["row"], name)
            columns = tuple(ColumnDef(i, e.name or "", e.name or "", e.type) for i, e in enumerate(row.elements))
            defaults = self.defaults.pop(name, {})
            add_once(
                tables, name, "table", build_table(raw, name, columns, schedule=raw["schedule"], defaults=defaults)
            )
        for name in self.defaults:
            raise DefinitionError(f"there is a default for table {name!r}, which the module does not have")
        reducers: dict[str, ReducerDef] = {}
        for number, (name, params, hook) in enumerate(raw_reducers):
            resolved = self.typespace.resolve_product(params)
            lifecycle = None if hook is None else LIFECYCLES[hook]
            add_once(reducers, name, "reducer", ReducerDef(number, name, name, resolved, lifecycle=lifecycle))
        definition = ModuleDef(
            9, tables, reducers, self.procedures, self.views, named_types(self.typespace, types), filters
        )
        check_definition(definition)
        return definition
