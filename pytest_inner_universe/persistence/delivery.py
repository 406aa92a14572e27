"""Delivery of changes and events to one handler: in order, isolated, plain or async."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

SETTLE_SECONDS = 5.0
"""How long an async handler may go on after what it listens to has ended."""


class Delivery:
    """Calls one handler for one thing after the other.

    A plain handler is called at once. An async one runs in a task of its own, and what arrives meanwhile waits its
    turn, so that a slow handler delays nobody else and never sees two things at once or in another order. What a
    handler raises is logged and goes no further.

    Args:
        handler: What to call; may return an awaitable.
        logger: Where its failures are logged.
        title: How the log names it.
    """

    def __init__(self, handler: Callable[..., Any], logger: logging.Logger, title: str) -> None:
        if not callable(handler):
            raise TypeError(f"{title} must be callable, got {handler!r}")
        self.handler = handler
        self._logger = logger
        self._title = title
        self._waiting: deque[tuple[Any, ...]] = deque()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an async handler is still at work."""
        return self._task is not None

    def __call__(self, *args: Any) -> None:
        """Deliver, now or when the handler is free."""
        if self._task is not None:
            self._waiting.append(args)
            return
        awaitable = self._begin(args)
        if awaitable is not None:
            self._task = asyncio.get_running_loop().create_task(self._work(awaitable))

    async def settle(self, timeout: float | None = None) -> None:
        """Wait until everything is delivered; after the timeout (in seconds), cancel the handler and drop the rest.

        Called by the handler itself it does not wait.
        """
        task = self._task
        if task is None or task is asyncio.current_task():
            return
        await asyncio.wait({task}, timeout=timeout)
        if not task.done():
            self._logger.warning("%s did not finish within %s s and was cancelled", self._title, timeout)
            self._waiting.clear()
            task.cancel()
            await asyncio.wait({task})

    async def _work(self, awaitable: Awaitable[Any]) -> None:
        try:
            await self._finish(awaitable)
            while self._waiting:
                following = self._begin(self._waiting.popleft())
                if following is not None:
                    await self._finish(following)
        finally:
            self._task = None

    def _begin(self, args: tuple[Any, ...]) -> Awaitable[Any] | None:
        try:
            result = self.handler(*args)
        except Exception:
            self._logger.exception("%s failed", self._title)
            return None
        return result if inspect.isawaitable(result) else None

    async def _finish(self, awaitable: Awaitable[Any]) -> None:
        try:
            await awaitable
        except Exception:
            self._logger.exception("%s failed", self._title)
