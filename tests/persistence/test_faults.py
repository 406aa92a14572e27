"""A connection that breaks in the middle of each operation, whatever frame it was at: whole or not at all, and said so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from support.fault_proxy import FaultProxy, Harm, Way

from pytest_inner_universe.persistence import ConnectionError as NoConnection
from pytest_inner_universe.persistence import InnerUniverseClient, InnerUniverseConfig

if TYPE_CHECKING:
    from pytest_inner_universe.testing.universe import Universe

pytestmark = pytest.mark.asyncio

Operation = Callable[[InnerUniverseClient], Awaitable[Any]]
PATIENCE = 30.0
"""Seconds after which a test says that somebody hangs."""
SOMEBODY = "ab" * 32
PLAIN: dict[str, Any] = {"description": None, "tags": [], "properties": "{}"}


def ignore(*_: object) -> None:
    """Do nothing with a change."""


OPERATIONS: dict[str, Operation] = {
    "create_entity": lambda c: c.create_entity("T", {}, entity_id="new"),
    "create_entities": lambda c: c.create_entities([{"entity_type": "T", "metadata": {}, "id": i} for i in "xyz"]),
    "get_entity": lambda c: c.get_entity("a"),
    "get_entity_with_cache": lambda c: c.get_entity_with_cache("a"),
    "update_entity": lambda c: c.update_entity("a", {"name": "changed"}),
    "delete_entity": lambda c: c.delete_entity("a", cascade=True),
    "query_entities": lambda c: c.query_entities("T"),
    "create_relation": lambda c: c.create_relation("a", "b", "R", {}, relation_id="new"),
    "create_relations": lambda c: c.create_relations(
        [{"from_entity": "a", "to_entity": "b", "relation_type": "R", "metadata": {}, "id": i} for i in "xy"]
    ),
    "get_relation": lambda c: c.get_relation("r"),
    "update_relation": lambda c: c.update_relation("r", {"strength": 0.5}),
    "delete_relation": lambda c: c.delete_relation("r"),
    "query_relations": lambda c: c.query_relations("a"),
    "commit_state_version": lambda c: c.commit_state_version("v", "second", "hash", version_id="w"),
    "get_state_version": lambda c: c.get_state_version("v"),
    "get_latest_version": lambda c: c.get_latest_version(),
    "get_version_history": lambda c: c.get_version_history("v"),
    "record_delta": lambda c: c.record_delta(
        "v", [{"type": "set", "path": "a", "value": 1}], {"description": "d"}, delta_id="d"
    ),
    "get_deltas": lambda c: c.get_deltas("v"),
    "store_state_snapshot": lambda c: c.store_state_snapshot("v", "json", "{}"),
    "get_state_snapshot": lambda c: c.get_state_snapshot("v"),
    "publish_event": lambda c: c.publish_event("E", None, {}, event_id="e"),
    "publish_events": lambda c: c.publish_events([{"event_type": "E", "data": {}, "id": i} for i in "fg"]),
    "query_events": lambda c: c.query_events("E"),
    "get_system_status": lambda c: c.get_system_status(),
    "apply_configuration": lambda c: c.apply_configuration({"one": 1, "two": 2}),
    "admin_operation": lambda c: c.admin_operation("one", 1),
    "grant_permission": lambda c: c.grant_permission(SOMEBODY, "create_entity", "T"),
    "grant_admin": lambda c: c.grant_admin(SOMEBODY),
    "record_metric": lambda c: c.record_metric("m", 1.0, "counter"),
    "truncate_all": lambda c: c.truncate_all(),
    "subscribe_entity_changes": lambda c: c.subscribe_entity_changes(ignore),
}
FAULTS = [(Harm.CUT_BEFORE, Way.UP), (Harm.CUT_BEFORE, Way.DOWN)]
"""The request is lost, and the answer is."""
TOLD = {"client_connection", "system_info"}
OF_CONNECTIONS = {"CLIENT_CONNECTED", "CLIENT_DISCONNECTED"}
"""Tables and events that tell of connections and starts."""


VARYING = {"event_id", "created_at", "updated_at", "timestamp", "granted_at"}


def stored(universe: Universe) -> dict[str, list[str]]:
    """The rows that operations write, without what no two runs have in common."""
    return {
        table: sorted(
            str({column: value for column, value in row.items() if column not in VARYING})
            for row in universe.rows(table)
            if row.get("event_type") not in OF_CONNECTIONS and row.get("key") != "start_time"
        )
        for table in sorted(set(universe.schema.tables) - TOLD)
    }


def prepared(universe: Universe) -> dict[str, list[str]]:
    """A database with something to read and change, as it was at first."""
    universe.reset()
    universe.call("create_entity", "a", "T", {**PLAIN, "name": None})
    universe.call("create_entity", "b", "T", {**PLAIN, "name": None})
    universe.call("create_relation", "r", "a", "b", "R", {**PLAIN, "strength": 1.0, "bidirectional": False})
    universe.call("commit_state_version", "v", None, "first", "hash")
    return stored(universe)


def client_over(url: str, universe: Universe) -> InnerUniverseClient:
    place = urlsplit(url)
    config = InnerUniverseConfig(
        address=place.hostname or "",
        port=place.port or 0,
        database=universe.name,
        token=universe.token,
        retry_attempts=0,
    )
    return InnerUniverseClient(config, definition=universe.schema, new_id=lambda: "made")


@pytest.mark.parametrize(("harm", "way"), FAULTS, ids=lambda value: value.name)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_it_is_done_or_not_and_its_error_is_one(universe: Universe, name: str, harm: Harm, way: Way) -> None:
    operation, before = OPERATIONS[name], asyncio.all_tasks()
    untouched = prepared(universe)
    async with client_over(universe.url, universe) as client:
        await operation(client)
    done = stored(universe)
    struck = 0
    async with FaultProxy(universe.url) as proxy:
        for at in count():
            assert prepared(universe) == untouched
            proxy.arm(harm, way, at)
            client = client_over(proxy.url, universe)
            try:
                await asyncio.wait_for(client.connect_or_raise(), PATIENCE)
                await asyncio.wait_for(operation(client), PATIENCE)
            except NoConnection:
                assert proxy.has_struck.is_set()
            else:
                assert stored(universe) == done
            finally:
                await client.disconnect()
            assert stored(universe) in (untouched, done)
            if not proxy.has_struck.is_set():
                break
            struck += 1
    assert struck >= 3, "the upgrade, what a connection begins with, and the operation"
    assert asyncio.all_tasks() == before
