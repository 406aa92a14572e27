"""Scheduled reducers on a clock that tests move."""

from __future__ import annotations

import pytest
from engine.conftest import Guest, rows

from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.errors import ScheduleRunaway
from pytest_inner_universe.engine.schedule import MAX_DELAY_MICROS, next_tick
from pytest_inner_universe.engine.scheduling import advance

SECOND = 1_000_000


def seen(database: Database) -> list[object]:
    return [row["what"] for row in rows(database, "seen")]


def test_a_one_shot_runs_when_its_time_has_come_and_is_gone(database: Database) -> None:
    Guest(database).call("schedule_once", 10 * SECOND, "tea")
    assert advance(database, 9 * SECOND) == 0
    assert seen(database) == []
    assert advance(database, SECOND) == 1
    assert seen(database) == ["once tea"]
    assert rows(database, "once") == []
    assert advance(database, 100 * SECOND) == 0


def test_nobody_called_for_the_end_of_a_row_that_has_run(database: Database) -> None:
    Guest(database).call("schedule_once", 10, "tea")
    advance(database, 10)
    own = (database.identity.to_bytes(), bytes(16))
    assert (database.cause.reducer, database.cause.args, database.cause.caller, database.cause.connection) == (
        "",
        b"",
        *own,
    )


def test_what_is_due_already_runs_when_the_clock_is_looked_at(database: Database) -> None:
    Guest(database).call("schedule_once", -5, "late")
    assert advance(database, 0) == 1


def test_an_interval_repeats_on_its_grid(database: Database) -> None:
    Guest(database).call("start_ticks", 2 * SECOND)
    assert advance(database, 7 * SECOND) == 3
    assert seen(database) == ["tick 1"]  # rows are a set
    assert advance(database, SECOND) == 1
    assert len(rows(database, "tick")) == 1


def test_deleting_the_row_cancels(database: Database) -> None:
    guest = Guest(database)
    guest.call("start_ticks", SECOND)
    guest.call("stop_ticks")
    assert advance(database, 10 * SECOND) == 0


def test_several_run_in_the_order_of_time(database: Database) -> None:
    guest = Guest(database)
    guest.call("schedule_once", 3 * SECOND, "third")
    guest.call("schedule_once", 1 * SECOND, "first")
    guest.call("schedule_once", 2 * SECOND, "second")
    advance(database, 5 * SECOND)
    assert seen(database) == ["once first", "once second", "once third"]


def test_a_snapshot_keeps_what_is_scheduled(database: Database) -> None:
    guest = Guest(database)
    guest.call("schedule_once", 10 * SECOND, "kept")
    snapshot = database.snapshot()
    advance(database, 20 * SECOND)
    database.restore(snapshot)
    assert [timer.table for timer in database.scheduler.pending()] == ["once"]
    assert advance(database, 0) == 1


def test_a_delay_beyond_the_limit_is_refused(database: Database) -> None:
    guest = Guest(database)
    assert guest.call("schedule_once", MAX_DELAY_MICROS - SECOND, "far").committed
    assert guest.call("schedule_once", MAX_DELAY_MICROS + SECOND, "too far").status == "crashed"
    assert len(rows(database, "once")) == 1


def test_a_schedule_without_end_is_stopped(database: Database) -> None:
    Guest(database).call("start_ticks", 1)
    with pytest.raises(ScheduleRunaway) as caught:
        advance(database, SECOND, most=100)
    assert str(caught.value) == (
        "100 scheduled calls ran in one advance of the clock of database 'test', the last of table 'tick'\n"
        "  an interval may be too short for the span; advance in smaller steps or cancel the schedule"
    )


@pytest.mark.parametrize(
    ("intended", "interval", "now", "due"),
    [(10, 5, 10, 15), (10, 5, 14, 15), (10, 5, 15, 20), (10, 5, 27, 30), (10, -5, 12, 15), (10, 0, 10, 11)],
)
def test_missed_ticks_are_skipped(intended: int, interval: int, now: int, due: int) -> None:
    assert next_tick(intended, interval, now) == due
