"""The client over a connection that records: what is asked of the server, what comes back, and which errors."""

from __future__ import annotations

import asyncio
import builtins
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inner_universe.client import errors as client_errors
from pytest_inner_universe.persistence import (
    DeltaMetadata,
    DeltaOperation,
    EntityMetadata,
    InnerUniverseClient,
    InnerUniverseConfig,
    NewEvent,
    QueryFilter,
    RelationMetadata,
    SystemState,
    errors,
)
from pytest_inner_universe.sats import ArgumentError, Identity, Timestamp, Variant

if TYPE_CHECKING:
    from persistence.doubles import FakeConnection

pytestmark = pytest.mark.asyncio

PLAIN: dict[str, Any] = {"name": None, "description": None, "tags": [], "properties": "{}"}
RELATED: dict[str, Any] = {"description": None, "strength": 1.0, "bidirectional": False, "tags": [], "properties": "{}"}


def entity(id: str = "e1", kind: str = "Person", at: int = 0, **metadata: Any) -> dict[str, Any]:
    return {
        "id": id,
        "entity_type": kind,
        "created_at": Timestamp(at),
        "updated_at": Timestamp(at),
        "metadata": {**PLAIN, **metadata},
    }


def version(id: str, parent: str | None = None, at: int = 0) -> dict[str, Any]:
    return {
        "version_id": id,
        "parent_version_id": parent,
        "timestamp": Timestamp(at),
        "description": "d",
        "data_hash": "h",
        "owner": Identity.zero(),
    }


def event(id: str, kind: str = "T", at: int = 0, source: str | None = None, data: str = "{}") -> dict[str, Any]:
    return {"event_id": id, "event_type": kind, "source": source, "timestamp": Timestamp(at), "data": data}


Operation = Callable[[InnerUniverseClient], Awaitable[Any]]
METADATA = EntityMetadata(name="Ada", tags=["x"], properties={"b": 1, "a": 2.0})
WRITES: list[tuple[Operation, Any, tuple[Any, ...]]] = [
    (
        lambda c: c.create_entity("Person", METADATA),
        "id-1",
        (
            "create_entity",
            "id-1",
            "Person",
            {"name": "Ada", "description": None, "tags": ["x"], "properties": '{"a":2.0,"b":1}'},
        ),
    ),
    (lambda c: c.create_entity("Person", {}, entity_id="mine"), "mine", ("create_entity", "mine", "Person", PLAIN)),
    (lambda c: c.update_entity("e1", {}), True, ("update_entity", "e1", PLAIN)),
    (lambda c: c.delete_entity("e1"), True, ("delete_entity", "e1", False)),
    (lambda c: c.delete_entity("e1", cascade=True), True, ("delete_entity", "e1", True)),
    (
        lambda c: c.create_relation("a", "b", "KNOWS", RelationMetadata()),
        "id-1",
        ("create_relation", "id-1", "a", "b", "KNOWS", RELATED),
    ),
    (lambda c: c.update_relation("r1", {}), True, ("update_relation", "r1", RELATED)),
    (lambda c: c.delete_relation("r1"), True, ("delete_relation", "r1")),
    (
        lambda c: c.create_entities(
            [{"entity_type": "A", "metadata": {}}, {"entity_type": "B", "metadata": {}, "id": "b"}]
        ),
        ["id-1", "b"],
        (
            "create_entities",
            [
                {"id": "id-1", "entity_type": "A", "metadata": PLAIN},
                {"id": "b", "entity_type": "B", "metadata": PLAIN},
            ],
        ),
    ),
    (
        lambda c: c.create_relations(
            [{"from_entity": "a", "to_entity": "b", "relation_type": "KNOWS", "metadata": {}}]
        ),
        ["id-1"],
        (
            "create_relations",
            [{"id": "id-1", "from_entity": "a", "to_entity": "b", "relation_type": "KNOWS", "metadata": RELATED}],
        ),
    ),
    (
        lambda c: c.commit_state_version(None, "first", "abc"),
        "id-1",
        ("commit_state_version", "id-1", None, "first", "abc"),
    ),
    (
        lambda c: c.record_delta("v1", [DeltaOperation("Set", "a", 1)], DeltaMetadata("d")),
        "id-1",
        (
            "record_delta",
            "id-1",
            "v1",
            [{"operation_type": "Set", "path": "a", "value": "1", "index": None, "patch": None}],
            {"description": "d", "author": None, "tags": [], "parent_delta_id": None},
        ),
    ),
    (
        lambda c: c.publish_event("USER_ACTION", "web", {"a": 1}),
        "id-1",
        ("publish_event", "id-1", "USER_ACTION", "web", '{"a":1}'),
    ),
    (lambda c: c.publish_event("T", None, None, event_id="x"), "x", ("publish_event", "x", "T", None, "{}")),
    (
        lambda c: c.publish_events([NewEvent("T", {}, "s")]),
        ["id-1"],
        ("publish_events", [{"event_id": "id-1", "event_type": "T", "source": "s", "data": "{}"}]),
    ),
    (lambda c: c.store_state_snapshot("v1", "json", "{}"), None, ("store_state_snapshot", "v1", "json", "{}")),
    (
        lambda c: c.apply_configuration({"feature_enable_audit_log": False, "log_level": "info"}),
        None,
        (
            "apply_configuration",
            [
                {"key": "feature_enable_audit_log", "value": "false", "description": None},
                {"key": "log_level", "value": "info", "description": None},
            ],
        ),
    ),
    (lambda c: c.admin_operation("cache_size_mb", 512), None, ("admin_operation", "cache_size_mb", "512")),
    (
        lambda c: c.grant_permission(None, "create_entity", "*"),
        None,
        ("grant_permission", None, "create_entity", "*"),
    ),
    (
        lambda c: c.revoke_permission("0" * 63 + "1", "*", "Person"),
        None,
        ("revoke_permission", Identity.from_int(1), "*", "Person"),
    ),
    (lambda c: c.grant_admin(Identity.from_int(1)), None, ("grant_admin", Identity.from_int(1))),
    (lambda c: c.revoke_admin(Identity.from_int(1)), None, ("revoke_admin", Identity.from_int(1))),
    (
        lambda c: c.record_metric("latency", 1, "histogram", {"b": 1}),
        "id-1",
        ("record_metric", "id-1", "latency", "histogram", 1.0, '{"b":1}'),
    ),
    (lambda c: c.truncate_all(), None, ("truncate_all",)),
]


