"""Turns what was read into what a grammar takes, and refuses the rest with the server's words."""

from __future__ import annotations

from collections.abc import Sequence

from .ast import (
    ColumnName,
    Comparison,
    Condition,
    Constant,
    Count,
    Logical,
    OutputColumn,
    Projection,
    Sender,
    Source,
    Star,
)
from .cursor import Cursor
from .errors import SqlError
from .expressions import Binary, Call, Expr, Literal, Name, Nested, Unary
from .statements import Item, TableRef

MAX_CHAIN = 1_600
"""So many operators in a row, or so many nested ones, is what the server's parser follows."""
MAX_COMPARISONS = 50
"""A comparison of comparisons of comparisons; no reasonable query has two."""

_COMPARISONS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", ">": ">", "<=": "<=", ">=": ">="}


class Lowering:
    """Lowers the parts of one query.

    Args:
        cursor: The cursor that the parts were read from, which writes them back in messages.
    """

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor

    def condition(self, expression: Expr, depth: int = 0) -> Condition:
        """Lower a condition.

        Raises:
            SqlError: It contains an expression that no server supports.
        """
        while isinstance(expression, Nested):
            expression, depth = expression.inner, depth + 1
        position = self.cursor.tokens[expression.first].start
        if isinstance(expression, Binary):
            return self._chain(expression, depth)
        if depth > MAX_CHAIN:
            raise self._too_deep(position)
        if isinstance(expression, Name) and len(expression.parts) == 1:
            return ColumnName(None, expression.parts[0], position)
        if isinstance(expression, Name):
            return ColumnName(".".join(expression.parts[:-1]), expression.parts[-1], position)
        if isinstance(expression, Literal) and expression.kind == "sender":
            return Sender(position)
        if isinstance(expression, Literal) or (isinstance(expression, Unary) and expression.operator in "+-"):
            return self.constant(expression, "Unsupported expression")
        raise self.unsupported("Unsupported expression", expression)

    def constant(self, expression: Expr, complaint: str) -> Constant:
        """Lower a literal, perhaps with a sign.

        Raises:
            SqlError: It is something else; the complaint says what the server calls it there.
        """
        position = self.cursor.tokens[expression.first].start
        if isinstance(expression, Literal):
            if expression.kind in ("odd", "sender"):
                raise self.unsupported("Unsupported literal expression", expression)
            return Constant(expression.kind, expression.text, position)
        if isinstance(expression, Unary) and expression.operator in "+-":
            operand = expression.operand
            if isinstance(operand, Literal) and operand.kind == "number":
                return Constant("number", expression.operator + operand.text, position)
        raise self.unsupported(complaint, expression)

    def _chain(self, expression: Binary, depth: int) -> Condition:
        # AND, OR and comparisons of equal strength lean to the left: thousands of terms are one long spine, which is
        # walked here in a loop.
        spine: list[Binary] = []
        left: Expr = expression
        while isinstance(left, Binary):
            spine.append(left)
            left = left.left
            while isinstance(left, Nested):
                left, depth = left.inner, depth + 1
        comparisons = sum(node.operator not in ("AND", "OR") for node in spine)
        if depth + len(spine) > MAX_CHAIN or comparisons > MAX_COMPARISONS:
            raise self._too_deep(self.cursor.tokens[expression.first].start)
        result = self.condition(left, depth)
        for node in reversed(spine):
            right = self.condition(node.right, depth)
            result = self._binary(node, result, right)
        return result

    def _binary(self, node: Binary, left: Condition, right: Condition) -> Condition:
        position = self.cursor.tokens[node.first].start
        if node.operator in ("AND", "OR"):
            terms: list[Condition] = []
            for side in (left, right):
                same = isinstance(side, Logical) and side.operator == node.operator
                terms.extend(side.terms if same else (side,))  # type: ignore[union-attr]
            return Logical(node.operator, tuple(terms), position)
        operator = _COMPARISONS.get(node.operator)
        if operator is None:
            at = self.cursor.tokens[node.left.behind].start
            raise SqlError(f"Unsupported binary operator: {node.operator}", at, self.cursor.sql)
        return Comparison(operator, left, right, position)

    def projection(self, items: Sequence[Item]) -> Projection:
        """Lower a select list.

        Raises:
            SqlError: It mixes wildcards with columns, or contains something that is no column.
        """
        if len(items) > 1:
            return tuple(self._output(item) for item in items)
        item = items[0]
        if item.expression is None:
            position = self.cursor.tokens[item.first].start
            return Star(".".join(item.qualifier) if item.qualifier else None, position)
        if isinstance(item.expression, Call):
            if item.alias is None:
                raise self.cursor.error("Aggregate expressions must have column aliases", item.first)
            if not item.expression.counts_rows:
                raise self.unsupported("Unsupported aggregate function", item.expression)
            return Count(item.alias)
        return (self._output(item),)

    def _output(self, item: Item) -> OutputColumn:
        if item.expression is None:
            raise self.cursor.error("Mixed wildcard projections are not supported", item.first)
        if not isinstance(item.expression, Name):
            raise self.unsupported("Unsupported projection expression", item.expression)
        column = self.condition(item.expression)
        assert isinstance(column, ColumnName)
        return OutputColumn(column, item.alias if item.alias is not None else column.column)

    def sources(self, tables: Sequence[TableRef], comma_join: bool) -> tuple[Source, ...]:
        """Lower FROM.

        Raises:
            SqlError: There is none, or it joins in a way that no server supports.
        """
        if not tables:
            raise SqlError("A FROM clause is required", None, self.cursor.sql)
        if comma_join:
            raise self.cursor.error("Implicit joins are not supported", tables[0].first)
        return tuple(self._source(table) for table in tables)

    def _source(self, table: TableRef) -> Source:
        if table.names is None:
            shown = self.cursor.shown(table.first, table.behind)
            raise self.cursor.error(f"Unsupported FROM expression: {shown}", table.first)
        name = ".".join(table.names)
        position = self.cursor.tokens[table.first].start
        on = None
        if table.join == "other" or (table.on is not None and not _joins_columns(table.on)):
            raise self.cursor.error("Non-inner joins are not supported", table.first)
        if table.on is not None:
            joined = self.condition(table.on)
            assert isinstance(joined, Comparison)
            on = joined
        return Source(name, table.alias if table.alias is not None else name, position, on)

    def unsupported(self, complaint: str, expression: Expr) -> SqlError:
        """Return the error that repeats an expression."""
        shown = self.cursor.shown(expression.first, expression.behind)
        return self.cursor.error(f"{complaint}: {shown}", expression.first)

    def _too_deep(self, position: int) -> SqlError:
        return SqlError("Recursion limit exceeded, `sql-parser::parse_expr`", position, self.cursor.sql)


def _joins_columns(on: Expr) -> bool:
    return (
        isinstance(on, Binary) and on.operator == "=" and isinstance(on.left, Name) and isinstance(on.right, Name)
    )  # fmt: skip


def qualified(condition: Condition, table: str) -> Condition:
    """Return the condition with this table before every column that has none."""
    if isinstance(condition, ColumnName):
        return condition if condition.table is not None else ColumnName(table, condition.column, condition.position)
    if isinstance(condition, Comparison):
        return Comparison(
            condition.operator,
            qualified(condition.left, table),
            qualified(condition.right, table),
            condition.position,
        )
    if isinstance(condition, Logical):
        return Logical(
            condition.operator, tuple(qualified(term, table) for term in condition.terms), condition.position
        )
    return condition


def unqualified_position(condition: Condition | None) -> int | None:
    """Return the place of the first column without a table before it."""
    if isinstance(condition, ColumnName):
        return condition.position if condition.table is None else None
    parts: tuple[Condition, ...] = ()
    if isinstance(condition, Comparison):
        parts = (condition.left, condition.right)
    elif isinstance(condition, Logical):
        parts = condition.terms
    for part in parts:
        position = unqualified_position(part)
        if position is not None:
            return position
    return None
