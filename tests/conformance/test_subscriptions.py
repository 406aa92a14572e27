"""Subscriptions: which rows they bring, which changes follow, and how they end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.backends import ANSWER_SECONDS

from pytest_inner_universe.client import Connection, SubscriptionFailed

if TYPE_CHECKING:
    from conformance.conftest import Connect, Says

    from pytest_inner_universe.testing.universe import Universe

pytestmark = [pytest.mark.universe(module="../../fixtures/modules/every_type_1_4.wasm"), pytest.mark.asyncio]
PEOPLE = "SELECT * FROM person"
TEAM_1 = "SELECT * FROM person WHERE team = 1"
ADULTS = "SELECT * FROM person WHERE age >= 18"


@pytest.fixture
def people(universe: Universe) -> None:
    """Three people in two teams."""
    for name, team, age in (("Ada", 1, 36), ("Bob", 1, 17), ("Cleo", 2, 50)):
        universe.call("add_person", name, team, age)


def names(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["name"] for row in rows)


def seen(client: Connection) -> list[str]:
    return names(client.tables["person"].rows())


class Diary:
    """What a client was told of the changes of people."""

    def __init__(self, client: Connection) -> None:
        self.pages: list[tuple[str, ...]] = []
        table = client.tables["person"]
        table.on_insert(lambda row: self.pages.append(("insert", row["name"])))
        table.on_delete(lambda row: self.pages.append(("delete", row["name"])))
        table.on_update(lambda old, new: self.pages.append(("update", new["name"], f"{old['team']}-{new['team']}")))


# What comes first


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (PEOPLE, ["Ada", "Bob", "Cleo"]),
        (TEAM_1, ["Ada", "Bob"]),
        ("SELECT * FROM person WHERE team = 1 AND age > 20", ["Ada"]),
        ("SELECT * FROM person WHERE team = 2 OR name = 'Bob'", ["Bob", "Cleo"]),
        ("SELECT * FROM person WHERE (team = 2 OR team = 1) AND age <> 17", ["Ada", "Cleo"]),
        ("SELECT p.* FROM person p WHERE p.age < 40", ["Ada", "Bob"]),
        ("SELECT person.* FROM person", ["Ada", "Bob", "Cleo"]),
        ("select * from person where id <= 2", ["Ada", "Bob"]),
        ("SELECT * FROM person WHERE true", ["Ada", "Bob", "Cleo"]),
        ("SELECT * FROM person WHERE name = 'nobody'", []),
        ('SELECT * FROM "person" WHERE "age" = 50', ["Cleo"]),
        ("SELECT p.* FROM person p JOIN team t ON p.team = t.id", ["Ada", "Bob"]),
        ("SELECT p.* FROM person p JOIN team t ON t.id = p.team", ["Ada", "Bob"]),
        ("SELECT p.* FROM team t JOIN person p ON t.id = p.team WHERE p.age = 17", ["Bob"]),
    ],
)
async def test_the_rows_of_a_query(connect: Connect, people: None, query: str, found: list[str]) -> None:
    async with connect() as client:
        subscription = await client.subscribe(query)
        assert seen(client) == names(subscription.rows("person")) == found
        assert names(await client.query(query)) == found


async def test_every_row_is_there_with_all_its_columns(connect: Connect, people: None) -> None:
    async with connect() as client:
        await client.subscribe("SELECT * FROM person WHERE name = 'Cleo'")
        assert client.tables["person"].rows() == [{"id": 3, "name": "Cleo", "team": 2, "age": 50}]


async def test_several_queries_in_one_set(connect: Connect, people: None) -> None:
    async with connect() as client:
        both = await client.subscribe(TEAM_1, "SELECT * FROM team")
        assert names(both.rows("person")) == ["Ada", "Bob"]
        assert [row["title"] for row in both.rows("team")] == ["first"]
        await client.call("own_team", 2, "second")
        await client.call("add_person", "Dan", 1, 1)
        assert sorted(row["title"] for row in both.rows("team")) == ["first", "second"]
        assert names(both.rows("person")) == ["Ada", "Bob", "Dan"]


async def test_all_tables_at_once(connect: Connect, people: None) -> None:
    async with connect() as client:
        everything = await client.subscribe("SELECT * FROM *")
        assert names(everything.rows("person")) == ["Ada", "Bob", "Cleo"]
        assert len(everything.rows("team")) == 1
        assert everything.rows("secret") == everything.rows("once") == []
        await client.call("many", 2)
        assert client.tables["seen"].count == 2


async def test_an_empty_table(connect: Connect) -> None:
    async with connect() as client:
        nothing = await client.subscribe(PEOPLE)
        assert (nothing.rows("person"), nothing.is_active) == ([], True)
        await client.call("add_person", "Ada", 1, 36)
        assert names(nothing.rows("person")) == ["Ada"]


async def test_many_rows(universe: Universe, connect: Connect) -> None:
    universe.call("many", 5000)
    async with connect() as client:
        await client.subscribe("SELECT * FROM seen")
        assert client.tables["seen"].count == 5000


# What follows


async def test_inserts_updates_and_deletes_are_told(connect: Connect, people: None) -> None:
    async with connect() as client:
        await client.subscribe(PEOPLE)
        diary = Diary(client)
        await client.call("add_person", "Dan", 3, 1)
        await client.call("move_team", 3, 4)
        await client.call("remove_person", "Dan")
        assert diary.pages == [("insert", "Dan"), ("update", "Dan", "3-4"), ("delete", "Dan")]


async def test_rows_come_and_go_as_they_begin_and_cease_to_match(connect: Connect, people: None) -> None:
    async with connect() as client:
        await client.subscribe(TEAM_1)
        diary = Diary(client)
        await client.call("move_team", 2, 1)
        assert seen(client) == ["Ada", "Bob", "Cleo"]
        await client.call("set_age", "Cleo", 51)
        await client.call("move_team", 1, 2)
        assert seen(client) == []
        assert diary.pages[:2] == [("insert", "Cleo"), ("update", "Cleo", "1-1")]
        assert sorted(diary.pages[2:]) == [("delete", "Ada"), ("delete", "Bob"), ("delete", "Cleo")]


async def test_changes_of_other_rows_are_not_told(connect: Connect, people: None) -> None:
    async with connect() as client:
        await client.subscribe(TEAM_1)
        diary = Diary(client)
        await client.call("set_age", "Cleo", 51)
        await client.call("add_person", "Dan", 2, 1)
        await client.call("remove_person", "Cleo")
        assert diary.pages == []


async def test_a_join_follows_both_of_its_tables(connect: Connect, people: None) -> None:
    async with connect() as client:
        await client.subscribe("SELECT p.* FROM person p JOIN team t ON p.team = t.id WHERE t.title = 'second'")
        assert seen(client) == []
        await client.call("own_team", 2, "second")
        assert seen(client) == ["Cleo"]
        await client.call("add_person", "Dan", 2, 1)
        assert seen(client) == ["Cleo", "Dan"]
        await client.call("remove_person", "Cleo")
        await client.call("move_team", 1, 2)
        assert seen(client) == ["Ada", "Bob", "Dan"]
        await client.call("move_team", 2, 1)
        assert seen(client) == []


async def test_a_row_that_a_join_finds_twice_goes_with_its_last_partner(universe: Universe, connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe("SELECT t.* FROM team t JOIN person p ON t.id = p.team")
        assert client.tables["team"].count == 0
        for name in ("Ada", "Bob"):
            await client.call("add_person", name, 1, 36)
        assert [row["id"] for row in client.tables["team"].rows()] == [1]
        await client.call("remove_person", "Ada")
        assert [row["id"] for row in client.tables["team"].rows()] == [1]
        await client.call("remove_person", "Bob")
        assert client.tables["team"].rows() == []


async def test_the_sender_is_whoever_subscribed(universe: Universe, connect: Connect) -> None:
    mine = "SELECT * FROM team WHERE owner = :sender"
    async with connect(universe.actor("alice")) as alice, connect(universe.actor("bob")) as bob:
        for client in (alice, bob):
            await client.subscribe(mine)
            assert client.tables["team"].rows() == []
        await alice.call("own_team", 2, "of alice")
        await bob.call("own_team", 3, "of bob")
        await alice.call("own_team", 4, "of alice too")
        await bob.call("nothing")
        assert sorted(row["title"] for row in alice.tables["team"].rows()) == ["of alice", "of alice too"]
        assert [row["title"] for row in bob.tables["team"].rows()] == ["of bob"]
        assert [row["title"] for row in await bob.query(mine)] == ["of bob"]


async def test_the_sender_in_a_join(universe: Universe, connect: Connect, people: None) -> None:
    async with connect(universe.actor("alice")) as alice, connect() as other:
        for client in (alice, other):
            await client.subscribe("SELECT p.* FROM person p JOIN team t ON p.team = t.id WHERE t.owner = :sender")
        await alice.call("own_team", 2, "of alice")
        await other.call("nothing")
        assert (seen(alice), seen(other)) == (["Cleo"], [])


# Several at once


async def test_overlapping_subscriptions_share_rows(connect: Connect, people: None) -> None:
    async with connect() as client:
        everyone = await client.subscribe(PEOPLE)
        adults = await client.subscribe(ADULTS)
        assert seen(client) == ["Ada", "Bob", "Cleo"]
        diary = Diary(client)
        await client.call("add_person", "Dan", 3, 20)
        await client.call("set_age", "Dan", 10)
        assert diary.pages == [("insert", "Dan"), ("update", "Dan", "3-3")]
        assert names(everyone.rows("person")) == ["Ada", "Bob", "Cleo", "Dan"]
        assert names(adults.rows("person")) == ["Ada", "Cleo"]
        await everyone.unsubscribe()
        assert seen(client) == ["Ada", "Cleo"]
        await client.call("set_age", "Bob", 18)
        assert seen(client) == ["Ada", "Bob", "Cleo"]


async def test_the_same_query_twice(connect: Connect, people: None) -> None:
    async with connect() as client:
        first, second = await client.subscribe(TEAM_1), await client.subscribe(TEAM_1)
        diary = Diary(client)
        assert names(first.rows("person")) == names(second.rows("person")) == ["Ada", "Bob"]
        await client.call("add_person", "Dan", 1, 20)
        assert diary.pages == [("insert", "Dan")]
        await first.unsubscribe()
        await client.call("remove_person", "Ada")
        assert seen(client) == names(second.rows("person")) == ["Bob", "Dan"]
        await second.unsubscribe()
        assert seen(client) == []


async def test_overlapping_queries_in_one_set(connect: Connect, people: None) -> None:
    async with connect() as client:
        both = await client.subscribe(TEAM_1, ADULTS, PEOPLE)
        assert seen(client) == ["Ada", "Bob", "Cleo"]
        diary = Diary(client)
        await client.call("move_team", 1, 2)
        await client.call("remove_person", "Ada")
        assert sorted(diary.pages) == [("delete", "Ada"), ("update", "Ada", "1-2"), ("update", "Bob", "1-2")]
        assert names(both.rows("person")) == ["Bob", "Cleo"]
        await both.unsubscribe()
        assert seen(client) == []


async def test_subscriptions_of_two_clients_do_not_touch_each_other(connect: Connect, people: None) -> None:
    async with connect() as one, connect() as other:
        ending = await one.subscribe(PEOPLE)
        await other.subscribe(PEOPLE)
        await ending.unsubscribe()
        await one.call("add_person", "Dan", 1, 1)
        await other.wait_for(lambda: other.tables["person"].count == 4, ANSWER_SECONDS)
        assert (seen(one), seen(other)) == ([], ["Ada", "Bob", "Cleo", "Dan"])


# How they end


async def test_unsubscribing(connect: Connect, people: None) -> None:
    async with connect() as client:
        subscription = await client.subscribe(PEOPLE)
        diary = Diary(client)
        await subscription.unsubscribe()
        await subscription.unsubscribe()
        assert (subscription.is_active, seen(client)) == (False, [])
        await client.call("add_person", "Dan", 1, 1)
        assert (diary.pages, seen(client)) == ([], [])
        await client.subscribe(PEOPLE)
        assert seen(client) == ["Ada", "Bob", "Cleo", "Dan"]


REFUSED = [
    ("SELECT * FROM nowhere", "`nowhere` is not a valid table", "no such table: `nowhere`{marked}"),
    ("SELECT * FROM secret", "`secret` is not a valid table", "no such table: `secret`{marked}"),
    ("SELECT * FROM Person", "`Person` is not a valid table", "no such table: `Person`{marked}"),
    ("SELECT name FROM person", "{whole}", ""),
    ("SELECT COUNT(*) AS n FROM person", "{whole}", ""),
    ("SELECT * FROM person LIMIT 1", "Unsupported: {sql}", ""),
    ("SELECT * FROM person ORDER BY id", "Unsupported: {sql}", ""),
    ("DELETE FROM person", "Unsupported: Non-SELECT queries", ""),
    ("SELECT * FROM person WHERE name LIKE 'A%'", "Unsupported expression: name LIKE 'A%'", ""),
    ("SELECT * FROM person WHERE nope = 1", "`nope` is not in scope", ""),
    ("SELECT * FROM person WHERE age = 'x'", "The literal expression `x` cannot be parsed as type `U8`", ""),
    ("SELECT * FROM person p JOIN team t ON p.team = t.id", "SELECT * is not supported for joins", ""),
    ("SELECT p.* FROM person p JOIN team t ON team = id", "Names must be qualified when using joins", ""),
    ("SELECT p.* FROM person p JOIN team t ON p.age = t.id", "Unexpected type: (expected) U32 != U8 (inferred)", ""),
    ("SELECT p.* FROM person p JOIN seen s ON p.name = s.what", "Subscriptions require indexes on join columns", ""),
    ("SELEC", "sql parser error: Expected an SQL statement, found: SELEC at Line: 1, Column 1", ""),
    ("", "SubscriptionError: Empty string", ""),
]


@pytest.mark.parametrize(("query", "before", "since"), REFUSED, ids=[query or "empty" for query, *_ in REFUSED])
async def test_queries_that_are_refused(
    connect: Connect, says: Says, people: None, query: str, before: str, since: str
) -> None:
    text = says(before, since or before).format(
        sql=query,
        marked=". If the table exists, it may be marked private.",
        whole="Column projections are not supported in subscriptions; Subscriptions must return a table type",
    )
    async with connect() as client:
        kept = await client.subscribe(TEAM_1)
        with pytest.raises(SubscriptionFailed) as caught:
            await client.subscribe(query)
        assert caught.value.message == f"{text}, executing: `{query}`"
        assert caught.value.queries == (query,)
        await client.call("add_person", "Dan", 1, 1)
        assert names(kept.rows("person")) == seen(client) == ["Ada", "Bob", "Dan"]


async def test_one_bad_query_refuses_its_whole_set(connect: Connect, people: None) -> None:
    async with connect() as client:
        with pytest.raises(SubscriptionFailed) as caught:
            await client.subscribe(PEOPLE, "SELECT * FROM person WHERE nope = 1", "SELECT * FROM team")
        assert caught.value.message == ("`nope` is not in scope, executing: `SELECT * FROM person WHERE nope = 1`")
        assert seen(client) == []
        await client.call("add_person", "Dan", 1, 1)
        assert seen(client) == []
        await client.subscribe(PEOPLE)
        assert seen(client) == ["Ada", "Bob", "Cleo", "Dan"]
