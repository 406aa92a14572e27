"""Figures about events: how many were published and handled, how long it took, what failed, how far behind handlers are."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from .event_bus import type_name
from .metrics import Metrics

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
