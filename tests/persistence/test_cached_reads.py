"""Entities read through the cache: fresh whoever writes, one subscription each, and none left."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest
from persistence.conftest import client_of

from pytest_inner_universe.persistence import EntityNotFoundError, InnerUniverseClient, NotConnectedError

if TYPE_CHECKING:
    from persistence.doubles import FakeConnection

    from pytest_inner_universe.testing.universe import Universe

pytestmark = pytest.mark.asyncio


async def test_a_second_read_asks_nobody(live: InnerUniverseClient, caplog: pytest.LogCaptureFixture) -> None:
    id_ = await live.create_entity("Person", {"name": "Ada", "properties": {"age": 36}})
    first = await live.get_entity_with_cache(id_)
    assert first == await live.get_entity(id_)
    with caplog.at_level(logging.DEBUG, "inner_universe"):
        assert await live.get_entity_with_cache(id_) == first
    assert caplog.messages == [f"entity:{id_}: found in the cache"]


async def test_rows_are_the_callers_own(live: InnerUniverseClient) -> None:
    id_ = await live.create_entity("Person", {"name": "Ada"})
    first = await live.get_entity_with_cache(id_)
    first["metadata"]["name"] = "Eve"
    assert (await live.get_entity_with_cache(id_))["metadata"]["name"] == "Ada"


async def test_own_writes_are_seen(live: InnerUniverseClient) -> None:
    id_ = await live.create_entity("Person", {"name": "Ada"})
    await live.get_entity_with_cache(id_)
    await live.update_entity(id_, {"name": "Grace"})
    assert (await live.get_entity_with_cache(id_))["metadata"]["name"] == "Grace"
    await live.delete_entity(id_)
    with pytest.raises(EntityNotFoundError) as caught:
        await live.get_entity_with_cache(id_)
    assert str(caught.value) == f"entity not found: {id_}"
    assert len(live.cache) == 0


async def test_writes_of_others_are_seen(live: InnerUniverseClient, universe: Universe) -> None:
    id_ = await live.create_entity("Person", {"name": "Ada"})
    await live.get_entity_with_cache(id_)
    async with client_of(universe) as other:
        await other.update_entity(id_, {"name": "Grace"})
        await live.query_entities()  # answered after what the server said before
        assert (await live.get_entity_with_cache(id_))["metadata"]["name"] == "Grace"
        await other.delete_entity(id_)
    await live.query_entities()
    with pytest.raises(EntityNotFoundError):
        await live.get_entity_with_cache(id_)


async def test_who_reads_together_subscribes_once(client: InnerUniverseClient, connection: FakeConnection) -> None:
    connection.tables["entity"] = [row_of("e-1")]
    await asyncio.gather(*(client.get_entity_with_cache("e-1") for _ in range(10)))
    assert len(connection.subscriptions) == 1
    await client.get_entity_with_cache("e-1")
    assert connection.statements == []


async def test_what_is_forgotten_is_not_followed_any_more(
    client: InnerUniverseClient, connection: FakeConnection
) -> None:
    connection.tables["entity"] = [row_of("e-1")]
    with pytest.raises(EntityNotFoundError):
        await client.get_entity_with_cache("e-2")
    await client.get_entity_with_cache("e-1")
    client.cache.clear()
    reading = asyncio.ensure_future(client.get_entity_with_cache("e-1"))
    await asyncio.sleep(0)
    client.cache.invalidate("entity:e-1")
    await reading
    await client._end_cache()
    assert connection.subscriptions == []


async def test_nothing_is_left_after_the_end(live: InnerUniverseClient) -> None:
    id_ = await live.create_entity("Person", {})
    await live.get_entity_with_cache(id_)
    await live.disconnect()
    assert len(live.cache) == 0
    with pytest.raises(NotConnectedError):
        await live.get_entity_with_cache(id_)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_without_the_feature_the_server_is_asked(client: InnerUniverseClient, connection: FakeConnection) -> None:
    client.config.features["enable_caching"] = False
    connection.tables["entity"] = [row_of("e-1")]
    for _ in range(2):
        assert (await client.get_entity_with_cache("e-1"))["id"] == "e-1"
    assert len(connection.statements) == 2
    assert connection.subscriptions == []


def row_of(id_: str) -> dict[str, object]:
    """A row of the table as the server has it."""
    from pytest_inner_universe.persistence import mapping
    from pytest_inner_universe.sats import Timestamp

    return {
        "id": id_,
        "entity_type": "Person",
        "created_at": Timestamp(0),
        "updated_at": Timestamp(0),
        "metadata": mapping.entity_metadata({}),
    }
