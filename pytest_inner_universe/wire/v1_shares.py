"""Which query set the rows of the first protocol belong to.

The later protocols name the query set of every row. The first one does not: a transaction says per table what changed for
each query, without naming the query, and a query that a client has subscribed to under two ids is sent once.

Theory
------

A *share* is the rows of queries that arrived together and are about one table, with the sets that hold it. Shares are
made when a set starts, of those of its queries that were not subscribed to before; a set that has all queries of an older
share holds that share, too, and is given its rows. What a set shows is the sum of the shares that it holds.

Changes of a transaction are given to shares: to the only one that can be about the table, if there is only one; a query
for the whole table has the largest change; and no share loses rows that it does not have. What remains open (two
different conditions on one table, and a row that came for one of them) is decided arbitrarily.

Two things hold nevertheless. Every row that the server counts is in a share, and every share has a holder, so the sum of
all sets has exactly the rows that the server has; a table's cache is right, always. And when a set ends, the server's word
on which rows end with it corrects what was given to the wrong share. The rows of a single set are exact as long as all
sets that ask for rows of a table do so by the same queries, or are told apart by the rules above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from .errors import RemoteProtocolError
from .messages import QueryRows, SingleTableRows, TransactionUpdate
from .rows import RowList
from .v1_accounts import Bag, Balance, Parts, listed
from .v1_queries import by_table, is_whole, table_of

Changed = tuple[str, RowList, RowList]
"""Table, deletes and inserts of one query."""

_NO_TEXTS: frozenset[str] = frozenset()


@dataclass(eq=False)
class _Share:
    texts: set[str]
    holders: list[int]
    bags: dict[str, Bag]

    def has(self, table: str, rows: Iterable[bytes]) -> bool:
        counts: Bag = {}
        for row in rows:
            counts[row] = counts.get(row, 0) + 1
        bag = self.bags.get(table, {})
        return all(bag.get(row, 0) >= count for row, count in counts.items())

    def change(self, table: str, deletes: Iterable[bytes], inserts: Iterable[bytes]) -> None:
        bag = self.bags.setdefault(table, {})
        for row in inserts:
            bag[row] = bag.get(row, 0) + 1
        for row in deletes:
            if bag[row] == 1:
                del bag[row]
            else:
                bag[row] -= 1

    def rows(self) -> list[SingleTableRows]:
        return [SingleTableRows(table, RowList(listed(bag))) for table, bag in self.bags.items()]


class Shares:
    """The rows of a connection, by share.

    Args:
        name_of: Returns the name of a table as the server spells it, for one as a query does.
    """

    def __init__(self, name_of: Callable[[str], str] = str) -> None:
        self._name_of = name_of
        self._shares: list[_Share] = []
        self._sets: dict[int, frozenset[str]] = {}

    def start(self, query_set_id: int, queries: Sequence[str], tables: Sequence[Changed]) -> QueryRows:
        """Take the first rows of a set, and return all of its rows."""
        texts, taken = frozenset(queries), self._texts()
        self._sets[query_set_id] = texts
        shown = [SingleTableRows(table, inserts) for table, _, inserts in tables]
        for share in self._shares:
            if share.texts <= texts:
                share.holders.append(query_set_id)
                shown += share.rows()
        known = by_table(texts, self._name_of)
        groups = by_table(texts - taken, self._name_of)
        shares = {table: _Share(set(group), [query_set_id], {}) for table, group in groups.items()}
        for table, _, inserts in tables:
            about = table if table in shares or None not in shares else None
            if about not in shares:
                # A server that sends the rows again for each set.
                shares[about] = _Share(set(known.get(about) or known.get(None) or texts), [query_set_id], {})
            shares[about].change(table, (), inserts)
        self._shares += shares.values()
        return QueryRows(tuple(shown))

    def change(self, tables: Sequence[Changed]) -> TransactionUpdate:
        """Take what a transaction changed, and return it by query set.

        Raises:
            RemoteProtocolError: Rows are taken away that are not here.
        """
        parts = Parts()
        by_table: dict[str, list[Changed]] = {}
        for changed in tables:
            by_table.setdefault(changed[0], []).append(changed)
        for table, changes in by_table.items():
            for share, deletes, inserts in self._assign(table, changes):
                share.change(table, deletes, inserts)
                parts.add(share.holders, table, inserts.rows, deletes.rows)
        return parts.update()

    def end(self, query_set_id: int, tables: Sequence[Changed] | None) -> tuple[TransactionUpdate, QueryRows]:
        """Let a set end.

        Args:
            query_set_id: The set.
            tables: What the server says ends with it; None if it says nothing.

        Returns:
            What the other sets have to be told before, so that they have what remains, and the rows of the set.

        Raises:
            RemoteProtocolError: Rows are taken away that are not here.
        """
        self._sets.pop(query_set_id, None)
        alive = self._texts()
        shown: list[SingleTableRows] = []
        parts, over = Parts(), Balance()
        shrunk = []
        for share in self._shares:
            if query_set_id in share.holders:
                shown += share.rows()
                share.holders.remove(query_set_id)
            if not share.texts <= alive:
                share.texts &= alive
                shrunk.append(share)
            if not share.texts:
                over.add(share.bags)
            elif not share.holders:
                share.holders.append(self._heir(share))
                for table, bag in share.bags.items():
                    parts.add(share.holders, table, inserts=listed(bag))
        self._shares = [share for share in self._shares if share.texts]
        if tables is not None:
            for table, deletes, _ in tables:
                over.subtract(table, deletes)
            self._settle(over, [share for share in shrunk if share.texts], parts)
        return parts.update(), QueryRows(tuple(shown))

    def end_all(self) -> list[int]:
        """Let all sets end, and return their ids."""
        ids = list(self._sets)
        self._sets.clear()
        self._shares.clear()
        return ids

    def _texts(self) -> frozenset[str]:
        return _NO_TEXTS.union(*self._sets.values())

    def _queries_of(self, table: str, share: _Share) -> list[str]:
        """Return the queries of a share that may be about a table."""
        named = [(text, table_of(text)) for text in share.texts]
        return [text for text, name in named if name is None or self._name_of(name) == table]

    def _assign(self, table: str, changes: list[Changed]) -> Iterator[tuple[_Share, RowList, RowList]]:
        """Find the share of each change, which is to be applied before the next one is asked for."""
        queries = {share: self._queries_of(table, share) for share in self._shares}
        candidates = [share for share in self._shares if queries[share]] or self._shares
        if not candidates:
            raise RemoteProtocolError(f"rows of table {table!r} changed, though nothing is subscribed to")
        if len(candidates) > 1:
            candidates = sorted(candidates, key=lambda share: not any(map(is_whole, queries[share])))
            changes = sorted(changes, key=lambda changed: -len(changed[1]) - len(changed[2]))
        capacity = {share: len(queries[share]) for share in candidates}
        for _, deletes, inserts in changes:
            fitting = [share for share in candidates if share.has(table, deletes)]
            if fitting:
                share = next((share for share in fitting if capacity[share] > 0), fitting[0])
                capacity[share] -= 1
                yield share, deletes, inserts
            else:
                yield candidates[0], RowList(()), inserts
                for row in deletes:
                    yield self._owner(table, row), RowList((row,)), RowList(())

    def _owner(self, table: str, row: bytes, preferred: Sequence[_Share] = ()) -> _Share:
        for share in (*preferred, *self._shares):
            if row in share.bags.get(table, {}):
                return share
        raise RemoteProtocolError(f"a row of table {table!r} went, but was not there")

    def _heir(self, share: _Share) -> int:
        """Return the set that is to hold what remains of a share: best one with all of its queries."""
        some = [number for number, texts in self._sets.items() if share.texts & texts]
        return next((number for number in some if share.texts <= self._sets[number]), some[0])

    def _settle(self, over: Balance, shrunk: list[_Share], parts: Parts) -> None:
        """Change the shares that remain until the server's account and ours are the same."""
        for table, row, count in over.entries():
            for _ in range(-count):
                share = self._owner(table, row, shrunk)
                share.change(table, (row,), ())
                parts.add(share.holders, table, deletes=(row,))
            heir = next((share for share in self._shares if self._queries_of(table, share)), None)
            if count > 0 and heir is not None:
                heir.change(table, (), [row] * count)
                parts.add(heir.holders, table, inserts=[row] * count)
