"""Between the model and the wire: nothing is lost, and what cannot be stored is refused by name."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inner_universe.persistence import checks, mapping, schema
from pytest_inner_universe.persistence.errors import CorruptDataError, ValidationError
from pytest_inner_universe.persistence.types import (
    DeltaMetadata,
    DeltaOperation,
    EntityMetadata,
    RelationMetadata,
)
from pytest_inner_universe.sats import ConnectionId, Identity, Timestamp, Variant, codec

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXTS, JSON_VALUES, max_size=3)
OPTIONAL = st.none() | TEXTS
TAGS = st.lists(TEXTS, max_size=3)


def through_the_wire(table: schema.TableSchema, row: dict[str, Any]) -> Any:
    rows = codec(table.row)
    return mapping.decode_row(table, rows.decode(rows.encode(row)))


@given(st.builds(EntityMetadata, OPTIONAL, OPTIONAL, TAGS, OBJECTS))
def test_entity_metadata_comes_back_equal(metadata: EntityMetadata) -> None:
    row = {
        "id": "e1",
        "entity_type": "Person",
        "created_at": Timestamp(1),
        "updated_at": Timestamp(2),
        "metadata": mapping.entity_metadata(metadata),
    }
    assert through_the_wire(schema.ENTITY, row) == {**row, "metadata": vars(metadata)}


@given(
    st.builds(
        RelationMetadata, OPTIONAL, st.floats(allow_nan=False, allow_infinity=False), st.booleans(), TAGS, OBJECTS
    )
)
def test_relation_metadata_comes_back_equal(metadata: RelationMetadata) -> None:
    row = {
        "id": "r1",
        "from_entity": "a",
        "to_entity": "b",
        "relation_type": "KNOWS",
        "created_at": Timestamp(1),
        "updated_at": Timestamp(2),
        "metadata": mapping.relation_metadata(metadata),
    }
    assert through_the_wire(schema.RELATION, row) == {**row, "metadata": vars(metadata)}


OPERATIONS = st.one_of(
    st.builds(DeltaOperation, st.just("Set"), st.just("a.b[0]"), JSON_VALUES),
    st.builds(DeltaOperation, st.just("Delete"), st.just("a.b")),
    st.builds(DeltaOperation, st.just("Insert"), st.just("a"), JSON_VALUES, st.none() | st.integers(0, 2**32 - 1)),
    st.builds(DeltaOperation, st.just("Remove"), st.just("a"), index=st.integers(0, 2**32 - 1)),
    st.builds(DeltaOperation, st.just("Patch"), st.just(""), patch=OBJECTS),
)


@given(st.lists(OPERATIONS, max_size=4), st.builds(DeltaMetadata, TEXTS, OPTIONAL, TAGS, OPTIONAL))
def test_deltas_come_back_equal(operations: list[DeltaOperation], metadata: DeltaMetadata) -> None:
    row = {
        "delta_id": "d1",
        "state_version_id": "v1",
        "operations": mapping.delta_operations(operations),
        "timestamp": Timestamp(1),
        "metadata": mapping.delta_metadata(metadata),
    }
    assert through_the_wire(schema.DELTA_RECORD, row) == {
        **row,
        "operations": [vars(operation) for operation in operations],
        "metadata": vars(metadata),
    }


@given(OBJECTS)
def test_event_data_comes_back_equal(data: dict[str, Any]) -> None:
    row = {
        "event_id": "v1",
        "event_type": "T",
        "source": None,
        "timestamp": Timestamp(1),
        "data": checks.json_object(data, "data"),
    }
    assert through_the_wire(schema.EVENT_LOG, row)["data"] == data


def test_metadata_as_a_dict_has_the_defaults_of_the_class() -> None:
    assert mapping.entity_metadata({}) == mapping.entity_metadata(EntityMetadata())
    assert mapping.relation_metadata({"strength": 1}) == mapping.relation_metadata(RelationMetadata())
    assert mapping.delta_metadata({"description": "d"}) == mapping.delta_metadata(DeltaMetadata("d"))


def test_operations_as_dicts() -> None:
    steps: list[dict[str, Any]] = [
        {"type": "set", "path": "count", "value": None},
        {"type": "delete", "path": "old"},
        {"type": "insert", "path": "items", "value": 4},
        {"type": "insert", "path": "items", "value": 4, "index": 3},
        {"operation_type": "Remove", "path": "items", "index": 0},
        {"type": "PATCH", "path": "", "patch": {"a": 1}},
    ]
    wires = mapping.delta_operations(steps)
    assert [tuple(wire.values()) for wire in wires] == [
        ("Set", "count", "null", None, None),
        ("Delete", "old", None, None, None),
        ("Insert", "items", "4", None, None),
        ("Insert", "items", "4", 3, None),
        ("Remove", "items", None, 0, None),
        ("Patch", "", None, None, '{"a":1}'),
    ]
    assert [step.get("type") for step in steps] == ["set", "delete", "insert", "insert", None, "PATCH"]


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        ({"type": "move", "path": "a"}, "unknown operation type 'move'; known: Set, Delete, Insert, Remove, Patch"),
        ({"path": "a"}, "unknown operation type None; known: Set, Delete, Insert, Remove, Patch"),
        ({"type": "set", "value": 1}, "Set needs a path, got None"),
        ({"type": "set", "path": "a"}, "Set needs value"),
        ({"type": "insert", "path": "a", "index": 0}, "Insert needs value"),
        ({"type": "remove", "path": "a"}, "Remove needs index"),
        ({"type": "patch", "path": "a"}, "Patch needs patch"),
        ({"type": "delete", "path": "a", "value": 1}, "Delete takes no value"),
        ({"type": "delete", "path": ""}, "a path must not be empty"),
        ({"type": "remove", "path": "a", "index": -1}, "index must be a whole number from 0 to 4294967295, got -1"),
        ({"type": "remove", "path": "a", "index": None}, "Remove needs index"),
        (
            {"type": "insert", "path": "a", "value": 1, "index": 2**32},
            f"index must be a whole number from 0 to 4294967295, got {2**32}",
        ),
        (DeltaOperation("Remove", "a"), "Remove needs index"),
        (5, "a DeltaOperation or a dict is needed, got 5"),
    ],
)
def test_an_operation_that_makes_no_sense_is_refused(operation: Any, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        mapping.delta_operations([{"type": "delete", "path": "fine"}, operation])
    assert str(caught.value) == f"operations[1]: {problem}"


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        ({"type": "set", "path": "a", "value": {1}}, "operations[0].value: a set has no order; give a sorted list"),
        ({"type": "patch", "path": "a", "patch": [1]}, "operations[0].patch must be a dict, got list"),
    ],
)
def test_a_value_of_an_operation_that_json_cannot_hold(operation: Any, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        mapping.delta_operations([operation])
    assert str(caught.value) == problem


@given(st.lists(OPERATIONS, max_size=4))
def test_operations_of_a_row_can_be_given_again(operations: list[DeltaOperation]) -> None:
    wires = mapping.delta_operations(operations)
    assert mapping.delta_operations([vars(operation) for operation in operations]) == wires


def test_operations_are_a_list() -> None:
    operations: Any = {"type": "set"}
    with pytest.raises(ValidationError) as caught:
        mapping.delta_operations(operations)
    assert str(caught.value) == "operations are a list, got dict"


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({"nmae": "x"}, "entity metadata: unknown key 'nmae'; did you mean name?"),
        (
            {"age": 3},
            "entity metadata: unknown key 'age'; known: name, description, tags, properties; others go into properties",
        ),
        (None, "entity metadata: EntityMetadata or a dict is needed, got None"),
        ({"name": 5}, "name must be text, got 5"),
        ({"tags": "abc"}, "tags must be a list of text, got 'abc'"),
        ({"tags": ["a", 5]}, "tags[1] must be text, got 5"),
        ({"properties": []}, "properties must be a dict, got list"),
        ({"properties": {"a": {"b": math.inf}}}, "properties.a.b: inf is not a number in JSON"),
        ({"properties": {"n": 2**63}}, "properties.n: integer 9223372036854775808 does not fit into 64 bits"),
        (
            {"description": "\ud800"},
            "description: text has half a surrogate pair at position 0, which UTF-8 cannot hold",
        ),
    ],
)
def test_entity_metadata_that_cannot_be_stored_is_refused(metadata: Any, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        mapping.entity_metadata(metadata)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({"strength": math.nan}, "strength must be a finite number, got nan"),
        ({"strength": True}, "strength must be a finite number, got True"),
        ({"strength": "0.5"}, "strength must be a finite number, got '0.5'"),
        ({"bidirectional": 1}, "bidirectional must be true or false, got 1"),
    ],
)
def test_relation_metadata_that_cannot_be_stored_is_refused(metadata: Any, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        mapping.relation_metadata(metadata)
    assert str(caught.value) == problem


def test_a_delta_needs_a_description() -> None:
    with pytest.raises(ValidationError) as caught:
        mapping.delta_metadata({"author": "me"})
    assert str(caught.value) == "delta metadata: description is needed"
    with pytest.raises(ValidationError) as caught:
        mapping.delta_metadata({"description": "x", "colour": "red"})
    assert str(caught.value) == (
        "delta metadata: unknown key 'colour'; known: description, author, tags, parent_delta_id"
    )


def test_a_strength_outside_of_its_range_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert mapping.relation_metadata({"strength": 2})["strength"] == 2.0
    assert caplog.messages == ["relation strength 2 is outside 0 to 1"]


def test_a_row_that_holds_no_json_says_which() -> None:
    row = {"event_id": "e9", "event_type": "T", "source": None, "timestamp": Timestamp(0), "data": "{"}
    with pytest.raises(CorruptDataError) as caught:
        mapping.decode_row(schema.EVENT_LOG, row)
    assert str(caught.value) == (
        "row e9 of event_log cannot be read: data: not JSON text: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)"
    )


def test_decoding_leaves_the_row_of_the_wire_alone() -> None:
    wire: dict[str, Any] = {"id": "e1", "metadata": mapping.entity_metadata({"properties": {"a": [1]}})}
    decoded = mapping.decode_row(schema.ENTITY, wire)
    decoded["metadata"]["properties"]["a"].append(2)
    decoded["metadata"]["tags"].append("new")
    assert wire["metadata"]["tags"] == []
    assert mapping.decode_row(schema.ENTITY, wire)["metadata"]["properties"] == {"a": [1]}


def test_enum_columns_are_text() -> None:
    row = {
        "connection_id": ConnectionId.zero(),
        "identity": Identity.zero(),
        "connected_at": Timestamp(0),
        "last_active_at": Timestamp(0),
        "client_info": None,
        "status": Variant("Connected"),
    }
    assert mapping.decode_row(schema.CLIENT_CONNECTION, row)["status"] == "Connected"
