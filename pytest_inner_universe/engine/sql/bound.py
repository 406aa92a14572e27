"""A query after checking: tables instead of names, typed columns and values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...sats.definition import TableDef
from ...sats.types import AlgebraicType
from ..store.backing import ViewCall
from .literals import Comparable


@dataclass(frozen=True, slots=True)
class Column:
    """A column of one of the query's tables, both by number."""

    source: int
    position: int
    type: AlgebraicType


@dataclass(frozen=True, slots=True)
class Value:
    """A constant; `:sender` is one, too, once it is known who asks."""

    value: Comparable
    type: AlgebraicType


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic:
    """Several conditions joined by AND or OR."""

    operator: str
    terms: tuple[Node, ...]


Node = Column | Value | Compare | Logic


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A table that a query reads, and what the query calls it."""

    definition: TableDef
    alias: str


@dataclass(frozen=True, slots=True)
class WholeRows:
    """The result is rows of one table."""

    source: int


@dataclass(frozen=True, slots=True)
class RowCount:
    """The result is one number."""

    alias: str


@dataclass(frozen=True, slots=True)
class Columns:
    """The result is columns, each under a name."""

    columns: tuple[tuple[str, Column], ...]


Output = WholeRows | RowCount | Columns


@dataclass(frozen=True, slots=True)
class Branch:
    """What is read: tables, the equalities of their ON clauses, and the condition of WHERE."""

    sources: tuple[SourceTable, ...]
    where: Node | None
    joins: tuple[tuple[Column, Column], ...] = ()

    @property
    def condition(self) -> Node | None:
        """Everything that the rows fulfil together."""
        return conjunction([Compare("=", left, right) for left, right in self.joins] + conjuncts(self.where))


@dataclass(frozen=True, slots=True)
class Query:
    """A checked SELECT.

    Args:
        branches: Its rows are those of all branches together; row-level security makes more than one, or none.
        output: What of the rows is shown.
        limit: Most rows to return.
        depends_on_caller: Whether the same text may have other rows for another caller.
        views: The views that it reads.
    """

    branches: tuple[Branch, ...]
    output: Output
    limit: int | None = None
    depends_on_caller: bool = False
    views: tuple[ViewCall, ...] = ()


def conjuncts(node: Node | None) -> list[Node]:
    """Split a condition into those that must all hold."""
    if node is None:
        return []
    if isinstance(node, Logic) and node.operator == "AND":
        return [part for term in node.terms for part in conjuncts(term)]
    return [node]


def conjunction(nodes: list[Node]) -> Node | None:
    """Join conditions by AND."""
    if len(nodes) < 2:
        return nodes[0] if nodes else None
    return Logic("AND", tuple(nodes))


def columns_of(node: Node) -> Iterator[Column]:
    """Yield every column that a condition mentions."""
    if isinstance(node, Column):
        yield node
    elif isinstance(node, Compare):
        yield from columns_of(node.left)
        yield from columns_of(node.right)
    elif isinstance(node, Logic):
        for term in node.terms:
            yield from columns_of(term)


def sources_of(node: Node) -> frozenset[int]:
    """Return the numbers of the tables that a condition mentions."""
    return frozenset(column.source for column in columns_of(node))


def renumbered(node: Node, numbers: dict[int, int]) -> Node:
    """Return the condition with other numbers for its tables."""
    if isinstance(node, Column):
        return Column(numbers[node.source], node.position, node.type)
    if isinstance(node, Compare):
        return Compare(node.operator, renumbered(node.left, numbers), renumbered(node.right, numbers))
    if isinstance(node, Logic):
        return Logic(node.operator, tuple(renumbered(term, numbers) for term in node.terms))
    return node
