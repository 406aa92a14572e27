"""Who may see and do what: the owner, others, and those whose token is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.backends import OWNER
from support.shops import shop

from pytest_inner_universe.client import (
    Connection,
    ConnectionRejected,
    HttpApi,
    NotAuthorized,
    QueryFailed,
    SubscriptionFailed,
    WebSocketTransport,
)
from pytest_inner_universe.engine.sql import SqlError

if TYPE_CHECKING:
    from conformance.conftest import Connect, Says

    from pytest_inner_universe.testing.universe import Universe

pytestmark = [pytest.mark.universe(module="../../fixtures/modules/every_type_1_4.wasm"), pytest.mark.asyncio]
SECRET = "SELECT * FROM secret"
MARKED = "no such table: `secret`. If the table exists, it may be marked private."
HIDDEN = [{"id": 1, "text": "hidden"}]
DML = [
    "INSERT INTO person (id, name, team, age) VALUES (0, 'x', 1, 1)",
    "UPDATE person SET age = 1",
    "DELETE FROM person",
]


# Private tables


async def test_the_owner_sees_private_tables(universe: Universe, connect: Connect) -> None:
    assert universe.rows("secret") == universe.sql(SECRET) == HIDDEN
    async with connect(OWNER) as client:
        await client.subscribe(SECRET)
        assert client.tables["secret"].rows() == await client.query(SECRET) == HIDDEN


async def test_others_do_not(universe: Universe, connect: Connect, says: Says) -> None:
    text = says("`secret` is not a valid table", MARKED)
    with pytest.raises(SqlError) as refused:
        universe.actor("alice").sql(SECRET)
    assert refused.value.reason == text
    async with connect() as client:
        with pytest.raises(SubscriptionFailed) as caught:
            await client.subscribe(SECRET)
        assert caught.value.message == f"{text}, executing: `{SECRET}`"
        with pytest.raises(QueryFailed) as failed:
            await client.query(SECRET)
        assert failed.value.message == text


async def test_a_private_table_cannot_be_reached_by_a_join(universe: Universe, connect: Connect, says: Says) -> None:
    join = "SELECT t.* FROM team t JOIN secret s ON t.id = s.id"
    text = says("`secret` is not a valid table", MARKED)
    async with connect() as client, connect(OWNER) as owner:
        with pytest.raises(SubscriptionFailed) as caught:
            await client.subscribe(join)
        assert caught.value.message == f"{text}, executing: `{join}`"
        await owner.subscribe(join)
        assert [row["title"] for row in owner.tables["team"].rows()] == ["first"]


# Statements that change something


@pytest.mark.parametrize("text", DML)
async def test_only_the_owner_changes_rows_by_sql(universe: Universe, stranger: HttpApi, says: Says, text: str) -> None:
    universe.call("add_person", "Ada", 1, 36)
    who = universe.actor("stranger")
    reason = says(
        "Only owners are authorized to run SQL DML statements",
        f"Caller {who.identity.hex()} is not authorized to run SQL DML statements",
    )
    with pytest.raises(SqlError) as caught:
        who.sql(text)
    assert caught.value.reason == reason
    with pytest.raises(QueryFailed) as failed:
        await stranger.sql(universe.name, text)
    assert (failed.value.message, failed.value.status) == (reason, 400)
    assert [row["age"] for row in universe.rows("person")] == [36]
    universe.sql(text)


async def test_everybody_reads_public_tables(universe: Universe, stranger: HttpApi) -> None:
    universe.call("add_person", "Ada", 1, 36)
    rows = universe.rows("person")
    assert universe.actor("alice").sql("SELECT * FROM person") == rows
    async with HttpApi(universe.url) as nobody:
        for api in (stranger, nobody):
            assert [dict(row) for row in (await api.sql(universe.name, "SELECT * FROM person")).rows] == rows


# What only the owner may do


def not_owner(universe: Universe, says: Says, action: str) -> tuple[int, str]:
    """Return what a stranger is told who wants to do something."""
    who, database = universe.actor("stranger").identity.hex(), universe.database_identity.hex()
    old = f"Permission denied: `{who}` does not own database `{database[:16]}`"
    new = f"{who} is not authorized to perform action on database {database}: {action}"
    return int(says("500", "403")), says(old, new)


@pytest.mark.parametrize("clear", [False, True])
async def test_only_the_owner_publishes(universe: Universe, stranger: HttpApi, says: Says, clear: bool) -> None:
    with pytest.raises(NotAuthorized) as caught:
        await stranger.publish(shop(), universe.name, clear=clear)
    action = "reset database" if clear else "update database"
    assert (caught.value.status, caught.value.text) == not_owner(universe, says, action)
    universe.call("nothing")


async def test_only_the_owner_deletes(universe: Universe, stranger: HttpApi, says: Says) -> None:
    with pytest.raises(NotAuthorized) as caught:
        await stranger.delete(universe.name)
    assert (caught.value.status, caught.value.text) == not_owner(universe, says, "delete database")
    universe.call("nothing")


async def test_only_the_owner_reads_the_log(universe: Universe, stranger: HttpApi, says: Says) -> None:
    who, owner = universe.actor("stranger").identity.hex(), universe.identity.hex()
    with pytest.raises(NotAuthorized) as caught:
        await stranger.logs(universe.name)
    old = 400, f"Identity does not own database, expected: {owner} got: {who}"
    expected = old if says("old", "new") == "old" else not_owner(universe, says, "view module logs")
    assert (caught.value.status, caught.value.text) == expected


async def test_everybody_may_ask_what_there_is(universe: Universe, stranger: HttpApi) -> None:
    info = await stranger.info(universe.name)
    assert (info.identity, info.owner) == (universe.database_identity, universe.identity)
    assert (await stranger.schema(universe.name)).tables.keys() == universe.schema.tables.keys()
    assert universe.name in await stranger.names(universe.name)


# Tokens


@pytest.mark.parametrize("bad", ["no token", "not.a.token"])
async def test_a_token_that_is_none(universe: Universe, bad: str, protocol: str) -> None:
    async with HttpApi(universe.url, bad) as api:
        requests: list[Any] = [
            api.ping(),
            api.call(universe.name, "nothing"),
            api.sql(universe.name, "SELECT * FROM person"),
            api.publish(shop(), universe.name),
            api.logs(universe.name),
        ]
        for request in requests:
            with pytest.raises(NotAuthorized) as caught:
                await request
            assert caught.value.status == 401
    offered = "v1.bsatn" if protocol == "memory" else protocol
    transport = WebSocketTransport(
        universe.url, universe.name, bad, protocols=[f"{offered}.spacetimedb"], definition=universe.schema
    )
    with pytest.raises(ConnectionRejected) as rejected:
        await Connection.open(transport, universe.schema)
    assert rejected.value.status == 401


async def test_a_token_of_somebody_who_is_known(universe: Universe, http: HttpApi) -> None:
    alice = universe.actor("alice")
    for token in (alice.token, alice.token):
        async with HttpApi(universe.url, token) as api:
            await api.call(universe.name, "own_team", [len(universe.rows("team")) + 1, "of alice"])
    owners = [row["owner"] for row in universe.rows("team") if row["title"] == "of alice"]
    assert owners == [alice.identity] * 2


async def test_a_short_lived_token_is_the_same_person(universe: Universe, stranger: HttpApi) -> None:
    async with HttpApi(universe.url, await stranger.websocket_token()) as short:
        await short.call(universe.name, "own_team", [2, "short"])
    assert [row["owner"] for row in universe.rows("team") if row["id"] == 2] == [universe.actor("stranger").identity]


async def test_somebody_new_is_somebody_else_each_time(universe: Universe) -> None:
    async with HttpApi(universe.url) as api:
        made = [await api.new_identity() for _ in range(2)]
        for number in (2, 3):
            await api.call(universe.name, "own_team", [number, "new"])
    owners = {row["owner"] for row in universe.rows("team")}
    assert len(owners | {who.identity for who in made}) == 5
    async with HttpApi(universe.url, made[0].token) as known:
        await known.call(universe.name, "own_team", [4, "known"])
    assert [row["owner"] for row in universe.rows("team") if row["id"] == 4] == [made[0].identity]
