"""Rows of the first protocol find their query sets: tables are right always, sets wherever that can be known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.row_cache import Cache, Row

from pytest_inner_universe.sats import ConnectionId, Identity
from pytest_inner_universe.wire import (
    InitialConnection,
    PersistentTableRows,
    QueryRows,
    QuerySetUpdate,
    RowList,
    SingleTableRows,
    Subscribe,
    SubscribeApplied,
    TableUpdate,
    TransactionUpdate,
    Unsubscribe,
    UnsubscribeApplied,
)
from pytest_inner_universe.wire.session import ClientSession, ServerSession
from pytest_inner_universe.wire.v1_shares import Shares
from pytest_inner_universe.wire.versions import V1

QUERIES: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "SELECT * FROM t": ("t", lambda _: True),
    "SELECT * FROM t WHERE even = true": ("t", lambda row: row[0] % 2 == 0),
    "SELECT * FROM t WHERE small = true": ("t", lambda row: row[0] < 4),
    "SELECT a.* FROM t a JOIN u b ON a.x = b.x": ("t", lambda row: row[0] % 3 == 0),
    "SELECT * FROM u": ("u", lambda _: True),
    "SELECT * FROM u WHERE odd = true": ("u", lambda row: row[0] % 2 == 1),
}
TEXTS = list(QUERIES)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("subscribe"), st.integers(1, 4), st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3)),
        st.tuples(st.just("unsubscribe"), st.integers(1, 4), st.none()),
        st.tuples(st.just("toggle"), st.sampled_from("tu"), st.lists(st.integers(0, 7), min_size=1, max_size=5)),
    ),
    max_size=25,
)


class World:
    """Tables and a client's query sets, and what a server says about them."""

    def __init__(self) -> None:
        self.tables: dict[str, set[Row]] = {"t": set(), "u": set()}
        self.sets: dict[int, list[str]] = {}

    def rows(self, text: str) -> list[Row]:
        table, test = QUERIES[text]
        return sorted(filter(test, self.tables[table]))

    def toggle(self, table: str, numbers: list[int]) -> dict[str, tuple[list[Row], list[Row]]]:
        """Insert what is not there, delete what is, and return deletes and inserts by query."""
        rows = {bytes((number,)) for number in numbers}
        deleted, inserted = sorted(rows & self.tables[table]), sorted(rows - self.tables[table])
        self.tables[table] ^= rows
        changed = {}
        for text, (about, test) in QUERIES.items():
            if about == table:
                pair = (list(filter(test, deleted)), list(filter(test, inserted)))
                if pair != ([], []):
                    changed[text] = pair
        return changed

    def live(self) -> dict[str, None]:
        return dict.fromkeys(text for texts in self.sets.values() for text in texts)

    def visible(self, table: str) -> set[Row]:
        return {row for text in self.live() if QUERIES[text][0] == table for row in self.rows(text)}


def check(world: World, cache: Cache) -> None:
    assert {table: cache.visible(table) for table in "tu"} == {table: world.visible(table) for table in "tu"}


@examples(300)
@given(steps, st.randoms(use_true_random=False))
def test_tables_are_right_whatever_a_server_of_the_first_protocol_does(script: list[Any], random: Any) -> None:
    world, cache, shares = World(), Cache(), Shares()
    for kind, number, argument in script:
        before = world.live()
        if kind == "subscribe" and number not in world.sets:
            world.sets[number] = argument
            new = [text for text in dict.fromkeys(argument) if text not in before and world.rows(text)]
            random.shuffle(new)
            tables = [(QUERIES[text][0], RowList(()), RowList(world.rows(text))) for text in new]
            cache.take(SubscribeApplied(1, number, shares.start(number, argument, tables)))
        elif kind == "unsubscribe" and number in world.sets:
            texts = world.sets.pop(number)
            gone = [text for text in dict.fromkeys(texts) if text not in world.live()]
            random.shuffle(gone)
            tables = [(QUERIES[text][0], RowList(world.rows(text)), RowList(())) for text in gone]
            moved, rows = shares.end(number, tables)
            shown = Counter(row for entry in rows.tables for row in entry.rows.rows)
            assert shown == sum(cache.of_set(number).values(), Counter())
            cache.take(moved)
            cache.take(UnsubscribeApplied(1, number))
        elif kind == "toggle":
            changed = world.toggle(number, argument)
            updates = [(number, *map(RowList, changed[text])) for text in changed if text in before]
            random.shuffle(updates)
            cache.take(shares.change(updates))
        check(world, cache)


@examples(300)
@given(steps)
def test_tables_are_right_through_both_of_our_sessions(script: list[Any]) -> None:
    """The server speaks the second protocol to its session, the client hears the second from its own."""
    world, cache = World(), Cache()
    client, server = ClientSession(V1), ServerSession(V1)

    def say(message: Any) -> None:
        server.send(message)
        for frame in server.data_to_send():
            for heard in client.receive_data(frame):
                if not isinstance(heard, InitialConnection):
                    cache.take(heard)

    def ask(message: Any) -> None:
        client.send(message)
        for frame in client.data_to_send():
            server.receive_data(frame)

    say(InitialConnection(Identity.zero(), ConnectionId.zero(), ""))
    for request, (kind, number, argument) in enumerate(script, 1):
        if kind == "subscribe" and number not in world.sets:
            ask(Subscribe(request, number, tuple(argument)))
            world.sets[number] = argument
            entries = [(QUERIES[text][0], world.rows(text)) for text in dict.fromkeys(argument)]
            rows = QueryRows(tuple(SingleTableRows(table, RowList(rows)) for table, rows in entries))
            say(SubscribeApplied(request, number, rows))
        elif kind == "unsubscribe" and number in world.sets:
            ask(Unsubscribe(request, number))
            entries = [(QUERIES[text][0], world.rows(text)) for text in dict.fromkeys(world.sets.pop(number))]
            rows = QueryRows(tuple(SingleTableRows(table, RowList(rows)) for table, rows in entries))
            say(UnsubscribeApplied(request, number, rows))
        elif kind == "toggle":
            changed = world.toggle(number, argument)
            parts = []
            for query_set, texts in world.sets.items():
                pairs = [changed[text] for text in dict.fromkeys(texts) if text in changed]
                changes = tuple(PersistentTableRows(RowList(inserts), RowList(deletes)) for deletes, inserts in pairs)
                if changes:
                    parts.append(QuerySetUpdate(query_set, (TableUpdate(number, changes),)))
            say(TransactionUpdate(tuple(parts)))
        check(world, cache)
