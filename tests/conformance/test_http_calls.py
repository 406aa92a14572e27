"""Calls of reducers by HTTP, each over a connection of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.backends import ANSWER_SECONDS

from pytest_inner_universe.client import CallRefused, HttpApi, NoSuchDatabase, ReducerCrashed, ReducerFailed

if TYPE_CHECKING:
    from conformance.conftest import Connect, Says

    from pytest_inner_universe.testing.universe import Universe

pytestmark = [pytest.mark.universe(module="../../fixtures/modules/every_type_1_4.wasm"), pytest.mark.asyncio]


@pytest.mark.parametrize("args", [["Ada", 1, 36], {"age": 36, "name": "Ada", "team": 1}], ids=["place", "name"])
async def test_arguments_by_place_and_by_name(universe: Universe, http: HttpApi, args: Any) -> None:
    await http.call(universe.name, "add_person", args)
    assert universe.rows("person") == [{"id": 1, "name": "Ada", "team": 1, "age": 36}]


async def test_connected_clients_hear_of_it(universe: Universe, http: HttpApi, connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe("SELECT * FROM person")
        await http.call(universe.name, "add_person", ["Ada", 1, 36])
        await client.wait_for(lambda: client.tables["person"].count == 1, ANSWER_SECONDS)


async def test_the_caller_is_whose_token_it_is(universe: Universe, stranger: HttpApi) -> None:
    await stranger.call(universe.name, "own_team", [2, "strange"])
    (row,) = [row for row in universe.rows("team") if row["id"] == 2]
    assert row["owner"] == universe.actor("stranger").identity


async def test_an_error_of_the_reducer(universe: Universe, http: HttpApi) -> None:
    with pytest.raises(ReducerFailed) as caught:
        await http.call(universe.name, "fails", ["my text ✗"])
    assert caught.value.message == "my text ✗"
    assert str(caught.value) == "reducer 'fails' failed: my text ✗"


async def test_a_panic(universe: Universe, http: HttpApi, says: Says) -> None:
    with pytest.raises(ReducerCrashed) as caught:
        await http.call(universe.name, "panics")
    assert caught.value.message == says(
        "The Wasm instance encountered a fatal error.", "The instance encountered a fatal error."
    )
    await http.call(universe.name, "nothing")


async def test_a_reducer_that_is_not_there(universe: Universe, http: HttpApi, says: Says) -> None:
    with pytest.raises(CallRefused) as caught:
        await http.call(universe.name, "no_such_reducer")
    assert (caught.value.status, caught.value.text) == (404, says("no such reducer", "No such procedure"))


@pytest.mark.parametrize(
    ("reducer", "hook"), [("init", "Init"), ("connected", "OnConnect"), ("disconnected", "OnDisconnect")]
)
async def test_hooks_cannot_be_called(universe: Universe, http: HttpApi, reducer: str, hook: str) -> None:
    with pytest.raises(CallRefused) as caught:
        await http.call(universe.name, reducer)
    assert (caught.value.status, caught.value.text) == (400, f"can't directly call special {hook} lifecycle reducer")


UNFIT: list[tuple[Any, str, str]] = [
    (["Ada"], ".", "invalid length 1, expected reducer args for add_person with 3 elements at line 1 column 7"),
    (["Ada", 1, 36, 4], ".", "trailing characters at line 1 column 16"),
    ([1, 1, 36], "[0]", "invalid type: integer `1`, expected a string at line 1 column 2"),
    (["Ada", 1, 256], "[2]", "invalid value: integer `256`, expected u8 at line 1 column 14"),
    (["Ada", -1, 36], "[1]", "invalid value: integer `-1`, expected u32 at line 1 column 10"),
    (["Ada", 1.5, 36], "[1]", "invalid type: floating point `1.5`, expected u32 at line 1 column 11"),
    ({"name": "Ada"}, ".", "missing reducer argument `team` at line 1 column 15"),
]


@pytest.mark.parametrize(("args", "place", "reason"), UNFIT, ids=[repr(args) for args, *_ in UNFIT])
async def test_arguments_that_do_not_fit(
    universe: Universe, http: HttpApi, says: Says, args: Any, place: str, reason: str
) -> None:
    with pytest.raises(CallRefused) as caught:
        await http.call(universe.name, "add_person", args)
    again = says("", f"{place}: invalid arguments for function add_person: ")
    assert caught.value.status == 400
    assert caught.value.text == f"invalid arguments for reducer add_person: {again}{place}: {place}: {reason}"
    assert universe.rows("person") == []


async def test_values_of_every_kind_as_json_has_them(universe: Universe, http: HttpApi) -> None:
    row = {
        "id": 1, "a_bool": True,
        "a_u8": 1, "a_u16": 1, "a_u32": 1, "a_u64": 2**64 - 1, "a_u128": 2**128 - 1, "a_u256": f"0x{2**256 - 1:x}",
        "a_i8": -1, "a_i16": -1, "a_i32": -1, "a_i64": -(2**63), "a_i128": -(2**127), "a_i256": f"-0x{2**255:x}",
        "a_f32": 1.5, "a_f64": 0.1, "a_string": "ä", "some_bytes": "00ff", "some_ints": [1, -2], "some_strings": ["a"],
        "maybe_string": {"some": "x"}, "maybe_u32": {"none": []}, "a_point": {"x": 1, "label": {"none": []}},
        "a_shape": {"Circle": 2.5}, "shapes": [{"Empty": []}, {"Many": "ab"}],
        "an_identity": {"__identity__": f"0x{universe.identity.hex()}"},
        "a_connection": {"__connection_id__": 7}, "a_time": {"__timestamp_micros_since_unix_epoch__": -5},
        "a_duration": {"__time_duration_micros__": -7},
        "a_schedule": {"Interval": {"__time_duration_micros__": 9}},
    }  # fmt: skip
    await http.call(universe.name, "put_every", [row])
    (stored,) = universe.rows("every_type")
    by_position = [stored[name] for name in ("a_u256", "a_i256", "some_bytes", "maybe_string", "maybe_u32")]
    assert by_position == [2**256 - 1, -(2**255), b"\x00\xff", "x", None]
    assert stored["an_identity"] == universe.identity
    # Sums may also be pairs of number and payload, options null, and products lists.
    await http.call(
        universe.name,
        "put_every",
        [row | {"a_shape": [1, 2.5], "maybe_u32": None, "a_point": [1, None], "some_bytes": [0, 255]}],
    )
    assert universe.rows("every_type") == [stored]


async def test_a_caller_who_is_not_let_in(universe: Universe, stranger: HttpApi) -> None:
    universe.call("close_door")
    with pytest.raises(CallRefused) as caught:
        await stranger.call(universe.name, "nothing")
    assert (caught.value.status, caught.value.text) == (403, "the door is closed")


async def test_a_database_that_is_not_there(universe: Universe, http: HttpApi) -> None:
    with pytest.raises(NoSuchDatabase) as caught:
        await http.call(f"{universe.name}-gone", "nothing")
    assert caught.value.status == 404
