"""Tables that keep the rows of views while somebody follows them.

Such a table has one column in front of those of the view, which says for whom a row was computed. Nobody sees that column:
queries read the rows of the one who asks, and hand them out without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ...sats.bsatn import Codec, codec
from ...sats.definition import ColumnDef, ConstraintDef, IndexDef, ModuleDef, TableDef, ViewDef
from ...sats.types import U256, UNIT, Element, Product

KEY_WIDTH = 32
"""Bytes of the hidden column."""
KEY_COLUMN = "arg_hash"


class ViewCall(NamedTuple):
    """A view as one caller sees it; a view that does not know its caller is the same for all.

    Args:
        view: Name of the view.
        sender: Identity of the caller, 32 bytes; None for an anonymous view.
    """

    view: str
    sender: bytes | None

    @property
    def key(self) -> bytes:
        """What its rows have in the hidden column."""
        return self.sender or bytes(KEY_WIDTH)


@dataclass(frozen=True)
class BackingTable(TableDef):
    """The table behind a view.

    Args:
        is_anonymous: Whether the view is the same for all callers.
        params: What the view takes besides its caller; servers run none that takes anything so far.
    """

    is_anonymous: bool = True
    params: Product = UNIT

    @property
    def visible(self) -> tuple[ColumnDef, ...]:
        """The columns of the view."""
        return self.columns[1:]

    @cached_property
    def visible_type(self) -> Product:
        """The type of a row of the view."""
        return Product(tuple(Element(column.name, column.type) for column in self.visible))

    @cached_property
    def visible_codec(self) -> Codec:
        """The codec of a row of the view."""
        return codec(self.visible_type)

    def column(self, name: str) -> ColumnDef:
        """Return a column of the view by its name or its name in the source.

        Raises:
            KeyError: There is none.
        """
        for column in self.visible:
            if name in (column.name, column.source_name):
                return column
        raise KeyError(name)

    def call_by(self, caller: bytes) -> ViewCall:
        """Return the view as a caller sees it."""
        return ViewCall(self.name, None if self.is_anonymous else caller)


def backing_table(definition: ModuleDef, view: ViewDef) -> BackingTable:
    """Return the table behind a view of a module."""
    row = view.row_type
    table = next((table for table in definition.tables.values() if table.row_type == row), None)
    columns = [ColumnDef(0, KEY_COLUMN, KEY_COLUMN, U256)]
    for position, element in enumerate(row.elements):
        name = element.name or str(position)
        source_name = table.columns[position].source_name if table is not None else name
        columns.append(ColumnDef(position + 1, name, source_name, element.type))
    index = f"{view.name}_{KEY_COLUMN}_idx_btree"
    indexes, constraints = [IndexDef(index, index, (0,), "btree")], []
    keyed = [column for column in columns[1:] if column.name in view.primary_key]
    for column in keyed if definition.version >= 10 else ():
        name = f"{view.name}_{KEY_COLUMN}_{column.name}"
        indexes.append(IndexDef(f"{name}_idx_btree", f"{name}_idx_btree", (0, column.position), "btree"))
        constraints.append(ConstraintDef(f"{name}_key", (0, column.position)))
    return BackingTable(
        view.name,
        view.source_name,
        tuple(columns),
        indexes=tuple(indexes),
        constraints=tuple(constraints),
        is_public=view.is_public,
        is_anonymous=view.is_anonymous,
        params=view.params,
    )


def visible_columns(table: TableDef) -> tuple[ColumnDef, ...]:
    """Return the columns of a table or view that queries see."""
    return table.visible if isinstance(table, BackingTable) else table.columns


def visible_codec(table: TableDef) -> Codec:
    """Return the codec of a row of a table or view as queries hand it out."""
    return table.visible_codec if isinstance(table, BackingTable) else table.row_codec