@pytest.mark.parametrize(("operation", "returned", "call"), WRITES, ids=[write[2][0] for write in WRITES])
async def test_what_an_operation_calls_and_returns(
    client: InnerUniverseClient, connection: FakeConnection, operation: Operation, returned: Any, call: Any
) -> None:
    result = await operation(client)
    assert result == returned
    assert type(result) is type(returned)
    assert connection.calls == [call]


READS: list[Operation] = [
    lambda c: c.get_entity("e1"),
    lambda c: c.query_entities(filters=[QueryFilter("id", "In", [])]),
    lambda c: c.get_state_version("v1"),
    lambda c: c.get_latest_version(),
    lambda c: c.query_events(),
    lambda c: c.get_system_status(),
    lambda c: c.subscribe_entity_changes(print),
]


@pytest.mark.parametrize("operation", [*(write[0] for write in WRITES), *READS])
async def test_every_operation_needs_a_connection(operation: Operation) -> None:
    with pytest.raises(errors.NotConnectedError) as caught:
        await operation(InnerUniverseClient())
    assert str(caught.value).endswith(": not connected; await connect() first")
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, builtins.ConnectionError)


@pytest.mark.parametrize("operation", [*(write[0] for write in WRITES), *READS[2:]])
async def test_every_operation_writes_a_line_for_debugging(
    client: InnerUniverseClient,
    connection: FakeConnection,
    caplog: pytest.LogCaptureFixture,
    operation: Operation,
) -> None:
    connection.tables["state_version"] = [version("v1")]
    connection.tables["system_info"] = [
        {"id": 0, "module_version": "0.1.0", "schema_version": 1, "start_time": Timestamp(0)}
    ]
    with caplog.at_level(logging.DEBUG, "inner_universe"):
        await operation(client)
    said = [(record.name, record.levelname, record.message.split()[0]) for record in caplog.records]
    assert said
    assert {line[:2] for line in said} == {("inner_universe", "DEBUG")}


