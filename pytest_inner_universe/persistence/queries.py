"""Queries: which part of a filter the server evaluates, and the rest.

The server's SQL has comparisons, AND and OR on plain columns, and nothing to sort or page with. `plan` turns filters
into a statement of that kind plus a test in Python for what is left; the rows that come out do not depend on the
split, because the meaning of every operator is fixed in `comparison` and only what the server evaluates identically is
pushed down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..sats import Timestamp
from . import comparison, sql
from .errors import ValidationError
from .schema import Field, TableSchema
from .types import FilterOperator as Op
from .types import QueryFilter, Row

Filters = Sequence["QueryFilter | Mapping[str, Any]"]

_SIGNS = {
    Op.EQUALS: "=",
    Op.NOT_EQUALS: "!=",
    Op.GREATER_THAN: ">",
    Op.LESS_THAN: "<",
    Op.GREATER_OR_EQUAL: ">=",
    Op.LESS_OR_EQUAL: "<=",
}
_MOST_ALTERNATIVES = 200
"""Values of IN and NOT_IN that are pushed down; the server's parser recurses once for each."""

_NEVER, _ALWAYS = "FALSE", "TRUE"


@dataclass(frozen=True)
class Condition:
    """A checked filter: the field resolved, the operator known, the value in the form that rows have."""

    field: Field
    operator: Op
    value: Any

    def __str__(self) -> str:
        return f"{self.field.text} {self.operator.name} {self.value!r}"


@dataclass(frozen=True)
class QueryPlan:
    """How a query is going to be answered.

    Args:
        table: The table.
        statement: SQL for the server; None when no row can match, so that it is not even asked.
        pushed: The conditions that the statement holds.
        evaluated: The conditions that are left to Python.
        limit: Most rows to return; None for all.
        offset: Rows to leave out at the beginning.
        newest_first: Whether the order is from the newest row to the oldest.
    """

    table: TableSchema
    statement: str | None
    pushed: tuple[Condition, ...]
    evaluated: tuple[Condition, ...]
    limit: int | None
    offset: int
    newest_first: bool

    def finish(self, rows: Iterable[Row]) -> list[Row]:
        """Filter, order and page what the server returned for the statement.

        Args:
            rows: Decoded rows, in any order.

        Returns:
            The rows of the page, ordered by time and primary key.
        """
        tests = [comparison.predicate(c.field, c.operator, c.value) for c in self.evaluated]
        kept = [row for row in rows if all(test(row) for test in tests)] if tests else list(rows)
        time, key = self.table.time_column, self.table.primary_key
        kept.sort(key=lambda row: (row[time].micros, row[key]), reverse=self.newest_first)
        end = None if self.limit is None else self.offset + self.limit
        return kept[self.offset : end]

    def explain(self) -> str:
        """Say in a few lines what the server does and what is done here."""
        lines = [f"server: {self.statement or 'not asked, no row can match'}"]
        if self.evaluated:
            lines.append("client: " + " AND ".join(map(str, self.evaluated)))
        page = "all rows" if self.limit is None else f"at most {self.limit} rows"
        lines.append(
            f"order: {self.table.time_column}, {self.table.primary_key}{', newest first' * self.newest_first}; {page}"
            + (f" after the first {self.offset}" if self.offset else "")
        )
        return "\n".join(lines)


