"""Callbacks: who wants to hear of changes, and how they are run so that none can harm the others."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any, Final

from .errors import CallbackFailed

Callback = Callable[..., Any]
Cancel = Callable[[], None]

logger = logging.getLogger(__name__)

MOST_ERRORS: Final = 100
"""How many failures of callbacks are kept; older ones go."""

LAST_MOMENT: Final = 0.1
"""How many seconds asynchronous callbacks have after the connection was closed under them."""


class Listeners:
    """The callbacks for one kind of change, in the order in which they came."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[object, Callback] = {}

    def add(self, callback: Callback) -> Cancel:
        """Add a callback and return the function that takes it out again, which may be called more than once."""
        if not callable(callback):
            raise TypeError(f"a callback has to be callable, got {callback!r}")
        token = object()
        self._entries[token] = callback
        return lambda: self._entries.pop(token, None) and None

    def __bool__(self) -> bool:
        return bool(self._entries)

    def notify(self, runner: CallbackRunner, *args: Any) -> None:
        """Run all callbacks; one that is taken out by another one before its turn does not run."""
        for token in tuple(self._entries):
            callback = self._entries.get(token)
            if callback is not None:
                runner.run(callback, *args)


class CallbackRunner:
    """Runs callbacks on one event loop and keeps what they raise.

    Args:
        loop: The loop on which asynchronous callbacks go on.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: dict[asyncio.Future[Any], Callback] = {}
        self._exempt: set[asyncio.Future[Any] | None] = set()
        self._waiters: set[asyncio.Future[None]] = set()
        self.errors: deque[CallbackFailed] = deque(maxlen=MOST_ERRORS)

    def run(self, callback: Callback, *args: Any) -> None:
        """Call a callback; if it is asynchronous, let it go on by itself."""
        try:
            result = callback(*args)
            if not isawaitable(result):
                return
            task = asyncio.ensure_future(result, loop=self._loop)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001  # pytest's own outcomes, such as pytest.fail, are not Exceptions
            self._report(callback, error)
            return
        self._tasks[task] = callback
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Future[Any]) -> None:
        callback = self._tasks.pop(task, None)
        if callback is not None and not task.cancelled() and (error := task.exception()) is not None:
            self._report(callback, error)
        self._wake()

    def _report(self, callback: Callback, error: BaseException) -> None:
        failure = CallbackFailed(callback, error)
        self.errors.append(failure)
        logger.error("%s", failure, exc_info=error)
        self._loop.call_exception_handler({"message": str(failure), "exception": error})

    @contextmanager
    def exempt(self) -> Iterator[None]:
        """Closing does not wait for a callback that is in here, nor does one that waits here itself."""
        current = asyncio.current_task()
        is_outermost = current not in self._exempt
        self._exempt.add(current)
        self._wake()
        try:
            yield
        finally:
            if is_outermost:
                self._exempt.discard(current)

    async def drained(self, timeout: float | None = None, *, is_closing: bool = False) -> None:
        """Wait until no asynchronous callback runs any more.

        A callback that waits here itself does not wait for others that do, nor does the one who closes.

        Args:
            timeout: The most seconds to wait.
            is_closing: Whether this is part of closing.
        """
        deadline = None if timeout is None else self._loop.time() + timeout
        spared = self._exempt if is_closing or asyncio.current_task() in self._tasks else set()
        with self.exempt():
            while any(task not in spared for task in self._tasks):
                left = None if deadline is None else deadline - self._loop.time()
                if left is not None and left <= 0:
                    return
                waiter = self._loop.create_future()
                self._waiters.add(waiter)
                try:
                    await asyncio.wait([waiter], timeout=left)
                finally:
                    self._waiters.discard(waiter)

    async def stop(self) -> None:
        """Give asynchronous callbacks a last moment, then cancel those that still run."""
        with self.exempt():
            await self.drained(LAST_MOMENT, is_closing=True)
            late = {task: self._tasks.pop(task) for task in list(self._tasks) if task not in self._exempt}
            for task, callback in late.items():
                task.cancel()
                self._report(callback, TimeoutError("it still ran after the connection was closed, and was cancelled"))
            if late:
                done, _ = await asyncio.wait(late, timeout=LAST_MOMENT)
                for task in done:
                    if not task.cancelled():
                        task.exception()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
