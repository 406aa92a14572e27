"""Chooses how the rows of one table are found: by key, by range, or by looking at all of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...sats.types import F32, F64, AlgebraicType
from .bound import Column, Compare, Node, Value
from .literals import to_bsatn
from .stored import Reader, StoredIndex, StoredTable

_INCLUDED, _EXCLUDED, _UNBOUNDED = b"\0", b"\1", b"\2"
_MIRRORED = {"=": "=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(slots=True)
class ColumnLimits:
    """What constants say about one column."""

    equals: Value | None = None
    lower: bytes = _UNBOUNDED
    upper: bytes = _UNBOUNDED
    nodes: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Access:
    """A way to the rows of one table.

    Args:
        table: The table.
        index: The index to search; None to look at all rows.
        prefix: BSATN of the columns that are given.
        given: Number of these columns.
        lower: Bound on the next column.
        upper: Likewise.
        covered: Conditions that every row found this way fulfils.
    """

    table: StoredTable
    index: StoredIndex | None = None
    prefix: bytes = b""
    given: int = 0
    lower: bytes = _UNBOUNDED
    upper: bytes = _UNBOUNDED
    covered: tuple[Node, ...] = ()

    @property
    def is_point(self) -> bool:
        """Whether the whole key is given."""
        return self.index is not None and self.given == len(self.index.columns)

    @property
    def rank(self) -> int:
        """How few rows to expect; the larger the fewer."""
        if self.index is None:
            return 0
        if self.is_point:
            return 5 if self.index.is_unique else 4
        return 3 if self.given else 2 if _UNBOUNDED not in (self.lower, self.upper) else 1

    def rows(self, reader: Reader) -> list[bytes]:
        """Return the rows."""
        if self.index is None:
            return reader.rows(self.table)
        if self.is_point:
            return reader.seek(self.index, self.prefix)
        return reader.range_bsatn(self.index, self.prefix, self.given, self.lower, self.upper)


def is_searchable(type_: AlgebraicType) -> bool:
    """Tell whether equal values of a type have equal bytes; 0.0 and -0.0 are equal and do not."""
    return type_ not in (F32, F64)


def best_access(table: StoredTable, source: int, conditions: list[Node]) -> Access:
    """Choose an index for one table of a query.

    Args:
        table: The table.
        source: Its number in the query.
        conditions: Conditions that must all hold.
    """
    limits = column_limits(source, conditions)
    best = Access(table)
    for index in table.indexes if limits else ():
        found = _through(table, index, limits)
        if found is not None and found.rank > best.rank:
            best = found
    return best


def column_limits(source: int, conditions: list[Node]) -> dict[int, ColumnLimits]:
    """Collect what comparisons with constants say about the columns of a table, by position."""
    limits: dict[int, ColumnLimits] = {}
    for node in conditions:
        if not isinstance(node, Compare) or node.operator == "<>":
            continue
        operator, column, value = node.operator, node.left, node.right
        if isinstance(column, Value):
            operator, column, value = _MIRRORED[operator], value, column
        if not isinstance(column, Column) or column.source != source or not isinstance(value, Value):
            continue
        if not is_searchable(column.type):
            continue
        limit = limits.setdefault(column.position, ColumnLimits())
        bound = to_bsatn(value.value, value.type)
        if operator == "=" and limit.equals is None:
            limit.equals = value
        elif operator in (">", ">=") and limit.lower == _UNBOUNDED:
            limit.lower = (_EXCLUDED if operator == ">" else _INCLUDED) + bound
        elif operator in ("<", "<=") and limit.upper == _UNBOUNDED:
            limit.upper = (_EXCLUDED if operator == "<" else _INCLUDED) + bound
        else:
            continue
        limit.nodes.append(node)
    return limits


def _through(table: StoredTable, index: StoredIndex, limits: dict[int, ColumnLimits]) -> Access | None:
    prefix, given = b"", 0
    covered: list[Node] = []
    for position in index.columns:
        limit = limits.get(position)
        if limit is None or limit.equals is None:
            break
        prefix += to_bsatn(limit.equals.value, limit.equals.type)
        given += 1
        covered += [node for node in limit.nodes if isinstance(node, Compare) and node.operator == "="]
    if given == len(index.columns):
        return Access(table, index, prefix, given, covered=tuple(covered))
    if index.algorithm != "btree":
        return None
    limit = limits.get(index.columns[given])
    lower, upper = (limit.lower, limit.upper) if limit is not None else (_UNBOUNDED, _UNBOUNDED)
    if not given and lower == upper == _UNBOUNDED:
        return None
    if limit is not None:
        covered += limit.nodes
    return Access(table, index, prefix, given, lower, upper, tuple(covered))
