"""Carries a migration plan out: the tables of the next version with the rows of the present one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...sats.definition import TableDef
from .backing import BackingTable
from .catalog import Catalog
from .layer import Layer
from .migrate import MigrationPlan, added_columns
from .reading import Stack, visible_rows
from .system import catalog_rows

if TYPE_CHECKING:
    from .schema import Table

_DESCRIBING = frozenset(
    """
    st_table st_column st_sequence st_index st_constraint st_scheduled st_row_level_security st_event_table
    st_view st_view_param st_view_column st_table_accessor st_index_accessor st_column_accessor
    """.split()
)
"""The system tables that say what the module declares; the others say what happened and keep their rows."""


def evolved(
    plan: MigrationPlan, catalog: Catalog, stacks: list[Stack], counters: list[int]
) -> tuple[Catalog, list[Stack], list[int]]:
    """Return the state after a migration; layers of tables that do not change are shared.

    Args:
        plan: A plan without refusals.
        catalog: The tables as they are.
        stacks: Their layers, all of them frozen.
        counters: The next values of the sequences.
    """
    after = Catalog.create(plan.new, catalog.release, catalog.ids)
    new_stacks: list[Stack] = [()] * len(after.tables)
    new_counters = [sequence.start for sequence in after.sequences]
    present = {table.name: table for table in catalog.tables}
    for table in after.tables:
        before = present.get(table.name)
        if before is None or table.name in _DESCRIBING:
            continue
        if isinstance(table.definition, BackingTable) and table.definition != before.definition:
            continue  # the rows of a view that has changed are computed again
        new_stacks[table.slot] = _carried(before, table, stacks[before.slot])
        known = {sequence.definition: sequence for sequence in before.sequences}
        for sequence in table.sequences:
            if sequence.definition in known:
                new_counters[sequence.slot] = counters[known[sequence.definition].slot]
    for table, row in catalog_rows(after):
        if not new_stacks[table.slot]:
            new_stacks[table.slot] = (Layer(len(table.indexes)),)
        new_stacks[table.slot][0].add(row, table.project(row))
    for table in after.tables:
        for layer in new_stacks[table.slot]:
            if not layer.is_frozen:
                layer.freeze()
    return after, new_stacks, new_counters


def _carried(before: Table, after: Table, stack: Stack) -> Stack:
    """Return the layers of a table in its next version."""
    if _shape(before.definition) == _shape(after.definition):
        return stack
    rows = visible_rows(stack)
    if not rows:
        return ()
    added = added_columns(before.definition, after.definition)
    layer = Layer(len(after.indexes))
    for row in rows:
        layer.add(row + added, after.project(row + added))
    return (layer,)


def _shape(table: TableDef) -> object:
    """Return what the layers of a table depend on: how many columns its rows have, and the keys of its indexes."""
    return len(table.columns), [index.columns for index in sorted(table.indexes, key=lambda index: index.name)]
