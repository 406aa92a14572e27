"""Queries that clients have subscribed to, compiled once and shared by all who see the same rows."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from ...sats.values import Identity
from ..sql.access import column_limits
from ..sql.ast import Select
from ..sql.bound import Branch, Node, Query, WholeRows, conjunction, conjuncts, sources_of
from ..sql.catalog import Catalog
from ..sql.check import Checker
from ..sql.errors import SqlError
from ..sql.literals import to_bsatn
from ..sql.parser import parse_subscription
from ..sql.plan import BranchPlan
from ..sql.rls import RowFilters
from ..sql.stored import Reader, Schema
from ..store.backing import KEY_WIDTH, BackingTable
from .deltas import JoinDelta, TableDelta
from .lookups import looked_up

Point = tuple[int, bytes]
"""A column and the BSATN of the one value that it must have."""


class Fragment:
    """One branch of a subscribed query.

    Args:
        query: The query that it belongs to.
        branch: What it reads.
        schema: The datastore.

    Raises:
        SqlError: The branch is none that can be subscribed to.
    """

    def __init__(self, query: CompiledQuery, branch: Branch, schema: Schema) -> None:
        self.query = query
        self.plan = BranchPlan(branch, schema)
        self.points: dict[str, Point | None] = {}
        self.join: JoinDelta | None = None
        self.table: TableDelta | None = None
        nodes = conjuncts(branch.where)
        if len(branch.sources) == 1:
            definition = branch.sources[0].definition
            point, node = _point(nodes, 0)
            self.points[definition.name] = point
            self.table = TableDelta(definition, conjunction([n for n in nodes if n is not node]))
            return
        self.join = JoinDelta(branch, query.returned, schema)
        _refuse_event_lookup(branch)
        for number, source in enumerate(branch.sources):
            point, _ = _point(nodes, number)
            name = source.definition.name
            # A table joined with itself is asked about twice; two different values are as good as none.
            self.points[name] = None if name in self.points else point


class CompiledQuery:
    """A query that somebody has subscribed to.

    Args:
        key: What tells it from every other one.
        query: The checked and narrowed query.
        schema: The datastore.
        table: The table whose rows it returns.
        is_event: Whether that is an event table.

    Raises:
        SqlError: The query is none that can be subscribed to.
    """

    def __init__(self, key: Hashable, query: Query, schema: Schema, table: str, is_event: bool) -> None:
        assert isinstance(query.output, WholeRows)
        self.key = key
        self.returned = query.output.source
        self.table = table
        self.views = query.views
        self.hidden = 0
        """Bytes in front of each row that clients do not get."""
        self.is_event = is_event
        self.subscribers: dict[Hashable, list[int]] = {}
        """Query sets by client; a set has a query once."""
        self.silent: dict[Hashable, list[int]] = {}
        """Sets that have it too, where another one of the client tells of it already."""
        self.fragments = [Fragment(self, branch, schema) for branch in query.branches]
        if any(isinstance(branch.sources[self.returned].definition, BackingTable) for branch in query.branches):
            self.hidden = KEY_WIDTH

    def rows(self, reader: Reader) -> Iterator[list[bytes]]:
        """Yield the rows of each fragment; one whose tables are not all filled contributes nothing, not even no rows."""
        for fragment in self.fragments:
            if all(reader.count(table) for table in fragment.plan.tables):
                yield list(fragment.plan.rows_of(self.returned, reader))


def check_query(
    text: str, schema: Schema, filters: dict[str, list[Select]], caller: Identity, is_owner: bool
) -> tuple[Query, str, bool]:
    """Check a query of the subscription grammar.

    Returns:
        The query, the table whose rows it returns, and whether that is an event table.

    Raises:
        SqlError: It is none.
    """
    query = Checker(Catalog(schema, is_owner), caller).select(parse_subscription(text))
    if not isinstance(query.output, WholeRows):
        reason = "Column projections are not supported in subscriptions; Subscriptions must return a table type"
        raise SqlError(reason, 0)
    returned = query.branches[0].sources[query.output.source].definition
    if not is_owner and filters:
        query = RowFilters(schema, filters, caller).narrow(query)
    return query, returned.name, returned.is_event


def _point(nodes: list[Node], source: int) -> tuple[Point | None, Node | None]:
    """Find a column of a table that must equal a constant, and the condition that says so."""
    for node in nodes:
        if sources_of(node) != {source}:
            continue
        for position, limit in column_limits(source, [node]).items():
            if limit.equals is not None:
                return (position, to_bsatn(limit.equals.value, limit.equals.type)), node
    return None, None


def _refuse_event_lookup(branch: Branch) -> None:
    if branch.sources[looked_up(branch)].definition.is_event:
        raise SqlError("Event tables cannot be used as the lookup table in subscription joins")
