"""The hooks of a module: when they run, who they see, and what a refusal means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.backends import ANSWER_SECONDS, MEMORY

from pytest_inner_universe.client import ConnectionRejected, HttpApi
from pytest_inner_universe.sats import Variant

if TYPE_CHECKING:
    from conformance.conftest import Connect

    from pytest_inner_universe.testing.universe import Universe

every_type = pytest.mark.universe(module="../../fixtures/modules/every_type_1_4.wasm")
pytestmark = pytest.mark.asyncio
DROPPED = (
    "it dropped the connection before its first message, as servers do when the module's connect hook refuses a client"
)
CONNECTIONS = "SELECT * FROM client_connection"


@every_type
async def test_init_runs_once_as_whoever_published(universe: Universe, connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe("SELECT * FROM team")
        assert client.tables["team"].rows() == [{"id": 1, "owner": universe.identity, "title": "first"}]


async def test_the_connect_hook_sees_who_comes_and_the_disconnect_hook_who_goes(
    universe: Universe, connect: Connect
) -> None:
    alice = universe.actor("alice")
    async with connect() as watcher:
        await watcher.subscribe(CONNECTIONS)
        table = watcher.tables["client_connection"]
        before = table.count
        async with connect(alice) as client:
            await watcher.wait_for(lambda: table.count == before + 1, ANSWER_SECONDS)
            (row,) = [row for row in table.rows() if row["identity"] == alice.identity]
            assert (row["connection_id"], row["status"]) == (client.connection_id, Variant("Connected"))
        await watcher.wait_for(lambda: table.count == before, ANSWER_SECONDS)
        assert alice.identity not in [row["identity"] for row in table.rows()]


async def test_each_connection_of_one_identity_is_one_of_its_own(universe: Universe, connect: Connect) -> None:
    alice = universe.actor("alice")
    async with connect() as watcher:
        await watcher.subscribe(CONNECTIONS)
        table = watcher.tables["client_connection"]
        async with connect(alice) as one:
            async with connect(alice) as other:
                await watcher.wait_for(lambda: table.count >= 3, ANSWER_SECONDS)
                ids = {row["connection_id"] for row in table.rows() if row["identity"] == alice.identity}
                assert ids == {one.connection_id, other.connection_id}
            await watcher.wait_for(
                lambda: other.connection_id not in [row["connection_id"] for row in table.rows()], ANSWER_SECONDS
            )
            assert one.connection_id in [row["connection_id"] for row in table.rows()]
            await one.call("publish_event", "e", "STILL_HERE", None, "{}")


async def test_a_client_sees_its_own_arrival(universe: Universe, connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe("SELECT * FROM client_connection WHERE identity = :sender")
        assert [row["connection_id"] for row in client.tables["client_connection"].rows()] == [client.connection_id]


async def test_a_call_by_http_connects_and_disconnects(universe: Universe, stranger: HttpApi) -> None:
    await stranger.call(universe.name, "publish_event", ["e", "BY_HTTP", None, "{}"])
    who = universe.actor("stranger").identity
    kinds = [row["event_type"] for row in universe.rows("event_log") if row["source"] == who.hex()]
    assert kinds.count("CLIENT_CONNECTED") == 1
    assert who not in [row["identity"] for row in universe.rows("client_connection")]


async def test_the_same_token_is_the_same_identity(connect: Connect, universe: Universe) -> None:
    async with connect() as one, connect() as other:
        assert one.identity != other.identity
    async with connect(universe.actor("alice")) as first:
        identity, connection = first.identity, first.connection_id
    async with connect(universe.actor("alice")) as again:
        assert (again.identity, again.connection_id == connection) == (identity, False)


@every_type
async def test_a_refused_connect_leaves_those_who_are_in(universe: Universe, connect: Connect, protocol: str) -> None:
    async with connect() as inside:
        await inside.subscribe("SELECT * FROM seen")
        await inside.call("close_door")
        with pytest.raises(ConnectionRejected) as caught:
            async with connect():
                pass
        # Servers drop the socket without a word; in memory the hook's text arrives.
        assert caught.value.reason == ("the door is closed" if protocol == MEMORY else DROPPED)
        assert caught.value.status is None
        await inside.call("many", 1)
        assert inside.tables["seen"].count == 2


@every_type
async def test_the_door_can_be_opened_again(universe: Universe, connect: Connect) -> None:
    universe.call("close_door")
    with pytest.raises(ConnectionRejected):
        async with connect():
            pass
    universe.sql("DELETE FROM seen WHERE what = 'closed'")
    async with connect() as client:
        await client.call("nothing")