async def test_an_operation_on_a_lost_connection(client: InnerUniverseClient, connection: FakeConnection) -> None:
    connection.is_open = False
    with pytest.raises(errors.NotConnectedError) as caught:
        await client.get_entity("e1")
    assert str(caught.value) == "get_entity: not connected; the connection was lost; await connect() again"


FAILURES: list[tuple[Exception, type[Exception], str]] = [
    (
        client_errors.ReducerFailed("update_entity", "Entity not found: e1"),
        errors.EntityNotFoundError,
        "entity not found: e1",
    ),
    (
        client_errors.ReducerFailed("update_entity", "no idea"),
        errors.ReducerError,
        "update_entity failed: no idea",
    ),
    (
        client_errors.ReducerCrashed("update_entity", "it panicked"),
        errors.ReducerCrashedError,
        "update_entity failed: reducer 'update_entity' was not run to its end: it panicked",
    ),
    (
        client_errors.UnknownReducer("update_entity", ["a"]),
        errors.ReducerError,
        "update_entity failed: the module has no reducer 'update_entity'; there are a",
    ),
    (
        client_errors.ConnectionLost("update_entity", "closed"),
        errors.ConnectionError,
        f"update_entity: {client_errors.ConnectionLost('update_entity', 'closed')}",
    ),
    (
        client_errors.OutcomeUnknown("update_entity", "gone", takes_retry=True),
        errors.ConnectionError,
        (
            "update_entity: the connection was lost while waiting for the answer to the call of 'update_entity': "
            "the server closed it: gone\n"
            "  it is not known whether 'update_entity' ran; look at the data before calling it again"
        ),
    ),
    (OSError("broken pipe"), errors.ConnectionError, "update_entity: broken pipe"),
    (
        ArgumentError("update_entity", "update_entity()", "too many"),
        errors.ValidationError,
        "cannot call update_entity: too many\n  the module declares update_entity()",
    ),
    (KeyError("oh"), errors.PersistenceError, "update_entity: 'oh'"),
    (ZeroDivisionError(), errors.PersistenceError, "update_entity: ZeroDivisionError"),
]


@pytest.mark.parametrize(("failure", "kind", "text"), FAILURES, ids=[type(f[0]).__name__ for f in FAILURES])
async def test_failures_below_become_errors_of_this_layer(
    client: InnerUniverseClient,
    connection: FakeConnection,
    caplog: pytest.LogCaptureFixture,
    failure: Exception,
    kind: type[Exception],
    text: str,
) -> None:
    connection.failure = failure
    with pytest.raises(errors.PersistenceError) as caught:
        await client.update_entity("e1", {})
    assert type(caught.value) is kind
    assert str(caught.value) == text
    assert caught.value.__cause__ is failure
    assert caplog.messages == [f"update_entity failed: {text}"]


async def test_cancellation_is_left_alone(client: InnerUniverseClient, connection: FakeConnection) -> None:
    connection.failure = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await client.update_entity("e1", {})


async def test_get_entity(client: InnerUniverseClient, connection: FakeConnection) -> None:
    connection.tables["entity"] = [entity("e1", properties='{"age":36}'), entity("e2")]
    row = await client.get_entity("e1")
    assert row == {**entity("e1"), "metadata": {**PLAIN, "properties": {"age": 36}}}
    assert connection.statements == ['SELECT * FROM "entity" WHERE "id" = \'e1\'']


async def test_an_absent_row_raises_the_error_of_its_kind(client: InnerUniverseClient) -> None:
    cases: list[tuple[Operation, type[Exception], str]] = [
        (lambda c: c.get_entity("x' OR '1'='1"), errors.EntityNotFoundError, "entity not found: x' OR '1'='1"),
        (lambda c: c.get_relation("r"), errors.RelationNotFoundError, "relation not found: r"),
        (lambda c: c.get_state_version("v"), errors.VersionNotFoundError, "state version not found: v"),
        (lambda c: c.get_version_history("v"), errors.VersionNotFoundError, "state version not found: v"),
        (lambda c: c.get_event("e"), errors.NotFoundError, "event not found: e"),
    ]
    for operation, kind, text in cases:
        with pytest.raises(errors.NotFoundError) as caught:
            await operation(client)
        assert type(caught.value) is kind
        assert str(caught.value) == text


