"""A cache of values that cost a request to compute: bounded in time and size, and computed once for all who ask together."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from inspect import isawaitable
from types import TracebackType
from typing import Any

SWEEP_SECONDS = 60.0
Clock = Callable[[], float]
_MISSING: Any = object()


class CacheEntry:
    """A value and its time to live.

    Args:
        value: The value; None and other false ones are values like all others.
        ttl_seconds: How long it may be used, in seconds.
        clock: Tells the time in seconds.
    """

    __slots__ = ("_clock", "_expires", "size", "value")

    def __init__(self, value: Any, ttl_seconds: float, clock: Clock = time.monotonic) -> None:
        self.value = value
        self.size = size_of(value)
        """Bytes that it takes up, roughly."""
        self._clock = clock
        self._expires = clock() + ttl_seconds

    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self._clock() >= self._expires


class _Flight:
    """A computation that several callers wait for."""

    def __init__(self, task: asyncio.Future[Any]) -> None:
        self.task = task
        self.waiters = 0


class Cache:
    """Values by key. Of those that are too many, what was not used for longest goes first.

    Args:
        ttl_seconds: How long a value may be used.
        max_bytes: The most that all values together may take up, roughly; None for no bound. A value that is larger by itself is
            not kept.
        clock: Tells the time in seconds.
        dropped: Called with key and value when a value goes, whatever the reason.

    Example:
        >>> cache = Cache(ttl_seconds=60)
        >>> cache.set("answer", 42)
        >>> cache.get("answer")
        42
    """

    def __init__(
        self,
        ttl_seconds: float = 300,
        *,
        max_bytes: int | None = None,
        clock: Clock = time.monotonic,
        dropped: Callable[[Hashable, Any], object] | None = None,
    ) -> None:
        self.ttl_seconds = ttl_seconds
        self.max_bytes = max_bytes
        self.hits = 0
        """How many values were found."""
        self.misses = 0
        """How many were not."""
        self.size = 0
        """Bytes that all values take up, roughly."""
        self._clock = clock
        self._dropped = dropped
        self._entries: OrderedDict[Hashable, CacheEntry] = OrderedDict()
        self._flights: dict[Hashable, _Flight] = {}
        self._sweeper: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Hashable) -> bool:
        entry = self._entries.get(key)
        return entry is not None and not entry.is_expired()

    def get(self, key: Hashable, default: Any = None) -> Any:
        """Return a value, or the default where there is none; an expired one is removed."""
        entry = self._entries.get(key)
        if entry is not None and entry.is_expired():
            self._drop(key)
            entry = None
        if entry is None:
            self.misses += 1
            return default
        self.hits += 1
        self._entries.move_to_end(key)
        return entry.value

    def peek(self, key: Hashable) -> Any:
        """Return a value as `get` does, without counting that as a use; None where there is none."""
        entry = self._entries.get(key)
        return None if entry is None or entry.is_expired() else entry.value

    def set(self, key: Hashable, value: Any, ttl_seconds: float | None = None) -> None:
        """Keep a value.

        Args:
            key: Its key.
            value: The value.
            ttl_seconds: How long it may be used; as long as all others unless given.
        """
        self._drop(key)
        entry = CacheEntry(value, self.ttl_seconds if ttl_seconds is None else ttl_seconds, self._clock)
        self._entries[key] = entry
        self.size += entry.size
        while self.max_bytes is not None and self.size > self.max_bytes:
            self._drop(next(iter(self._entries)))

    def invalidate(self, key: Hashable) -> bool:
        """Forget a value, and the one that is being computed for the key; return whether there was one."""
        self._flights.pop(key, None)
        return self._drop(key)

    def clear(self) -> None:
        """Forget all values."""
        self._flights.clear()
        for key in list(self._entries):
            self._drop(key)

    async def get_or_compute(
        self, key: Hashable, compute_func: Callable[[], Any | Awaitable[Any]], ttl_seconds: float | None = None
    ) -> Any:
        """Return a value, computing it where there is none; who asks meanwhile waits for the same computation.

        A caller that is cancelled leaves the others waiting; the computation is cancelled with the last. What it raises, all get, and
        nothing is kept. A value that was invalidated while it was computed is returned and not kept.

        Args:
            key: Its key.
            compute_func: Computes it; plain or async.
            ttl_seconds: As for `set`.
        """
        found = self.get(key, _MISSING)
        if found is not _MISSING:
            return found
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(_computed(compute_func)))
            flight.task.add_done_callback(lambda task: self._landed(key, flight, task, ttl_seconds))
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._flights.pop(key, None)
                flight.task.cancel()

    def _landed(
        self, key: Hashable, flight: _Flight | None, task: asyncio.Future[Any], ttl_seconds: float | None
    ) -> None:
        if self._flights.get(key) is not flight:
            return
        del self._flights[key]
        if not task.cancelled() and task.exception() is None:
            self.set(key, task.result(), ttl_seconds)

    def sweep(self) -> int:
        """Remove what has expired; return how many values that were."""
        expired = [key for key, entry in self._entries.items() if entry.is_expired()]
        for key in expired:
            self._drop(key)
        return len(expired)

    async def cleanup(self) -> None:
        """Begin to remove expired values once a minute in the background; `stop` ends that."""
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep_for_ever(), name="inner-universe-cache")

    async def stop(self) -> None:
        """End what `cleanup` began; harmless otherwise."""
        sweeper, self._sweeper = self._sweeper, None
        if sweeper is not None:
            sweeper.cancel()
            await asyncio.wait({sweeper})

    async def __aenter__(self) -> Cache:
        await self.cleanup()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.sweep()

    def _drop(self, key: Hashable) -> bool:
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self.size -= entry.size
        if self._dropped is not None:
            self._dropped(key, entry.value)
        return True


async def _computed(compute_func: Callable[[], Any]) -> Any:
    value = compute_func()
    return await value if isawaitable(value) else value


def size_of(value: Any) -> int:
    """Return how many bytes a value takes up with what it holds, roughly."""
    size = sys.getsizeof(value)
    if isinstance(value, Mapping):
        return size + sum(size_of(key) + size_of(item) for key, item in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return size + sum(map(size_of, value))
    return size
