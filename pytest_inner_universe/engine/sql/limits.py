"""Refuses queries that would look at more rows than the owner allows.

The server does not count rows, it estimates them from the plan; so does this.
"""

from __future__ import annotations

from collections.abc import Sequence

from .access import Access
from .errors import SqlError
from .plan import BranchPlan
from .stored import Reader, Schema, StoredIndex, StoredTable
from .variables import TABLE, VARIABLES


def row_limit(reader: Reader, schema: Schema) -> int | None:
    """Return the limit that is set, if any."""
    table = schema.table(TABLE)
    decode = table.definition.row_codec.decode
    for row in reader.rows(table):
        values = decode(row)
        if values["name"] == VARIABLES[0]:
            value = values["value"]
            return int(getattr(value, "value", value))
    return None


def check_row_limit(reader: Reader, schema: Schema, plans: Sequence[BranchPlan]) -> None:
    """Compare what queries would look at with the limit.

    Raises:
        SqlError: It is more.
    """
    limit = row_limit(reader, schema)
    if limit is None:
        return
    estimate = sum(_scanned(reader, plan) for plan in plans)
    if estimate > limit:
        raise SqlError(f"Estimated cardinality ({estimate} rows) exceeds limit ({limit} rows)")


def _scanned(reader: Reader, plan: BranchPlan) -> int:
    rows = _estimate(reader, plan.first)
    scanned = rows + (rows if plan.first_test is not None else 0)
    for step in plan.steps:
        if step.index is not None:
            each = 1 if step.index.is_unique else _per_key(reader, plan.tables[step.source], step.index)
            scanned += rows * each
            rows *= each
        else:
            other = _estimate(reader, step.access)
            scanned += other + rows * other
            rows *= other
        if step.alone is not None or step.test is not None:
            scanned += rows
    return scanned


def _estimate(reader: Reader, access: Access) -> int:
    if access.index is None or not access.is_point:
        return reader.count(access.table)
    return _per_key(reader, access.table, access.index)


def _per_key(reader: Reader, table: StoredTable, index: StoredIndex) -> int:
    keys = {index.key_of(row) for row in reader.rows(table)}
    return reader.count(table) // len(keys) if keys else 0
