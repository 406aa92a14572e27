"""Counters and histograms, and where they are kept."""

from __future__ import annotations

import sys

import pytest
from prometheus_client import CollectorRegistry

from pytest_inner_universe.persistence import MemoryMetrics, PrometheusMetrics
from pytest_inner_universe.persistence.metrics import Histogram


def test_percentiles() -> None:
    histogram = Histogram()
    assert (histogram.mean, histogram.percentile(50)) == (0.0, 0.0)
    for value in range(1, 101):
        histogram.add(value)
    assert [histogram.percentile(percent) for percent in (0, 50, 95, 100)] == [1, 50, 95, 100]
    with pytest.raises(ValueError, match=r"^a percentile is from 0 to 100, not 101$"):
        histogram.percentile(101)


def test_rates() -> None:
    now = 100.0
    metrics = MemoryMetrics(clock=lambda: now)
    assert metrics.rate("events.published") == 0
    metrics.increment("events.published", {"event_type": "TICK"}, 30)
    metrics.increment("events.published", {"event_type": "TOCK"}, 10)
    now = 110.0
    assert metrics.rate("events.published") == 4
    assert metrics.rate("events.published", event_type="TICK") == 3


def test_prometheus() -> None:
    metrics = PrometheusMetrics(CollectorRegistry())
    metrics.increment("events.published", {"source": "web", "event_type": "TICK"})
    metrics.increment("events.published", {"source": "web", "event_type": "TICK"}, 2)
    metrics.observe("events.publication_latency_ms", {"event_type": "TICK"}, 1.5)
    lines = metrics.text().decode().splitlines()
    assert 'events_published_total{event_type="TICK",source="web"} 3.0' in lines
    assert 'events_publication_latency_ms_sum{event_type="TICK"} 1.5' in lines
    assert 'events_publication_latency_ms_count{event_type="TICK"} 1.0' in lines


def test_without_prometheus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ImportError) as caught:
        PrometheusMetrics()
    assert (
        str(caught.value)
        == "PrometheusMetrics needs prometheus_client: pip install 'pytest-inner-universe[prometheus]'"
    )
