"""A temporal store that is told of the versions of others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from persistence.conftest import client_of

from pytest_inner_universe.persistence import (
    InnerUniverseClient,
    PersistenceManager,
    SpacetimeTemporalStore,
    ValidationError,
    VersionConflictError,
)
from pytest_inner_universe.testing.universe import Universe

pytestmark = pytest.mark.asyncio


@pytest.fixture
def store(live: InnerUniverseClient) -> SpacetimeTemporalStore:
    return SpacetimeTemporalStore(live)


async def test_the_newest_version_is_the_current_one_whoever_commits_it(
    store: SpacetimeTemporalStore, live: InnerUniverseClient, universe: Universe
) -> None:
    async with client_of(universe) as other:
        writer = SpacetimeTemporalStore(other)
        first = await writer.commit_version(1, "first")
        told: list[str] = []
        await store.follow(lambda row: told.append(row["version_id"]))
        assert store.current_version_id == first
        second = await writer.commit_version(2, "second")
        await live.get_latest_version()  # whose answer comes after what was committed before it
        assert store.current_version_id == second
        third = await store.commit_version(3, "third")
        assert store.current_version_id == third
        assert (await live.get_state_version(third))["parent_version_id"] == second
        assert told == [second, third]
        await store.close()
        await writer.commit_version(4, "fourth", parent_version_id=third)
        await live.get_latest_version()
        assert store.current_version_id == third
        assert live.subscriptions == []


async def test_whoever_names_its_parent_is_told_of_a_conflict(
    store: SpacetimeTemporalStore, live: InnerUniverseClient
) -> None:
    await store.follow()
    first = await store.commit_version(1, "first")
    second = await SpacetimeTemporalStore(live).commit_version(2, "other", parent_version_id=first)
    with pytest.raises(VersionConflictError) as caught:
        await store.commit_version(3, "late", parent_version_id=first, expect_head=True)
    assert (caught.value.expected, caught.value.actual) == (first, second)


async def test_a_slow_follower_holds_nothing_up_and_is_told_all(store: SpacetimeTemporalStore) -> None:
    may_go_on, told = asyncio.Event(), []

    async def slowly(row: dict[str, Any]) -> None:
        await may_go_on.wait()
        told.append(row["version_id"])

    await store.follow(slowly)
    ids = [await store.commit_version(n, str(n)) for n in range(5)]
    assert (store.current_version_id, told) == (ids[-1], [])
    may_go_on.set()
    await store.close()
    assert told == ids
    await store.close()


async def test_a_follower_that_fails_is_logged(store: SpacetimeTemporalStore, caplog: pytest.LogCaptureFixture) -> None:
    await store.follow(lambda row: row["nothing"])
    await store.commit_version(1, "first")
    assert caplog.messages == ["the follower of versions failed"]


async def test_following_twice_or_with_nonsense(store: SpacetimeTemporalStore) -> None:
    with pytest.raises(ValidationError) as caught:
        await store.follow("print")  # type: ignore[arg-type]
    assert str(caught.value) == "on_version must be callable, got 'print'"
    await store.follow()
    with pytest.raises(ValidationError) as caught:
        await store.follow()
    assert str(caught.value) == "this temporal store follows already; close it first"


async def test_a_failed_start_leaves_nothing(
    store: SpacetimeTemporalStore, live: InnerUniverseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> None:
        raise OSError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(live, "get_latest_version", fails)
        with pytest.raises(OSError, match=r"^gone$"):
            await store.follow()
    assert live.subscriptions == []
    await store.follow()


async def test_a_managers_store_stops_following_with_it(live: InnerUniverseClient) -> None:
    manager = PersistenceManager.over(live)
    async with manager:
        assert manager.temporal_store is not None
        await manager.temporal_store.follow()
    assert live.subscriptions == []
