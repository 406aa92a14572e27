"""Views and event tables of 2.x modules in a client's cache: in memory, and over every version of the protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_inner_universe import Universe
from pytest_inner_universe.client.connection import Connection
from pytest_inner_universe.client.errors import SubscriptionFailed
from pytest_inner_universe.client.websocket import WebSocketTransport

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
WAYS = ["memory", "v3.bsatn", "v2.bsatn", "v1.bsatn", "v1.json"]

Open = Callable[[Universe, str], Awaitable[Connection]]


@pytest.fixture
def notes() -> Iterator[Universe]:
    with Universe.embedded(MODULES / "procedures_2_8.wasm") as universe:
        yield universe


@pytest.fixture
def pings() -> Iterator[Universe]:
    with Universe.embedded(MODULES / "every_type_2_8.wasm") as universe:
        yield universe


async def connect(universe: Universe, way: str) -> Connection:
    """Open a connection of the owner."""
    if way == "memory":
        return await Connection.open(universe.transport(universe.identity), universe.schema)
    transport = WebSocketTransport(
        universe.url, universe.name, universe.token, protocols=[f"{way}.spacetimedb"], definition=universe.schema
    )
    return await Connection.open(transport, universe.schema)


@pytest.mark.asyncio
@pytest.mark.parametrize("way", WAYS)
async def test_rows_of_a_view_that_is_a_query(notes: Universe, way: str) -> None:
    notes.call("count_up", "before")
    notes.call("count_up", "before")
    async with await connect(notes, way) as connection:
        tallies = connection.tables["tallies"]
        await connection.subscribe("SELECT * FROM tallies")
        assert tallies.rows() == [{"what": "before", "times": 2}]
        changed: list[tuple[Any, Any]] = []
        tallies.on_update(lambda old, new: changed.append((old["times"], new["times"])))
        await connection.call("count_up", "before")
        assert (tallies.rows(), changed) == ([{"what": "before", "times": 3}], [(2, 3)])
        assert tallies.find("before") == {"what": "before", "times": 3}
        assert await connection.query("SELECT * FROM tallies") == [{"what": "before", "times": 3}]


@pytest.mark.asyncio
@pytest.mark.parametrize("way", WAYS)
async def test_rows_of_views_that_compute_them(notes: Universe, way: str) -> None:
    async with await connect(notes, way) as connection:
        await connection.subscribe(
            "SELECT * FROM my_notes", "SELECT * FROM first_note", "SELECT * FROM lines", "SELECT * FROM keyed_notes"
        )
        await connection.call("write", 3, 1, "hers")
        tables = connection.tables
        assert [row["text"] for row in tables["my_notes"].rows()] == ["hers"]
        assert [row["id"] for row in tables["first_note"].rows()] == [1]
        assert tables["lines"].rows() == [{"text": "hers"}]
        found = tables["keyed_notes"].find(1)
        assert found is not None
        assert found["text"] == "hers"
        await connection.call("erase", 1)
        assert [tables[name].count for name in ("my_notes", "first_note", "lines", "keyed_notes")] == [0, 0, 0, 0]


@pytest.mark.asyncio
@pytest.mark.parametrize("way", ["memory", "v3.bsatn", "v2.bsatn"])
async def test_events_are_told_and_do_not_stay(pings: Universe, way: str) -> None:
    async with await connect(pings, way) as connection:
        heard: list[str] = []
        own: list[str] = []
        table = connection.tables["ping_event"]
        table.on_insert(lambda row: heard.append(row["text"]))
        subscription = await connection.subscribe(
            "SELECT * FROM ping_event", on_insert=lambda row: own.append(row["text"])
        )
        await connection.call("ping", "mine")
        pings.actor("somebody else").call("ping", "theirs")
        await connection.wait_for(lambda: len(heard) == 2, timeout=10)
        assert heard == own == ["mine", "theirs"]
        assert (table.rows(), subscription.rows("ping_event")) == ([], [])
        assert pings.rows("ping_event") == []
        await subscription.unsubscribe()
        await connection.call("ping", "unheard")
        assert heard == ["mine", "theirs"]


@pytest.mark.asyncio
@pytest.mark.parametrize("way", ["v1.bsatn", "v1.json"])
async def test_the_first_protocol_has_no_events(pings: Universe, way: str) -> None:
    async with await connect(pings, way) as connection:
        with pytest.raises(SubscriptionFailed) as caught:
            await connection.subscribe("SELECT * FROM ping_event")
        assert caught.value.message.startswith("Subscribing to event tables requires WebSocket v2.")
        await connection.call("ping", "unheard")
        assert connection.tables["ping_event"].rows() == []
