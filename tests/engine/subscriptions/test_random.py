"""Random transactions: what clients add up from the updates is what their queries give afresh."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.sql_store import GUEST, OWNER, Store, table

from pytest_inner_universe.engine.subscriptions import Subscriptions
from pytest_inner_universe.sats.types import IDENTITY, U32

ITEM = {"id": U32, "kind": U32, "link": U32}
A = table("a", ITEM, unique=("id",), indexes=(("kind",), ("link",)))
B = table("b", ITEM, indexes=(("kind",), ("link",)))
C = table("c", {"kind": U32, "who": IDENTITY}, indexes=(("kind",), ("who",)))

QUERIES = [
    "SELECT * FROM a",
    "SELECT * FROM a WHERE id = 1",
    "SELECT * FROM a WHERE kind = 1 AND link > 0",
    "SELECT * FROM b WHERE kind = 1 OR link = 2",
    "SELECT * FROM b WHERE 2 = kind AND kind = link",
    "SELECT a.* FROM a JOIN b ON a.link = b.kind",
    "SELECT b.* FROM a JOIN b ON a.link = b.link",
    "SELECT b.* FROM a JOIN b ON a.id = b.link WHERE a.kind = 1",
    "SELECT a.* FROM a JOIN b ON a.id = b.link WHERE a.kind = 1 AND b.kind = 2",
    "SELECT a.* FROM a JOIN b ON a.kind = b.kind WHERE a.link < b.link",
    "SELECT x.* FROM b x JOIN b y ON x.link = y.link",
    "SELECT x.* FROM b x JOIN b y ON x.kind = y.kind WHERE x.link = 1 AND y.link = 2",
    "SELECT * FROM c WHERE who = :sender",
    "SELECT a.* FROM a JOIN c ON a.kind = c.kind WHERE c.who = :sender",
]
FILTERS = (
    "SELECT * FROM a WHERE link = 2",
    "SELECT a.* FROM a JOIN b ON a.id = b.link",
    "SELECT * FROM c WHERE kind = 1",
)

_SMALL = st.integers(0, 3)
_ITEMS = st.tuples(_SMALL, _SMALL, _SMALL)
_CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("a"), st.booleans(), _ITEMS),
        st.tuples(st.just("b"), st.booleans(), _ITEMS),
        st.tuples(st.just("c"), st.booleans(), st.tuples(_SMALL, st.sampled_from([OWNER, GUEST]))),
    ),
    max_size=8,
)
_STEPS = st.lists(
    st.one_of(
        _CHANGES,
        st.tuples(st.sampled_from("XY"), st.integers(1, 3), st.lists(st.sampled_from(QUERIES), max_size=3)),
    ),
    max_size=8,
)


class _Clients:
    """Two clients that count the rows of each of their sets."""

    def __init__(self, filters: tuple[str, ...]) -> None:
        self.store = Store(A, B, C, filters=filters)
        self.subscriptions = Subscriptions(self.store.datastore)
        self.callers = {"X": OWNER, "Y": GUEST}
        self.queries: dict[tuple[str, int], list[str]] = {}
        self.counts: dict[tuple[str, int], Counter[tuple[str, bytes]]] = {}

    def change(self, changes: list[Any]) -> None:
        tx = self.store.datastore.begin()
        for name, insert, values in changes:
            stored, row = self.store.datastore.table(name), self.store.encode(name, *values)
            if not insert:
                tx.delete(stored, row)
            elif name == "a":
                index = stored.unique_indexes[0]
                (tx.update if tx.seek(index, index.key_of(row)) else lambda t, _, r: tx.insert(t, r))(
                    stored, index, row
                )
            else:
                tx.insert(stored, row)
        changed = tx.commit()
        for client, update in self.subscriptions.deltas(changed).items():
            for query_set in update.query_sets:
                count = self.counts[str(client), query_set.query_set_id]
                for table_update in query_set.tables:
                    for rows in table_update.rows:
                        assert rows.inserts or rows.deletes  # type: ignore[union-attr]
                        count.update((table_update.table_name, row) for row in rows.inserts)  # type: ignore[union-attr]
                        count.subtract((table_update.table_name, row) for row in rows.deletes)  # type: ignore[union-attr]

    def toggle(self, client: str, number: int, queries: list[str]) -> None:
        key = client, number
        caller = self.callers[client]
        if key in self.counts:
            self.subscriptions.remove(client, number)
            del self.counts[key], self.queries[key]
            return
        rows = self.subscriptions.add(client, caller, caller == OWNER, number, queries)
        self.counts[key] = Counter((single.table, row) for single in rows.tables for row in single.rows)
        self.queries[key] = queries

    def check(self) -> None:
        for (client, number), count in self.counts.items():
            afresh: Counter[tuple[str, bytes]] = Counter()
            for query in dict.fromkeys(self.queries[client, number]):
                caller = self.callers[client]
                rows = self.subscriptions.one_off(caller, caller == OWNER, query)
                afresh.update((single.table, row) for single in rows.tables for row in single.rows)
            assert +count == afresh
            assert not -count


@examples(60)
@given(_STEPS, st.sampled_from([(), FILTERS[:1], FILTERS]))
def test_updates_add_up_to_the_queries(steps: list[Any], filters: tuple[str, ...]) -> None:
    clients = _Clients(filters)
    for number, query in enumerate(QUERIES, 10):
        clients.toggle("X", number, [query])
        if "JOIN" not in query or not filters:
            clients.toggle("Y", number, [query])
    for step in steps:
        if isinstance(step, list):
            clients.change(step)
        elif not (filters and step[0] == "Y" and any("JOIN" in query for query in step[2])):
            clients.toggle(*step)
        clients.check()
