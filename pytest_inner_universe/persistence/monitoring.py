"""Figures about events and versions: how many there were, how long it took, what failed, how far behind somebody is."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from .event_bus import type_name
from .metrics import Metrics
from .temporal_store import SpacetimeTemporalStore

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

COMMITTED = "versions.committed"
"""Counter."""
COMMIT_LATENCY = "versions.commit_latency_ms"
"""Histogram."""
COMMIT_FAILURES = "versions.commit_failures"
"""Counter; tag error."""
BEHIND = "versions.behind"
"""Histogram of how many versions of the database a store did not know of when it was asked."""


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


class VersionMonitor:
    """Counts and times what a temporal store commits, and tells how far it is from the database.

    Args:
        store: The store.
        metrics: Where figures go.

    Example:
        >>> monitor = VersionMonitor(manager.temporal_store, MemoryMetrics())  # doctest: +SKIP
        >>> await monitor.commit_version_with_monitoring({"count": 1}, "first")  # doctest: +SKIP
        >>> await monitor.versions_behind()  # doctest: +SKIP
        0
    """

    def __init__(self, store: SpacetimeTemporalStore, metrics: Metrics) -> None:
        self.store = store
        self.metrics = metrics

    async def commit_version_with_monitoring(self, state: Any, description: str, **options: Any) -> str:
        """Commit a state; what that raises is counted and raised again.

        Args:
            state: The state.
            description: What changed.
            options: Further arguments of `SpacetimeTemporalStore.commit_version`.

        Returns:
            The id of the version.
        """
        start = time.perf_counter()
        try:
            id_ = await self.store.commit_version(state, description, **options)
        except Exception as error:
            self.metrics.increment(COMMIT_FAILURES, {"error": type(error).__name__})
            raise
        self.metrics.increment(COMMITTED, {})
        self.metrics.observe(COMMIT_LATENCY, {}, (time.perf_counter() - start) * 1000)
        return id_

    async def versions_behind(self) -> int:
        """Count the versions between the store's current one and the newest of the database, which reads all versions.

        Where the current one is on another branch, these are the newest ones up to where the branches part.
        """
        chain = [row["version_id"] for row in await self.store.client.get_version_history(limit=None)]
        own = {row["version_id"] for row in await self.store.get_history()} if self.store.current_version_id else set()
        behind = next((count for count, version_id in enumerate(chain) if version_id in own), len(chain))
        self.metrics.observe(BEHIND, {}, behind)
        return behind
