"""State versions, deltas, snapshots, events and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_inner_universe.sats import Variant

METADATA: dict[str, Any] = {"description": "d", "author": None, "tags": [], "parent_delta_id": None}

if TYPE_CHECKING:
    from conformance.conftest import Helper

    from pytest_inner_universe.testing.universe import Universe


def operation(kind: str, **fields: object) -> dict[str, object]:
    return {"operation_type": kind, "path": "a.b", "value": None, "index": None, "patch": None, **fields}


def test_commit_state_version(universe: Universe, inner: Helper) -> None:
    universe.call("commit_state_version", "v1", None, "first", "hash-1")
    universe.call("commit_state_version", "v2", "v1", "second", "hash-2")
    row = inner.row("state_version", version_id="v2")
    assert (row["parent_version_id"], row["description"], row["data_hash"]) == ("v1", "second", "hash-2")
    assert row["owner"] == universe.identity
    assert [event["data"]["version_id"] for event in inner.events("STATE_VERSION_COMMITTED")] == ["v1", "v2"]


def test_commit_state_version_refuses(inner: Helper) -> None:
    assert inner.refused("commit_state_version", "v1", "v0", "", "h") == "State version not found: v0"
    assert inner.refused("commit_state_version", "", None, "", "h") == "Invalid version_id: must not be empty"
    inner.version("v1")
    inner.version("v1")
    text = inner.refused("commit_state_version", "v1", None, "", "another")
    assert text == "State version already exists with other content: v1"
    assert inner.universe.count("state_version") == 1


def test_record_delta(universe: Universe, inner: Helper) -> None:
    inner.version("v1")
    steps = [
        operation("Set", value="1"),
        operation("Insert", value='"x"', index=3),
        operation("Patch", patch='{"k":1}'),
    ]
    universe.call("record_delta", "d1", "v1", steps, METADATA)
    universe.call("record_delta", "d1", "v1", steps, METADATA)
    row = inner.row("delta_record", delta_id="d1")
    assert [step["operation_type"] for step in row["operations"]] == [
        Variant("Set"),
        Variant("Insert"),
        Variant("Patch"),
    ]
    assert row["operations"][1]["index"] == 3
    (event,) = inner.events("DELTA_RECORDED")
    assert event["source"] == "v1"
    assert event["data"]["operations_count"] == 3


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (operation("Set"), "Invalid operations[0]: Set needs a value"),
        (operation("Insert"), "Invalid operations[0]: Insert needs a value"),
        (operation("Remove"), "Invalid operations[0]: Remove needs an index"),
        (operation("Patch"), "Invalid operations[0]: Patch needs a patch"),
        (operation("Patch", patch="[]"), "Invalid operations[0].patch: must be a JSON object"),
    ],
)
def test_record_delta_refuses_operations_that_lack_something(inner: Helper, step: dict[str, object], text: str) -> None:
    inner.version("v1")
    assert inner.refused("record_delta", "d1", "v1", [step], METADATA) == text


def test_record_delta_refuses(universe: Universe, inner: Helper) -> None:
    assert inner.refused("record_delta", "d1", "v1", [], METADATA) == "State version not found: v1"
    inner.version("v1")
    assert inner.refused("record_delta", "d1", "v1", [], METADATA | {"parent_delta_id": "d0"}) == "Delta not found: d0"
    universe.call("record_delta", "d1", "v1", [], METADATA)
    text = inner.refused("record_delta", "d1", "v1", [operation("Delete")], METADATA)
    assert text == "Delta already exists with other content: d1"


def test_store_state_snapshot(universe: Universe, inner: Helper) -> None:
    assert inner.refused("store_state_snapshot", "v1", "json", "{}") == "State version not found: v1"
    inner.version("v1")
    universe.call("store_state_snapshot", "v1", "json", "{}")
    universe.call("store_state_snapshot", "v1", "json", "{}")
    assert inner.row("state_snapshot", version_id="v1")["data"] == "{}"
    (event,) = inner.events("STATE_SNAPSHOT_STORED")
    assert event["source"] == "v1"
    text = inner.refused("store_state_snapshot", "v1", "json", "[]")
    assert text == "State snapshot already exists with other content: v1"


def test_store_state_snapshot_has_a_size_limit(universe: Universe, inner: Helper) -> None:
    inner.version("v1")
    universe.call("admin_operation", "snapshot_max_bytes", "4")
    text = inner.refused("store_state_snapshot", "v1", "json", "12345")
    assert text == "State snapshot has 5 bytes, more than the 4 that config snapshot_max_bytes allows"


def test_versioning_can_be_switched_off(universe: Universe, inner: Helper) -> None:
    inner.version("v1")
    universe.call("admin_operation", "feature_enable_state_versioning", "false")
    text = 'State versioning is disabled: config feature_enable_state_versioning is "false"'
    assert inner.refused("commit_state_version", "v2", None, "", "h") == text
    assert inner.refused("record_delta", "d1", "v1", [], METADATA) == text
    assert inner.refused("store_state_snapshot", "v1", "json", "{}") == text


def test_publish_event(universe: Universe, inner: Helper) -> None:
    universe.call("publish_event", "x1", "USER_ACTION", "button", '{"n":1}')
    universe.call("publish_event", "x1", "USER_ACTION", "button", '{"n":1}')
    universe.call("publish_event", "x2", "USER_ACTION", None, "[]")
    assert [(event["event_id"], event["source"]) for event in inner.events("USER_ACTION")] == [
        ("x1", "button"),
        ("x2", None),
    ]
    text = inner.refused("publish_event", "x1", "USER_ACTION", "button", "{}")
    assert text == "Event already exists with other content: x1"
    assert inner.refused("publish_event", "", "T", None, "{}") == "Invalid event_id: must not be empty"
    assert inner.refused("publish_event", "x", " ", None, "{}") == "Invalid event_type: must not be empty"
    assert inner.refused("publish_event", "x", "T", None, "{").startswith("Invalid data: not JSON, ")


def test_publish_events_is_one_transaction(universe: Universe, inner: Helper) -> None:
    def event(id: str) -> dict[str, object]:
        return {"event_id": id, "event_type": "T", "source": None, "data": "{}"}

    universe.call("publish_events", [event("a"), event("b")])
    assert len(inner.events("T")) == 2
    assert inner.refused("publish_events", [event("c"), event("")]) == "Item 1 (): Invalid event_id: must not be empty"
    assert len(inner.events("T")) == 2


def test_record_metric(universe: Universe, inner: Helper) -> None:
    universe.call("record_metric", "m1", "events.published", "counter", 1.0, '{"event_type":"T"}')
    universe.call("record_metric", "m1", "events.published", "counter", 1.0, '{"event_type":"T"}')
    assert inner.row("metric", id="m1")["value"] == 1.0
    text = inner.refused("record_metric", "m1", "events.published", "counter", 2.0, "{}")
    assert text == "Metric already exists with other content: m1"
    assert (
        inner.refused("record_metric", "m2", "n", "counter", float("nan"), "{}")
        == "Invalid value: must be a finite number"
    )
