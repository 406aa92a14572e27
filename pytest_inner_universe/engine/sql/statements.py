"""Reads the outer form of statements: clauses and their order, of everything that SQL has.

What is read here is either one of the few forms that a grammar takes, or marked with the reason why none does; the
two grammars pick from it in `parser`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .cursor import Cursor
from .expressions import Expr, ExpressionReader
from .lexer import Token

_CLAUSES = frozenset(
    """WITH EXPLAIN ANALYZE SELECT WHERE GROUP SORT HAVING ORDER TOP LATERAL VIEW LIMIT OFFSET FETCH UNION EXCEPT INTERSECT
    CLUSTER DISTRIBUTE RETURNING""".split()
)
TABLE_ALIAS_RESERVED = _CLAUSES | frozenset(
    """PIVOT UNPIVOT ON JOIN INNER CROSS FULL LEFT RIGHT NATURAL USING GLOBAL ANTI SEMI OUTER SET QUALIFY WINDOW END FOR
    PARTITION""".split()
)
COLUMN_ALIAS_RESERVED = _CLAUSES | frozenset({"FROM", "INTO", "END"})
_QUERY_TAIL = frozenset({"ORDER", "LIMIT", "OFFSET", "FETCH", "FOR"})


@dataclass(slots=True)
class Item:
    """One entry of a select list: an expression, or a wildcard with the names before it."""

    first: int
    behind: int
    expression: Expr | None
    qualifier: tuple[str, ...] | None = None
    alias: str | None = None


@dataclass(slots=True)
class TableRef:
    """One table of FROM. Joins: "first", "inner", "cross", "other" (all that no grammar takes)."""

    first: int
    behind: int
    names: tuple[str, ...] | None
    alias: str | None = None
    join: str = "first"
    on: Expr | None = None


@dataclass(slots=True)
class RawSelect:
    """A SELECT with the reasons against it: `odd_query` (a clause behind it), `odd_set` (UNION), `odd_select`."""

    first: int
    body_behind: int = 0
    behind: int = 0
    items: list[Item] = field(default_factory=list)
    tables: list[TableRef] = field(default_factory=list)
    comma_join: bool = False
    where: Expr | None = None
    limit: Token | None = None
    odd_query: bool = False
    odd_set: bool = False
    odd_select: bool = False


class StatementReader:
    """Reads clauses from a cursor.

    Args:
        cursor: Where to read.
    """

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.expressions = ExpressionReader(cursor)

    def query(self) -> RawSelect:
        """Read a query up to the end of its last clause.

        Raises:
            SqlError: It is no SQL.
        """
        cursor = self.cursor
        select = RawSelect(cursor.at)
        self._body(select)
        while cursor.token.keyword in ("UNION", "EXCEPT", "INTERSECT"):
            select.odd_set = True
            cursor.advance()
            cursor.take_word("ALL") or cursor.take_word("DISTINCT")
            self._body(RawSelect(cursor.at))
        select.body_behind = cursor.at
        self._tail(select)
        select.behind = cursor.at
        return select

    def _body(self, select: RawSelect) -> None:
        cursor = self.cursor
        if cursor.is_word("WITH"):
            select.odd_query = True
            self._to_end()
        elif cursor.is_word("VALUES") or cursor.is_op("("):
            select.odd_set = True
            cursor.take_word("VALUES")
            self._groups()
        elif cursor.take_word("SELECT"):
            self._select(select)
        else:
            raise cursor.expected("SELECT, VALUES, or a subquery in the query body")

    def condition(self) -> Expr | None:
        """Read WHERE and what follows it, if it comes next."""
        return self.expressions.read() if self.cursor.take_word("WHERE") else None

    def table(self, join: str = "first") -> TableRef:
        """Read one table reference with its alias."""
        cursor = self.cursor
        first = cursor.at
        names: tuple[str, ...] | None = None
        if cursor.take_word("LATERAL") or cursor.is_op("("):
            cursor.skip_group()
        else:
            names = tuple(part.text for part in cursor.names())
            if cursor.is_op("("):
                cursor.skip_group()
                names = None
        alias = cursor.alias(TABLE_ALIAS_RESERVED)
        if alias is not None and cursor.is_op("("):
            cursor.skip_group()
            names = None
        return TableRef(first, cursor.at, names, alias.text if alias else None, join)

    def _select(self, select: RawSelect) -> None:
        cursor = self.cursor
        if cursor.take_word("DISTINCT"):
            select.odd_select = True
            if cursor.take_word("ON"):
                cursor.skip_group()
        elif cursor.is_word("ALL"):
            cursor.dropped.add(cursor.at)
            cursor.advance()
        select.items.append(self._item())
        while cursor.take_op(","):
            select.items.append(self._item())
        if cursor.take_word("INTO"):
            select.odd_select = True
            cursor.names()
        if cursor.take_word("FROM"):
            self._tables(select)
        select.where = self.condition()
        if cursor.take_word("GROUP", "BY"):
            select.odd_select = True
            self._expressions()
        if cursor.take_word("HAVING"):
            select.odd_select = True
            self.expressions.read()
        if cursor.take_word("WINDOW"):
            select.odd_select = True
            cursor.name()
            cursor.expect_word("AS")
            cursor.skip_group()

    def _item(self) -> Item:
        cursor = self.cursor
        first = cursor.at
        if cursor.take_op("*"):
            return Item(first, cursor.at, None, ())
        ahead = 0
        while cursor.peek(ahead).kind in ("word", "quoted") and cursor.peek(ahead + 1).text == ".":
            ahead += 2
            if cursor.peek(ahead).text == "*":
                qualifier = tuple(cursor.peek(number).text for number in range(0, ahead, 2))
                cursor.at += ahead + 1
                return Item(first, cursor.at, None, qualifier)
        expression = self.expressions.read()
        alias = cursor.alias(COLUMN_ALIAS_RESERVED)
        return Item(first, cursor.at, expression, None, alias.text if alias else None)

    def _tables(self, select: RawSelect) -> None:
        cursor = self.cursor
        select.tables.append(self.table())
        while True:
            if cursor.take_op(","):
                select.comma_join = True
                select.tables.append(self.table())
            elif (join := self._join_word()) is not None:
                select.tables.append(self._joined(join))
            else:
                return

    def _join_word(self) -> str | None:
        cursor = self.cursor
        if cursor.take_word("CROSS", "JOIN"):
            return "cross"
        if cursor.take_word("JOIN"):
            return "inner"
        if cursor.is_word("INNER", "JOIN"):
            cursor.dropped.add(cursor.at)
            cursor.at += 2
            return "inner"
        first = cursor.token.keyword
        if first not in ("NATURAL", "LEFT", "RIGHT", "FULL"):
            return None
        cursor.advance()
        while cursor.token.keyword in ("LEFT", "RIGHT", "FULL", "INNER", "OUTER", "SEMI", "ANTI"):
            if cursor.is_word("OUTER"):
                cursor.dropped.add(cursor.at)
            cursor.advance()
        cursor.expect_word("JOIN")
        return "other"

    def _joined(self, join: str) -> TableRef:
        cursor = self.cursor
        table = self.table(join)
        if join == "cross":
            return table
        if cursor.take_word("ON"):
            table.on = self.expressions.read()
        elif cursor.take_word("USING"):
            cursor.skip_group()
            table.join = "other"
        return table

    def _tail(self, select: RawSelect) -> None:
        cursor = self.cursor
        while cursor.token.keyword in _QUERY_TAIL:
            word = cursor.advance().keyword
            if word == "ORDER":
                cursor.expect_word("BY")
                self._ordering()
            elif word == "LIMIT":
                self._limit(select)
                continue
            elif word == "OFFSET":
                self.expressions.read()
                cursor.take_word("ROWS") or cursor.take_word("ROW")
            elif word == "FETCH":
                self._words("FIRST", "NEXT", "ROW", "ROWS", "ONLY", "WITH", "TIES", "PERCENT")
            elif word == "FOR":
                self._words("UPDATE", "SHARE", "OF", "NOWAIT", "SKIP", "LOCKED")
            select.odd_query = True

    def _limit(self, select: RawSelect) -> None:
        cursor = self.cursor
        start = cursor.at - 1
        if cursor.take_word("ALL"):
            cursor.dropped.update((start, start + 1))
            return
        value = self.expressions.read()
        token = cursor.tokens[value.first]
        if token.kind == "number" and value.behind == value.first + 1:
            select.limit = token
        else:
            select.odd_query = True

    def _ordering(self) -> None:
        cursor = self.cursor
        while True:
            self.expressions.read()
            cursor.take_word("ASC") or cursor.take_word("DESC")
            if cursor.take_word("NULLS"):
                cursor.advance()
            if not cursor.take_op(","):
                return

    def _expressions(self) -> None:
        self.expressions.read()
        while self.cursor.take_op(","):
            self.expressions.read()

    def _groups(self) -> None:
        self.cursor.skip_group()
        while self.cursor.take_op(","):
            self.cursor.skip_group()

    def _words(self, *words: str) -> None:
        cursor = self.cursor
        while cursor.token.keyword in words or cursor.token.kind == "number":
            cursor.advance()

    def _to_end(self) -> None:
        while self.cursor.token.kind != "end" and not self.cursor.is_op(";"):
            self.cursor.advance()
