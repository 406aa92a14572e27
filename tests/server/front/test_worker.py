"""The thread that works for one database."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pytest_inner_universe.server.front.worker import Worker, WorkerStopped, tell


def test_jobs_are_done_in_order_on_one_thread() -> None:
    worker, done = Worker("test"), []
    for number in range(100):
        assert worker.give(lambda number=number: done.append((number, threading.current_thread().name)))
    worker.stop()
    assert done == [(number, "test") for number in range(100)]


def test_a_worker_without_jobs_has_no_thread() -> None:
    before = set(threading.enumerate())
    worker = Worker("test")
    assert set(threading.enumerate()) <= before  # others may have ended meanwhile
    worker.stop()


def test_after_the_stop_nothing_is_taken() -> None:
    worker = Worker("test")
    done: list[int] = []
    worker.give(done.append, 1)
    worker.stop()
    worker.stop()
    assert not worker.give(done.append, 2)
    assert done == [1]


def test_it_may_stop_itself() -> None:
    worker = Worker("test")
    worker.give(worker.stop)
    worker.stop()


@pytest.mark.asyncio
async def test_results_and_errors_come_back() -> None:
    worker = Worker("test")
    assert await worker.run(int, "12") == 12
    with pytest.raises(ValueError, match="invalid literal"):
        await worker.run(int, "x")
    worker.stop()
    with pytest.raises(WorkerStopped):
        await worker.run(int)


@pytest.mark.asyncio
async def test_nobody_need_wait_for_a_result() -> None:
    worker, begun, may_end = Worker("test"), threading.Event(), threading.Event()

    def job() -> None:
        begun.set()
        may_end.wait()

    task = asyncio.create_task(worker.run(job))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await worker.run(str) == ""
    worker.stop()


def test_it_looks_again_after_the_time_that_the_look_asked_for() -> None:
    looks, enough = iter([0.001, 0.001, None]), threading.Event()

    def look() -> float | None:
        wait = next(looks, None)
        if wait is None:
            enough.set()
        return wait

    worker = Worker("test", look)
    worker.give(bool)
    assert enough.wait(10)
    worker.stop()


def test_a_loop_that_has_ended_hears_nothing() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    tell(loop, print)
