"""Who may do what, configuration, imports, emptying, and the rows that the hooks write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.metadata import entity_metadata, relation_metadata
from support.refusals import contents

from pytest_inner_universe.persistence.bundled import bundled_module_path
from pytest_inner_universe.sats import Timestamp, Variant

if TYPE_CHECKING:
    from conformance.conftest import Helper

    from pytest_inner_universe.client import HttpApi
    from pytest_inner_universe.testing.universe import Universe


OWNER = "Unauthorized: Owner privileges required"
ADMIN = "Unauthorized: Admin privileges required"
ITEM: dict[str, Any] = {"id": "e2", "entity_type": "Person", "metadata": entity_metadata()}
DELTA: dict[str, Any] = {"description": "", "author": None, "tags": [], "parent_delta_id": None}


def test_init_writes_what_a_new_database_needs(universe: Universe, inner: Helper) -> None:
    (info,) = universe.rows("system_info")
    config = {row["key"]: row["value"] for row in universe.rows("config")}
    assert universe.rows("owner") == [{"id": 0, "identity": universe.identity}]
    assert config["module_version"] == info["module_version"]
    assert config["start_time"] == str(info["start_time"].micros)
    module_config = inner.row("config", key="module_config")
    assert json.loads(module_config.pop("value")) == {
        "name": "inner-universe",
        "version": "0.1.0",
        "cache_size_mb": 256,
        "log_level": "Info",
        "features": ["EnableStateVersioning", "EnableAuditLog"],
    }
    assert module_config == {
        "key": "module_config",
        "description": "Default module configuration",
        "updated_at": info["start_time"],
        "updated_by": universe.identity,
    }
    (event,) = inner.events("SYSTEM_INITIALIZED")
    assert event["source"] is None
    assert event["data"] == {"initialized_by": universe.identity.hex(), "version": info["module_version"]}


@pytest.mark.asyncio
async def test_the_hooks_say_in_the_log_what_they_do(universe: Universe, http: HttpApi) -> None:
    name = f"{universe.name}-again"
    await http.publish(bundled_module_path().read_bytes(), name)
    try:
        await http.call(name, "publish_event", ["x", "T", None, "{}"])
        said: list[tuple[str, str]] = []
        while len(said) < 4:  # a server may answer before it has run the hook for the end of the request
            lines = [(line.level, line.message) for line in await http.logs(name)]
            said = [line for line in lines if line[1].startswith(("initializ", "identity "))]
    finally:
        await http.delete(name)
    assert said == [
        ("info", "initializing inner-universe 0.1.0"),
        ("info", "initialized inner-universe 0.1.0"),
        ("debug", f"identity connected: {universe.identity.hex()}"),
        ("debug", f"identity disconnected: {universe.identity.hex()}"),
    ]


def test_hooks_keep_the_list_of_connections(universe: Universe, inner: Helper) -> None:
    alice = universe.actor("alice")
    alice.call("publish_event", "x", "T", None, "{}")
    row = inner.row("client_connection", identity=alice.identity)
    assert row["status"] == Variant("Connected")
    alice.disconnect()
    while alice.identity in [row["identity"] for row in universe.rows("client_connection")]:
        pass  # a real server runs the hook when it has seen the end of the connection
    for kind in ("CLIENT_CONNECTED", "CLIENT_DISCONNECTED"):
        assert alice.identity.hex() in [event["source"] for event in inner.events(kind)]


def test_connection_events_can_be_switched_off(universe: Universe, inner: Helper) -> None:
    universe.call("admin_operation", "feature_enable_connection_events", "false")
    universe.actor("alice").call("publish_event", "x", "T", None, "{}")
    assert universe.actor("alice").identity.hex() not in [event["source"] for event in inner.events("CLIENT_CONNECTED")]


def test_the_audit_log_can_be_switched_off(universe: Universe, inner: Helper) -> None:
    universe.call("admin_operation", "feature_enable_audit_log", "false")
    inner.entity("e1")
    universe.call("publish_event", "x1", "USER_ACTION", None, "{}")
    assert inner.events("ENTITY_CREATED") == []
    assert len(inner.events("USER_ACTION")) == 1


def test_configuration_is_an_upsert_that_keeps_descriptions(universe: Universe, inner: Helper) -> None:
    universe.call("apply_configuration", [{"key": "k", "value": "1", "description": "what k is"}])
    universe.call("admin_operation", "k", "2")
    row = inner.row("config", key="k")
    assert (row["value"], row["description"]) == ("2", "what k is")
    assert row["updated_by"] == universe.identity
    assert "2" not in json.dumps([event["data"]["key"] for event in inner.events("CONFIG_UPDATED")])
    text = inner.refused("apply_configuration", [{"key": " ", "value": "1", "description": None}])
    assert text == "Item 0 ( ): Invalid key: must not be empty"


def test_only_the_owner_configures_and_names_admins(universe: Universe, inner: Helper) -> None:
    alice = universe.actor("alice")
    assert inner.refused("apply_configuration", [], by=alice) == OWNER
    assert inner.refused("admin_operation", "k", "v", by=alice) == ADMIN
    assert inner.refused("grant_admin", alice.identity, by=alice) == OWNER
    universe.call("grant_admin", alice.identity)
    alice.call("admin_operation", "k", "v")
    assert inner.refused("apply_configuration", [], by=alice) == OWNER
    universe.call("revoke_admin", alice.identity)
    assert inner.refused("admin_operation", "k", "w", by=alice) == ADMIN
    assert inner.refused("revoke_admin", alice.identity) == f"Admin not found: {alice.identity.hex()}"


def test_permissions_by_caller_action_and_type(universe: Universe, inner: Helper) -> None:
    alice, bob = universe.actor("alice"), universe.actor("bob")
    alice.call("create_entity", "open", "Person", entity_metadata())
    universe.call("admin_operation", "permission_default", "deny")
    person = ("create_entity", "p", "Person", entity_metadata())
    assert inner.refused(*person, by=alice) == "Permission denied: create_entity on Person"
    universe.call("grant_permission", alice.identity, "create_entity", "Person")
    alice.call(*person)
    assert (
        inner.refused("create_entity", "r", "Robot", entity_metadata(), by=alice)
        == "Permission denied: create_entity on Robot"
    )
    assert inner.refused("delete_entity", "p", False, by=alice) == "Permission denied: delete_entity on Person"
    assert (
        inner.refused("create_entity", "q", "Person", entity_metadata(), by=bob)
        == "Permission denied: create_entity on Person"
    )
    universe.call("grant_permission", None, "*", "Person")
    bob.call("delete_entity", "p", False)
    universe.call("revoke_permission", None, "*", "Person")
    assert inner.refused("delete_entity", "open", False, by=bob) == "Permission denied: delete_entity on Person"
    universe.call("create_entity", "owners", "Anything", entity_metadata())


@pytest.mark.parametrize(
    ("reducer", "args", "action", "type"),
    [
        ("update_entity", ("e1", entity_metadata(name="x")), "update_entity", "Person"),
        ("create_relation", ("r2", "e1", "e1", "KNOWS", relation_metadata()), "create_relation", "KNOWS"),
        ("update_relation", ("r1", relation_metadata(strength=0.1)), "update_relation", "KNOWS"),
        ("delete_relation", ("r1",), "delete_relation", "KNOWS"),
        ("create_entities", ([ITEM],), "create_entity", "Person"),
        ("delete_entity", ("e1", True), "delete_entity", "Person"),
        ("commit_state_version", ("v1", None, "", "h"), "commit_state_version", "state_version"),
        ("record_delta", ("d1", "v1", [], DELTA), "record_delta", "delta_record"),
        ("store_state_snapshot", ("v1", "json", "{}"), "store_state_snapshot", "state_snapshot"),
        ("publish_event", ("x", "T", None, "{}"), "publish_event", "T"),
        ("record_metric", ("m", "n", "counter", 1.0, "{}"), "record_metric", "n"),
    ],
)
def test_every_change_asks_for_permission(
    universe: Universe, inner: Helper, reducer: str, args: tuple[Any, ...], action: str, type: str
) -> None:
    inner.entity("e1")
    inner.relation("r1", "e1", "e1")
    universe.call("admin_operation", "permission_default", "deny")
    text = f"Permission denied: {action} on {type}"
    if reducer == "create_entities":
        text = f"Item 0 (e2): {text}"
    assert inner.refused(reducer, *args, by=universe.actor("alice")) == text


def test_grants_are_checked_and_belong_to_admins(universe: Universe, inner: Helper) -> None:
    alice = universe.actor("alice")
    assert inner.refused("grant_permission", None, "*", "*", by=alice) == ADMIN
    assert inner.refused("revoke_permission", None, "*", "*", by=alice) == ADMIN
    assert inner.refused("revoke_permission", None, "*", "*") == "Permission not found: *|*|*"
    assert inner.refused("grant_permission", None, "fly", "*").startswith(
        "Unknown action: fly (known: *, create_entity, "
    )
    assert inner.refused("grant_permission", None, "*", "") == "Invalid entity_type: must not be empty"


def test_grants_are_rows_and_events(universe: Universe, inner: Helper) -> None:
    alice = universe.actor("alice").identity
    for _ in range(2):  # the second time is a success without an effect
        universe.call("grant_admin", alice)
        universe.call("grant_permission", alice, "create_entity", "Person")
        universe.call("grant_permission", None, "*", "*")
    (admin,) = universe.rows("admin")
    assert (admin["identity"], admin["granted_by"]) == (alice, universe.identity)
    granted = {row["id"]: (row["grantee"], row["action"], row["entity_type"]) for row in universe.rows("permission")}
    assert granted == {
        f"{alice.hex()}|create_entity|Person": (alice, "create_entity", "Person"),
        "*|*|*": (None, "*", "*"),
    }
    universe.call("revoke_admin", alice)
    universe.call("revoke_permission", None, "*", "*")
    assert universe.count("admin") == 0
    assert [row["action"] for row in universe.rows("permission")] == ["create_entity"]
    kinds = ("ADMIN_GRANTED", "ADMIN_REVOKED", "PERMISSION_GRANTED", "PERMISSION_REVOKED")
    assert [len(inner.events(kind)) for kind in kinds] == [1, 1, 2, 1]
    assert inner.events("ADMIN_REVOKED")[0]["data"] == {"identity": alice.hex()}
    assert inner.events("PERMISSION_REVOKED")[0]["data"] == {"grantee": "*", "action": "*", "entity_type": "*"}


def test_truncate_all_makes_the_database_new(universe: Universe, inner: Helper) -> None:
    inner.entity("e1")
    inner.version("v1")
    universe.call("store_state_snapshot", "v1", "json", "{}")
    universe.call("record_metric", "m", "n", "counter", 1.0, "{}")
    universe.call("admin_operation", "k", "v")
    universe.call("grant_permission", None, "*", "*")
    universe.call("grant_admin", universe.actor("alice").identity)
    assert inner.refused("truncate_all", by=universe.actor("bob")) == OWNER
    universe.call("truncate_all")
    empty = ("entity", "relation", "state_version", "state_snapshot", "delta_record", "metric", "permission", "admin")
    assert {name: universe.count(name) for name in empty} == dict.fromkeys(empty, 0)
    assert [event["event_type"] for event in universe.rows("event_log")] == ["SYSTEM_INITIALIZED"]
    assert "k" not in [row["key"] for row in universe.rows("config")]


def test_imports_restore_rows_as_they_were(universe: Universe, inner: Helper) -> None:
    inner.entity("e1", name="Ada")
    inner.entity("e2")
    inner.relation("r1")
    inner.version("v1")
    universe.call("record_delta", "d1", "v1", [], DELTA)
    universe.call("store_state_snapshot", "v1", "json", "{}")
    universe.call("record_metric", "m", "n", "counter", 1.0, "{}")
    tables = {
        "import_entities": "entity",
        "import_relations": "relation",
        "import_state_versions": "state_version",
        "import_deltas": "delta_record",
        "import_snapshots": "state_snapshot",
        "import_metrics": "metric",
        "import_events": "event_log",
        "import_configuration": "config",
    }
    saved = {reducer: universe.rows(table) for reducer, table in tables.items()}
    before = contents(universe)
    for reducer in tables:
        assert inner.refused(reducer, [], by=universe.actor("alice")) == OWNER
    assert inner.refused("clear_for_import", by=universe.actor("alice")) == OWNER
    universe.call("clear_for_import")
    for table in tables.values():
        assert universe.count(table) == 0
    for reducer, rows in saved.items():
        universe.call(reducer, rows)
        universe.call(reducer, rows)
    assert contents(universe) == before
    changed = [row | {"created_at": Timestamp(1)} for row in saved["import_entities"]][:1]
    text = inner.refused("import_entities", changed)
    assert text == f"Item 0 ({changed[0]['id']}): Entity already exists with other content: {changed[0]['id']}"
