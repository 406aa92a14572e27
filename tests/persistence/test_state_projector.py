"""The projector: its deltas are recorded, and rebuild the same state."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from pytest_inner_universe.persistence import (
    CorruptDataError,
    DeltaError,
    InnerUniverseClient,
    SpacetimeStateProjector,
    SpacetimeTemporalStore,
    ValidationError,
    deltas,
)
from pytest_inner_universe.persistence.state_projector import difference

START: dict[str, Any] = {"count": 0, "items": [1], "who": {"name": "Ada", "age": 36}}


async def projector_on(client: InnerUniverseClient) -> SpacetimeStateProjector:
    version = await SpacetimeTemporalStore(client).commit_version(START, "start")
    return SpacetimeStateProjector(client, version, START)


def grown(state: dict[str, Any]) -> dict[str, Any]:
    state["items"].append(2)
    del state["who"]["age"]
    return {**state, "count": None}


@pytest.mark.asyncio
async def test_deltas_of_all_kinds_are_recorded_and_rebuild_the_state(live: InnerUniverseClient) -> None:
    projector = await projector_on(live)
    assert await projector.apply_delta({"count": 1, "new": {"deep": [None]}}, "a patch", "tester", ["first"]) == 0
    assert await projector.apply_delta(grown, "a function") == 1
    assert await projector.apply_delta([{"type": "insert", "path": "items", "value": 3}], "operations") == 2
    state = {"count": None, "new": {"deep": [None]}, "items": [1, 2, 3], "who": {"name": "Ada"}}
    assert projector.get_current_state() == state
    again = await SpacetimeStateProjector.rebuild(live, projector.version_id, START)
    assert again.get_current_state() == state
    assert again.get_delta_history() == projector.get_delta_history()
    assert START["items"] == [1]


@pytest.mark.asyncio
async def test_projections_and_earlier_states(live: InnerUniverseClient) -> None:
    projector = await projector_on(live)
    for count in (1, 2):
        await projector.apply_delta({"count": count}, tags=["odd" if count % 2 else "even"])
    projector.add_projection("count", lambda state: state["count"])
    assert projector.project("count") == 2
    assert [projector.project("count", until=until) for until in (-1, 0, 1)] == [0, 1, 2]
    projector.project()["count"] = 9
    assert projector.project("count") == 2
    assert [number for number, _ in projector.get_delta_history(["even"])] == [1]
    with pytest.raises(ValueError, match=r"^there is no projection 'other'; known: default, count$"):
        projector.project("other")


@pytest.mark.asyncio
async def test_back_to_the_beginning_keeps_the_record(live: InnerUniverseClient) -> None:
    projector = await projector_on(live)
    await projector.apply_delta(grown)
    await projector.reset_to_initial()
    await projector.reset_to_initial()
    assert projector.get_current_state() == START
    assert len(await live.get_deltas(projector.version_id)) == 2


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("delta", "kind"),
    [
        ([{"type": "remove", "path": "items", "index": 9}], DeltaError),
        ({"count": float("nan")}, ValidationError),
        (lambda _: {"when": object()}, ValidationError),
        ("text", ValidationError),
        (5, ValidationError),
    ],
)
async def test_what_does_not_fit_changes_and_records_nothing(
    live: InnerUniverseClient, delta: Any, kind: type[Exception]
) -> None:
    projector = await projector_on(live)
    with pytest.raises(kind):
        await projector.apply_delta(delta)
    assert projector.get_current_state() == START
    assert await live.get_deltas(projector.version_id) == []


@pytest.mark.asyncio
async def test_deltas_of_two_who_did_not_know_of_each_other(live: InnerUniverseClient) -> None:
    one = await projector_on(live)
    other = SpacetimeStateProjector(live, one.version_id, START)
    await one.apply_delta({"count": 1})
    await other.apply_delta({"count": 2})
    with pytest.raises(CorruptDataError) as caught:
        await SpacetimeStateProjector.rebuild(live, one.version_id, START)
    assert str(caught.value) == f"row {one.version_id} of delta_record cannot be read: its deltas are no chain"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("a.[]\"'", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("a.[]\"' ", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@examples(100)
@given(VALUES, VALUES)
def test_a_difference_leads_from_one_to_the_other(before: Any, after: Any) -> None:
    kept = copy.deepcopy(before)
    assert repr(deltas.apply(before, difference(before, after))) == repr(ordered(before, after))
    assert before == kept


def ordered(before: Any, after: Any) -> Any:
    """The state after, with its keys in the order that a change of the one before gives them."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return before if type(before) is type(after) and before == after else after
    return {key: ordered(before[key], after[key]) for key in before if key in after} | {
        key: value for key, value in after.items() if key not in before
    }
