"""Where figures go: counters and values of what varies, in memory, in the metrics table, or in Prometheus."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol

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

    Args:
        clock: Counts seconds, from any moment.

    Example:
        >>> metrics = MemoryMetrics()
        >>> metrics.increment("events.published", {"event_type": "TICK"})
        >>> metrics.counter("events.published", event_type="TICK")
        1
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
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

    def rate(self, name: str, **tags: str) -> float:
        """Return how often per second something was counted since this object was made."""
        seconds = self._clock() - self._start
        return self.counter(name, **tags) / seconds if seconds > 0 else 0.0

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
            raise ImportError(
                "PrometheusMetrics needs prometheus_client: pip install 'pytest-inner-universe[prometheus]'"
            ) from error
        self.registry: Any = registry or self._library.REGISTRY
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
            found = self._known[name] = kind(name.replace(".", "_"), name, sorted(tags), registry=self.registry)
        return found

    def text(self) -> bytes:
        """Return all figures of the registry as Prometheus reads them."""
        written: bytes = self._library.generate_latest(self.registry)
        return written
