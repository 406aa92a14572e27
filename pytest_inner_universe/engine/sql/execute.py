"""Runs statements of the HTTP grammar."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from ...sats.bsatn import codec
from ...sats.types import U64, AlgebraicType
from ...sats.values import Identity
from ..store.backing import ViewCall, visible_codec, visible_columns
from . import ast
from .bound import Columns, Query, RowCount, WholeRows
from .catalog import Catalog
from .check import Checker
from .errors import SqlError
from .limits import check_row_limit
from .parser import parse_statement
from .plan import BranchPlan
from .result import SqlResult
from .rls import RowFilters, filters_by_table
from .rowreader import column_slice
from .stored import Reader, Schema

Materialize = Callable[[tuple[ViewCall, ...]], None]
"""Computes the rows of views that a query is about to read."""


def execute(tx: Any, text: str, caller: Identity, is_owner: bool, materialize: Materialize | None = None) -> SqlResult:
    """Run one statement.

    Args:
        tx: The transaction; its changes are left for the caller to commit or to roll back.
        text: The statement.
        caller: Who asks.
        is_owner: Whether the caller owns the database: sees private tables, may write, is not narrowed by row filters.
        materialize: Called with the views that a SELECT reads, before it reads them.

    Raises:
        SqlError: A real server would refuse it; the reason has the server's words. Nothing has been written then,
            provided that the transaction is rolled back.
    """
    schema: Schema = tx.datastore
    try:
        statement = parse_statement(text)
        checker = Checker(Catalog(schema, is_owner), caller)
        if isinstance(statement, (ast.Select, ast.ShowVariable)):
            return _select(tx, schema, checker, statement, is_owner, materialize)
        from .dml import write

        return write(tx, schema, checker, statement, is_owner)
    except SqlError as error:
        raise error.with_sql(text) from None


def _select(
    tx: Reader,
    schema: Schema,
    checker: Checker,
    statement: ast.Statement,
    is_owner: bool,
    materialize: Materialize | None,
) -> SqlResult:
    if isinstance(statement, ast.ShowVariable):
        from .variables import shown

        statement = shown(statement)
    assert isinstance(statement, ast.Select)
    query = checker.select(statement)
    if not is_owner:
        query = RowFilters(schema, filters_by_table(schema), checker.caller).narrow(query)
    if query.views and materialize is not None:
        materialize(query.views)
    plans = [BranchPlan(branch, schema) for branch in query.branches]
    if not is_owner:
        check_row_limit(tx, schema, plans)
    columns = _columns(query)
    rows = [row for plan in plans for row in _rows(tx, query, plan)]
    if isinstance(query.output, RowCount):
        rows = [(sum(count for (count,) in rows),)]
    return SqlResult(columns, tuple(rows[: query.limit] if query.limit is not None else rows))


def _columns(query: Query) -> tuple[tuple[str, AlgebraicType], ...]:
    output = query.output
    if isinstance(output, RowCount):
        return ((output.alias, U64),)
    if isinstance(output, Columns):
        return tuple((name, column.type) for name, column in output.columns)
    definition = query.branches[0].sources[output.source].definition
    return tuple((column.name, column.type) for column in visible_columns(definition))


def _rows(tx: Reader, query: Query, plan: BranchPlan) -> list[tuple[Any, ...]]:
    output, limit = query.output, query.limit
    if isinstance(output, RowCount):
        table = plan.counts_all()
        return [(tx.count(table) if table is not None else sum(1 for _ in plan.run(tx, is_bounded=True, counts=True)),)]
    if isinstance(output, WholeRows):
        decode = visible_codec(plan.definitions[output.source]).decode
        return [tuple(decode(row).values()) for row in islice(plan.rows_of(output.source, tx, is_bounded=True), limit)]
    parts = []
    for _, column in output.columns:
        cut = column_slice(plan.definitions[column.source], column.position)
        parts.append((plan.order.index(column.source), cut, codec(column.type).decode))
    found = islice(plan.run(tx, is_bounded=True), limit)
    return [tuple(decode(cut(rows[place])) for place, cut, decode in parts) for rows in found]
