"""The thread that stops endless calls: when it is there and when it goes."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from pytest_inner_universe.engine.wasm.watchdog import ENDLESS, TICK, Watchdog, ticks_of


class Engine:
    """Counts epochs and lets a test wait for them."""

    def __init__(self) -> None:
        self.epochs = 0
        self.changed = threading.Condition()

    def increment_epoch(self) -> None:
        with self.changed:
            self.epochs += 1
            self.changed.notify_all()

    def wait_for(self, epochs: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.epochs >= epochs, timeout=20)


class Owner:
    """Something that makes calls."""


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def watchdog(engine: Engine) -> Iterator[Watchdog]:
    made = Watchdog(engine)  # type: ignore[arg-type]
    yield made
    made.stop()
    assert not made.is_running


def join(watchdog: Watchdog) -> None:
    thread = watchdog._thread
    if thread is not None:
        thread.join(20)
    assert not watchdog.is_running


def test_limits_are_rounded_up_to_ticks_and_one_more() -> None:
    assert [ticks_of(limit) for limit in (TICK, 1.5 * TICK, 10 * TICK, 0, None)] == [2, 3, 11, 1, ENDLESS]


def test_nothing_runs_before_the_first_call(watchdog: Watchdog) -> None:
    watchdog.watch(Owner())
    assert not watchdog.is_running


def test_calls_without_a_limit_need_no_thread(watchdog: Watchdog) -> None:
    owner = Owner()
    watchdog.watch(owner)
    watchdog.arm(ENDLESS)
    assert not watchdog.is_running


def test_the_epoch_advances_as_long_as_a_deadline_can_come(watchdog: Watchdog, engine: Engine) -> None:
    owner = Owner()
    watchdog.watch(owner)
    before = watchdog.arm(4)
    assert watchdog.is_running
    engine.wait_for(4)
    join(watchdog)
    assert watchdog.epoch > before
    assert engine.epochs >= 4


def test_it_starts_again_after_it_has_ended(watchdog: Watchdog, engine: Engine) -> None:
    owner = Owner()
    watchdog.watch(owner)
    watchdog.arm(1)
    join(watchdog)
    ended = watchdog.epoch
    seen = engine.epochs
    assert watchdog.arm(2) == ended
    engine.wait_for(seen + 2)


def test_it_ends_when_the_last_one_is_closed(watchdog: Watchdog) -> None:
    one, two = Owner(), Owner()
    close_one, close_two = watchdog.watch(one), watchdog.watch(two)
    watchdog.arm(10_000)
    close_one()
    assert watchdog.is_running
    close_two()
    join(watchdog)


def test_it_ends_when_the_last_one_is_forgotten(watchdog: Watchdog) -> None:
    owner = Owner()
    watchdog.watch(owner)
    watchdog.arm(10_000)
    del owner
    gc.collect()
    join(watchdog)


def test_closing_wakes_it_at_once_also_while_others_go_on(watchdog: Watchdog, engine: Engine) -> None:
    one, two = Owner(), Owner()
    close = watchdog.watch(one)
    watchdog.arm(10_000)
    close()
    watchdog.watch(two)
    watchdog.arm(10_000)
    engine.wait_for(engine.epochs + 2)
    assert watchdog.is_running


def test_stopping_waits_for_the_thread(watchdog: Watchdog) -> None:
    owner = Owner()
    watchdog.watch(owner)
    watchdog.arm(10_000)
    watchdog.stop()
    assert not watchdog.is_running
    assert [t for t in threading.enumerate() if t is watchdog._thread] == []
    watchdog.stop()


def test_a_forked_child_starts_anew(watchdog: Watchdog, engine: Engine) -> None:
    owner = Owner()
    watchdog.watch(owner)
    before = watchdog.arm(10_000)
    thread = watchdog._thread
    watchdog.stop()
    assert thread is not None
    watchdog._thread = thread  # what a child sees: a thread that is not there
    watchdog._forget_thread()
    assert watchdog.epoch > before
    watchdog.arm(10_000)
    engine.wait_for(engine.epochs + 1)
