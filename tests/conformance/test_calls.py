"""Calls of reducers by connected clients, and what everybody hears of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.backends import ANSWER_SECONDS
from support.declared import with_reducer

from pytest_inner_universe.client import ReducerCrashed, ReducerFailed
from pytest_inner_universe.sats import STRING, product

if TYPE_CHECKING:
    from conformance.conftest import Connect, Says

    from pytest_inner_universe.testing.universe import Universe

pytestmark = [pytest.mark.universe(module="../../fixtures/modules/every_type_1_4.wasm"), pytest.mark.asyncio]
PEOPLE = "SELECT * FROM person"


def names(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["name"] for row in rows)


async def test_the_changes_of_a_call_are_there_when_it_returns(connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe(PEOPLE)
        await client.call("add_person", "Ada", 1, 36)
        assert client.tables["person"].rows() == [{"id": 1, "name": "Ada", "team": 1, "age": 36}]
        await client.call("add_person", age=17, name="Bob", team=2)
        assert client.tables["person"].find(2) == {"id": 2, "name": "Bob", "team": 2, "age": 17}


async def test_a_call_commits_without_a_subscription(universe: Universe, connect: Connect) -> None:
    async with connect() as client:
        await client.call("add_person", "Ada", 1, 36)
        assert client.tables["person"].rows() == []
        assert universe.rows("person") == [{"id": 1, "name": "Ada", "team": 1, "age": 36}]


@pytest.mark.parametrize("text", ["why", "", "ä ✗ 𝄞\n\"quoted\" 'twice' \\ \t", "x" * 5000])
async def test_the_error_of_a_reducer_arrives_word_for_word(connect: Connect, text: str) -> None:
    async with connect() as client:
        with pytest.raises(ReducerFailed) as caught:
            await client.call("fails", text)
        assert (caught.value.reducer, caught.value.message) == ("fails", text)


async def test_a_failed_call_changes_nothing_and_the_next_one_works(connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe(PEOPLE)
        await client.call("add_person", "Ada", 1, 36)
        with pytest.raises(ReducerFailed) as caught:
            await client.call("add_person", "Ada", 2, 40)
        assert caught.value.message == "insertion error on table `person`:duplicate unique column"
        with pytest.raises(ReducerFailed) as caught:
            await client.call("set_age", "Nobody", 1)
        assert caught.value.message == "no person Nobody"
        assert client.tables["person"].rows() == [{"id": 1, "name": "Ada", "team": 1, "age": 36}]
        await client.call("set_age", "Ada", 37)
        assert client.tables["person"].rows() == [{"id": 1, "name": "Ada", "team": 1, "age": 37}]


async def test_a_panic_fails_the_call_and_nothing_else(connect: Connect, says: Says) -> None:
    async with connect() as client:
        await client.subscribe(PEOPLE)
        with pytest.raises(ReducerCrashed) as caught:
            await client.call("panics")
        assert caught.value.message == says(
            "The Wasm instance encountered a fatal error.", "The instance encountered a fatal error."
        )
        await client.call("add_person", "Ada", 1, 36)
        assert names(client.tables["person"].rows()) == ["Ada"]


async def test_a_reducer_that_is_not_there(universe: Universe, connect: Connect) -> None:
    async with connect(schema=with_reducer(universe.schema, "no_such_reducer")) as client:
        with pytest.raises(ReducerCrashed) as caught:
            await client.call("no_such_reducer")
        assert caught.value.message == "no such reducer"
        await client.call("nothing")


@pytest.mark.parametrize(
    ("reducer", "hook"), [("init", "Init"), ("connected", "OnConnect"), ("disconnected", "OnDisconnect")]
)
async def test_hooks_cannot_be_called(universe: Universe, connect: Connect, reducer: str, hook: str) -> None:
    async with connect(schema=with_reducer(universe.schema, reducer)) as client:
        with pytest.raises(ReducerCrashed) as caught:
            await client.call(reducer)
        assert caught.value.message == f"can't directly call special {hook} lifecycle reducer"


SHORT = "data too short for u32: Expected 4, given 0"
MISSING = "invalid length 1, expected reducer args for add_person with 3 elements at line 1 column 7"


def why_not(protocol: str, says: Says) -> str:
    """Return what a client is told whose call lacks all arguments but the name."""
    if not protocol.startswith("v1"):
        return SHORT
    place, reason = (".", f".: {MISSING}") if protocol == "v1.json" else (SHORT, SHORT)
    again = says("", f"{place}: invalid arguments for function add_person: ")
    return f"{again}{place}: {reason}"


async def test_arguments_that_do_not_fit(universe: Universe, connect: Connect, protocol: str, says: Says) -> None:
    async with connect(schema=with_reducer(universe.schema, "add_person", product(name=STRING))) as client:
        with pytest.raises(ReducerCrashed) as caught:
            await client.call("add_person", "Ada")
        assert caught.value.message == f"invalid arguments for reducer add_person: {why_not(protocol, says)}"
        await client.call("nothing")


async def test_calls_that_are_in_flight_together_run_in_their_order(connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe(PEOPLE)
        told: list[str] = []
        client.tables["person"].on_insert(lambda row: told.append(row["name"]))
        await asyncio.gather(*(client.call("add_person", f"p{i}", 1, 1) for i in range(100)))
        assert told == [f"p{i}" for i in range(100)]


async def test_failures_among_many_calls_hit_the_right_ones(connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe(PEOPLE)
        calls = [client.call("fails", f"no {i}") if i % 3 == 0 else client.call("nothing") for i in range(30)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [getattr(result, "message", None) for result in results] == [
            f"no {i}" if i % 3 == 0 else None for i in range(30)
        ]


async def test_the_module_sees_who_calls(universe: Universe, connect: Connect) -> None:
    async with connect() as one, connect(universe.actor("alice")) as other:
        await one.call("own_team", 2, "one")
        await other.call("own_team", 3, "other")
        owners = {row["id"]: row["owner"] for row in universe.rows("team")}
        assert owners == {1: universe.identity, 2: one.identity, 3: other.identity}
        assert other.identity == universe.actor("alice").identity


async def test_others_hear_of_what_they_subscribed_to(connect: Connect) -> None:
    async with connect() as writer, connect() as reader, connect() as idle:
        await reader.subscribe("SELECT * FROM person WHERE team = 1")
        await writer.call("add_person", "Ada", 1, 36)
        await writer.call("add_person", "Bob", 2, 17)
        await writer.call("add_person", "Cleo", 1, 50)
        await reader.wait_for(lambda: reader.tables["person"].count == 2, ANSWER_SECONDS)
        assert names(reader.tables["person"].rows()) == ["Ada", "Cleo"]
        assert writer.tables["person"].rows() == idle.tables["person"].rows() == []


async def test_what_cancels_out_is_no_change(universe: Universe, connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe(PEOPLE)
        told: list[Any] = []
        for listen in (client.tables["person"].on_insert, client.tables["person"].on_delete):
            listen(told.append)
        await client.call("cancels_out")
        assert told == []
        # The number that the row had is gone all the same.
        await client.call("add_person", "Ada", 1, 36)
        assert [row["id"] for row in told] == [2]


async def test_one_transaction_is_one_update(connect: Connect) -> None:
    async with connect() as writer, connect() as reader:
        await reader.subscribe("SELECT * FROM seen", PEOPLE)
        for name in ("Ada", "Bob"):
            await writer.call("add_person", name, 1, 36)
        await reader.wait_for(lambda: reader.tables["person"].count == 2, ANSWER_SECONDS)
        states: list[tuple[int, int]] = []

        def state() -> bool:
            moved = len([row for row in reader.tables["person"].rows() if row["team"] == 2])
            states.append((moved, reader.tables["seen"].count))
            return moved == 2

        reader.tables["person"].on_update(lambda old, new: state())
        await writer.call("move_team", 1, 2)
        await reader.wait_for(state, ANSWER_SECONDS)
        assert set(states) <= {(0, 0), (2, 1)}
        assert reader.tables["seen"].rows() == [{"what": "moved 1 to 2"}]


async def test_a_large_transaction_arrives_whole(connect: Connect) -> None:
    async with connect() as writer, connect() as reader:
        await reader.subscribe("SELECT * FROM seen")
        await writer.call("many", 3000)
        await reader.wait_for(lambda: reader.tables["seen"].count == 3000, ANSWER_SECONDS)
        assert sorted(row["what"] for row in reader.tables["seen"].rows()) == [
            f"row number {i:06} of a large transaction" for i in range(3000)
        ]
