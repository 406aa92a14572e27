"""Figures about events and versions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_inner_universe.persistence import (
    EventMonitor,
    InnerUniverseClient,
    MemoryMetrics,
    PersistenceManager,
    SpacetimeTemporalStore,
    ValidationError,
    VersionConflictError,
    VersionMonitor,
)

pytestmark = pytest.mark.asyncio


async def test_publishing_is_counted_and_timed(live: InnerUniverseClient) -> None:
    metrics = MemoryMetrics()
    async with PersistenceManager.over(live) as manager:
        monitor = EventMonitor(manager.event_bus, metrics)
        id_ = await monitor.publish_event_with_monitoring("TICK", {"n": 1}, source="clock")
        await monitor.publish_event_with_monitoring("TICK", {"n": 2})
        with pytest.raises(ValidationError):
            await monitor.publish_event_with_monitoring("TICK", {"n": float("nan")})
    assert (await live.get_event(id_))["source"] == "clock"
    assert metrics.counter("events.published", event_type="TICK", source="clock") == 1
    assert metrics.counter("events.published", source="unknown") == 1
    assert metrics.counter("events.published") == 2
    assert metrics.histogram("events.publication_latency_ms", event_type="TICK").count == 2
    assert metrics.counter("events.publication_failures", event_type="TICK", error="ValidationError") == 1


async def test_handlers_are_counted_and_their_lag_is_known() -> None:
    metrics = MemoryMetrics()
    monitor = EventMonitor(None, metrics, clock=lambda: 12.5)
    heard: list[Any] = []

    async def later(message: Any) -> str:
        heard.append(message)
        return "later"

    message = SimpleNamespace(type="TICK", timestamp=12.0)
    monitor.watched(heard.append)(message)
    assert await monitor.watched(later)(message) == "later"
    assert heard == [message, message]
    assert metrics.counter("events.handled", event_type="TICK") == 2
    assert metrics.histogram("events.handling_lag_ms", event_type="TICK").mean == 500


async def test_commits_are_counted_and_timed(live: InnerUniverseClient) -> None:
    metrics = MemoryMetrics()
    monitor = VersionMonitor(SpacetimeTemporalStore(live), metrics)
    first = await monitor.commit_version_with_monitoring({"n": 1}, "first")
    second = await monitor.commit_version_with_monitoring({"n": 2}, "second", snapshot=True)
    assert await monitor.store.get_state(second) == {"n": 2}
    with pytest.raises(VersionConflictError):
        await monitor.commit_version_with_monitoring({}, "late", parent_version_id=first, expect_head=True)
    assert metrics.counter("versions.committed") == 2
    assert metrics.histogram("versions.commit_latency_ms").count == 2
    assert metrics.counter("versions.commit_failures", error="VersionConflictError") == 1


async def test_how_far_a_store_is_behind(live: InnerUniverseClient) -> None:
    metrics = MemoryMetrics()
    one, other = (VersionMonitor(SpacetimeTemporalStore(live), metrics) for _ in range(2))
    assert await one.versions_behind() == 0
    await one.store.commit_version({"n": 1}, "first")
    assert (await one.versions_behind(), await other.versions_behind()) == (0, 1)
    await other.store.load_head()
    for n in (2, 3):
        await other.store.commit_version({"n": n}, "further")
    assert (await one.versions_behind(), await other.versions_behind()) == (2, 0)
    await one.store.commit_version({"n": 4}, "a branch")
    assert (await one.versions_behind(), await other.versions_behind()) == (0, 1)
    assert metrics.histogram("versions.behind").count == 7


async def test_figures_go_into_the_metrics_table_where_the_feature_is_on(live: InnerUniverseClient) -> None:
    metrics = MemoryMetrics()
    metrics.increment("events.published", {"event_type": "TICK"}, 3)
    metrics.observe("events.publication_latency_ms", {"event_type": "TICK"}, 2)
    assert await metrics.store(live) == 0
    live.config.features["enable_metrics"] = True
    assert await metrics.store(live) == 5
    rows = {row["name"]: (row["value"], row["kind"], row["tags"]) for row in await live.query_metrics()}
    assert rows["events.published"] == (3.0, "counter", {"event_type": "TICK"})
    assert rows["events.publication_latency_ms.p95"] == (2.0, "histogram", {"event_type": "TICK"})
