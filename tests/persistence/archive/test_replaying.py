"""Events once more: to functions and buses, in their order."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
from support.archives import owner_of

from pytest_inner_universe.persistence import (
    Archive,
    Progress,
    SpacetimeEventBus,
    ValidationError,
    replay_events,
)
from pytest_inner_universe.testing.universe import Universe

pytestmark = pytest.mark.asyncio


class Kind(Enum):
    NOTE = 1


class Bus:
    """A bus as NERV has one."""

    def __init__(self) -> None:
        self.published: list[tuple[Any, ...]] = []

    def publish(self, event_type: Any, data: Any = None, source: Any = None) -> str:
        self.published.append((event_type, data, source))
        return "id"


async def test_a_plain_function_gets_rows_as_users_see_them(archive: Archive) -> None:
    heard: list[Any] = []
    steps: list[Progress] = []
    assert await replay_events(archive.folder, heard.append, event_types=[Kind.NOTE], progress=steps.append) == 1
    assert heard[0]["data"] == {"text": "'quoted' \"text\""}
    assert heard[0]["timestamp"].micros > 0
    total = archive.tables["event_log"].rows
    assert steps[-2:] == [Progress("replay", "event_log", 0, total), Progress("replay", "event_log", total, total)]
    assert {step.phase for step in steps[:-2]} == {"check"}


async def test_a_bus_that_is_not_asynchronous(archive: Archive) -> None:
    bus = Bus()
    count = await replay_events(archive, bus)
    assert count == len(bus.published) == archive.tables["event_log"].rows
    assert bus.published[0][0] == "SYSTEM_INITIALIZED"
    assert ("NOTE", {"text": "'quoted' \"text\""}, None) in bus.published


async def test_a_bus_that_is_asynchronous(archive: Archive, universe: Universe) -> None:
    async with owner_of(universe) as client:
        assert await replay_events(archive, SpacetimeEventBus(client), event_types=["NOTE"]) == 1
        assert [row["data"] for row in await client.query_events("NOTE")] == [{"text": "'quoted' \"text\""}]


async def test_what_a_handler_raises_ends_it(archive: Archive) -> None:
    heard: list[Any] = []

    def refuse(event: Any) -> None:
        heard.append(event)
        raise LookupError("enough")

    with pytest.raises(LookupError, match=r"^enough$"):
        await replay_events(archive, refuse)
    assert len(heard) == 1


async def test_nobody_to_hear(archive: Archive) -> None:
    with pytest.raises(ValidationError) as caught:
        await replay_events(archive, 1)  # type: ignore[arg-type]
    assert str(caught.value) == "a function or a bus with publish() is needed, got 1"
