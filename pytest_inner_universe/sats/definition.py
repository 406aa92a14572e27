"""What a module declares: its tables, reducers, procedures and views, independent of the form it declared them in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from .bsatn import Codec, codec
from .cursor import Cursor
from .errors import DecodeError, DefinitionError
from .functions import ProcedureDef, ReducerDef, ViewDef
from .types import AlgebraicType, Element, Product


class ColumnDef(NamedTuple):
    """One column: position from 0, name, name in the module's source, resolved type."""

    position: int
    name: str
    source_name: str
    type: AlgebraicType


class IndexDef(NamedTuple):
    """One index: name, name in the module's source, columns by position, ``btree``, ``hash`` or ``direct``."""

    name: str
    source_name: str
    columns: tuple[int, ...]
    algorithm: str


class ConstraintDef(NamedTuple):
    """A unique constraint over columns given by position."""

    name: str
    columns: tuple[int, ...]


class SequenceDef(NamedTuple):
    """What generates the values of an auto-increment column; None stands for the server's default."""

    name: str
    column: int
    start: int | None
    minimum: int | None
    maximum: int | None
    increment: int


class ScheduleDef(NamedTuple):
    """Which function runs the rows of a table, and which column says when."""

    name: str
    function: str
    at_column: int


@dataclass(frozen=True)
class TableDef:
    """One table."""

    name: str
    source_name: str
    columns: tuple[ColumnDef, ...]
    primary_key: int | None = None
    indexes: tuple[IndexDef, ...] = ()
    constraints: tuple[ConstraintDef, ...] = ()
    sequences: tuple[SequenceDef, ...] = ()
    schedule: ScheduleDef | None = None
    is_public: bool = True
    is_event: bool = False
    is_system: bool = False
    defaults: Mapping[int, bytes] = field(default_factory=dict, hash=False)

    @cached_property
    def row_type(self) -> Product:
        """The type of a row."""
        return Product(tuple(Element(column.name, column.type) for column in self.columns))

    @cached_property
    def row_codec(self) -> Codec:
        """The codec of a row, whose values are dicts by column name."""
        return codec(self.row_type)

    def column(self, name: str) -> ColumnDef:
        """Return a column by its name or its name in the source.

        Raises:
            KeyError: There is none.
        """
        for column in self.columns:
            if name in (column.name, column.source_name):
                return column
        raise KeyError(name)


@dataclass(frozen=True)
class ModuleDef:
    """A whole module definition.

    Args:
        version: 9 or 10, the form that the module emitted.
        tables: By name as clients see it.
        reducers: By name as clients see it, in the module's order.
        procedures: Likewise.
        views: Likewise.
        types: Named types, resolved.
        row_level_security: The filters, as SQL.
    """

    version: int
    tables: Mapping[str, TableDef]
    reducers: Mapping[str, ReducerDef]
    procedures: Mapping[str, ProcedureDef] = field(default_factory=dict)
    views: Mapping[str, ViewDef] = field(default_factory=dict)
    types: Mapping[str, AlgebraicType] = field(default_factory=dict)
    row_level_security: tuple[str, ...] = ()

    @cached_property
    def lifecycle(self) -> dict[str, ReducerDef]:
        """The reducers that are hooks, by ``init``, ``client_connected``, ``client_disconnected``."""
        return {reducer.lifecycle: reducer for reducer in self.reducers.values() if reducer.lifecycle}

    @cached_property
    def _table_aliases(self) -> dict[str, str]:
        return {table.source_name: name for name, table in self.tables.items()}

    def table(self, name: str) -> TableDef:
        """Return a table by its name or its name in the source.

        Raises:
            KeyError: There is none.
        """
        found = self.tables.get(name)
        return found if found is not None else self.tables[self._table_aliases[name]]


def decode_definition(data: bytes) -> ModuleDef:
    """Read what a module writes when it is asked to describe itself.

    Args:
        data: BSATN of the module definition, with the tag of its form in front.

    Raises:
        DecodeError: The bytes are no module definition.
        DefinitionError: The definition contradicts itself, or has a form from before 1.0.
    """
    cursor = Cursor(data)
    tag = cursor.tag(3, "module definition")
    if tag == 0:
        raise DefinitionError(
            "the module was built for a SpacetimeDB older than 1.0, whose definitions are not supported"
        )
    # A process reads one module, in one form.
    if tag == 1:
        from .definition_v9 import read
    else:
        from .definition_v10 import read
    build = read(cursor)
    if cursor.offset != len(data):
        raise DecodeError(f"{len(data) - cursor.offset} bytes left over after the module definition", cursor.offset)
    return build()


__all__ = [
    "ColumnDef",
    "ConstraintDef",
    "IndexDef",
    "ModuleDef",
    "ProcedureDef",
    "ReducerDef",
    "ScheduleDef",
    "SequenceDef",
    "TableDef",
    "ViewDef",
    "decode_definition",
]
