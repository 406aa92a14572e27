"""The log of a module: what it printed, what it died of, and how much of it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_inner_universe.client import ReducerFailed
from pytest_inner_universe.testing.errors import ReducerPanicked

if TYPE_CHECKING:
    from conformance.conftest import Connect

    from pytest_inner_universe.client import HttpApi
    from pytest_inner_universe.testing.universe import Universe

pytestmark = [pytest.mark.universe(module="../../fixtures/modules/every_type_1_4.wasm"), pytest.mark.asyncio]


async def test_lines_say_what_level_and_where_they_come_from(universe: Universe, connect: Connect) -> None:
    before = universe.clock.now().micros - 60_000_000
    async with connect():
        pass
    (line,) = [record for record in universe.logs if record.message == "connected"]
    assert (line.level, line.target, line.place) == ("info", "vectors_module", "src/lib.rs:40")
    assert before < line.timestamp < before + 120_000_000


async def test_lines_are_in_the_order_in_which_they_were_printed(universe: Universe) -> None:
    for name in ("alice", "bob"):
        universe.actor(name).call("nothing")
    universe.actor("alice").disconnect()
    while universe.logs[-1].message != "disconnected":
        pass  # a real server runs the hook when it has seen the end of the connection
    universe.actor("carol").call("nothing")
    said = [record.message for record in universe.logs]
    times = [record.timestamp for record in universe.logs]
    assert sorted(said) == ["connected"] * 3 + ["disconnected"]
    assert times == sorted(times)


async def test_a_panic_leaves_its_text_and_place(universe: Universe) -> None:
    with pytest.raises(ReducerPanicked) as caught:
        universe.call("panics")
    (line,) = [record for record in universe.logs if record.level == "panic"]
    assert (line.message, line.place) == ("on purpose", "src/lib.rs:75")
    assert caught.value.panic == line


async def test_what_failed_calls_printed_stays(universe: Universe, http: HttpApi) -> None:
    with pytest.raises(ReducerFailed):
        await http.call(universe.name, "fails", ["x"])
    universe.call("close_door")
    before = [record.message for record in universe.logs]
    assert before.count("connected") >= 2


async def test_the_log_by_http(universe: Universe, http: HttpApi) -> None:
    with pytest.raises(ReducerPanicked):
        universe.call("panics")
    universe.actor("alice").call("nothing")
    lines = await http.logs(universe.name)
    ours = [(line.level, line.message) for line in lines if line.message in {"connected", "on purpose"}]
    assert ours == [("info", "connected"), ("panic", "on purpose"), ("info", "connected")]
    (panic,) = [line for line in lines if line.level == "panic"]
    assert (panic.filename, panic.line) == ("src/lib.rs", 75)


async def test_the_newest_lines(universe: Universe, http: HttpApi) -> None:
    for name in ("alice", "bob"):
        universe.actor(name).call("nothing")
    everything = await http.logs(universe.name)
    assert await http.logs(universe.name, 2) == everything[-2:]
    assert await http.logs(universe.name, 10_000) == everything
