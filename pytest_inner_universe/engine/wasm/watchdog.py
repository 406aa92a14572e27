"""Stops calls that do not end.

wasmtime compares a counter, the engine's *epoch*, with a deadline that each store has, at every loop and function entry. One
thread advances the epoch while there is anything to watch. A call sets its store's deadline so many ticks ahead as its limit
has, so calls in other threads, with deadlines of their own, are not concerned.

The thread starts with the first call. It ends by itself when no deadline can come any more, and at once when the last instance
is closed.
"""

from __future__ import annotations

import atexit
import itertools
import math
import os
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wasmtime import Engine

TICK = 0.05
"""Seconds between two ticks; a call is stopped at most two ticks after its limit."""
ENDLESS = 1 << 62
"""A deadline that never comes."""


def ticks_of(limit: float | None) -> int:
    """Return a limit in seconds as a number of ticks; one more, because the first one may come at once."""
    return ENDLESS if limit is None else math.ceil(limit / TICK) + 1


class Watchdog:
    """Advances the epoch of an engine.

    Attributes:
        epoch: Changes with every tick and whenever the thread ends. A deadline that was set at the present epoch still has
            nearly all of its time, so a call only sets a new one when this has changed.
    """

    def __init__(self, engine: Engine) -> None:
        self.epoch = 1
        self._engine = engine
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._ending = False
        self._needed_until = 0
        self._watched: dict[int, None] = {}
        self._tokens = itertools.count()
        atexit.register(self.stop)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget_thread)

    @property
    def is_running(self) -> bool:
        """Whether the thread is there."""
        return self._thread is not None

    def watch(self, owner: object) -> weakref.finalize[..., object]:
        """Note something that will make calls; call the result when it is closed."""
        token = next(self._tokens)
        self._watched[token] = None
        finalizer = weakref.finalize(owner, self._unwatch, token)
        finalizer.atexit = False
        return finalizer

    def _unwatch(self, token: int) -> None:
        # Finalizers run in the middle of anything, so no lock here: each step is atomic, and the thread decides.
        self._watched.pop(token, None)
        if not self._watched:
            self._wake.set()

    def arm(self, ticks: int) -> int:
        """Make sure that the epoch advances for so many ticks, and return the present one."""
        with self._lock:
            if ticks < ENDLESS:
                self._needed_until = max(self._needed_until, self.epoch + ticks + 2)
                if self._thread is None:
                    self._ending = False
                    self._wake.clear()
                    self._thread = threading.Thread(target=self._run, name="inner-universe-watchdog", daemon=True)
                    self._thread.start()
            return self.epoch

    def _run(self) -> None:
        while True:
            self._wake.wait(TICK)
            with self._lock:
                self.epoch += 1
                if self._ending or not self._watched or self.epoch > self._needed_until:
                    self._thread = None
                    return
                self._wake.clear()
                self._engine.increment_epoch()

    def stop(self) -> None:
        """End the thread and wait for it. A call that is running loses its limit; the next call starts the thread again."""
        with self._lock:
            thread = self._thread
            self._ending = True
            self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _forget_thread(self) -> None:
        """In a forked child the thread does not exist, and nobody may be left to release the lock."""
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread = None
        self.epoch += 1


_watchdog: Watchdog | None = None
_making = threading.Lock()


def watchdog() -> Watchdog:
    """Return the watchdog of the process's engine."""
    global _watchdog  # noqa: PLW0603  # one for the process, as the engine is
    if _watchdog is None:
        from .runtime import engine

        made = engine()
        with _making:
            if _watchdog is None:
                _watchdog = Watchdog(made)
    return _watchdog


def stop_watchdog() -> None:
    """End the thread of the process's watchdog, if there is one; the next call of a module starts it again."""
    if _watchdog is not None:
        _watchdog.stop()
