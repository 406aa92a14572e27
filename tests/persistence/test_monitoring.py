"""Figures about events."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_inner_universe.persistence import (
    EventMonitor,
    InnerUniverseClient,
    MemoryMetrics,
    PersistenceManager,
    PrometheusMetrics,
    ValidationError,
)
from pytest_inner_universe.persistence.monitoring import Histogram

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


async def test_percentiles() -> None:
    histogram = Histogram()
    assert (histogram.mean, histogram.percentile(50)) == (0.0, 0.0)
    for value in range(1, 101):
        histogram.add(value)
    assert [histogram.percentile(percent) for percent in (0, 50, 95, 100)] == [1, 50, 95, 100]
    with pytest.raises(ValueError, match=r"^a percentile is from 0 to 100, not 101$"):
        histogram.percentile(101)


class FakePrometheus:
    """Has what is used of the library, and writes down what is done."""

    REGISTRY = "the default"

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []

    def _made(self, kind: str, name: str, labels: list[str], registry: Any) -> Any:
        self.done.append((kind, name, labels, registry))

        def labelled(**tags: str) -> Any:
            def note(value: float) -> None:
                self.done.append((name, tags, value))

            return SimpleNamespace(inc=note, observe=note)

        return SimpleNamespace(labels=labelled)

    def Counter(self, name: str, text: str, labels: list[str], *, registry: Any) -> Any:
        return self._made("counter", name, labels, registry)

    def Histogram(self, name: str, text: str, labels: list[str], *, registry: Any) -> Any:
        return self._made("histogram", name, labels, registry)


async def test_prometheus(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakePrometheus()
    monkeypatch.setitem(sys.modules, "prometheus_client", library)
    metrics = PrometheusMetrics()
    metrics.increment("events.published", {"source": "web", "event_type": "TICK"})
    metrics.increment("events.published", {"source": "web", "event_type": "TICK"})
    metrics.observe("events.publication_latency_ms", {"event_type": "TICK"}, 1.5)
    assert library.done == [
        ("counter", "events_published", ["event_type", "source"], "the default"),
        ("events_published", {"source": "web", "event_type": "TICK"}, 1),
        ("events_published", {"source": "web", "event_type": "TICK"}, 1),
        ("histogram", "events_publication_latency_ms", ["event_type"], "the default"),
        ("events_publication_latency_ms", {"event_type": "TICK"}, 1.5),
    ]


async def test_without_prometheus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ImportError) as caught:
        PrometheusMetrics()
    assert str(caught.value) == "PrometheusMetrics needs prometheus_client: pip install prometheus-client"