async def test_query_entities_filters_orders_and_pages(client: InnerUniverseClient, connection: FakeConnection) -> None:
    ages = [40, 20, 30, 10]
    connection.tables["entity"] = [
        entity(f"e{i}", at=5 - i, properties=f'{{"age":{age}}}') for i, age in enumerate(ages)
    ]
    connection.tables["entity"].append(entity("robot", "Robot"))
    adults = {"field": "metadata.properties.age", "operator": "GREATER_THAN", "value": 15}
    rows = await client.query_entities("Person", [adults])
    assert [row["id"] for row in rows] == ["e2", "e1", "e0"]
    assert [row["id"] for row in await client.query_entities("Person", [adults], limit=1, offset=1)] == ["e1"]
    assert await client.query_entities("Person", limit=0) == []
    assert connection.statements == ['SELECT * FROM "entity" WHERE "entity_type" = \'Person\''] * 2


async def test_query_entities_returns_at_most_a_hundred_rows(
    client: InnerUniverseClient, connection: FakeConnection
) -> None:
    connection.tables["entity"] = [entity(f"e{i}", at=i) for i in range(120)]
    assert len(await client.query_entities()) == 100
    assert len(await client.query_entities(limit=None)) == 120


async def test_query_relations_by_its_ends(client: InnerUniverseClient, connection: FakeConnection) -> None:
    base = {"relation_type": "KNOWS", "created_at": Timestamp(0), "updated_at": Timestamp(0), "metadata": RELATED}
    connection.tables["relation"] = [
        {"id": f"{a}{b}", "from_entity": a, "to_entity": b, **base} for a in "abc" for b in "abc" if a != b
    ]
    rows = await client.query_relations("KNOWS", from_entity="a", filters=[QueryFilter("to_entity", "NotEquals", "c")])
    assert [row["id"] for row in rows] == ["ab"]


async def test_events_by_type_source_and_time(client: InnerUniverseClient, connection: FakeConnection) -> None:
    connection.tables["event_log"] = [
        event("1", at=1_000_000),
        event("2", "U", at=2_000_000, source="web"),
        event("3", at=3_000_000, source="web"),
        event("4", at=4_000_000),
    ]
    assert [row["event_id"] for row in await client.query_events("T", newest_first=True, limit=2)] == ["4", "3"]
    assert [row["event_id"] for row in await client.query_events(source="web")] == ["2", "3"]
    found = await client.get_events("T", Timestamp(1_000_000), Timestamp(3_000_000).to_datetime())
    assert [row["event_id"] for row in found] == ["1", "3"]
    assert await client.get_event("2") == {**event("2", "U", 2_000_000, "web"), "data": {}}


async def test_a_query_can_be_explained_without_asking(client: InnerUniverseClient, connection: FakeConnection) -> None:
    tagged = [QueryFilter("metadata.tags", "Contains", "x")]
    connection.is_open = False
    assert client.plan_entities("Person", tagged, 10, 20).explain() == (
        'server: SELECT * FROM "entity" WHERE "entity_type" = \'Person\'\n'
        "client: metadata.tags CONTAINS 'x'\n"
        "order: created_at, id; at most 10 rows after the first 20"
    )
    assert client.plan_relations("KNOWS", to_entity="e1", limit=None).explain() == (
        'server: SELECT * FROM "relation" WHERE "relation_type" = \'KNOWS\' AND "to_entity" = \'e1\'\n'
        "order: created_at, id; all rows"
    )
    assert client.plan_events(source="web", newest_first=True).explain() == (
        "server: SELECT * FROM \"event_log\"\nclient: source EQUALS 'web'\n"
        "order: timestamp, event_id, newest first; at most 100 rows"
    )
    assert connection.statements == []


