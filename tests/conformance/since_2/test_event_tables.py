"""Tables of events, whose rows are told and not kept; clients of the first protocol cannot subscribe to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.backends import ANSWER_SECONDS

from pytest_inner_universe.client import SubscriptionFailed

if TYPE_CHECKING:
    from conformance.conftest import Connect

    from pytest_inner_universe.testing.universe import Universe

pytestmark = [pytest.mark.universe(module="../../../fixtures/modules/every_type_2_8.wasm"), pytest.mark.asyncio]
EVENTS = "SELECT * FROM ping_event"
TOO_OLD = "Subscribing to event tables requires WebSocket v2."


async def test_events_are_told_and_not_kept(universe: Universe, connect: Connect, protocol: str) -> None:
    async with connect() as client, connect() as other:
        if protocol.startswith("v1"):
            with pytest.raises(SubscriptionFailed) as caught:
                await client.subscribe(EVENTS)
            assert caught.value.message.startswith(TOO_OLD)
            return
        told: list[tuple[str, str]] = []
        await client.subscribe(EVENTS, on_insert=lambda row: told.append(("own", row["text"])))
        await other.subscribe(EVENTS, on_insert=lambda row: told.append(("other", row["text"])))
        assert client.tables["ping_event"].rows() == []
        await client.call("ping", "one")
        await client.call("ping", "two")
        await other.call("nothing")
        assert [text for who, text in told if who == "own"] == ["one", "two"]
        assert [text for who, text in told if who == "other"] == ["one", "two"]
        assert client.tables["ping_event"].rows() == universe.rows("ping_event") == []
        assert await client.query(EVENTS) == []


async def test_everything_but_events(connect: Connect) -> None:
    async with connect() as client:
        everything = await client.subscribe("SELECT * FROM *")
        assert len(everything.rows("team")) == 1
        told: list[str] = []
        client.tables["ping_event"].on_insert(lambda row: told.append(row["text"]))
        await client.call("ping", "not for this one")
        await client.call("add_person", "Ada", 1, 36)
        await client.wait_for(lambda: client.tables["person"].count == 1, ANSWER_SECONDS)
        assert told == []
