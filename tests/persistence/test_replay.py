"""States that were not stored, brought back by applying deltas to one that was."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inner_universe.persistence import (
    CorruptDataError,
    DeltaError,
    DeltaOperation,
    InnerUniverseClient,
    IntegrityError,
    NotFoundError,
    SpacetimeTemporalStore,
    deltas,
)
from pytest_inner_universe.persistence.replay import in_order

FIRST: dict[str, Any] = {"data": {"items": [1, 2, 3], "count": 3}}
STEPS: list[list[dict[str, Any]]] = [
    [
        {"type": "insert", "path": "data.items", "index": 3, "value": 4},
        {"type": "set", "path": "data.count", "value": 4},
    ],
    [{"type": "patch", "path": "", "patch": {"name": "second"}}],
    [{"type": "remove", "path": "data.items", "index": 0}, {"type": "delete", "path": "data.count"}],
]


@pytest.fixture
def store(live: InnerUniverseClient) -> SpacetimeTemporalStore:
    return SpacetimeTemporalStore(live)


async def written(store: SpacetimeTemporalStore, snapshots: set[int]) -> list[tuple[str, Any]]:
    """Versions that follow one another by the deltas above, some of them with a stored state."""
    state: Any = FIRST
    versions = [(await store.commit_version(state, "0", snapshot=0 in snapshots), state)]
    for number, step in enumerate(STEPS, 1):
        await store.record_delta(versions[-1][0], step, f"to {number}")
        state = deltas.apply(state, step)
        versions.append((await store.commit_version(state, str(number), snapshot=number in snapshots), state))
    return versions


@pytest.mark.asyncio
@pytest.mark.parametrize("snapshots", [{0}, {0, 2}, {0, 1, 2, 3}])
async def test_every_state_since_a_stored_one_comes_back(store: SpacetimeTemporalStore, snapshots: set[int]) -> None:
    for version, state in await written(store, snapshots):
        assert await store.get_state(version) == state
    assert await store.get_state() == {"data": {"items": [2, 3, 4]}, "name": "second"}


@pytest.mark.asyncio
async def test_what_comes_before_the_first_stored_state_is_gone(store: SpacetimeTemporalStore) -> None:
    versions = await written(store, {2})
    assert await store.get_state(versions[3][0]) == versions[3][1]
    with pytest.raises(NotFoundError) as caught:
        await store.get_state(versions[1][0])
    assert str(caught.value) == f"stored state not found: {versions[1][0]}"


@pytest.mark.asyncio
async def test_several_deltas_of_one_version_are_applied_in_their_order(store: SpacetimeTemporalStore) -> None:
    version = await store.commit_version({"n": []}, "first", snapshot=True)
    delta = None
    for number in range(20):
        step = DeltaOperation("Insert", "n", value=number)
        delta = await store.record_delta(version, [step], "one more", parent_delta_id=delta)
    await store.commit_version({"n": list(range(20))}, "second")
    assert await store.get_state() == {"n": list(range(20))}


@pytest.mark.asyncio
async def test_deltas_that_lead_elsewhere_are_noticed(store: SpacetimeTemporalStore) -> None:
    await store.commit_version({"n": 1}, "first", snapshot=True)
    second = await store.commit_version({"n": 2}, "second")
    third = await store.commit_version({"n": 3}, "third")
    with pytest.raises(IntegrityError) as caught:
        await store.get_state(third)
    assert caught.value.version_id == second


@pytest.mark.asyncio
async def test_a_delta_that_does_not_fit_is_told(store: SpacetimeTemporalStore) -> None:
    first = await store.commit_version({"n": 1}, "first", snapshot=True)
    await store.record_delta(first, [{"type": "insert", "path": "n", "value": 2}], "misfit")
    await store.commit_version({"n": 2}, "second")
    with pytest.raises(DeltaError):
        await store.get_state()


def delta(id: int, parent: int | None) -> dict[str, Any]:
    name = None if parent is None else str(parent)
    return {"delta_id": str(id), "state_version_id": "v", "metadata": {"parent_delta_id": name}}


@given(st.integers(0, 30), st.randoms(use_true_random=False))
def test_deltas_come_after_their_parents_whatever_their_times_say(count: int, chance: random.Random) -> None:
    rows = [delta(number, chance.choice([None, *range(number)])) for number in range(count)]
    chance.shuffle(rows)
    ordered = in_order(rows)
    assert sorted(row["delta_id"] for row in ordered) == sorted(row["delta_id"] for row in rows)
    seen = {None}
    for row in ordered:
        assert row["metadata"]["parent_delta_id"] in seen
        seen.add(row["delta_id"])


def test_deltas_without_parents_stay_as_they_are() -> None:
    rows = [delta(3, None), delta(1, 99), delta(2, None)]
    assert in_order(rows) == rows


def test_deltas_that_are_each_others_parents_are_corrupt() -> None:
    with pytest.raises(CorruptDataError) as caught:
        in_order([delta(1, 2), delta(2, 1), delta(3, None)])
    assert str(caught.value) == "row v of delta_record cannot be read: its deltas are each other's parents"
