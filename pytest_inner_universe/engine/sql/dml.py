"""Runs the statements that write: INSERT, UPDATE, DELETE and SET."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...sats.bsatn import codec
from ...sats.definition import TableDef
from ...sats.values import ConnectionId, Identity, Variant
from ..store.errors import UniqueViolation
from . import ast
from .bound import Branch, Node, SourceTable
from .check import Checker
from .errors import SqlError, SqlNotSupported
from .literals import to_bsatn
from .plan import BranchPlan
from .result import SqlResult
from .rowreader import column_slice
from .stored import Schema
from .variables import TABLE as VARIABLES_TABLE
from .variables import limit_value


def write(tx: Any, schema: Schema, checker: Checker, statement: ast.Statement, is_owner: bool) -> SqlResult:
    """Check and run a statement that writes.

    Args:
        tx: The transaction.
        schema: The datastore.
        checker: Checks names and types for the caller.
        statement: The statement.
        is_owner: Whether the caller owns the database; nobody else may write.

    Raises:
        SqlError: A server would refuse it.
    """
    if not schema.release.reads_negative_numbers:
        _refuse_signs(statement)
    work = _prepare(tx, schema, checker, statement)
    if not is_owner:
        raise SqlError(schema.release.may_not_write.format(checker.caller.hex()))
    try:
        return work()
    except UniqueViolation as error:
        raise _duplicate(schema, error) from None


def _refuse_signs(statement: ast.Statement) -> None:
    written: list[ast.Constant] = []
    complaint = "Unsupported column/variable assignment expression"
    if isinstance(statement, ast.Insert):
        complaint, written = "Unsupported INSERT value", [constant for row in statement.rows for constant in row]
    elif isinstance(statement, ast.Update):
        written = [assignment.value for assignment in statement.assignments]
    for constant in written:
        if constant.kind == "number" and constant.text[0] in "+-":
            raise SqlError(f"{complaint}: {constant.text}", constant.position)


def _duplicate(schema: Schema, error: UniqueViolation) -> SqlError:
    definition = schema.table(error.table).definition
    values = []
    for name in error.columns:
        column = definition.column(name)
        value = codec(column.type).decode(column_slice(definition, column.position)(error.row))
        values.append(_notation(value))
    key = values[0] if len(values) == 1 else "(" + ", ".join(f"{i} = {value}" for i, value in enumerate(values)) + ")"
    names = "[" + ", ".join(f'"{name}"' for name in error.columns) + "]"
    where = "DatastoreError: " if schema.release.wraps_index_errors else ""
    return SqlError(
        f"{where}IndexError: Unique constraint violation '{error.index}' in table '{error.table}': "
        f"column(s): '{names}' value: {key}"
    )


def _notation(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    return f"0x{value.hex()}" if isinstance(value, (bytes, Identity, ConnectionId)) else str(value)


def _prepare(tx: Any, schema: Schema, checker: Checker, statement: ast.Statement) -> Callable[[], SqlResult]:
    if isinstance(statement, ast.SetVariable):
        name, value = statement.assignment.name, limit_value(statement.assignment)
        table = schema.table(VARIABLES_TABLE)
        row = table.definition.row_codec.encode({"name": name, "value": Variant("U64", value)})
        return lambda: _insert(tx, table, [row])
    assert isinstance(statement, (ast.Insert, ast.Update, ast.Delete))
    source = checker.single_table(statement.table, statement.position)
    definition = source.definition
    if isinstance(statement, ast.Insert):
        rows = _rows(checker, definition, statement)
        return lambda: _insert(tx, _writable(schema, definition), rows)
    assignments = _assignments(checker, definition, statement) if isinstance(statement, ast.Update) else {}
    where = checker.condition(statement.where) if statement.where is not None else None
    if isinstance(statement, ast.Delete):
        return lambda: _delete(tx, _writable(schema, definition), _matching(tx, schema, source, where))
    return lambda: _update(tx, _writable(schema, definition), _matching(tx, schema, source, where), assignments)


def _writable(schema: Schema, definition: TableDef) -> Any:
    if definition.is_system and definition.name != VARIABLES_TABLE:
        raise SqlNotSupported(f"`{definition.name}` is a system table, which the embedded engine does not write by SQL")
    return schema.table(definition.name)


def _rows(checker: Checker, definition: TableDef, statement: ast.Insert) -> list[bytes]:
    width = len(definition.columns)
    if len(statement.columns) != width:
        raise SqlError(
            f"The number of fields ({len(statement.columns)}) in the INSERT does not match "
            f"the number of columns ({width}) of the table `{definition.name}`",
            statement.position,
        )
    rows = []
    for constants in statement.rows:
        if len(constants) != width:
            raise SqlError(
                f"Inserting a row with {len(constants)} values into `{definition.name}` which has {width} fields",
                constants[0].position,
            )
        # The names of the columns are not looked at: values go into columns by position, as on a real server.
        values = [checker.assigned(constant, column.type) for constant, column in zip(constants, definition.columns)]
        rows.append(b"".join(to_bsatn(value.value, value.type) for value in values))
    return rows


def _assignments(checker: Checker, definition: TableDef, statement: ast.Update) -> dict[int, bytes]:
    assigned: dict[int, bytes] = {}
    for assignment in statement.assignments:
        try:
            column = definition.column(assignment.name)
        except KeyError:
            reason = f"`{definition.name}` does not have a field `{assignment.name}`"
            raise SqlError(reason, assignment.position) from None
        value = checker.assigned(assignment.value, column.type)
        # Of two values for one column the first counts, as on a real server.
        assigned.setdefault(column.position, to_bsatn(value.value, value.type))
    return assigned


def _matching(tx: Any, schema: Schema, source: SourceTable, where: Node | None) -> list[bytes]:
    return list(BranchPlan(Branch((source,), where), schema).rows_of(0, tx))


def _insert(tx: Any, table: Any, rows: list[bytes]) -> SqlResult:
    before = tx.count(table)
    for row in rows:
        tx.insert(table, row)
    return SqlResult(inserted=tx.count(table) - before)


def _delete(tx: Any, table: Any, rows: list[bytes]) -> SqlResult:
    return SqlResult(deleted=tx.delete_rows(table, rows))


def _update(tx: Any, table: Any, rows: list[bytes], assignments: dict[int, bytes]) -> SqlResult:
    cuts = {position: column_slice(table.definition, position) for position in range(len(table.definition.columns))}
    tx.delete_rows(table, rows)
    for row in rows:
        parts = (assignments[position] if position in assignments else cut(row) for position, cut in cuts.items())
        tx.insert(table, b"".join(parts))
    return SqlResult(updated=len(rows))
