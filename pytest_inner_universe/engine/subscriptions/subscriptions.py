"""What every client of a database has subscribed to, and what a commit changes for each."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from ...sats.values import Identity
from ...wire.counting import Counting
from ...wire.messages import (
    EventTableRows,
    PersistentTableRows,
    QueryRows,
    QuerySetUpdate,
    SingleTableRows,
    TableUpdate,
    TransactionUpdate,
)
from ...wire.rows import RowList
from ..sql.ast import Select
from ..sql.errors import SqlError
from ..sql.limits import check_row_limit
from ..sql.plan import BranchPlan
from ..sql.rls import filters_by_table
from ..sql.stored import Reader
from ..store.backing import ViewCall
from .compiled import CompiledQuery, check_query
from .deltas import Change
from .errors import NoSuchQuerySet, QuerySetExists
from .registry import Registry

_ALL_TABLES = re.compile(r"SELECT\s+\*\s+FROM\s+\*", re.IGNORECASE)


class Followed(Protocol):
    """Who keeps the rows of views while queries follow them."""

    def subscribe(self, calls: Iterable[ViewCall]) -> None:
        """Have the rows of views from now on, once more for each time."""

    def unsubscribe(self, calls: Iterable[ViewCall]) -> None:
        """Take `subscribe` back."""


class QuerySet(NamedTuple):
    """What a client has subscribed to at once."""

    queries: list[CompiledQuery]
    is_shared: bool
    """Whether a query counts once for all such sets of the client."""


class Subscriptions:
    """All query sets of all clients of one database.

    Args:
        datastore: The data. It is read when a client subscribes, and for joins after a commit.
        views: Keeps the rows of views; None if there are no views.
    """

    def __init__(self, datastore: Any, views: Followed | None = None) -> None:
        self.datastore = datastore
        self._views = views
        self._registry = Registry(datastore)
        self._sets: dict[Hashable, dict[int, QuerySet]] = {}
        self._clients: set[Hashable] = set()
        """Clients that have ever had a set."""
        self._compiled: dict[Hashable, CompiledQuery] = {}
        self._row_filters: dict[str, list[Select]] | None = None

    def add(
        self,
        client: Hashable,
        caller: Identity,
        is_owner: bool,
        query_set_id: int,
        queries: list[str],
        counting: Counting = Counting.PER_SET,
    ) -> QueryRows:
        """Start a query set.

        Args:
            client: Whose set it is; the key of `deltas`.
            caller: The client's identity, the value of ``:sender``.
            is_owner: Whether the caller owns the database.
            query_set_id: The client's number for the set.
            queries: The queries; ``SELECT * FROM *`` stands for all tables and views that the caller may read, but event
                tables.
            counting: How often the client gets the rows of a query that several of its sets have.

        Returns:
            The rows of each query, in order; queries over empty tables are left out.

        Raises:
            QuerySetExists: The client has a live set with this id.
            SqlError: A query cannot be subscribed to; none of the set is then. An unknown table and a private one of
                somebody else give the same error.
        """
        view = self.datastore.view()
        # Servers look at the queries first: where both are wrong, it is the query that they tell of.
        compiled = self._compile_all(caller, is_owner, queries)
        if query_set_id in self._sets.get(client, {}):
            raise QuerySetExists(client, query_set_id, self.datastore.release.query_set)
        self._follow(compiled)
        try:
            if not is_owner:
                new = [query for query in compiled if not query.subscribers]
                check_row_limit(view, self.datastore, [fragment.plan for query in new for fragment in query.fragments])
        except SqlError:
            self._follow(compiled, False)
            raise
        new_set = QuerySet(compiled, counting is not Counting.PER_SET)
        silent = [query for query in compiled if new_set.is_shared and self._is_told(client, query)]
        shown = [query for query in compiled if query not in silent] if counting is Counting.PER_CLIENT else compiled
        rows = _initial(view, shown, new_set.is_shared)
        for query in compiled:
            if not query.subscribers:
                self._compiled[query.key] = query
                self._registry.add(query)
            (query.silent if query in silent else query.subscribers).setdefault(client, []).append(query_set_id)
        self._sets.setdefault(client, {})[query_set_id] = new_set
        self._clients.add(client)
        return rows

    def remove(self, client: Hashable, query_set_id: int) -> QueryRows:
        """End a query set.

        Returns:
            The rows that the set had, in the form in which `add` gave them; without those of queries that count once and
            go on in another set.

        Raises:
            NoSuchQuerySet: The client has no live set with this id.
        """
        sets = self._sets.get(client, {})
        if query_set_id not in sets:
            raise NoSuchQuerySet(client, query_set_id, self.datastore.release.query_set, client in self._clients)
        ended = sets.pop(query_set_id)
        if not sets:
            del self._sets[client]
        gone = [query for query in ended.queries if not (ended.is_shared and client in query.silent)]
        rows = _initial(self.datastore.view(), gone, ended.is_shared)
        self._release(client, query_set_id, ended)
        return rows

    def drop_client(self, client: Hashable) -> None:
        """End all query sets of a client that is gone."""
        self._clients.discard(client)
        for query_set_id, ended in self._sets.pop(client, {}).items():
            self._release(client, query_set_id, ended)

    def deltas(self, changes: Mapping[str, Change]) -> dict[Hashable, TransactionUpdate]:
        """Compute what a commit changes for each client.

        Args:
            changes: What `Transaction.commit` returned; call this before the next commit.

        Returns:
            One update per client that the commit concerns.
        """
        if not self._sets:
            return {}
        found = self._registry.deltas(changes, self.datastore.view)
        concerned: dict[Hashable, list[tuple[int, CompiledQuery]]] = {}
        for query in found:
            for client, numbers in query.subscribers.items():
                concerned.setdefault(client, []).extend([(number, query) for number in numbers])
        rows = {query: _rows(query, *changed) for query, changed in found.items()}
        # Clients that follow the same queries in the same sets get the same message.
        known: dict[tuple[tuple[int, CompiledQuery], ...], TransactionUpdate] = {}
        updates = {}
        for client, parts in concerned.items():
            key = tuple(parts)
            updates[client] = known.get(key) or known.setdefault(key, _update(key, rows))
        return updates

    def one_off(self, caller: Identity, is_owner: bool, text: str) -> QueryRows:
        """Answer one query of the subscription grammar; joins need no index here.

        Raises:
            SqlError: It is no such query, or names what the caller may not see.
        """
        view = self.datastore.view()
        try:
            query, table, _ = check_query(text, self.datastore, self._filters(), caller, is_owner)
            plans = [BranchPlan(branch, self.datastore) for branch in query.branches]
            if not is_owner:
                check_row_limit(view, self.datastore, plans)
            returned = query.output.source  # type: ignore[union-attr]
            rows = [row for plan in plans for row in plan.rows_of(returned, view, is_bounded=True)]
        except SqlError as error:
            raise error.with_sql(text) from None
        return QueryRows((SingleTableRows(table, RowList(rows)),))

    def _compile_all(self, caller: Identity, is_owner: bool, queries: list[str]) -> list[CompiledQuery]:
        texts = [text.strip() for text in queries]
        named = [text for text in texts if not _ALL_TABLES.fullmatch(text)]
        if len(named) < len(texts):
            named = self._all_tables(is_owner) + named
        compiled = []
        for text in dict.fromkeys(named):
            try:
                compiled.append(self._compile(text, caller, is_owner))
            except SqlError as error:
                raise error.with_sql(text) from None
        return compiled

    def _all_tables(self, is_owner: bool) -> list[str]:
        definition = self.datastore.definition
        names = [
            table.name for table in definition.tables.values() if (table.is_public or is_owner) and not table.is_event
        ]
        names += sorted(view.name for view in definition.views.values() if view.is_public or is_owner)
        return ["SELECT * FROM " + name for name in names]  # noqa: S608 - the names are the module's

    def _compile(self, text: str, caller: Identity, is_owner: bool) -> CompiledQuery:
        shared, own = (text, is_owner, None), (text, is_owner, caller)
        known = self._compiled.get(shared) or self._compiled.get(own)
        if known is not None:
            return known
        if not text:
            raise SqlError("SubscriptionError: Empty string")
        query, table, is_event = check_query(text, self.datastore, self._filters(), caller, is_owner)
        return CompiledQuery(own if query.depends_on_caller else shared, query, self.datastore, table, is_event)

    def _filters(self) -> dict[str, list[Select]]:
        if self._row_filters is None:
            self._row_filters = filters_by_table(self.datastore)
        return self._row_filters

    def _follow(self, queries: list[CompiledQuery], starts: bool = True) -> None:
        calls = [call for query in queries for call in query.views]
        if calls and self._views is not None:
            (self._views.subscribe if starts else self._views.unsubscribe)(calls)

    def _is_told(self, client: Hashable, query: CompiledQuery) -> bool:
        """Return whether a set of those that share their queries tells a client of one."""
        return any(self._sets[client][number].is_shared for number in query.subscribers.get(client, ()))

    def _release(self, client: Hashable, query_set_id: int, ended: QuerySet) -> None:
        for query in ended.queries:
            numbers, silent = query.subscribers[client], query.silent.get(client, [])
            if query_set_id in silent:
                silent.remove(query_set_id)
            else:
                numbers.remove(query_set_id)
                if ended.is_shared and silent:
                    numbers.append(silent.pop(0))
            if not silent:
                query.silent.pop(client, None)
            if not numbers:
                del query.subscribers[client]
            if not query.subscribers:
                self._registry.remove(query)
                del self._compiled[query.key]
        self._follow(ended.queries, False)


def _initial(view: Reader, queries: list[CompiledQuery], names_queries: bool) -> QueryRows:
    tables = [SingleTableRows(query.table, RowList(rows)) for query in queries for rows in query.rows(view)]
    return QueryRows(tuple(tables), tuple(query.table for query in queries) if names_queries else ())


def _rows(query: CompiledQuery, inserts: list[bytes], deletes: list[bytes]) -> PersistentTableRows | EventTableRows:
    if query.is_event:
        return EventTableRows(RowList(inserts))
    return PersistentTableRows(RowList(inserts), RowList(deletes))


def _update(
    parts: tuple[tuple[int, CompiledQuery], ...],
    rows: Mapping[CompiledQuery, PersistentTableRows | EventTableRows],
) -> TransactionUpdate:
    sets: dict[int, dict[str, list[PersistentTableRows | EventTableRows]]] = {}
    for number, query in parts:
        sets.setdefault(number, {}).setdefault(query.table, []).append(rows[query])
    return TransactionUpdate(
        tuple(
            QuerySetUpdate(number, tuple(TableUpdate(table, tuple(changed)) for table, changed in tables.items()))
            for number, tables in sets.items()
        )
    )
