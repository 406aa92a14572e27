"""How a query's rows change when its tables do, without looking at rows that did not change.

For one table that is the condition, applied to the rows that came and went. For a join of A and B, with `'` for the
state after the commit and d for the signed changes, the rows change by

    dA x B' + A' x dB - dA x dB

where each product is found through an index. Rows are counted: the same row may come from several pairs, and pairs that
cancel out are not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from ...sats.definition import TableDef
from ..sql.bound import Branch, Column, Node, conjunction, conjuncts, sources_of
from ..sql.errors import SqlError
from ..sql.predicates import Predicate, compile_predicate
from ..sql.rowreader import column_slice
from ..sql.stored import Reader, Schema
from .lookups import lookup

Rows = list[bytes]


class Change(Protocol):
    """What a commit did to one table."""

    @property
    def inserts(self) -> Rows:
        """Rows that came."""

    @property
    def deletes(self) -> Rows:
        """Rows that went."""


class TableDelta:
    """The changes of a query over one table.

    Args:
        table: The table.
        condition: What its rows fulfil, apart from what the caller has looked up already.
    """

    def __init__(self, table: TableDef, condition: Node | None) -> None:
        self.test = compile_predicate(condition, (table,)) if condition is not None else None

    def of(self, rows: Rows) -> Rows:
        """Return those of the rows that belong to the query."""
        return rows if self.test is None else list(filter(self.test, rows))


class JoinDelta:
    """The changes of a query that joins two tables and returns the rows of one.

    Args:
        branch: The two tables, their join and the condition.
        returned: Number of the table whose rows are the result.
        schema: The datastore.

    Raises:
        SqlError: The join is none that can be subscribed to.
    """

    def __init__(self, branch: Branch, returned: int, schema: Schema) -> None:
        left, right = join_columns(branch)
        self.tables = [source.definition for source in branch.sources]
        self.names = [table.name for table in self.tables]
        self.returned = returned
        columns = {left.source: left, right.source: right}
        self._lookups = [lookup(schema, branch, columns[number]) for number in (0, 1)]
        self._keys = [column_slice(self.tables[number], columns[number].position) for number in (0, 1)]
        nodes = conjuncts(branch.where)
        self._alone = [self._test(nodes, number) for number in (0, 1)]
        both = conjunction([node for node in nodes if len(sources_of(node)) != 1])
        self._both = compile_predicate(both, self.tables, (0, 1)) if both is not None else None

    def of(self, changes: Callable[[str], Change | None], after: Reader) -> tuple[Rows, Rows]:
        """Compute what came and what went.

        Args:
            changes: Gives what the commit did to a table.
            after: The state after the commit.
        """
        counts: dict[bytes, int] = {}
        signed = [self._signed(changes(name), number) for number, name in enumerate(self.names)]
        for number in (0, 1):
            if signed[number]:
                self._against_table(number, signed[number], after, counts)
        # Rows of event tables are not among those after the commit, so nothing has been counted twice.
        if signed[0] and signed[1] and not any(table.is_event for table in self.tables):
            self._against_each_other(signed[0], signed[1], counts)
        inserts = [row for row, count in counts.items() for _ in range(count)]
        deletes = [row for row, count in counts.items() for _ in range(-count)]
        return inserts, deletes

    def _signed(self, change: Change | None, number: int) -> list[tuple[bytes, int]]:
        if change is None:
            return []
        test = self._alone[number]
        return [
            (row, sign)
            for rows, sign in ((change.deletes, -1), (change.inserts, 1))
            for row in (rows if test is None else filter(test, rows))
        ]

    def _against_table(
        self, number: int, signed: list[tuple[bytes, int]], after: Reader, counts: dict[bytes, int]
    ) -> None:
        other = 1 - number
        if self.tables[other].is_event:
            return
        find, key, test = self._lookups[other], self._keys[number], self._alone[other]
        for row, sign in signed:
            found: Iterable[bytes] = find(after, key(row))
            if test is not None:
                found = filter(test, found)
            for partner in found:
                self._count(row if number == 0 else partner, partner if number == 0 else row, sign, counts)

    def _against_each_other(
        self, left: list[tuple[bytes, int]], right: list[tuple[bytes, int]], counts: dict[bytes, int]
    ) -> None:
        by_key: dict[bytes, list[tuple[bytes, int]]] = {}
        for entry in right:
            by_key.setdefault(self._keys[1](entry[0]), []).append(entry)
        for row, sign in left:
            for partner, other_sign in by_key.get(self._keys[0](row), ()):
                self._count(row, partner, -sign * other_sign, counts)

    def _count(self, left: bytes, right: bytes, sign: int, counts: dict[bytes, int]) -> None:
        if self._both is None or self._both(left, right):
            row = right if self.returned else left
            counts[row] = counts.get(row, 0) + sign

    def _test(self, nodes: list[Node], number: int) -> Predicate | None:
        own = conjunction([node for node in nodes if sources_of(node) == {number}])
        return compile_predicate(own, self.tables, (number,)) if own is not None else None


def join_columns(branch: Branch) -> tuple[Column, Column]:
    """Return the two columns of the one join that a subscription may have.

    Raises:
        SqlError: There are more tables, or they are not joined by an equality of a column of each.
    """
    joined = [join for join in branch.joins if join[0].source != join[1].source]
    if len(joined) < len(branch.sources) - 1:
        raise SqlError("Subscriptions require indexes on join columns")
    if len(branch.sources) != 2:
        raise SqlError(f"Invalid number of tables in subscription: {len(branch.sources)}")
    return joined[0]
