"""Any course of transactions leaves the cache, and what callbacks were told, as plain bookkeeping says."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.fake_server import MODULE, FakeServer, change, item, rows, update

from pytest_inner_universe.client import Connection, MemoryTransport, Reconnect, Subscription

# An item is named by version, so that the same id with another version is an update.
items = st.tuples(st.integers(0, 3), st.integers(0, 2))
bags = st.dictionaries(items, st.integers(1, 3), max_size=4)
# What each of two query sets covers after each transaction, and whether the connection is lost before it.
courses = st.lists(st.tuples(bags, bags, st.booleans()), min_size=1, max_size=6)
Course = list[tuple[dict[tuple[int, int], int], dict[tuple[int, int], int], bool]]
AT_ONCE = Reconnect(sleep=lambda delay: asyncio.sleep(0))


def encoded(one: tuple[int, int]) -> bytes:
    return item(one[0], str(one[1]))


def expand(bag: Counter[tuple[int, int]]) -> tuple[bytes, ...]:
    return tuple(encoded(one) for one in bag.elements())


class Follower:
    """Keeps a table of its own, by nothing but what callbacks say."""

    def __init__(self) -> None:
        self.rows: set[tuple[int, int]] = set()

    @staticmethod
    def key(row: dict[str, Any]) -> tuple[int, int]:
        return row["id"], int(row["name"])

    def inserted(self, row: dict[str, Any]) -> None:
        assert self.key(row) not in self.rows
        self.rows.add(self.key(row))

    def updated(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        assert old["id"] == new["id"]
        assert old["name"] != new["name"]
        self.deleted(old)
        self.inserted(new)

    def deleted(self, row: dict[str, Any]) -> None:
        self.rows.remove(self.key(row))

    @property
    def callbacks(self) -> dict[str, Any]:
        return {"on_insert": self.inserted, "on_update": self.updated, "on_delete": self.deleted}


async def play(course: Course, end_of: int | None) -> None:
    server = FakeServer()
    async with await Connection.open(MemoryTransport(server), MODULE, reconnect=AT_ONCE) as connection:
        table, follower = connection.tables["item"], Follower()
        table.on_insert(follower.inserted)
        table.on_update(follower.updated)
        table.on_delete(follower.deleted)
        first = [Counter(bag) for bag in course[0][:2]]
        sets: list[tuple[Subscription, Follower]] = []
        for number, bag in enumerate(first):
            server.rows[str(number)] = rows(item=list(expand(bag)))
            own = Follower()
            sets.append((await connection.subscribe(str(number), replay=True, **own.callbacks), own))
        follower.rows = set(first[0]) | set(first[1])
        present = first
        for *step, is_lost in course[1:]:
            following = [Counter(bag) for bag in step]
            parts = [
                change(number + 1, inserts=expand(after - before), deletes=expand(before - after))
                for number, (before, after) in enumerate(zip(present, following))
                if before != after
            ]
            if is_lost:
                for number, bag in enumerate(following):
                    server.rows[str(number)] = rows(item=list(expand(bag)))
                server.end.closed(None, "")
            else:
                server.end.say(update(*parts))
            await connection.query("nothing")
            present = following
            check(connection, present, follower, sets)
        if end_of is not None:
            await sets[end_of][0].unsubscribe()
            left = set(present[1 - end_of])
            assert {Follower.key(row) for row in table.rows()} == left
            assert sets[end_of][0].rows("item") == []
        assert connection.is_open
        assert connection.callback_errors == ()


def check(
    connection: Connection,
    present: list[Counter[tuple[int, int]]],
    follower: Follower,
    sets: list[tuple[Subscription, Follower]],
) -> None:
    everything = set(present[0]) | set(present[1])
    table = connection.tables["item"]
    assert {Follower.key(row) for row in table.rows()} == everything
    assert table.count == len(everything)
    assert follower.rows == everything
    for (subscription, own), bag in zip(sets, present):
        assert {Follower.key(row) for row in subscription.rows("item")} == set(bag) == own.rows


@given(courses, st.none() | st.integers(0, 1))
def test_cache_and_callbacks_agree_with_plain_bookkeeping(course: Course, end_of: int | None) -> None:
    asyncio.run(play(course, end_of))
