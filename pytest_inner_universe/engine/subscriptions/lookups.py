"""How the delta of a join finds the rows of one table that go with a row of the other one."""

from __future__ import annotations

from collections.abc import Callable

from ..sql.bound import Branch, Column, Compare, Node, Value, conjuncts
from ..sql.errors import SqlError
from ..sql.literals import to_bsatn
from ..sql.rowreader import column_slice
from ..sql.stored import Reader, Schema, StoredTable
from ..store.backing import BackingTable

Lookup = Callable[[Reader, bytes], "list[bytes]"]


def lookup(schema: Schema, branch: Branch, column: Column) -> Lookup:
    """Return the function that finds the rows with a value in one column.

    Tables need an index. Where a view takes part, or in older releases, only the table or view that a server looks up needs
    one, and so that of a view has to be on its primary key; the others are searched.

    Raises:
        SqlError: There is no index where one is needed.
    """
    is_lenient = not schema.release.needs_both_indexes
    nodes = conjuncts(branch.where)
    if is_lenient and _is_narrowed(nodes, 0) and _is_narrowed(nodes, 1):
        raise SqlError("Subscriptions require indexes on join columns")
    table = schema.table(branch.sources[column.source].definition.name)
    for index in table.indexes:
        if index.columns == (column.position,):
            return lambda reader, key: reader.seek(index, key)
    has_views = any(isinstance(source.definition, BackingTable) for source in branch.sources)
    if not (has_views or is_lenient) or (looked_up(branch) == column.source and not _is_key_of_view(table, column)):
        raise SqlError("Subscriptions require indexes on join columns")
    cut = column_slice(table.definition, column.position)
    rows = _rows_of_call(table, branch, column.source)
    return lambda reader, key: [row for row in rows(reader) if cut(row) == key]


def looked_up(branch: Branch) -> int:
    """Return the number of the table that a server looks up for each row of the other one.

    That is the second one, unless only that one is narrowed by comparisons with constants, as views always are.
    """
    nodes = conjuncts(branch.where)
    return 0 if _is_narrowed(nodes, 1) and not _is_narrowed(nodes, 0) else 1


def _is_narrowed(nodes: list[Node], source: int) -> bool:
    return any(_constant(node, source) is not None for node in nodes)


def _constant(node: Node, source: int) -> tuple[Column, Value] | None:
    """Return column and value of a comparison of a table's column with a constant."""
    if isinstance(node, Compare):
        for column, value in ((node.left, node.right), (node.right, node.left)):
            if isinstance(column, Column) and column.source == source and isinstance(value, Value):
                return column, value
    return None


def _is_key_of_view(table: StoredTable, column: Column) -> bool:
    is_view = isinstance(table.definition, BackingTable)
    return is_view and any(index.columns == (0, column.position) for index in table.indexes)


def _rows_of_call(table: StoredTable, branch: Branch, source: int) -> Callable[[Reader], list[bytes]]:
    """Return what reads a whole table, or those rows of a view that are for the one who asks."""
    if not isinstance(table.definition, BackingTable):
        return lambda reader: reader.rows(table)
    found = [_constant(node, source) for node in conjuncts(branch.where)]
    (value,) = [constant[1] for constant in found if constant is not None and constant[0].position == 0]
    key = to_bsatn(value.value, value.type)
    index = next(index for index in table.indexes if index.columns == (0,))
    return lambda reader: reader.seek(index, key)
