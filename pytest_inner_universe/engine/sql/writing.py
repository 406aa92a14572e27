"""Reads the statements that are no queries: INSERT, UPDATE, DELETE, SET and SHOW.

Each reader takes its statement from the cursor and returns a function that lowers it, to be called when the whole text
has been read.
"""

from __future__ import annotations

from collections.abc import Callable

from .ast import Assignment, Delete, Insert, SetVariable, ShowVariable, Statement, Update
from .cursor import Cursor
from .errors import SqlError
from .expressions import Expr
from .lowering import Lowering, qualified
from .statements import StatementReader

Lower = Callable[[], Statement]

_JOINS = ("JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL")
_SHOWN_LISTS = frozenset({"CREATE", "COLUMNS", "FIELDS", "TABLES", "FUNCTIONS", "EXTENDED", "FULL", "COLLATION"})


def starts_query(cursor: Cursor) -> bool:
    """Tell whether a query comes next."""
    return cursor.token.keyword in ("SELECT", "WITH", "VALUES") or cursor.is_op("(")


def refused(reader: StatementReader, first: int) -> Lower:
    """Read a statement that no server supports to its end, and return what refuses it."""
    cursor = reader.cursor
    while cursor.token.kind != "end" and not cursor.is_op(";"):
        cursor.advance()
    behind = cursor.at

    def refuse() -> Statement:
        raise cursor.error(f"Unsupported: {cursor.shown(first, behind)}", first)

    return refuse


def read_insert(reader: StatementReader, lowering: Lowering) -> Lower:
    """Read INSERT."""
    cursor, first = reader.cursor, reader.cursor.at
    cursor.advance()
    if not cursor.take_word("INTO") and not cursor.token.kind == "word":
        raise cursor.expected("identifier")
    at = cursor.at
    table = ".".join(part.text for part in cursor.names())
    columns: list[str] = []
    if cursor.take_op("("):
        columns.append(cursor.name().text)
        while cursor.take_op(","):
            columns.append(cursor.name().text)
        cursor.expect_op(")")
    source = cursor.at
    if not cursor.take_word("VALUES"):
        if not starts_query(cursor):
            raise cursor.expected("SELECT, VALUES, or a subquery in the query body")
        raw = reader.query()
        complaint = f"Unsupported INSERT expression: {cursor.shown(source, raw.behind)}"
        if cursor.token.keyword in ("ON", "RETURNING"):
            return refused(reader, first)
        return _raising(cursor.error(complaint, source))
    rows = [_row(reader)]
    while cursor.take_op(","):
        rows.append(_row(reader))
    if cursor.token.keyword in ("ON", "RETURNING"):
        return refused(reader, first)

    def lower() -> Statement:
        values = tuple(tuple(lowering.constant(cell, "Unsupported INSERT value") for cell in row) for row in rows)
        return Insert(table, cursor.tokens[at].start, tuple(columns), values)

    return lower


def _row(reader: StatementReader) -> list[Expr]:
    cursor = reader.cursor
    cursor.expect_op("(")
    cells: list[Expr] = [reader.expressions.read()]
    while cursor.take_op(","):
        cells.append(reader.expressions.read())
    cursor.expect_op(")")
    return cells


def _raising(error: SqlError) -> Lower:
    def refuse() -> Statement:
        raise error

    return refuse


def read_update(reader: StatementReader, lowering: Lowering) -> Lower:
    """Read UPDATE."""
    cursor, first = reader.cursor, reader.cursor.at
    cursor.advance()
    table = reader.table()
    joined = cursor.token.keyword in _JOINS
    if joined:
        return refused(reader, first)
    cursor.expect_word("SET")
    assigned = [_assigned(reader)]
    while cursor.take_op(","):
        assigned.append(_assigned(reader))
    if cursor.is_word("FROM"):
        return refused(reader, first)
    where = reader.condition()
    if cursor.is_word("RETURNING"):
        return refused(reader, first)
    if table.names is None or table.alias is not None:
        return _raising(cursor.error(f"Unsupported: {cursor.shown(first, cursor.at)}", first))
    name, position = ".".join(table.names), cursor.tokens[table.first].start

    def lower() -> Statement:
        assignments = tuple(_assignment(lowering, *pair) for pair in assigned)
        condition = qualified(lowering.condition(where), name) if where is not None else None
        return Update(name, position, assignments, condition)

    return lower


