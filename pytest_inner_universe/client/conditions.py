"""Conditions over the cached rows that tasks wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from .errors import ConnectionLost, Ending, WaitTimeout, name_of

Outcome = TypeVar("Outcome")


class Conditions:
    """What waits to come true on one event loop.

    Args:
        loop: The loop of the tasks that wait.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[asyncio.Future[Any], Callable[[], Any]] = {}

    async def wait(self, condition: Callable[[], Outcome], timeout: float | None) -> Outcome:
        """Wait until a condition is true, and return what it returned then.

        Raises:
            WaitTimeout: The time was over first.
            ConnectionLost: The connection went away first.
        """
        outcome = condition()
        if outcome:
            return outcome
        future: asyncio.Future[Outcome] = self._loop.create_future()
        self._waiting[future] = condition
        timer = None
        if timeout is not None:
            timer = self._loop.call_later(timeout, _expire, future, condition, timeout)
        try:
            return await future
        finally:
            if timer is not None:
                timer.cancel()
            self._waiting.pop(future, None)

    def check(self) -> None:
        """Look at all conditions, after something has changed."""
        for future, condition in tuple(self._waiting.items()):
            if future.done():
                continue
            try:
                outcome = condition()
            except Exception as error:  # noqa: BLE001  # it belongs to whoever waits
                future.set_exception(error)
            else:
                if outcome:
                    future.set_result(outcome)

    def fail(self, ending: Ending, cause: BaseException | None) -> None:
        """Tell everybody that nothing will change any more."""
        for future, condition in self._waiting.items():
            if not future.done():
                error = ConnectionLost(
                    f"the condition {name_of(condition)}", ending.reason, ending.code, ending.closed_by
                )
                error.__cause__ = cause
                future.set_exception(error)


def _expire(future: asyncio.Future[Any], condition: Callable[[], Any], timeout: float) -> None:
    if not future.done():
        future.set_exception(WaitTimeout(name_of(condition), timeout))
