"""Reducers that run at a time: once, again and again, and not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.backends import ANSWER_SECONDS, OWNER

if TYPE_CHECKING:
    from conformance.conftest import Connect

    from pytest_inner_universe.client import Connection
    from pytest_inner_universe.testing.universe import Universe

pytestmark = [pytest.mark.universe(module="../../fixtures/modules/every_type_1_4.wasm"), pytest.mark.asyncio]
SOON = 0.03
SOON_MICROS = 30_000


def seen(client: Connection) -> list[str]:
    return sorted(row["what"] for row in client.tables["seen"].rows())


async def watch(universe: Universe, client: Connection, count: int, spans: int = 1) -> list[str]:
    """Let time pass, as far as the backend needs that, and wait until this many scheduled calls were seen."""
    universe.clock.advance(spans * SOON)
    await client.wait_for(lambda: client.tables["seen"].count >= count, ANSWER_SECONDS)
    return seen(client)


async def test_once(universe: Universe, connect: Connect) -> None:
    async with connect(OWNER) as client:
        once = client.tables["once"]
        await client.subscribe("SELECT * FROM seen", "SELECT * FROM once")
        await client.call("schedule_once", SOON_MICROS, "a note")
        assert [row["note"] for row in once.rows()] == ["a note"]
        assert await watch(universe, client, 1) == ["once a note"]
        # The row goes in a transaction of its own.
        await client.wait_for(lambda: once.count == 0, ANSWER_SECONDS)


async def test_what_should_have_run_already_runs_now(universe: Universe, connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe("SELECT * FROM seen")
        await client.call("schedule_once", -60_000_000, "late")
        assert await watch(universe, client, 1) == ["once late"]


async def test_in_the_order_of_their_times(universe: Universe, connect: Connect) -> None:
    async with connect(OWNER) as client:
        told: list[str] = []
        due: dict[Any, str] = {}
        await client.subscribe("SELECT * FROM seen", on_insert=lambda row: told.append(row["what"]))
        await client.subscribe("SELECT * FROM once", on_insert=lambda row: due.update({row["at"]: row["note"]}))
        for spans, note in ((3, "third"), (1, "first"), (2, "second")):
            await client.call("schedule_once", spans * SOON_MICROS, note)
        await watch(universe, client, 3, spans=3)
        # On a slow machine the third may be due before the first was even asked for.
        assert told == [f"once {due[at]}" for at in sorted(due)]


async def test_again_and_again_until_it_is_stopped(universe: Universe, connect: Connect) -> None:
    async with connect() as client:
        told: list[str] = []
        await client.subscribe("SELECT * FROM person", on_insert=lambda row: told.append(row["name"]))
        ticks: list[str] = []
        await client.subscribe("SELECT * FROM seen", on_insert=lambda row: ticks.append(row["what"]))
        await client.call("start_ticks", SOON_MICROS)
        for count in (1, 2):
            universe.clock.advance(SOON)
            # Equal rows of a table without a key are one row, so one that was seen is taken away.
            await client.wait_for(lambda: client.tables["seen"].count, ANSWER_SECONDS)
            universe.sql("DELETE FROM seen WHERE what = 'tick 1'")
            await client.wait_for(lambda: not client.tables["seen"].count, ANSWER_SECONDS)
            assert len(ticks) >= count
        assert set(ticks) == {"tick 1"}
        assert universe.count("tick") == 1
        await client.call("stop_ticks")
        assert universe.count("tick") == 0
        count = len(ticks)
        universe.sql("DELETE FROM seen")
        universe.clock.advance(3 * SOON)
        await client.call("add_person", "Ada", 1, 36)
        assert (told, len(ticks)) == (["Ada"], count)


async def test_a_row_that_goes_takes_its_call_along(universe: Universe, connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe("SELECT * FROM seen")
        # Late enough that it is taken back in time, on a slow machine too.
        await client.call("schedule_once", 60 * SOON_MICROS, "never")
        await client.call("schedule_once", 61 * SOON_MICROS, "kept")
        universe.sql("DELETE FROM once WHERE note = 'never'")
        assert await watch(universe, client, 1, spans=61) == ["once kept"]


async def test_a_scheduled_reducer_may_be_called_with_a_row(universe: Universe, connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe("SELECT * FROM seen")
        row = {"id": 9, "at": universe.clock.now(), "note": "by hand"}
        await client.call("fire_once", row)
        assert seen(client) == ["once by hand"]
