"""A database as the front serves it, with the thread that works for it."""

from __future__ import annotations

import pytest

from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.sats import Identity
from pytest_inner_universe.server.front import entry as home
from pytest_inner_universe.server.front.entry import Entry


@pytest.mark.asyncio
async def test_whatever_a_schedule_raises_the_thread_goes_on(
    module: Module, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    owner, identity = Identity.derive("tests", "owner"), Identity.derive("tests", "database")
    database = Database.publish(module, "ticking", owner, identity)
    database.scheduler.arm("tick", 1, database.clock.now() + 3_600_000_000)

    def fail(*_: object) -> None:
        raise ZeroDivisionError("of a host function")

    monkeypatch.setattr(home, "advance", fail)
    entry = Entry(database, is_live=True)
    try:
        # After each job the thread looks for schedules, so that the second one is done shows that it has survived the first look.
        assert await entry.worker.run(int, "1") == 1
        assert await entry.worker.run(int, "2") == 2
    finally:
        entry.end()
    assert caplog.messages
    assert set(caplog.messages) == {"a schedule of database ticking could not run"}
    assert caplog.records[0].exc_info is not None
