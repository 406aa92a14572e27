"""The temporal store on the real module: the chain of versions, their hashes, stored states, and deltas."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from pytest_inner_universe.persistence import (
    InnerUniverseClient,
    IntegrityError,
    NotFoundError,
    SpacetimeTemporalStore,
    ValidationError,
    VersionConflictError,
    VersionNotFoundError,
    canonical_json,
)

pytestmark = pytest.mark.asyncio

STATE: dict[str, Any] = {"data": {"items": [1, 2, 3], "count": 3}, "name": "first"}


@pytest.fixture
def store(live: InnerUniverseClient) -> SpacetimeTemporalStore:
    return SpacetimeTemporalStore(live)


async def test_versions_form_a_chain(store: SpacetimeTemporalStore, live: InnerUniverseClient) -> None:
    assert (store.client, store.current_version_id, store.logger.name) == (live, None, "spacetime_temporal_store")
    assert await store.get_current_version() is None
    first = await store.commit_version(STATE, "first")
    second = await store.commit_version({**STATE, "name": "second"}, "second")
    assert store.current_version_id == second
    row = await store.get_current_version()
    assert row is not None
    assert (row["version_id"], row["parent_version_id"], row["description"]) == (second, first, "second")
    assert row["owner"] == live.identity
    assert [v["version_id"] for v in await store.get_history()] == [first, second]
    assert (await live.get_state_version(first))["parent_version_id"] is None


async def test_the_hash_is_that_of_the_canonical_json(store: SpacetimeTemporalStore) -> None:
    version = await store.commit_version({"b": 1, "a": [1.0, None]}, "d")
    row = await store.client.get_state_version(version)
    assert row["data_hash"] == hashlib.sha256(b'{"a":[1.0,null],"b":1}').hexdigest()
    await store.verify(version, {"a": [1.0, None], "b": 1})
    with pytest.raises(IntegrityError) as caught:
        await store.verify(version, {"a": [1, None], "b": 1})
    assert (caught.value.version_id, caught.value.expected) == (version, row["data_hash"])


async def test_another_store_goes_on_where_the_database_is(
    store: SpacetimeTemporalStore, live: InnerUniverseClient
) -> None:
    first = await store.commit_version(STATE, "first")
    other = SpacetimeTemporalStore(live)
    row = await other.get_current_version()
    assert row is not None
    assert row["version_id"] == first
    assert await other.load_head() == first
    second = await other.commit_version(STATE, "second")
    assert (await live.get_state_version(second))["parent_version_id"] == first


async def test_two_writers_that_expect_the_head_do_not_fork(
    store: SpacetimeTemporalStore, live: InnerUniverseClient
) -> None:
    first = await store.commit_version(STATE, "first", expect_head=True)
    other = SpacetimeTemporalStore(live)
    await other.load_head()
    second = await other.commit_version(STATE, "second", expect_head=True)
    with pytest.raises(VersionConflictError) as caught:
        await store.commit_version(STATE, "late", expect_head=True)
    assert (caught.value.expected, caught.value.actual) == (first, second)
    assert store.current_version_id == first
    await store.load_head()
    await store.commit_version(STATE, "now", expect_head=True)


async def test_a_parent_can_be_given_and_has_to_exist(store: SpacetimeTemporalStore, live: InnerUniverseClient) -> None:
    first = await store.commit_version(STATE, "first")
    await store.commit_version(STATE, "second")
    branch = await store.commit_version(STATE, "branch", parent_version_id=first)
    root = await store.commit_version(STATE, "root", parent_version_id=None)
    assert (await live.get_state_version(branch))["parent_version_id"] == first
    assert (await live.get_state_version(root))["parent_version_id"] is None
    with pytest.raises(VersionNotFoundError) as caught:
        await store.commit_version(STATE, "orphan", parent_version_id="nobody")
    assert str(caught.value) == "state version not found: nobody"
    assert store.current_version_id == root


async def test_commits_at_once_form_one_chain(store: SpacetimeTemporalStore, live: InnerUniverseClient) -> None:
    ids = await asyncio.gather(*(store.commit_version({"n": n}, str(n)) for n in range(20)))
    history = await store.get_history()
    assert {row["version_id"] for row in history} == set(ids)
    assert [row["parent_version_id"] for row in history] == [None, *(row["version_id"] for row in history[:-1])]


@pytest.mark.parametrize("state", [STATE, {"long": ["abc"] * 1000, "é": "'"}, [], None, 5])
async def test_a_stored_state_comes_back(store: SpacetimeTemporalStore, state: Any) -> None:
    version = await store.commit_version(state, "d", snapshot=True)
    assert await store.get_state(version) == state
    assert await store.get_state() == state


async def test_a_state_that_was_tampered_with_is_noticed(
    store: SpacetimeTemporalStore, live: InnerUniverseClient
) -> None:
    version = await store.commit_version(STATE, "d")
    await live.store_state_snapshot(version, "json", canonical_json.dumps({**STATE, "name": "other"}))
    with pytest.raises(IntegrityError):
        await store.get_state(version)


async def test_a_state_that_was_not_stored(store: SpacetimeTemporalStore) -> None:
    with pytest.raises(NotFoundError) as nothing:
        await store.get_state()
    assert str(nothing.value) == "state version not found: current"
    version = await store.commit_version(STATE, "d")
    with pytest.raises(NotFoundError) as caught:
        await store.get_state(version)
    assert str(caught.value) == f"stored state not found: {version}"
    with pytest.raises(VersionNotFoundError):
        await store.get_state("nobody")


@pytest.mark.parametrize("name", ["record_delta", "record_state_delta"])
async def test_deltas_under_both_names(store: SpacetimeTemporalStore, name: str) -> None:
    version = await store.commit_version(STATE, "first")
    delta = await getattr(store, name)(
        version_id=version,
        operations=[
            {"type": "insert", "path": "data.items", "index": 3, "value": 4},
            {"type": "set", "path": "data.count", "value": 4},
        ],
        description="one more",
    )
    (row,) = await store.client.get_deltas(version)
    assert row["delta_id"] == delta
    assert row["metadata"] == {"description": "one more", "author": None, "tags": [], "parent_delta_id": None}
    assert row["operations"] == [
        {"operation_type": "Insert", "path": "data.items", "value": 4, "index": 3, "patch": None},
        {"operation_type": "Set", "path": "data.count", "value": 4, "index": None, "patch": None},
    ]


async def test_a_state_without_canonical_form_is_refused(store: SpacetimeTemporalStore) -> None:
    with pytest.raises(ValidationError) as caught:
        await store.commit_version({"at": {1, 2}}, "d")
    assert str(caught.value) == "state.at: a set has no order; give a sorted list"
    assert store.current_version_id is None
