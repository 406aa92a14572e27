"""The decorator that gives an asynchronous retrieval a cache."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

from .cache import SWEEP_SECONDS, Cache, Clock

_Function = Callable[..., Awaitable[Any]]


class CachedFunction:
    """An asynchronous function with a cache: one for each instance where it is a method.

    Args:
        function: The function.
        ttl_seconds: How long a result may be used.
        clock: Tells the time in seconds.
        instance: Whose method it is.
        cache: Where results are; a new one unless given.
    """

    def __init__(
        self, function: _Function, ttl_seconds: float, clock: Clock, instance: Any = None, cache: Cache | None = None
    ) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._instance = instance
        self.cache = cache or Cache(ttl_seconds, clock=clock)
        """The results by arguments."""
        self._swept = clock()

    def __set_name__(self, owner: type, name: str) -> None:
        self._attribute = f"_cached_{name}"

    def __get__(self, instance: Any, owner: type | None = None) -> CachedFunction:
        if instance is None:
            return self
        bound: CachedFunction | None = instance.__dict__.get(self._attribute)
        if bound is None:
            bound = CachedFunction(self._function, self._ttl_seconds, self._clock, instance)
            instance.__dict__[self._attribute] = bound
        return bound

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the result for these arguments, which is the same object each time until it expires."""
        now = self._clock()
        if now - self._swept >= SWEEP_SECONDS:
            self._swept = now
            self.cache.sweep()
        given = args if self._instance is None else (self._instance, *args)
        return await self.cache.get_or_compute(_key(args, kwargs), lambda: self._function(*given, **kwargs))

    def invalidate(self, *args: Any, **kwargs: Any) -> bool:
        """Forget the result for these arguments; return whether there was one."""
        return self.cache.invalidate(_key(args, kwargs))

    def clear(self) -> None:
        """Forget all results."""
        self.cache.clear()


def cache_entity(ttl_seconds: float = 300, *, clock: Clock = time.monotonic) -> Callable[[_Function], CachedFunction]:
    """Keep the results of an asynchronous retrieval by id, for each instance and all arguments.

    Args:
        ttl_seconds: How long a result may be used.
        clock: Tells the time in seconds.

    Example:
        >>> class Store:
        ...     @cache_entity(ttl_seconds=60)
        ...     async def person(self, id):
        ...         return await self.client.get_entity(id)
        >>> # store.person.invalidate("p-1"), store.person.clear()
    """
    return lambda function: CachedFunction(function, ttl_seconds, clock)


def _key(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
    key = (args, tuple(sorted(kwargs.items())))
    try:
        hash(key)
    except TypeError:
        return repr(key)
    return key
