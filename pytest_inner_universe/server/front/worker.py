"""A thread that works for one database, so that a long reducer of one never keeps the others waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Worker:
    """Does what it is given, one after the other; its thread starts with the first job.

    Args:
        name: Name of the thread.
        tick: Called after every job, and again after as many seconds without one as it returned; None for never.
    """

    def __init__(self, name: str, tick: Callable[[], float | None] | None = None) -> None:
        self.name = name
        self._tick = tick
        self._jobs: SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._stopped = False

    @property
    def is_behind(self) -> bool:
        """Whether there is more to do than what is being done."""
        return not self._jobs.empty()

    def give(self, job: Callable[..., object], *args: Any) -> bool:
        """Have something done, by a function that does not raise; return False if the worker has been stopped."""
        with self._lock:
            if self._stopped:
                return False
            if self._thread is None:
                self._thread = threading.Thread(target=self._live, name=self.name, daemon=True)
                self._thread.start()
            self._jobs.put((job, args))
            return True

    async def run(self, job: Callable[..., T], *args: Any) -> T:
        """Have something done and return what came of it, or raise what it raised.

        Raises:
            WorkerStopped: The worker has been stopped.
        """
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()
        if not self.give(self._work, loop, result, job, args):
            raise WorkerStopped
        return await result

    @staticmethod
    def _work(
        loop: asyncio.AbstractEventLoop, result: asyncio.Future[T], job: Callable[..., T], args: tuple[Any, ...]
    ) -> None:
        try:
            value = job(*args)
        except BaseException as error:  # noqa: BLE001  # whoever waits for it gets it
            tell(loop, _fail, result, error)
        else:
            tell(loop, _succeed, result, value)

    def _live(self) -> None:
        wait: float | None = None
        while True:
            try:
                entry = self._jobs.get(timeout=wait)
            except Empty:
                pass
            else:
                if entry is None:
                    return
                job, args = entry
                job(*args)
                del entry, job, args  # nothing of the last job is kept while there is no other
            if self._tick is not None:
                wait = self._tick()

    def stop(self) -> None:
        """Finish what was given, then end; returns when the thread has ended. Does nothing the second time."""
        with self._lock:
            if not self._stopped:
                self._stopped = True
                self._jobs.put(None)
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()


class WorkerStopped(Exception):
    """A job came too late: the database has been taken from its server."""


def tell(loop: asyncio.AbstractEventLoop, callback: Callable[..., object], *args: Any) -> None:
    """Call something on a loop's own thread, unless the loop has ended, when there is nobody left to hear it."""
    try:
        loop.call_soon_threadsafe(callback, *args)
    except RuntimeError:
        if not loop.is_closed():
            raise


def _succeed(result: asyncio.Future[T], value: T) -> None:
    if not result.done():
        result.set_result(value)


def _fail(result: asyncio.Future[Any], error: BaseException) -> None:
    if not result.done():
        result.set_exception(error)
