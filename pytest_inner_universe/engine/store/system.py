"""What the system tables say, in which a database describes itself. They are ordinary tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...sats.meta import type_bytes
from ...sats.values import Variant
from .backing import BackingTable, visible_columns

if TYPE_CHECKING:
    from .catalog import Catalog
    from .schema import Index, Table


_VERSION = b"0.0.1"
"""What servers take to be the version of every module."""


def catalog_rows(catalog: Catalog) -> Iterator[tuple[Table, bytes]]:
    """Return what the system tables say of all tables, themselves included: pairs of a system table and a row of it."""
    for table in catalog.tables:
        for name, values in _descriptions(table):
            if name in catalog.table_names:  # older releases have fewer
                yield _encode(catalog, name, values)
    for text in catalog.definition.row_level_security:
        yield _encode(catalog, "st_row_level_security", (_filtered_table(catalog, text).id, text))


def _encode(catalog: Catalog, name: str, values: tuple[Any, ...]) -> tuple[Table, bytes]:
    table = catalog.table(name)
    return table, table.definition.row_codec.encode(values)


def _descriptions(table: Table) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Return what the system tables say of one table."""
    definition = table.definition
    kind = "system" if definition.is_system else "user"
    access = "public" if definition.is_public else "private"
    key = None if definition.primary_key is None else [definition.primary_key]
    yield "st_table", (table.id, table.name, kind, access, key)
    for column in definition.columns:
        yield "st_column", (table.id, column.position, column.name, type_bytes(column.type))
    for index in table.indexes:
        yield "st_index", (index.id, table.id, index.name, _algorithm(index))
    for constraint in definition.constraints:
        data = Variant("Unique", {"columns": list(constraint.columns)})
        yield "st_constraint", (table.constraint_ids[constraint.name], constraint.name, table.id, data)
    for sequence in table.sequences:
        limits = (sequence.increment, sequence.start, sequence.minimum, sequence.maximum, sequence.start)
        yield "st_sequence", (sequence.id, sequence.name, table.id, sequence.column, *limits)
    if definition.schedule is not None:
        schedule = definition.schedule
        yield "st_scheduled", (table.schedule_id, table.id, schedule.function, schedule.name, schedule.at_column)
    if definition.is_event:
        yield "st_event_table", (table.id,)
    if isinstance(definition, BackingTable):
        yield from _view_descriptions(table, definition)
    if not definition.is_system:
        yield from _other_names(table)


def _view_descriptions(table: Table, definition: BackingTable) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Return what the system tables say of a view; servers note every view as public, and the table behind it as it is."""
    yield "st_view", (table.view_id, table.name, table.id, True, definition.is_anonymous)
    for position, parameter in enumerate(definition.params.elements):
        yield "st_view_param", (table.view_id, position, parameter.name or str(position), type_bytes(parameter.type))
    for position, column in enumerate(definition.visible):
        yield "st_view_column", (table.view_id, position, column.name, type_bytes(column.type))


def _other_names(table: Table) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Return the names in the module's source, also where they are no different."""
    definition = table.definition
    yield "st_table_accessor", (table.name, definition.source_name)
    for column in visible_columns(definition):
        yield "st_column_accessor", (table.name, column.name, column.source_name)
    if not isinstance(definition, BackingTable):
        for index in table.indexes:
            yield "st_index_accessor", (index.name, index.source_name)


def _algorithm(index: Index) -> Variant:
    if index.algorithm == "direct":
        return Variant("Direct", {"column": index.columns[0]})
    return Variant("Hash" if index.algorithm == "hash" else "BTree", {"columns": list(index.columns)})


def _filtered_table(catalog: Catalog, text: str) -> Table:
    """Return the table whose rows a filter of row-level security lets through."""
    from ..sql.ast import Star
    from ..sql.parser import parse_subscription

    select = parse_subscription(text)
    alias = select.projection.alias if isinstance(select.projection, Star) else None
    source = next((source for source in select.sources if source.alias == alias), select.sources[0])
    return catalog.table(source.table)


def module_row(identity: bytes, owner: bytes, program_hash: str, program: bytes) -> bytes:
    """Return the row of ``st_module`` that describes a running program.

    Args:
        identity: The database's identity, 32 little-endian bytes.
        owner: Who published it, likewise.
        program_hash: 64 hexadecimal digits.
        program: The program itself.
    """
    wasm = b"\0"  # the kind of program
    parts = (len(program).to_bytes(4, "little"), program, len(_VERSION).to_bytes(4, "little"), _VERSION)
    return b"".join((identity, owner, wasm, bytes.fromhex(program_hash), *parts))
