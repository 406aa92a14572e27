"""Figures about events."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_inner_universe.persistence import (
    EventMonitor,
    InnerUniverseClient,
    MemoryMetrics,
    PersistenceManager,
    ValidationError,
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
