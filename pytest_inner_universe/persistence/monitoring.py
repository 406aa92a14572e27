"""Figures about events: how many were published and handled, how long it took, what failed, how far behind handlers are."""

from __future__ import annotations

import functools
import inspect
import math
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum
from importlib import import_module
from typing import Any, Protocol

from .event_bus import type_name

PUBLISHED = "events.published"
"""Counter; tags event_type and source."""
LATENCY = "events.publication_latency_ms"
"""Histogram; tag event_type."""
FAILURES = "events.publication_failures"
"""Counter; tags event_type and error."""
HANDLED = "events.handled"
"""Counter; tag event_type."""
LAG = "events.handling_lag_ms"
"""Histogram of the time from an event's moment to its handler; tag event_type."""
UNKNOWN_SOURCE = "unknown"
_KEPT = 1_000

Tags = Mapping[str, str]


class Metrics(Protocol):
    """Where figures go."""

    @abstractmethod
    def increment(self, name: str, tags: Tags, by: float = 1) -> None:
        """Count something."""

    @abstractmethod
    def observe(self, name: str, tags: Tags, value: float) -> None:
        """Note a value of something that varies."""


class Histogram:
    """Values of something that varies: all of them in sum, the newest one by one."""

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self._newest: deque[float] = deque(maxlen=_KEPT)

    def add(self, value: float) -> None:
        """Note a value."""
        self.count += 1
        self.total += value
        self._newest.append(value)

    @property
    def mean(self) -> float:
        """The mean of all values; 0 where there is none."""
        return self.total / self.count if self.count else 0.0

    def percentile(self, percent: float) -> float:
        """Return the value that so many percent of the newest thousand do not exceed; 0 where there is none.

        Raises:
            ValueError: It is no percentage.
        """
        if not 0 <= percent <= 100:
            raise ValueError(f"a percentile is from 0 to 100, not {percent}")
        values = sorted(self._newest)
        return values[max(0, math.ceil(len(values) * percent / 100) - 1)] if values else 0.0


class MemoryMetrics:
    """Keeps figures in memory.

    Example:
        >>> metrics = MemoryMetrics()
        >>> metrics.increment("events.published", {"event_type": "TICK"})
        >>> metrics.counter("events.published", event_type="TICK")
        1
    """

    def __init__(self) -> None:
        self._counters: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        self._histograms: dict[tuple[str, frozenset[tuple[str, str]]], Histogram] = {}

    def increment(self, name: str, tags: Tags, by: float = 1) -> None:
        """Count something."""
        key = (name, frozenset(tags.items()))
        self._counters[key] = self._counters.get(key, 0) + by

    def observe(self, name: str, tags: Tags, value: float) -> None:
        """Note a value of something that varies."""
        self._histograms.setdefault((name, frozenset(tags.items())), Histogram()).add(value)

    def counter(self, name: str, **tags: str) -> float:
        """Return a count, over all that has at least these tags."""
        wanted = tags.items()
        return sum(count for (known, found), count in self._counters.items() if known == name and wanted <= found)

    def histogram(self, name: str, **tags: str) -> Histogram:
        """Return the values with exactly these tags."""
        return self._histograms.get((name, frozenset(tags.items())), Histogram())

    async def store(self, client: Any) -> int:
        """Write every figure into the metrics table, histograms as count, mean and percentiles; return how many rows that were.

        Where the feature ``enable_metrics`` is off, nothing is written.

        Args:
            client: A connected `InnerUniverseClient`.
        """
        if not client.config.feature("enable_metrics"):
            return 0
        rows: list[tuple[str, float, str, dict[str, str]]] = [
            (name, count, "counter", dict(tags)) for (name, tags), count in self._counters.items()
        ]
        for (name, tags), found in self._histograms.items():
            figures = {
                "count": found.count,
                "mean": found.mean,
                "p50": found.percentile(50),
                "p95": found.percentile(95),
            }
            rows += [(f"{name}.{figure}", value, "histogram", dict(tags)) for figure, value in figures.items()]
        for row in rows:
            await client.record_metric(*row)
        return len(rows)


class PrometheusMetrics:
    """Hands figures to ``prometheus_client``; dots in names become underscores.

    Args:
        registry: Its registry; the library's default unless given.

    Raises:
        ImportError: The package is not installed.
    """

    def __init__(self, registry: Any = None) -> None:
        try:
            self._library = import_module("prometheus_client")
        except ImportError as error:
            raise ImportError("PrometheusMetrics needs prometheus_client: pip install prometheus-client") from error
        self._registry = registry or self._library.REGISTRY
        self._known: dict[str, Any] = {}

    def increment(self, name: str, tags: Tags, by: float = 1) -> None:
        """Count something."""
        self._of(name, tags, self._library.Counter).labels(**tags).inc(by)

    def observe(self, name: str, tags: Tags, value: float) -> None:
        """Note a value of something that varies."""
        self._of(name, tags, self._library.Histogram).labels(**tags).observe(value)

    def _of(self, name: str, tags: Tags, kind: Any) -> Any:
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = kind(name.replace(".", "_"), name, sorted(tags), registry=self._registry)
        return found


class EventMonitor:
    """Counts and times what goes through an event bus.

    Args:
        bus: A `SpacetimeEventBus`, or whatever has its ``publish``.
        metrics: Where figures go.
        clock: Tells the time of day in seconds.

    Example:
        >>> monitor = EventMonitor(manager.event_bus, MemoryMetrics())  # doctest: +SKIP
        >>> await monitor.publish_event_with_monitoring("TICK", {"n": 1})  # doctest: +SKIP
        >>> manager.event_bus.register_handler("TICK", monitor.watched(handle_tick))  # doctest: +SKIP
    """

    def __init__(self, bus: Any, metrics: Metrics, *, clock: Callable[[], float] = time.time) -> None:
        self.bus = bus
        self.metrics = metrics
        self._clock = clock

    async def publish_event_with_monitoring(
        self, event_type: str | Enum, data: Mapping[str, Any] | None, source: str | None = None
    ) -> str:
        """Publish an event; what that raises is counted and raised again.

        Returns:
            The id of the event.
        """
        kind = type_name(event_type)
        start = time.perf_counter()
        try:
            id_: str = await self.bus.publish(event_type, data, source)
        except Exception as error:
            self.metrics.increment(FAILURES, {"event_type": kind, "error": type(error).__name__})
            raise
        self.metrics.increment(PUBLISHED, {"event_type": kind, "source": source or UNKNOWN_SOURCE})
        self.metrics.observe(LATENCY, {"event_type": kind}, (time.perf_counter() - start) * 1000)
        return id_

    def watched(self, handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return a handler that counts its messages, and how far behind it is, before it does what the given one does."""

        def note(message: Any) -> None:
            tags = {"event_type": str(message.type)}
            self.metrics.increment(HANDLED, tags)
            self.metrics.observe(LAG, tags, max(0.0, (self._clock() - message.timestamp) * 1000))

        if inspect.iscoroutinefunction(handler):

            @functools.wraps(handler)
            async def watched_later(message: Any) -> Any:
                note(message)
                return await handler(message)

            return watched_later

        @functools.wraps(handler)
        def watched(message: Any) -> Any:
            note(message)
            return handler(message)

        return watched
