"""Values of every column type, there and back: by a call, over each protocol, by SQL and by HTTP."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from support.backends import ANSWER_SECONDS

from pytest_inner_universe.sats import ConnectionId, Identity, TimeDuration, Timestamp, Variant

if TYPE_CHECKING:
    from conformance.conftest import Connect

    from pytest_inner_universe.client import HttpApi
    from pytest_inner_universe.testing.universe import Universe

pytestmark = [pytest.mark.universe(module="../../fixtures/modules/every_type_1_4.wasm"), pytest.mark.asyncio]
QUERY = "SELECT * FROM every_type"
UNSIGNED = {f"a_u{bits}": bits for bits in (8, 16, 32, 64, 128, 256)}
SIGNED = {f"a_i{bits}": bits for bits in (8, 16, 32, 64, 128, 256)}

NOTHING: dict[str, Any] = {
    "id": 0,
    "a_bool": False,
    **dict.fromkeys(UNSIGNED, 0),
    **dict.fromkeys(SIGNED, 0),
    "a_f32": 0.0,
    "a_f64": 0.0,
    "a_string": "",
    "some_bytes": b"",
    "some_ints": [],
    "some_strings": [],
    "maybe_string": None,
    "maybe_u32": None,
    "a_point": {"x": 0, "label": None},
    "a_shape": Variant("Empty"),
    "shapes": [],
    "an_identity": Identity(bytes(32)),
    "a_connection": ConnectionId(bytes(16)),
    "a_time": Timestamp(0),
    "a_duration": TimeDuration(0),
    "a_schedule": TimeDuration(0),
}
MOST: dict[str, Any] = {
    "id": 2**32 - 1,
    "a_bool": True,
    **{name: 2**bits - 1 for name, bits in UNSIGNED.items()},
    **{name: 2 ** (bits - 1) - 1 for name, bits in SIGNED.items()},
    "a_f32": 3.4028234663852886e38,
    "a_f64": 1.7976931348623157e308,
    "a_string": "quotes \" and ' and \\ and more\r\n\t\0 ä ✗ 𝄞 \ufffd",
    "some_bytes": bytes(range(256)),
    "some_ints": [2**31 - 1, 0, -(2**31)],
    "some_strings": ["a", "", "ä" * 300],
    "maybe_string": "",
    "maybe_u32": 0,
    "a_point": {"x": -1, "label": "here"},
    "a_shape": Variant("Named", {"x": 1, "label": None}),
    "shapes": [
        Variant("Empty"),
        Variant("Circle", 2.5),
        Variant("Named", {"x": 1, "label": "l"}),
        Variant("Many", b"\x00\xff"),
    ],
    "an_identity": Identity(b"\xff" * 32),
    "a_connection": ConnectionId(b"\xff" * 16),
    "a_time": Timestamp(2**63 - 1),
    "a_duration": TimeDuration(2**63 - 1),
    "a_schedule": TimeDuration(9),
}
LEAST: dict[str, Any] = MOST | {
    "id": 1,
    **{name: -(2 ** (bits - 1)) for name, bits in SIGNED.items()},
    "a_f32": -1.401298464324817e-45,
    "a_f64": 5e-324,
    "a_shape": Variant("Many", b""),
    "maybe_string": "there",
    "maybe_u32": 2**32 - 1,
    "an_identity": Identity.from_hex("c200" + "0" * 59 + "7"),
    "a_connection": ConnectionId(b"\x01" + bytes(15)),
    "a_time": Timestamp(-(2**63)),
    "a_duration": TimeDuration(-(2**63)),
    "a_schedule": Timestamp(-5),
}
ROWS = pytest.mark.parametrize("row", [NOTHING, MOST, LEAST], ids=["nothing", "most", "least"])


@ROWS
async def test_a_client_sends_and_receives_it(universe: Universe, connect: Connect, row: dict[str, Any]) -> None:
    async with connect() as client:
        await client.subscribe(QUERY)
        await client.call("put_every", row)
        assert client.tables["every_type"].rows() == universe.rows("every_type") == [row]


@ROWS
async def test_others_receive_it_at_once_and_later(universe: Universe, connect: Connect, row: dict[str, Any]) -> None:
    async with connect() as early, connect() as late:
        await early.subscribe(QUERY)
        universe.call("put_every", row)
        await late.subscribe(QUERY)
        await early.wait_for(lambda: early.tables["every_type"].count == 1, ANSWER_SECONDS)
        assert early.tables["every_type"].rows() == late.tables["every_type"].rows() == [row]
        assert await late.query(QUERY) == [row]


@ROWS
async def test_a_row_is_found_when_it_changes_and_when_it_goes(
    universe: Universe, connect: Connect, row: dict[str, Any]
) -> None:
    changed = row | {"a_bool": not row["a_bool"]}
    async with connect() as client:
        universe.call("put_every", row)
        told: list[Any] = []
        await client.subscribe(QUERY, on_update=lambda old, new: told.append((old, new)), on_delete=told.append)
        await client.call("put_every", changed)
        universe.sql(f"DELETE FROM every_type WHERE id = {row['id']}")
        await client.wait_for(lambda: client.tables["every_type"].count == 0, ANSWER_SECONDS)
        assert told == [(row, changed), changed]


@ROWS
async def test_sql_returns_it(universe: Universe, http: HttpApi, row: dict[str, Any]) -> None:
    universe.call("put_every", row)
    assert universe.sql(QUERY) == [row]
    answer = await http.sql(universe.name, QUERY)
    assert list(answer.rows) == [row]
    columns = universe.schema.table("every_type").columns
    assert answer.columns == tuple((column.name, column.type) for column in columns)


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan], ids=str)
async def test_floats_that_are_no_numbers(universe: Universe, connect: Connect, protocol: str, number: float) -> None:
    universe.call("put_every", NOTHING | {"a_f32": number, "a_f64": number, "a_shape": Variant("Circle", number)})
    # In JSON there is a null for all of them.
    number = math.nan if protocol == "v1.json" else number
    async with connect() as client:
        await client.subscribe(QUERY)
        (row,) = client.tables["every_type"].rows()
        assert repr([row["a_f32"], row["a_f64"], row["a_shape"].value]) == repr([number] * 3)


async def test_a_zero_may_be_negative(universe: Universe, connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe(QUERY)
        await client.call("put_every", NOTHING | {"a_f32": -0.0, "a_f64": -0.0})
        (row,) = client.tables["every_type"].rows()
        assert [math.copysign(1, row[name]) for name in ("a_f32", "a_f64")] == [-1, -1]


COMPARED = [
    ("a_bool = true", 1),
    ("a_bool", 1),
    ("a_u8 = 255", 1),
    ("a_u64 = 18446744073709551615", 1),
    (f"a_u128 = {2**128 - 1}", 1),
    (f"a_u256 = {2**256 - 1}", 1),
    ("a_i8 = 127", 1),
    (f"a_i256 = {2**255 - 1}", 1),
    ("a_u16 > 1e3", 1),
    ("a_f64 > 1.5e300", 1),
    ("a_f32 < 0.5", 1),
    ("a_string = ''", 1),
    ("some_bytes = 0x", 1),
    (f"some_bytes = 0x{bytes(range(256)).hex()}", 1),
    (f"some_bytes = X'{bytes(range(256)).hex()}'", 1),
    (f"an_identity = 0x{'ff' * 32}", 1),
    (f"a_connection = X'{'ff' * 16}'", 1),
    ("a_time = '1970-01-01T00:00:00Z'", 1),
    ("a_time > '2020-02-10 15:45:30+02:00'", 1),
]


@pytest.mark.parametrize(("condition", "count"), COMPARED, ids=[condition[:40] for condition, _ in COMPARED])
async def test_conditions_on_columns_of_every_type_that_can_be_compared(
    universe: Universe, connect: Connect, condition: str, count: int
) -> None:
    for row in (NOTHING, MOST):
        universe.call("put_every", row)
    query = f"{QUERY} WHERE {condition}"
    assert len(universe.sql(query)) == count
    async with connect() as client:
        await client.subscribe(query)
        assert client.tables["every_type"].count == len(await client.query(query)) == count
