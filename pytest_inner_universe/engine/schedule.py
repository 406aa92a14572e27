"""When the rows of scheduled tables are due.

A timer belongs to a table and to the primary key of a row. It only says when to look: whether the row is still there, and
what it asks for, is read when the time has come. So a row that was deleted, or whose transaction never committed, simply is
not found.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..sats import TimeDuration, Timestamp, codec
from ..sats.types import U64

if TYPE_CHECKING:
    from .store import Datastore, Table

MAX_DELAY_MICROS = (64**6 - 1) * 1000
"""Longest delay that a server accepts, a little over two years."""


@dataclass(frozen=True)
class Timer:
    """A row to look for at a time.

    Args:
        due: Microseconds since the Unix epoch.
        table: Name of the scheduled table.
        key: Primary key of the row.
    """

    due: int
    table: str
    key: int


class ScheduledRow:
    """Reads the key and the schedule of the rows of one scheduled table."""

    def __init__(self, table: Table) -> None:
        schedule = table.definition.schedule
        assert schedule is not None
        assert table.definition.primary_key is not None
        self.table = table
        self.function = schedule.function
        self._at = table.definition.columns[schedule.at_column].name
        self._key = table.definition.columns[table.definition.primary_key].name
        self.key_index = next(index for index in table.indexes if index.columns == (table.definition.primary_key,))
        self._codec = table.definition.row_codec

    def read(self, row: bytes) -> tuple[int, TimeDuration | Timestamp]:
        """Return primary key and schedule of a row."""
        values = self._codec.decode(row)
        return values[self._key], values[self._at]


def key_bytes(key: int) -> bytes:
    """Return a primary key as it stands in an index."""
    return codec(U64).encode(key)


class Scheduler:
    """The timers of one database.

    Args:
        load: Gives the datastore whose rows are read when the timers are needed for the first time, so that a fork of a
            database costs nothing here.
    """

    def __init__(self, load: Callable[[], Datastore]) -> None:
        self._load = load
        self._heap: list[tuple[int, int, Timer]] = []
        self._armed: dict[tuple[str, int], Timer] = {}
        self._count = 0
        self._loaded = False
        self.loaded_at: int | None = None

    def restart(self, now: int) -> None:
        """Forget all timers and arm what the datastore holds, as a server does when it starts.

        Args:
            now: Intervals count from here.
        """
        self._heap.clear()
        self._armed.clear()
        self._loaded = False
        self.loaded_at = now

    def close(self) -> None:
        """Forget everything, the database too, which would otherwise be part of a circle of references."""
        self._heap.clear()
        self._armed.clear()
        self._loaded = True
        self._load = _nothing

    def _ensure(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        datastore = self._load()
        view = datastore.view()
        for definition in datastore.definition.tables.values():
            if definition.schedule is None:
                continue
            table = datastore.table(definition.name)
            reader = ScheduledRow(table)
            for row in view.rows(table):
                key, at = reader.read(row)
                if (table.name, key) not in self._armed:
                    self.arm(table.name, key, due_time(at, self.loaded_at or 0))

    def arm(self, table: str, key: int, due: int) -> None:
        """Set or replace the timer of a row."""
        timer = self._armed[table, key] = Timer(due, table, key)
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, timer))

    def next(self) -> Timer | None:
        """Return the timer that is due first, None if there is none."""
        self._ensure()
        while self._heap:
            timer = self._heap[0][2]
            if self._armed.get((timer.table, timer.key)) is timer:
                return timer
            heapq.heappop(self._heap)  # replaced or cancelled since
        return None

    def take(self, timer: Timer) -> None:
        """Remove a timer that is about to run."""
        if self._armed.get((timer.table, timer.key)) is timer:
            del self._armed[timer.table, timer.key]

    def pending(self) -> list[Timer]:
        """Return all timers in the order in which they are due."""
        self._ensure()
        return sorted(self._armed.values(), key=lambda timer: (timer.due, timer.table, timer.key))


def _nothing() -> Datastore:
    raise LookupError("the scheduler was closed")


def due_time(at: TimeDuration | Timestamp, now: int) -> int:
    """Return when a row is due that is written now."""
    return now + abs(at.micros) if isinstance(at, TimeDuration) else at.micros


def next_tick(intended: int, interval: int, now: int) -> int:
    """Return the first tick after now on the grid of an interval that was last meant to run at ``intended``."""
    step = max(abs(interval), 1)
    missed = max(0, (now - intended) // step)
    return intended + (missed + 1) * step
