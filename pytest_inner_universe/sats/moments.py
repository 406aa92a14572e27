"""Points in time and spans of time, in microseconds."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import total_ordering
from typing import Any, overload

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class _Micros:
    """A count of microseconds."""

    __slots__ = ("_micros",)

    def __init__(self, micros: int) -> None:
        self._micros = micros

    @property
    def micros(self) -> int:
        """The count."""
        return self._micros

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._micros == self._micros

    def __lt__(self, other: Any) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return bool(self.micros < other.micros)

    def __hash__(self) -> int:
        return hash((type(self), self.micros))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.micros})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.micros,)


@total_ordering
class TimeDuration(_Micros):
    """A span of time, which may be negative.

    Args:
        micros: Length in microseconds.
    """

    __slots__ = ()

    @classmethod
    def from_timedelta(cls, delta: timedelta) -> TimeDuration:
        """Convert from the standard library's form."""
        return cls(delta // timedelta(microseconds=1))

    def to_timedelta(self) -> timedelta:
        """Convert to the standard library's form."""
        return timedelta(microseconds=self.micros)

    def __str__(self) -> str:
        seconds, micros = divmod(abs(self.micros), 1_000_000)
        return f"{'-' * (self.micros < 0)}{seconds}.{micros:06} s"


@total_ordering
class Timestamp(_Micros):
    """A point in time.

    Args:
        micros: Microseconds since the Unix epoch.
    """

    __slots__ = ()

    @classmethod
    def from_datetime(cls, moment: datetime) -> Timestamp:
        """Convert from an aware datetime.

        Raises:
            ValueError: The datetime has no time zone.
        """
        if moment.tzinfo is None:
            raise ValueError(f"a datetime without time zone is not a point in time: {moment!r}")
        return cls((moment - _EPOCH) // timedelta(microseconds=1))

    @classmethod
    def from_seconds(cls, seconds: float) -> Timestamp:
        """Convert from seconds since the epoch."""
        return cls(round(seconds * 1_000_000))

    def to_datetime(self) -> datetime:
        """Convert to an aware datetime in UTC."""
        return _EPOCH + timedelta(microseconds=self.micros)

    def to_seconds(self) -> float:
        """Convert to seconds since the epoch."""
        return self.micros / 1_000_000

    def __add__(self, other: TimeDuration | timedelta) -> Timestamp:
        span = other if isinstance(other, TimeDuration) else TimeDuration.from_timedelta(other)
        return Timestamp(self.micros + span.micros)

    @overload
    def __sub__(self, other: Timestamp) -> TimeDuration: ...

    @overload
    def __sub__(self, other: TimeDuration | timedelta) -> Timestamp: ...

    def __sub__(self, other: Timestamp | TimeDuration | timedelta) -> TimeDuration | Timestamp:
        if isinstance(other, Timestamp):
            return TimeDuration(self.micros - other.micros)
        span = other if isinstance(other, TimeDuration) else TimeDuration.from_timedelta(other)
        return Timestamp(self.micros - span.micros)

    def __str__(self) -> str:
        try:
            return self.to_datetime().isoformat()
        except OverflowError:
            return f"{self.micros} us"
