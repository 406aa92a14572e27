"""The delta engine: what each operation does, that it can be undone, and what does not fit."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inner_universe.persistence import DeltaError, DeltaOperation, ValidationError, canonical_json, deltas

STATE: dict[str, Any] = {"data": {"items": [1, 2, 3], "count": 3}, "x.y": {"z": None}}


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        ({"type": "set", "path": "data.count", "value": 4}, {"data": {"items": [1, 2, 3], "count": 4}}),
        ({"type": "set", "path": "data.items[1]", "value": 9}, {"data": {"items": [1, 9, 3], "count": 3}}),
        ({"type": "set", "path": "data.items.1", "value": 9}, {"data": {"items": [1, 9, 3], "count": 3}}),
        ({"type": "set", "path": "new.deep.er", "value": [1]}, {"new": {"deep": {"er": [1]}}}),
        ({"type": "set", "path": '["x.y"].z', "value": 1}, {"x.y": {"z": 1}}),
        ({"type": "delete", "path": "data.count"}, {"data": {"items": [1, 2, 3]}}),
        ({"type": "delete", "path": "data.items[0]"}, {"data": {"items": [2, 3], "count": 3}}),
        ({"type": "insert", "path": "data.items", "value": 4}, {"data": {"items": [1, 2, 3, 4], "count": 3}}),
        (
            {"type": "insert", "path": "data.items", "value": 0, "index": 0},
            {"data": {"items": [0, 1, 2, 3], "count": 3}},
        ),
        (
            {"type": "insert", "path": "data.items", "value": 4, "index": 3},
            {"data": {"items": [1, 2, 3, 4], "count": 3}},
        ),
        ({"type": "remove", "path": "data.items", "index": 1}, {"data": {"items": [1, 3], "count": 3}}),
        (
            {"type": "patch", "path": "data", "patch": {"count": None, "n": {}}},
            {"data": {"items": [1, 2, 3], "count": None, "n": {}}},
        ),
        ({"type": "patch", "path": "", "patch": {"data": 1}}, {"data": 1}),
    ],
)
def test_what_an_operation_does_and_how_it_is_undone(operation: dict[str, Any], after: dict[str, Any]) -> None:
    before = copy.deepcopy(STATE)
    assert deltas.apply(STATE, [operation]) == {**STATE, **after}
    assert deltas.apply({**STATE, **after}, deltas.invert(STATE, [operation])) == STATE
    assert before == STATE


def test_the_whole_state_can_be_replaced() -> None:
    assert deltas.apply([1], [DeltaOperation("Set", "", {"a": 1}), DeltaOperation("Set", "b", 2)]) == {"a": 1, "b": 2}
    assert deltas.invert([1], [DeltaOperation("Set", "", None)]) == [DeltaOperation("Set", "", [1])]


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ({"type": "set", "path": "data.items[3]", "value": 1}, "Set at data.items[3]: a list of 3 has no element 3"),
        (
            {"type": "set", "path": "data.items[5].a", "value": 1},
            "Set at data.items[5].a: a list of 3 has no element 5",
        ),
        (
            {"type": "set", "path": "data.count.a", "value": 1},
            "Set at data.count.a: no place for 'a' in a value of type int",
        ),
        ({"type": "set", "path": "data[0]", "value": 1}, "Set at data[0]: no place for 0 in a value of type dict"),
        ({"type": "delete", "path": "data.nothing"}, "Delete at data.nothing: there is nothing"),
        ({"type": "delete", "path": "no.where"}, "Delete at no.where: there is nothing"),
        ({"type": "insert", "path": "data", "value": 1}, "Insert at data: needs a list, there is one of type dict"),
        ({"type": "insert", "path": "data.no", "value": 1}, "Insert at data.no: needs a list, there is nothing"),
        (
            {"type": "insert", "path": "data.items", "value": 1, "index": 4},
            "Insert at data.items: index 4 is beyond the end of a list of 3",
        ),
        (
            {"type": "remove", "path": "data.items", "index": 3},
            "Remove at data.items: index 3 is beyond the end of a list of 3",
        ),
        ({"type": "remove", "path": "", "index": 0}, "Remove at the root: needs a list, there is one of type dict"),
        (
            {"type": "patch", "path": "data.items", "patch": {}},
            "Patch at data.items: needs a mapping, there is one of type list",
        ),
    ],
)
def test_an_operation_that_does_not_fit_leaves_everything_as_it_was(operation: dict[str, Any], text: str) -> None:
    before = copy.deepcopy(STATE)
    with pytest.raises(DeltaError) as caught:
        deltas.apply(STATE, [{"type": "set", "path": "first", "value": 1}, operation])
    assert str(caught.value) == f"operations[1]: {text}"
    assert before == STATE


def test_an_operation_that_makes_no_sense() -> None:
    with pytest.raises(ValidationError) as caught:
        deltas.apply(STATE, [{"type": "move", "path": "a"}])
    assert str(caught.value) == (
        "operations[0]: unknown operation type 'move'; known: Set, Delete, Insert, Remove, Patch"
    )


KEYS = st.sampled_from(["a", "b", "x.y", ""])
LEAVES = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "é", 1.0])
VALUES = st.recursive(LEAVES, lambda v: st.lists(v, max_size=3) | st.dictionaries(KEYS, v, max_size=3), max_leaves=8)
PATHS = st.sampled_from(["", "a", "b", "a.b", "a[0]", "a.b[1]", '["x.y"].a', '[""]', "a.1", "b.a.b"])
OPERATIONS = st.one_of(
    st.builds(DeltaOperation, st.just("Set"), PATHS, VALUES),
    st.builds(DeltaOperation, st.just("Delete"), PATHS.filter(bool)),
    st.builds(DeltaOperation, st.just("Insert"), PATHS, VALUES, st.none() | st.integers(0, 3)),
    st.builds(DeltaOperation, st.just("Remove"), PATHS, index=st.integers(0, 3)),
    st.builds(DeltaOperation, st.just("Patch"), PATHS, patch=st.dictionaries(KEYS, VALUES, max_size=3)),
)


@given(VALUES, st.lists(OPERATIONS, max_size=6))
def test_every_delta_that_fits_can_be_undone(state: Any, operations: list[DeltaOperation]) -> None:
    fitting: list[DeltaOperation] = []
    for operation in operations:
        try:
            deltas.apply(state, [*fitting, operation])
        except DeltaError:
            continue
        fitting.append(operation)
    before = canonical_json.dumps(state)
    after = deltas.apply(state, fitting)
    undone = deltas.apply(after, deltas.invert(state, fitting))
    assert canonical_json.dumps(undone) == before == canonical_json.dumps(state)


@given(VALUES, VALUES)
def test_what_was_put_in_is_not_shared(state: Any, value: Any) -> None:
    operation = DeltaOperation("Set", "", {"v": value})
    before = canonical_json.dumps(value)
    after = deltas.apply(state, [operation, DeltaOperation("Set", "v", 1)])
    assert after == {"v": 1}
    assert canonical_json.dumps(operation.value["v"]) == before
