"""Row-level security: filters of a module that narrow what callers other than the owner read.

A filter is a query of the subscription grammar whose result is a public table; several for one table are alternatives,
and a row that two of them let through counts twice, as it does on a real server. A filter may read other tables with
filters of their own, but no circle of them may come back to where it started.
"""

from __future__ import annotations

from ...sats.values import Identity
from .ast import Select, uses_sender
from .bound import Branch, Column, Compare, Query, WholeRows, conjunction, conjuncts, renumbered
from .catalog import Catalog
from .check import Checker
from .errors import SqlError
from .parser import parse_subscription
from .stored import Schema


def filters_by_table(schema: Schema) -> dict[str, list[Select]]:
    """Group the filters of a module by the table that they narrow.

    Raises:
        SqlError: A filter is no query, or narrows a private table.
    """
    grouped: dict[str, list[Select]] = {}
    for text in schema.definition.row_level_security:
        try:
            select = parse_subscription(text)
            query = Checker(Catalog(schema, True), Identity.zero()).select(select)
            if not isinstance(query.output, WholeRows):
                raise SqlError("`filter!` does not support column projections; Must return table rows")
        except SqlError as error:
            raise error.with_sql(text) from None
        table = query.branches[0].sources[query.output.source].definition
        if not table.is_public:
            raise SqlError(
                f"Cannot define RLS rule on private table: {table.name}. "
                "Please make table public if you wish to restrict access using RLS.",
                sql=text,
            )
        grouped.setdefault(table.name, []).append(select)
    return grouped


class RowFilters:
    """Narrows queries by the filters of a module.

    Args:
        schema: The datastore.
        filters: The filters by table.
        caller: Who asks.
    """

    def __init__(self, schema: Schema, filters: dict[str, list[Select]], caller: Identity) -> None:
        self.catalog = Catalog(schema, False)
        self.filters = filters
        self.caller = caller
        self._depends = False

    def narrow(self, query: Query) -> Query:
        """Return the query with filters applied to each of its tables.

        Raises:
            SqlError: The filters form a circle, or one of them reads a table that the caller may not see.
        """
        self._depends = query.depends_on_caller
        branches = tuple(wide for branch in query.branches for wide in self._expand(branch, None, ()))
        return Query(branches, query.output, query.limit, self._depends, query.views)

    def _expand(self, branch: Branch, returned: int | None, resolving: tuple[str, ...]) -> list[Branch]:
        names = {number: source.definition.name for number, source in enumerate(branch.sources) if number != returned}
        for name in names.values():
            if name in resolving:
                number = self.catalog.schema.table(name).id
                raise SqlError(f"Discovered cyclic dependency when resolving RLS rules for table id `{number}`")
        expanded = [branch]
        for number, name in names.items():
            filters = [
                inner for select in self.filters.get(name, ()) for inner in self._filter(select, name, resolving)
            ]
            if filters:
                expanded = [_with_filter(wide, number, *inner) for wide in expanded for inner in filters]
        return expanded

    def _filter(self, select: Select, name: str, resolving: tuple[str, ...]) -> list[tuple[Branch, int]]:
        self._depends = self._depends or uses_sender(select.where)
        try:
            query = Checker(self.catalog, self.caller).select(select)
        except SqlError as error:
            # Its position is one in the filter, not in the query of the caller.
            raise SqlError(error.reason) from None
        assert isinstance(query.output, WholeRows)
        returned = query.output.source
        return [(inner, returned) for inner in self._expand(query.branches[0], returned, (*resolving, name))]


def _with_filter(branch: Branch, number: int, inner: Branch, returned: int) -> Branch:
    """Put a filter in the place of a table: the filter's result takes the table's number, its other tables follow."""
    numbers: dict[int, int] = {returned: number}
    sources = list(branch.sources)
    for position, source in enumerate(inner.sources):
        if position != returned:
            numbers[position] = len(sources)
            sources.append(source)
    where = conjuncts(branch.where)
    joins: list[tuple[Column, Column]] = []
    for left, right in branch.joins:
        # As on a real server, the ON clause of a joined table that has filters becomes an ordinary condition.
        if number > 0 and number in (left.source, right.source):
            where.append(Compare("=", left, right))
        else:
            joins.append((left, right))
    for left, right in inner.joins:
        joins.append((_moved(left, numbers), _moved(right, numbers)))
    where += [renumbered(node, numbers) for node in conjuncts(inner.where)]
    return Branch(tuple(sources), conjunction(where), tuple(joins))


def _moved(column: Column, numbers: dict[int, int]) -> Column:
    return Column(numbers[column.source], column.position, column.type)
