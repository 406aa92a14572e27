"""The mock client: the real one's signatures, and handlers that see what a server would send."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_inner_universe.persistence.config import InnerUniverseConfig
from pytest_inner_universe.persistence.inner_universe import InnerUniverseClient
from pytest_inner_universe.persistence.types import DELETED, INSERTED, UPDATED
from pytest_inner_universe.sats import Timestamp
from pytest_inner_universe.testing.mocks import mock_inner_universe

pytestmark = pytest.mark.asyncio


async def test_it_passes_for_a_connected_client() -> None:
    mock = mock_inner_universe(InnerUniverseConfig(database="other"))
    assert isinstance(mock, InnerUniverseClient)
    assert mock.is_connected
    assert mock.config.database == "other"
    assert await mock.connect() is True
    async with mock as client:
        assert client is mock


async def test_creating_gives_fixed_ids() -> None:
    mock = mock_inner_universe()
    assert await mock.create_entity("Person", {}) == "mock-entity-id"
    assert await mock.create_relation("a", "b", "KNOWS", {}) == "mock-relation-id"
    assert await mock.commit_state_version(None, "first", "hash") == "mock-version-id"
    assert await mock.record_delta("v", [], {"description": "d"}) == "mock-delta-id"
    assert await mock.publish_event("PING", None, {}) == "mock-event-id"
    mock.create_entity.assert_awaited_once_with("Person", {})


async def test_the_rest_returns_what_its_kind_allows() -> None:
    mock = mock_inner_universe()
    assert await mock.update_entity("e", {}) is True
    assert await mock.delete_relation("r") is True
    assert await mock.query_entities("Person") == []
    assert await mock.get_latest_version() is None
    assert await mock.disconnect() is None


async def test_answers_and_errors_can_be_set() -> None:
    mock = mock_inner_universe()
    mock.get_entity.return_value = {"id": "e1"}
    mock.delete_entity.side_effect = ValueError("no")
    assert await mock.get_entity("e1") == {"id": "e1"}
    with pytest.raises(ValueError, match=r"^no$"):
        await mock.delete_entity("e1")


async def test_wrong_arguments_fail_as_on_the_real_client() -> None:
    mock = mock_inner_universe()
    with pytest.raises(TypeError) as caught:
        await mock.create_entity("Person")
    assert str(caught.value) == "missing a required argument: 'metadata'"
    with pytest.raises(AttributeError) as unknown:
        mock.create_entitty  # noqa: B018  # asking for it is the test
    assert str(unknown.value) == "Mock object has no attribute 'create_entitty'"


async def test_a_simulated_event_reaches_every_handler() -> None:
    mock = mock_inner_universe()
    seen: list[Any] = []

    async def asynchronous(change: str, row: dict[str, Any]) -> None:
        seen.append(("async", change, row))

    await mock.subscribe_event_log_changes(lambda change, row: seen.append(("plain", change, row)))
    await mock.subscribe_event_log_changes(asynchronous)
    row = await mock.simulate_event("PING", {"n": 1}, source="test")
    assert seen == [("plain", INSERTED, row), ("async", INSERTED, row)]
    assert set(row) == {"event_id", "event_type", "source", "timestamp", "data"}
    assert re.fullmatch(r"event-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", row["event_id"])
    assert isinstance(row["timestamp"], Timestamp)
    assert (row["event_type"], row["source"], row["data"]) == ("PING", "test", {"n": 1})


async def test_changes_of_any_table_can_be_simulated() -> None:
    mock = mock_inner_universe()
    seen: list[Any] = []
    await mock.subscribe_entity_changes(lambda *arguments: seen.append(arguments), with_before=True)
    await mock.simulate_change("entity", INSERTED, {"id": "a"})
    await mock.simulate_change("entity", UPDATED, {"id": "a", "v": 2}, {"id": "a", "v": 1})
    await mock.simulate_change("entity", DELETED, {"id": "a", "v": 2})
    assert seen == [
        (INSERTED, {"id": "a"}, None),
        (UPDATED, {"id": "a", "v": 2}, {"id": "a", "v": 1}),
        (DELETED, {"id": "a", "v": 2}, {"id": "a", "v": 2}),
    ]
    with pytest.raises(ValueError) as caught:
        await mock.simulate_change("entities", INSERTED, {})
    assert str(caught.value) == "unknown table 'entities'; there are entity, relation, state_version, event_log"


async def test_an_ended_subscription_hears_nothing() -> None:
    mock = mock_inner_universe()
    seen: list[Any] = []
    token = await mock.subscribe_event_log_changes(lambda *arguments: seen.append(arguments))
    assert token.is_active
    await token.unsubscribe()
    await token.unsubscribe()
    await mock.simulate_event("PING", {})
    assert seen == []
    assert not token.is_active


async def test_every_method_of_the_client_can_be_awaited_or_called() -> None:
    mock = mock_inner_universe()
    public = [name for name in dir(InnerUniverseClient) if not name.startswith("_")]
    assert [name for name in public if not hasattr(mock, name)] == []
