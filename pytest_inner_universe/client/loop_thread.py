"""An event loop for code that is not asynchronous."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import RequestTimeout

if TYPE_CHECKING:
    from typing_extensions import Self

Result = TypeVar("Result")


class LoopThread:
    """An event loop that runs in a thread of its own.

    The thread is a daemon: a process can end without having closed it.

    Example:
        >>> async def answer():
        ...     return 42
        >>> with LoopThread() as loop:
        ...     loop.run(answer())
        42
    """

    def __init__(self, name: str = "inner-universe-client") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._is_closed = False
        self._thread.start()

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def run(self, coroutine: Coroutine[Any, Any, Result], timeout: float | None = None) -> Result:
        """Run a coroutine on the loop, and wait for its result.

        Args:
            coroutine: What to run.
            timeout: The most seconds to wait; the coroutine is cancelled then. None for as long as it takes.

        Raises:
            RequestTimeout: The time was over first.
            RuntimeError: The loop is closed, or this is its own thread.
        """
        if self._is_closed or threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("the loop is closed" if self._is_closed else "the loop would wait for itself")
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(timeout)
        except concurrent.futures.TimeoutError:
            if future.done():
                raise  # an error of the coroutine's own
            self._cancel(future)
            what = getattr(coroutine, "__qualname__", "a coroutine")
            raise RequestTimeout(f"the result of {what}", timeout or 0) from None
        except BaseException:
            self._cancel(future)
            raise

    def _cancel(self, future: concurrent.futures.Future[Any]) -> None:
        if not future.done():
            future.cancel()

    @property
    def is_closed(self) -> bool:
        """Whether it has been closed."""
        return self._is_closed

    def call(self, function: Callable[..., Result], *args: Any) -> Result:
        """Call a function on the loop's thread, and wait for its result."""

        async def on_the_loop() -> Result:
            return function(*args)

        return self.run(on_the_loop())

    def close(self) -> None:
        """Cancel what runs and end the thread; does nothing the second time."""
        if self._is_closed:
            return
        with suppress(RequestTimeout):
            self.run(_cancel_all(), timeout=5.0)
        self._is_closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def __enter__(self) -> LoopThread:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


Facade = TypeVar("Facade", bound="OnLoop")


class OnLoop:
    """What clients for code that is not asynchronous share: the loop that theirs runs on, and the end of both.

    Args:
        loop: A loop to share; one of its own unless given.
    """

    def __init__(self, loop: LoopThread | None) -> None:
        self._owns_loop = loop is None
        self._loop = LoopThread() if loop is None else loop

    async def _end(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Close what is open to the server, and the loop if it is its own; a second time does nothing."""
        if not self._loop.is_closed:
            self._loop.run(self._end())
            if self._owns_loop:
                self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