def _assigned(reader: StatementReader) -> tuple[int, str, Expr]:
    cursor, at = reader.cursor, reader.cursor.at
    name = ".".join(part.text for part in cursor.names())
    cursor.expect_op("=")
    return at, name, reader.expressions.read()


def _assignment(lowering: Lowering, at: int, name: str, value: Expr) -> Assignment:
    constant = lowering.constant(value, "Unsupported column/variable assignment expression")
    return Assignment(name, lowering.cursor.tokens[at].start, constant)


def read_delete(reader: StatementReader, lowering: Lowering) -> Lower:
    """Read DELETE."""
    cursor, first = reader.cursor, reader.cursor.at
    cursor.advance()
    if not cursor.take_word("FROM"):
        cursor.names()
        while cursor.take_op(","):
            cursor.names()
        cursor.expect_word("FROM")
        return refused(reader, first)
    tables = [reader.table()]
    start = cursor.tokens[tables[0].first].start
    joins = False
    while cursor.is_op(",") or cursor.token.keyword in _JOINS:
        if cursor.take_op(","):
            tables.append(reader.table())
            continue
        joins = True
        while cursor.token.kind != "end" and not cursor.is_op(";", ",") and not cursor.is_word("WHERE"):
            cursor.advance()
    behind = cursor.at
    if cursor.is_word("USING"):
        return refused(reader, first)
    where = reader.condition()
    if cursor.token.keyword in ("RETURNING", "ORDER", "LIMIT"):
        return refused(reader, first)
    if len(tables) > 1:
        return _raising(SqlError("Multi-table DELETE is not supported", start, cursor.sql))
    table = tables[0]
    if joins or table.names is None or table.alias is not None:
        shown = cursor.shown(table.first, behind)
        return _raising(SqlError(f"Unsupported table expression in DELETE: {shown}", start, cursor.sql))
    name = ".".join(table.names)

    def lower() -> Statement:
        return Delete(name, start, qualified(lowering.condition(where), name) if where is not None else None)

    return lower


def read_set(reader: StatementReader, lowering: Lowering) -> Lower:
    """Read SET."""
    cursor, first = reader.cursor, reader.cursor.at
    cursor.advance()
    if cursor.token.keyword in ("LOCAL", "TRANSACTION", "ROLE", "CHARACTERISTICS") and cursor.peek(1).text != "=":
        return refused(reader, first)
    if cursor.is_word("SESSION") and cursor.peek(1).text != "=":
        cursor.advance()
    at = cursor.at
    name = ".".join(part.text for part in cursor.names())
    if not cursor.take_op("=") and not cursor.take_word("TO"):
        raise cursor.expected("equals sign or TO")
    value = reader.expressions.read()
    if cursor.is_op(","):
        return refused(reader, first)
    return lambda: SetVariable(_assignment(lowering, at, name, value))


def read_show(reader: StatementReader, _: Lowering) -> Lower:
    """Read SHOW."""
    cursor, first = reader.cursor, reader.cursor.at
    cursor.advance()
    if cursor.token.keyword in _SHOWN_LISTS:
        return refused(reader, first)
    at, words = cursor.at, []
    while cursor.token.kind in ("word", "quoted"):
        words.append(cursor.advance().text)
        cursor.take_op(".")
    name = ".".join(words)
    return lambda: ShowVariable(name, cursor.tokens[at].start)


WRITERS: dict[str, Callable[[StatementReader, Lowering], Lower]] = {
    "INSERT": read_insert,
    "UPDATE": read_update,
    "DELETE": read_delete,
    "SET": read_set,
    "SHOW": read_show,
}
"""The readers, by the first word of their statements."""