async def test_the_latest_version_is_the_newest_or_the_end_of_the_chain(
    client: InnerUniverseClient, connection: FakeConnection
) -> None:
    assert await client.get_latest_version() is None
    assert await client.get_version_history() == []
    connection.tables["state_version"] = [version("b", "c", 7), version("c", "a", 7), version("a", None, 1)]
    latest = await client.get_latest_version()
    assert latest == version("b", "c", 7)
    assert [row["version_id"] for row in await client.get_version_history()] == ["b", "c", "a"]
    assert [row["version_id"] for row in await client.get_version_history("c")] == ["c", "a"]
    assert [row["version_id"] for row in await client.get_version_history(limit=1)] == ["b"]
    with pytest.raises(errors.ValidationError) as caught:
        await client.get_version_history(limit=-1)
    assert str(caught.value) == "limit must be a whole number from 0, got -1"


async def test_versions_can_be_switched_off(connection: FakeConnection) -> None:
    config = InnerUniverseConfig(features={"enable_state_versioning": False})
    client = InnerUniverseClient.over(connection, config)
    operations: list[Operation] = [
        lambda c: c.commit_state_version(None, "d", "h"),
        lambda c: c.record_delta("v", [], DeltaMetadata("d")),
        lambda c: c.store_state_snapshot("v", "json", "{}"),
    ]
    for operation in operations:
        with pytest.raises(errors.FeatureDisabledError) as caught:
            await operation(client)
        assert caught.value.feature == "enable_state_versioning"
    assert connection.calls == []


async def test_system_status_counts(client: InnerUniverseClient, connection: FakeConnection) -> None:
    connection.tables["system_info"] = [
        {"id": 0, "module_version": "0.1.0", "schema_version": 1, "start_time": Timestamp(1_000_000)}
    ]
    connection.tables["entity"] = [entity("e1"), entity("e2")]
    connection.tables["event_log"] = [event("1")]
    connection.tables["client_connection"] = [
        {
            "identity": Identity.zero(),
            "connected_at": Timestamp(0),
            "last_active_at": Timestamp(0),
            "connection_id": i,
            "status": Variant(s),
        }
        for i, s in enumerate(["Connected", "Idle", "Connected"])
    ]
    status = await client.get_system_status(now=Timestamp(3_500_000))
    assert status.status is SystemState.RUNNING
    assert status.version == "0.1.0"
    assert (status.schema_version, status.start_time) == (1, Timestamp(1_000_000))
    assert (status.entity_count, status.relation_count, status.event_count) == (2, 0, 1)
    assert (status.connected_clients, status.uptime_seconds) == (2, 2.5)


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (lambda c: c.create_entity("", {}), "entity_type must be non-empty text, got ''"),
        (lambda c: c.create_entity({}, "Person"), "entity_type must be non-empty text, got {}"),
        (lambda c: c.get_entity(5), "id must be non-empty text, got 5"),
        (lambda c: c.create_entity("P", {}, entity_id=" "), "entity_id must be non-empty text, got ' '"),
        (
            lambda c: c.publish_event("T", {"a": 1}, "web"),
            (
                "publish_event takes event type, source (text or None), data (dict), in this order; got source {'a': 1} "
                "and data 'web'"
            ),
        ),
        (
            lambda c: c.create_entities([{"entity_typ": "P"}]),
            "entities[0]: unknown key 'entity_typ'; did you mean entity_type?",
        ),
        (lambda c: c.create_relations([5]), "relations[0]: NewRelation or a dict is needed, got 5"),
        (lambda c: c.grant_admin("ab"), "identity must be an Identity or its 64 hexadecimal digits, got 'ab'"),
        (lambda c: c.record_metric("m", "1"), "value must be a number, got '1'"),
        (
            lambda c: c.apply_configuration([{"key": "a"}]),
            "settings[0]: a dict with key, value and optionally description is needed, got {'key': 'a'}",
        ),
        (
            lambda c: c.subscribe_entity_changes(None),
            "subscribe_entity_changes: the callback must be callable, got None",
        ),
        (lambda c: c.query_entities(limit=-1), "limit must be a whole number from 0, got -1"),
    ],
)
async def test_bad_input_is_refused_before_the_server_is_asked(
    client: InnerUniverseClient, connection: FakeConnection, operation: Any, text: str
) -> None:
    with pytest.raises(errors.ValidationError) as caught:
        await operation(client)
    assert str(caught.value) == text
    assert connection.calls == []
    assert connection.statements == []
