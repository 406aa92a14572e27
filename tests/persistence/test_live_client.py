"""The client against the module: what is written is found, others see it, and refusals have their class."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from persistence.conftest import client_of

from pytest_inner_universe.client import Connection
from pytest_inner_universe.persistence import (
    AuthorizationError,
    BatchError,
    ConflictError,
    DeltaMetadata,
    EntityMetadata,
    EntityNotFoundError,
    FeatureDisabledError,
    InnerUniverseClient,
    InnerUniverseConfig,
    NotConnectedError,
    NotFoundError,
    QueryFilter,
    RelationMetadata,
    RelationNotFoundError,
    ValidationError,
    VersionNotFoundError,
)
from pytest_inner_universe.sats import Timestamp

if TYPE_CHECKING:
    from pytest_inner_universe.testing.universe import Universe

pytestmark = pytest.mark.asyncio

PROPERTIES = {"age": 36, "height": 1.0, "nested": {"a": [1, None, {"b": "é'\""}]}, "big": 2**63 - 1, "": False}


async def test_an_entity_is_found_as_it_was_given(live: InnerUniverseClient) -> None:
    id_ = await live.create_entity("Person", EntityMetadata("Ada", "wrote", ["x", "y"], PROPERTIES))
    row = await live.get_entity(id_)
    assert (row["id"], row["entity_type"]) == (id_, "Person")
    assert row["metadata"] == {"name": "Ada", "description": "wrote", "tags": ["x", "y"], "properties": PROPERTIES}
    assert isinstance(row["metadata"]["properties"]["height"], float)
    assert row["created_at"] == row["updated_at"]
    assert isinstance(row["created_at"], Timestamp)


async def test_an_update_replaces_the_metadata(live: InnerUniverseClient) -> None:
    id_ = await live.create_entity("Person", {"name": "Ada", "tags": ["x"]})
    assert await live.update_entity(id_, {"description": "new", "properties": {"a": 1}}) is True
    row = await live.get_entity(id_)
    assert row["metadata"] == {"name": None, "description": "new", "tags": [], "properties": {"a": 1}}
    assert row["updated_at"] > row["created_at"]


async def test_entities_and_relations_from_birth_to_death(live: InnerUniverseClient) -> None:
    ada, bob = [await live.create_entity("Person", {"name": name}) for name in ("Ada", "Bob")]
    knows = await live.create_relation(ada, bob, "KNOWS", RelationMetadata(strength=0.75, bidirectional=True))
    row = await live.get_relation(knows)
    assert (row["from_entity"], row["to_entity"], row["relation_type"]) == (ada, bob, "KNOWS")
    assert (row["metadata"]["strength"], row["metadata"]["bidirectional"]) == (0.75, True)
    assert await live.update_relation(knows, {"strength": 1, "properties": {"since": 1842}}) is True
    assert [r["id"] for r in await live.query_relations(from_entity=ada)] == [knows]
    with pytest.raises(ConflictError) as caught:
        await live.delete_entity(ada)
    assert str(caught.value) == f"Entity {ada} has 1 relation: delete them first or ask for cascade"
    assert await live.delete_entity(ada, cascade=True) is True
    with pytest.raises(RelationNotFoundError):
        await live.delete_relation(knows)
    assert [r["id"] for r in await live.query_entities()] == [bob]


async def test_two_clients_see_each_others_writes(universe: Universe, live: InnerUniverseClient) -> None:
    async with client_of(universe) as other:
        heard: list[Any] = []
        token = await other.subscribe_entity_changes(lambda kind, row: heard.append((kind, row["metadata"]["name"])))
        id_ = await live.create_entity("Person", {"name": "Ada"})
        await other.update_entity(id_, {"name": "Countess"})
        assert (await live.get_entity(id_))["metadata"]["name"] == "Countess"
        await live.delete_entity(id_)
        await other.query_entities()
        assert heard == [("INSERTED", "Ada"), ("UPDATED", "Countess"), ("DELETED", "Countess")]
        await token.unsubscribe()
        await live.create_entity("Person", {"name": "Bob"})
        await other.query_entities()
        assert len(heard) == 3


async def test_changes_of_every_table_are_told(live: InnerUniverseClient) -> None:
    heard: list[str] = []
    for table in ("entity", "relation", "state_version", "event_log"):
        subscribe = getattr(live, f"subscribe_{table}_changes")
        await subscribe(lambda kind, row, table=table: heard.append(f"{table} {kind}"))
    a, b = await live.create_entities([{"entity_type": "T", "metadata": {}}] * 2)
    await live.create_relation(a, b, "R", {})
    await live.commit_state_version(None, "first", "h")
    await live.publish_event("E", None, {})
    assert sorted(set(heard)) == [
        "entity INSERTED",
        "event_log INSERTED",
        "relation INSERTED",
        "state_version INSERTED",
    ]
    assert heard.count("event_log INSERTED") == 5


async def test_rows_that_exist_are_told_on_request_in_order(live: InnerUniverseClient) -> None:
    ids = [await live.publish_event("E", "web", {"n": n}) for n in range(20)]
    heard: list[str] = []
    await live.subscribe_event_log_changes(
        lambda kind, row: heard.append(row["event_id"]) if row["event_type"] == "E" else None, replay=True
    )
    assert heard == ids
    ids.append(await live.publish_event("E", "web", {}))
    assert heard == ids


async def test_callers_cannot_change_what_others_see(live: InnerUniverseClient) -> None:
    first: list[Any] = []
    second: list[Any] = []

    def change(kind: str, row: Any) -> None:
        row["metadata"]["tags"].append("mine")
        first.append(row)

    await live.subscribe_entity_changes(change)
    await live.subscribe_entity_changes(lambda kind, row: second.append(row["metadata"]["tags"]))
    await live.create_entity("T", {"tags": ["x"]})
    assert (first[0]["metadata"]["tags"], second) == (["x", "mine"], [["x"]])


async def test_the_same_again_has_no_effect_and_other_content_is_refused(live: InnerUniverseClient) -> None:
    for _ in range(2):
        assert await live.create_entity("T", {"properties": {"b": 1, "a": 2}}, entity_id="e1") == "e1"
    assert len(await live.query_events("ENTITY_CREATED")) == 1
    with pytest.raises(ConflictError) as caught:
        await live.create_entity("T", {"name": "other"}, entity_id="e1")
    assert (str(caught.value), caught.value.id) == ("Entity already exists with other content: e1", "e1")


async def test_what_is_absent_raises_the_error_of_its_kind(live: InnerUniverseClient) -> None:
    id_ = await live.create_entity("T", {})
    cases: list[tuple[Any, type[Exception]]] = [
        (live.update_entity("no", {}), EntityNotFoundError),
        (live.delete_entity("no"), EntityNotFoundError),
        (live.create_relation(id_, "no", "R", {}), EntityNotFoundError),
        (live.update_relation("no", {}), RelationNotFoundError),
        (live.commit_state_version("no", "d", "h"), VersionNotFoundError),
        (live.record_delta("no", [], DeltaMetadata("d")), VersionNotFoundError),
        (live.store_state_snapshot("no", "json", "{}"), VersionNotFoundError),
    ]
    for operation, kind in cases:
        with pytest.raises(NotFoundError) as caught:
            await operation
        assert type(caught.value) is kind
        assert caught.value.id == "no"


async def test_a_batch_is_all_or_nothing(live: InnerUniverseClient) -> None:
    good = {"entity_type": "T", "metadata": {}, "id": "a"}
    with pytest.raises(BatchError) as caught:
        await live.create_entities([good, {**good, "metadata": {"name": "other"}}])
    assert (caught.value.position, caught.value.id) == (1, "a")
    assert isinstance(caught.value.reason, ConflictError)
    assert await live.query_entities() == []
    events = [{"event_type": "E", "data": {"n": n}} for n in range(3)]
    ids = await live.publish_events(events)
    assert [row["event_id"] for row in await live.query_events("E")] == sorted(ids)


async def test_events_come_back_as_published(live: InnerUniverseClient) -> None:
    id_ = await live.publish_event("USER_ACTION", "web", PROPERTIES)
    row = await live.get_event(id_)
    assert (row["event_type"], row["source"], row["data"]) == ("USER_ACTION", "web", PROPERTIES)
    assert await live.get_events("USER_ACTION", start_time=row["timestamp"], end_time=row["timestamp"]) == [row]
    later = Timestamp(row["timestamp"].micros + 1)
    assert await live.get_events("USER_ACTION", start_time=later) == []


async def test_queries_mix_what_the_server_and_the_client_evaluate(live: InnerUniverseClient) -> None:
    for age in (10, 20, 30, 40):
        await live.create_entity("Person", {"name": f"P{age}", "properties": {"age": age}})
    await live.create_entity("Robot", {"properties": {"age": 30}})
    older = QueryFilter("metadata.properties.age", "GreaterThan", 15)
    rows = await live.query_entities("Person", [older], limit=2, offset=1)
    assert [row["metadata"]["name"] for row in rows] == ["P30", "P40"]
    young = {"field": "metadata.properties.age", "operator": "NOT_IN", "value": [30, 40]}
    assert [row["metadata"]["name"] for row in await live.query_entities(filters=[young])] == ["P10", "P20"]


async def test_permissions(owner: InnerUniverseClient, live: InnerUniverseClient) -> None:
    with pytest.raises(AuthorizationError) as caught:
        await live.admin_operation("permission_default", "deny")
    assert str(caught.value) == "Unauthorized: Admin privileges required"
    await owner.apply_configuration([{"key": "permission_default", "value": "deny", "description": "closed"}])
    with pytest.raises(AuthorizationError) as caught:
        await live.create_entity("Person", {})
    assert str(caught.value) == "Permission denied: create_entity on Person"
    assert (caught.value.action, caught.value.subject) == ("create_entity", "Person")
    await owner.grant_permission(live.identity, "create_entity", "Person")
    await live.create_entity("Person", {})
    await owner.revoke_permission(live.identity, "create_entity", "Person")
    with pytest.raises(NotFoundError) as missing:
        await owner.revoke_permission(live.identity, "create_entity", "Person")
    assert str(missing.value).startswith("permission not found: ")
    await owner.grant_admin(live.identity)
    await live.admin_operation("permission_default", "allow")
    await owner.revoke_admin(live.identity)
    with pytest.raises(ValidationError) as unknown:
        await owner.grant_permission(None, "fly", "*")
    assert str(unknown.value).startswith("grant_permission: Unknown action: fly (known: *, create_entity, ")


async def test_feature_flags_of_the_database(owner: InnerUniverseClient) -> None:
    await owner.apply_configuration({"feature_enable_state_versioning": False, "feature_enable_audit_log": False})
    with pytest.raises(FeatureDisabledError) as caught:
        await owner.commit_state_version(None, "d", "h")
    assert caught.value.feature == "feature_enable_state_versioning"
    before = len(await owner.query_events(limit=None))
    await owner.create_entity("T", {})
    assert len(await owner.query_events(limit=None)) == before


async def test_metrics(live: InnerUniverseClient) -> None:
    id_ = await live.record_metric("latency", 1.5, "histogram", {"table": "entity"})
    (row,) = await live.query_metrics("latency")
    assert (row["id"], row["kind"], row["value"], row["tags"]) == (id_, "histogram", 1.5, {"table": "entity"})


async def test_status(universe: Universe, live: InnerUniverseClient) -> None:
    await live.create_entities([{"entity_type": "T", "metadata": {}}] * 3)
    status = await live.get_system_status()
    assert status.version == universe.rows("system_info")[0]["module_version"]
    assert (status.entity_count, status.relation_count) == (3, 0)
    assert status.event_count == universe.count("event_log")
    assert status.connected_clients == 1
    assert status.uptime_seconds >= 0


async def test_truncating_is_for_the_owner(owner: InnerUniverseClient, live: InnerUniverseClient) -> None:
    await live.create_entity("T", {})
    with pytest.raises(AuthorizationError) as caught:
        await live.truncate_all()
    assert str(caught.value) == "Unauthorized: Owner privileges required"
    await owner.truncate_all()
    assert await live.query_entities() == []


async def test_connect_and_disconnect(universe: Universe) -> None:
    client = InnerUniverseClient(
        InnerUniverseConfig(database="mine"), transport=universe.transport(), definition=universe.schema
    )
    assert await client.connect() is True
    identity = client.identity
    assert await client.connect() is True
    assert client.identity == identity
    await client.subscribe_entity_changes(print)
    await client.disconnect()
    with pytest.raises(NotConnectedError):
        await client.get_entity("e")
    assert await client.connect() is True
    await client.disconnect()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_universe_that_was_reset_disconnects(universe: Universe, live: InnerUniverseClient) -> None:
    connection = live.connection
    assert isinstance(connection, Connection)
    universe.reset()
    await connection.wait_closed()
    with pytest.raises(NotConnectedError):
        await live.create_entity("T", {})
    async with client_of(universe) as again:
        await again.create_entity("T", {})
