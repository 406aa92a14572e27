"""The two grammars of SpacetimeDB's SQL.

`parse_subscription` reads what clients may subscribe to (and one-off queries), `parse_statement` what the HTTP
interface takes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from .ast import ColumnName, Condition, Constant, OutputColumn, Select, Statement
from .cursor import Cursor
from .errors import SqlError
from .lexer import check_length
from .lowering import Lowering, qualified, unqualified_position
from .statements import RawSelect, StatementReader
from .writing import WRITERS, refused, starts_query

_T = TypeVar("_T")

_KEPT_LENGTH = 2_000
"""Tests ask the same short queries over and over: what they say is kept, for texts of up to so many characters."""

_OTHER_STATEMENTS = frozenset(
    """ALTER ANALYZE ASSERT BEGIN CACHE CALL CLOSE COMMIT COPY CREATE DEALLOCATE DECLARE DESC DESCRIBE DISCARD DROP EXECUTE
    EXPLAIN FETCH GRANT KILL MERGE MSCK PRAGMA PREPARE REVOKE ROLLBACK SAVEPOINT START TRUNCATE UNCACHE USE""".split()
)

_SELECTED = "SELECT takes FROM, JOIN ... ON, WHERE and LIMIT: group, sort and combine in the code that asks."
_SUBSCRIBED = "A subscription takes FROM, JOIN ... ON and WHERE: group, sort, combine and limit in the code that asks."


def parse_subscription(text: str) -> Select:
    """Read one query of the subscription grammar.

    Args:
        text: One SELECT of whole rows.

    Raises:
        SqlError: It is no such query; the reason has the server's words.
    """
    return _known_subscription(text) if len(text) <= _KEPT_LENGTH else _parse(text, _subscription)


def parse_statement(text: str) -> Statement:
    """Read one statement of the HTTP grammar.

    Args:
        text: One SELECT, INSERT, UPDATE, DELETE, SET or SHOW; a semicolon may follow.

    Raises:
        SqlError: It is no such statement; the reason has the server's words.
    """
    return _known_statement(text) if len(text) <= _KEPT_LENGTH else _parse(text, _statement)


@lru_cache(maxsize=512)
def _known_subscription(text: str) -> Select:
    return _parse(text, _subscription)


@lru_cache(maxsize=512)
def _known_statement(text: str) -> Statement:
    return _parse(text, _statement)


def _parse(text: str, read: Callable[[StatementReader, Lowering], Callable[[], _T]]) -> _T:
    # The server parses everything first and lowers afterwards: a syntax error behind an unsupported clause wins.
    check_length(text)
    cursor = Cursor(text)
    reader, lowering = StatementReader(cursor), Lowering(cursor)
    lower: Callable[[], _T] | None = None
    count = 0
    while True:
        while cursor.take_op(";"):
            pass
        if cursor.token.kind == "end":
            break
        lower = read(reader, lowering)
        count += 1
        if cursor.token.kind != "end" and not cursor.is_op(";"):
            raise cursor.expected("end of statement")
    if count > 1:
        raise SqlError("Multiple SQL statements are not supported", None, text)
    if lower is None:
        raise SqlError("Empty SQL query", None, text)
    return lower()


def _subscription(reader: StatementReader, lowering: Lowering) -> Callable[[], Select]:
    if starts_query(reader.cursor):
        raw = reader.query()
        return lambda: _subscribed(raw, lowering)
    _statement(reader, lowering)
    at = reader.cursor.sql

    def refuse() -> Select:
        raise SqlError("Unsupported: Non-SELECT queries", 0, at)

    return refuse


def _subscribed(raw: RawSelect, lowering: Lowering) -> Select:
    cursor = lowering.cursor
    if raw.odd_query or raw.limit is not None:
        raise cursor.error(f"Unsupported: {cursor.shown(raw.first, raw.behind)}", raw.first, _SUBSCRIBED)
    if raw.odd_set:
        raise cursor.error(
            f"Unsupported set operation: {cursor.shown(raw.first, raw.body_behind)}", raw.first, _SUBSCRIBED
        )
    if raw.odd_select:
        raise cursor.error(f"Unsupported SELECT: {cursor.shown(raw.first, raw.body_behind)}", raw.first, _SUBSCRIBED)
    sources = lowering.sources(raw.tables, raw.comma_join)
    where = lowering.condition(raw.where) if raw.where is not None else None
    return _qualify(Select(lowering.projection(raw.items), sources, where), cursor.sql)


def _selected(raw: RawSelect, lowering: Lowering) -> Select:
    cursor = lowering.cursor
    if raw.odd_query:
        raise cursor.error(f"Unsupported: {cursor.shown(raw.first, raw.behind)}", raw.first, _SELECTED)
    if raw.odd_set or raw.odd_select:
        raise cursor.error(f"Unsupported: {cursor.shown(raw.first, raw.body_behind)}", raw.first, _SELECTED)
    projection = lowering.projection(raw.items)
    sources = lowering.sources(raw.tables, raw.comma_join)
    where = lowering.condition(raw.where) if raw.where is not None else None
    limit = Constant("number", raw.limit.text, raw.limit.start) if raw.limit is not None else None
    return _qualify(Select(projection, sources, where, limit), cursor.sql)


def _qualify(select: Select, sql: str) -> Select:
    """Name the table of every column; with joins that is the caller's task."""
    projection = select.projection
    if len(select.sources) == 1:
        alias = select.sources[0].alias
        if isinstance(projection, tuple):
            projection = tuple(OutputColumn(_column(qualified(o.column, alias)), o.alias) for o in projection)
        where = qualified(select.where, alias) if select.where is not None else None
        return Select(projection, select.sources, where, select.limit)
    columns = [output.column for output in projection] if isinstance(projection, tuple) else []
    for condition in [*(source.on for source in select.sources), *columns, select.where]:
        position = unqualified_position(condition)
        if position is not None:
            raise SqlError("Names must be qualified when using joins", position, sql)
    return select


def _column(condition: Condition) -> ColumnName:
    assert isinstance(condition, ColumnName)
    return condition


def _statement(reader: StatementReader, lowering: Lowering) -> Callable[[], Statement]:
    cursor = reader.cursor
    if starts_query(cursor):
        raw = reader.query()
        return lambda: _selected(raw, lowering)
    read = WRITERS.get(cursor.token.keyword)
    if read is not None:
        return read(reader, lowering)
    if cursor.token.keyword in _OTHER_STATEMENTS:
        return refused(reader, cursor.at)
    raise cursor.expected("an SQL statement")
