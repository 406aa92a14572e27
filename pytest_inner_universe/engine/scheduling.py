"""Runs what is due: moves a database's clock through its schedules in the order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..sats import Timestamp
from .clients import NO_CAUSE
from .errors import ScheduleRunaway
from .schedule import ScheduledRow, Timer, key_bytes, next_tick

if TYPE_CHECKING:
    from .core import DatabaseCore
    from .store import Table

MOST_RUNS = 100_000
"""Scheduled calls in one `advance` after which something is taken to be wrong."""


def advance(database: DatabaseCore, micros: int, most: int = MOST_RUNS) -> int:
    """Move the clock of a database and run what becomes due on the way.

    Args:
        database: The database.
        micros: How far, in microseconds; 0 runs what is due now.
        most: Stop with an error after this many runs.

    Returns:
        How many scheduled calls ran.

    Raises:
        ScheduleRunaway: More than ``most`` calls ran; the clock stands at the last one.
    """
    with database.lock:
        database.check_open()
        target = database.clock.now() + micros
        ran = 0
        while (timer := database.scheduler.next()) is not None and timer.due <= target:
            if ran == most:
                raise ScheduleRunaway(database.name, most, timer.table)
            database.clock.move_to(timer.due)
            ran += run(database, timer)
        database.clock.move_to(target)
        return ran


def run(database: DatabaseCore, timer: Timer) -> int:
    """Run the row of a timer, if it is still there; return how many calls that were."""
    database.scheduler.take(timer)
    table = database.datastore.table(timer.table)
    reader = ScheduledRow(table)
    index = reader.key_index
    found = database.view().seek(index, key_bytes(timer.key))
    if not found:
        return 0  # deleted since: that cancels it
    definition = database.module.definition
    if reader.function in definition.procedures:
        _run_procedure(database, timer, reader, found[0])
        return 1
    reducer = definition.reducers[reader.function]
    outcome = database.run_reducer(reducer, found[0])
    _settle(database, timer, reader, outcome.timestamp)
    database.run_immediate()
    return 1


def _run_procedure(database: DatabaseCore, timer: Timer, reader: ScheduledRow, row: bytes) -> None:
    """Run a procedure for a row. A row that was to run once is deleted before, so that it never runs twice."""
    from . import procedures

    _, at = reader.read(row)
    timestamp = database.next_timestamp()
    if isinstance(at, Timestamp):
        _delete(database, reader.table, row)
    procedure = database.module.definition.procedures[reader.function]
    identity = database.identity.to_bytes()
    procedures.run(database, procedure, row, identity, bytes(16), timestamp, is_scheduled=True)
    if not isinstance(at, Timestamp):
        database.scheduler.arm(timer.table, timer.key, next_tick(timer.due, at.micros, max(timestamp, timer.due)))
    database.run_immediate()


def _delete(database: DatabaseCore, table: Table, row: bytes) -> None:
    """Delete a row that was to run once, in a transaction of its own that no call has caused."""
    tx = database.datastore.begin()
    tx.delete(table, row)
    database.cause = NO_CAUSE._replace(caller=database.identity.to_bytes(), timestamp=database.next_timestamp())
    database.commit_own(tx)


def _settle(database: DatabaseCore, timer: Timer, reader: ScheduledRow, now: int) -> None:
    """Delete a row that was to run once, or arm the next tick of one that repeats."""
    table = reader.table
    found = database.view().seek(reader.key_index, key_bytes(timer.key))
    if not found:
        return
    _, at = reader.read(found[0])
    if isinstance(at, Timestamp):
        _delete(database, table, found[0])
    else:
        now = max(now, timer.due)
        last = timer.due if database.release.ticks_keep_pace else now
        database.scheduler.arm(timer.table, timer.key, next_tick(last, at.micros, now))
