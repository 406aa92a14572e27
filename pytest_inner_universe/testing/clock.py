"""A test's hand on the clock of its universe."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ..sats import Timestamp
from .errors import InvalidSpan

if TYPE_CHECKING:
    from ..engine.schedule import Timer
    from ..server.handle import DatabaseHandle
    from .universe import Universe


class UniverseClock:
    """Tells the time of a universe and moves it forward.

    On the embedded backend scheduled reducers run when the clock is moved, in the order in which they are due, and at no other
    time. A real server has its own clock: there, advancing means waiting.

    Args:
        universe: Whose clock it is.
    """

    def __init__(self, universe: Universe) -> None:
        self._universe = universe

    @property
    def _handle(self) -> DatabaseHandle:
        self._universe.check_open()
        return self._universe.handle

    def now(self) -> Timestamp:
        """Return the time that the next transaction will have at least."""
        return Timestamp(self._handle.now())

    def advance(self, span: float | timedelta) -> int:
        """Let time pass and run what becomes due.

        Args:
            span: Seconds, or a timedelta; not negative.

        Returns:
            How many scheduled calls ran.

        Raises:
            InvalidSpan: The span is negative, endless or no time at all.
            ScheduleRunaway: Schedules keep running without end.

        Example:
            >>> universe.clock.advance(60)  # doctest: +SKIP
            6
        """
        seconds = span.total_seconds() if isinstance(span, timedelta) else span
        if not isinstance(seconds, (int, float)) or not 0 <= seconds < float("inf"):
            raise InvalidSpan(span)
        return self._handle.advance(round(seconds * 1_000_000))

    def run_due(self) -> int:
        """Run what is due now; return how many scheduled calls that were."""
        return self._handle.advance(0)

    def pending(self) -> list[Timer]:
        """Return what is armed, the next first."""
        return self._handle.pending()