def plan(
    table: TableSchema,
    filters: Filters | None = None,
    *,
    equal: Mapping[str, str | None] | None = None,
    limit: int | None = 100,
    offset: int = 0,
    newest_first: bool = False,
) -> QueryPlan:
    """Check filters and split them.

    Args:
        table: The table to query.
        filters: Conditions that must all hold: `QueryFilter` objects, or dicts with its three keys.
        equal: Columns that must have a value, where None means any.
        limit: Most rows to return; None for all.
        offset: Rows to leave out at the beginning.
        newest_first: Whether to order from the newest row to the oldest.

    Raises:
        ValidationError: Unknown field or operator, a value that fits neither, a negative limit or offset.
    """
    check_count("limit", limit, none=True)
    check_count("offset", offset)
    wanted: list[Any] = [
        QueryFilter(name, Op.EQUALS, value) for name, value in (equal or {}).items() if value is not None
    ]
    conditions = [condition(table, item) for item in [*wanted, *_as_list(filters)]]
    pushed: list[Condition] = []
    evaluated: list[Condition] = []
    texts: list[str] = []
    room = sql.MAX_LENGTH - len(sql.select(table, [""]))
    never = False
    for item in conditions:
        text = _push(item)
        if text == _NEVER:
            never = True
        size = len(text.encode()) + len(" AND ") if text is not None else 0
        if text is None or size > room:
            evaluated.append(item)
            continue
        pushed.append(item)
        if text not in (_ALWAYS, _NEVER) and text not in texts:
            texts.append(text)
            room -= size
    statement = None if never or limit == 0 else sql.select(table, texts)
    return QueryPlan(table, statement, tuple(pushed), tuple(evaluated), limit, offset, newest_first)


def condition(table: TableSchema, item: QueryFilter | Mapping[str, Any]) -> Condition:
    """Check one filter.

    Raises:
        ValidationError: It is neither a `QueryFilter` nor a dict like one, or has an unknown field or operator, or a value
            that fits neither.
    """
    if isinstance(item, Mapping):
        if set(item) != {"field", "operator", "value"}:
            raise ValidationError(f"a filter has the keys field, operator and value, got {sorted(map(str, item))}")
        item = QueryFilter(item["field"], item["operator"], item["value"])
    if not isinstance(item, QueryFilter):
        raise ValidationError(f"a filter is a QueryFilter or a dict with field, operator and value, got {item!r}")
    field, op = table.field(_text(item.field)), Op.parse(item.operator)
    return Condition(field, op, comparison.prepare(field, op, item.value))


def _push(item: Condition) -> str | None:
    """Return the condition in SQL, or None when the server cannot evaluate it identically."""
    field, op, value = item.field, item.operator, item.value
    if not field.pushable:
        return None
    column = str(field.path[0])
    if op in comparison.MEMBERSHIPS:
        values = list(dict.fromkeys(v for v in value if v is not None))
        if len(values) > _MOST_ALTERNATIVES or not all(map(_writable, values)):
            return None
        if not values:
            return _NEVER if op is Op.IN else _ALWAYS
        sign, joint = ("=", " OR ") if op is Op.IN else ("!=", " AND ")
        text = joint.join(sql.comparison(column, sign, v) for v in values)
        return f"({text})" if op is Op.IN and len(values) > 1 else text
    if value is None:
        return _NEVER if op is Op.EQUALS else _ALWAYS
    if op is Op.STARTS_WITH:
        return _starts_with(column, value)
    if op in _SIGNS and _writable(value):
        return sql.comparison(column, _SIGNS[op], value)
    return None


def _starts_with(column: str, prefix: str) -> str | None:
    """Write "starts with" as a range: at least the prefix, and less than the next text of its length."""
    if not prefix:
        return _ALWAYS
    last = ord(prefix[-1]) + 1
    if last > 0x10FFFF:
        return None
    after = prefix[:-1] + chr(0xE000 if last == 0xD800 else last)
    return f"{sql.comparison(column, '>=', prefix)} AND {sql.comparison(column, '<', after)}"


def _writable(value: Any) -> bool:
    return not isinstance(value, Timestamp) or sql.rfc3339(value) is not None


def _as_list(filters: Any) -> list[Any]:
    if filters is None:
        return []
    if isinstance(filters, (list, tuple)):
        return list(filters)
    raise ValidationError(f"filters are a list of QueryFilter objects or dicts, got {type(filters).__name__}")


def _text(field: Any) -> str:
    if not isinstance(field, str):
        raise ValidationError(f"the field of a filter is text, got {field!r}")
    return field


def check_count(name: str, value: Any, none: bool = False) -> None:
    """Check a limit or offset.

    Args:
        name: What it is called in the error text.
        value: The number.
        none: Whether None is allowed.

    Raises:
        ValidationError: It is negative, or no whole number.
    """
    if value is None and none:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValidationError(f"{name} must be a whole number from 0, got {value!r}")
