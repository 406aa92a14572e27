"""A query that a view returns instead of rows."""

from __future__ import annotations

from collections.abc import Iterator

from ...sats.types import Product
from ...sats.values import Identity
from ..sql.ast import uses_sender
from ..sql.errors import SqlError
from ..sql.parser import parse_subscription
from ..sql.stored import Reader, Schema
from .compiled import CompiledQuery, check_query


class RawQuery:
    """A checked query; it sees private tables, and row-level security does not apply.

    Args:
        text: The query, in the grammar of subscriptions.
        schema: The datastore.
        database: The database's own identity, which is the one that asks.
        row: The type of the rows that the view returns.

    Raises:
        SqlError: It is no such query, returns other rows, or reads from views.

    Attributes:
        tables: Names of the tables that it reads.
    """

    def __init__(self, text: str, schema: Schema, database: Identity, row: Product) -> None:
        query, table, is_event = check_query(text, schema, {}, database, True)
        if query.views:
            raise SqlError("view definition cannot read from other views")
        if uses_sender(parse_subscription(text).where):
            raise SqlError("parameterized SQL is not supported for view materialization yet")
        found = schema.table(table).definition.row_type
        if found != row:
            raise SqlError(f"query returns `{found}` but view expects `{row}`")
        self._query = CompiledQuery(text, query, schema, table, is_event)
        self.tables = {source.definition.name for branch in query.branches for source in branch.sources}

    def rows(self, reader: Reader) -> Iterator[bytes]:
        """Yield the rows."""
        for fragment in self._query.fragments:
            yield from fragment.plan.rows_of(self._query.returned, reader)
