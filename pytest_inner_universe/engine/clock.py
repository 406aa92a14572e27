"""What time it is for a database.

A database asks its clock whenever a transaction starts and whenever it looks for schedules that are due. Nothing happens
because time passes: whoever holds the database moves the clock (`scheduling.advance`), and what is due then runs, in order.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time and can be moved forward."""

    def now(self) -> int:
        """Return microseconds since the Unix epoch."""

    def move_to(self, micros: int) -> None:
        """Let it be that time now; a time in the past leaves the clock as it is."""


class WallClock:
    """Follows the machine's clock, plus what it was moved forward."""

    def __init__(self) -> None:
        self._offset = 0

    def now(self) -> int:
        """Return microseconds since the Unix epoch."""
        return time.time_ns() // 1000 + self._offset

    def move_to(self, micros: int) -> None:
        """Shift the clock so that it shows this time and goes on from there."""
        self._offset += max(0, micros - self.now())


class ManualClock:
    """Stands still until it is moved; the same run gives the same times.

    Args:
        start: Microseconds since the Unix epoch that it shows first.
    """

    DEFAULT_START = 1_700_000_000_000_000

    def __init__(self, start: int = DEFAULT_START) -> None:
        self._now = start

    def now(self) -> int:
        """Return microseconds since the Unix epoch."""
        return self._now

    def move_to(self, micros: int) -> None:
        """Set the clock to this time, if that is ahead."""
        self._now = max(self._now, micros)
