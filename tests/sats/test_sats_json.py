"""The textual form: both spellings, what is accepted, what is refused, and what real servers sent."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sats.strategies import attempt, same, typed_values, types

from pytest_inner_universe.sats import (
    BOOL,
    BYTES,
    CONNECTION_ID,
    F32,
    F64,
    I8,
    I256,
    IDENTITY,
    SCHEDULE_AT,
    STRING,
    TIME_DURATION,
    TIMESTAMP,
    U8,
    U64,
    U128,
    U256,
    UNIT,
    UUID,
    AlgebraicType,
    Array,
    ConnectionId,
    DecodeError,
    EncodeError,
    Err,
    Identity,
    Ok,
    Some,
    Sum,
    SumVariant,
    TimeDuration,
    Timestamp,
    Variant,
    codec,
    decode_definition,
    enum,
    option,
    product,
    result,
)
from pytest_inner_universe.sats.errors import JsonError
from pytest_inner_universe.sats.sats_json import json_codec

VECTORS = Path(__file__).parents[2] / "fixtures" / "vectors"
SHAPE = Sum((SumVariant("Empty", UNIT), SumVariant("Circle", F64), SumVariant("At", product(x=U8))))
IDENTITY_NUMBER = "0xc200b3ce65d91b79ecfb7d881cd65bf8da2f647d590af1474ad19faa7aa87e38"

SPELLINGS: list[tuple[AlgebraicType, Any, str, str]] = [
    (BOOL, True, "true", "true"),
    (U64, (1 << 64) - 1, "18446744073709551615", "18446744073709551615"),
    (U128, 1 << 127, "170141183460469231731687303715884105728", "170141183460469231731687303715884105728"),
    (U256, 255, '"0xff"', '"0xff"'),
    (I256, -255, '"-0xff"', '"-0xff"'),
    (F64, -0.5, "-0.5", "-0.5"),
    (F32, 0.10000000149011612, "0.1", "0.1"),
    (F32, 3.4028234663852886e38, "3.40282347e+38", "3.40282347e+38"),
    (F64, math.inf, "null", "null"),
    (F32, math.nan, "null", "null"),
    (STRING, 'é"', '"é\\""', '"é\\""'),
    (BYTES, b"\x00\xff", '"00ff"', '"00ff"'),
    (Array(U8), b"", '""', '""'),
    (Array(STRING), ["a"], '["a"]', '["a"]'),
    (UNIT, (), "[]", "[]"),
    (product(a=U8, b=BOOL), {"a": 1, "b": True}, '{"a":1,"b":true}', "[1,true]"),
    (option(U8), 5, '{"some":5}', "[0,5]"),
    (option(U8), None, '{"none":[]}', "[1,[]]"),
    (option(option(U8)), Some(None), '{"some":{"none":[]}}', "[0,[1,[]]]"),
    (result(U8, STRING), Ok(1), '{"ok":1}', "[0,1]"),
    (result(U8, STRING), Err("x"), '{"err":"x"}', '[1,"x"]'),
    (enum("A", "B"), Variant("B"), '{"B":[]}', "[1,[]]"),
    (SHAPE, Variant("At", {"x": 1}), '{"At":{"x":1}}', "[2,[1]]"),
    (IDENTITY, Identity.from_hex(IDENTITY_NUMBER), f'{{"__identity__":"{IDENTITY_NUMBER}"}}', f'["{IDENTITY_NUMBER}"]'),
    (CONNECTION_ID, ConnectionId.from_int(7), '{"__connection_id__":7}', "[7]"),
    (TIMESTAMP, Timestamp(-7), '{"__timestamp_micros_since_unix_epoch__":-7}', "[-7]"),
    (TIME_DURATION, TimeDuration(7), '{"__time_duration_micros__":7}', "[7]"),
    (SCHEDULE_AT, TimeDuration(7), '{"Interval":{"__time_duration_micros__":7}}', "[0,[7]]"),
    (SCHEDULE_AT, Timestamp(7), '{"Time":{"__timestamp_micros_since_unix_epoch__":7}}', "[1,[7]]"),
]


@pytest.mark.parametrize(("type_", "value", "static", "dynamic"), SPELLINGS, ids=lambda part: str(part)[:30])
def test_both_spellings(type_: AlgebraicType, value: Any, static: str, dynamic: str) -> None:
    assert json_codec(type_).dumps(value) == static
    assert json_codec(type_).dumps(value, dynamic=True) == dynamic
    if static != "null":
        assert json_codec(type_).loads(static) == json_codec(type_).loads(dynamic) == value


def test_a_uuid_is_a_number() -> None:
    (text,) = {json_codec(UUID).dumps("00000000-0000-0000-0000-0000000000ff")}
    assert text == '{"__uuid__":255}'
    assert str(json_codec(UUID).loads(text)) == "00000000-0000-0000-0000-0000000000ff"


@given(typed_values(finite=True), st.booleans())
def test_values_come_back(typed: tuple[AlgebraicType, Any], dynamic: bool) -> None:
    type_, value = typed
    assert same(json_codec(type_).loads(json_codec(type_).dumps(value, dynamic)), value)


ALSO_READ: list[tuple[AlgebraicType, str, Any]] = [
    (BYTES, "[0,255]", b"\x00\xff"),
    (BYTES, '"00FF"', b"\x00\xff"),
    (option(U8), "null", None),
    (option(option(U8)), '{"some":null}', Some(None)),
    (SHAPE, '{"0":[]}', Variant("Empty")),
    (SHAPE, '{"Empty":{}}', Variant("Empty")),
    (SHAPE, "[0,{}]", Variant("Empty")),
    (product(a=U8), "[1]", {"a": 1}),
    (F64, "3", 3.0),
    (F32, "0.1", 0.10000000149011612),
    (U256, '"0x00FF"', 255),
    (UNIT, "{}", ()),
]


@pytest.mark.parametrize(("type_", "text", "value"), ALSO_READ, ids=lambda part: str(part)[:30])
def test_what_servers_read_too(type_: AlgebraicType, text: str, value: Any) -> None:
    assert json_codec(type_).loads(text) == value


def test_null_for_a_float_is_not_a_number() -> None:
    assert math.isnan(json_codec(product(x=F64)).loads('{"x": null}')["x"])


REFUSED: list[tuple[AlgebraicType, str, str]] = [
    (U8, "", "not JSON: Expecting value at character 0"),
    (U8, "1 2", "not JSON: Extra data at character 2"),
    (U8, "NaN", "not JSON: NaN is no number"),
    (U8, "[" * 100_000, "not JSON that can be read: it nests too deep"),
    (U8, "9" * 5000, "not JSON that can be read: a number has too many digits"),
    (U8, '"1"', "expected U8, got str '1'"),
    (U8, "true", "expected U8, got bool True"),
    (U8, "1.0", "expected U8, got float 1.0"),
    (U8, "256", "int 256 is out of range for U8"),
    (I8, "-129", "int -129 is out of range for I8"),
    (U256, "255", "expected U256, got int 255; it is written as a text that starts with 0x"),
    (U256, '"ff"', "expected U256, got str 'ff'; it is written as a text that starts with 0x"),
    (U256, '"0x_f"', "expected U256, got str '0x_f'; it is written as a text that starts with 0x"),
    (U256, '"-0x1"', "str '-0x1' is out of range for U256"),
    (F64, '"1"', "expected F64, got str '1'"),
    (F64, "1e400", "number out of range for F64"),
    (F64, "1" + "0" * 400, "number out of range for F64"),
    (F32, "1e39", "number out of range for F32"),
    (BOOL, "0", "expected Bool, got int 0"),
    (STRING, "null", "expected String, got NoneType None"),
    (STRING, r'"\ud800"', "text with a lone surrogate cannot be stored"),
    (BYTES, '"0"', "expected Bytes, as hexadecimal digits or as numbers up to 255, got str '0'"),
    (BYTES, '"00 11"', "expected Bytes, as hexadecimal digits or as numbers up to 255, got str '00 11'"),
    (BYTES, "[256]", "expected Bytes, as hexadecimal digits or as numbers up to 255, got list [256]"),
    (BYTES, "[true]", "expected Bytes, as hexadecimal digits or as numbers up to 255, got list [True]"),
    (Array(BOOL), "[true, 1]", "[1]: expected Bool, got int 1"),
    (Array(BOOL), "{}", "expected Array<Bool>, got dict {}"),
    (product(a=U8), "{}", "missing field 'a'"),
    (product(a=U8), '{"a":1,"b":2}', "unknown field 'b'"),
    (product(a=U8), '{"a":1,"a":2}', "duplicate field 'a'"),
    (product(a=U8), "[]", "expected 1 fields, got 0"),
    (product(a=U8), "1", "expected (a: U8), got int 1"),
    (product(a=Array(product(b=U8))), '{"a":[[1],{"b":-1}]}', "a[1].b: int -1 is out of range for U8"),
    (SHAPE, '{"Square":1}', "unknown variant 'Square', there are Empty, Circle, At"),
    (SHAPE, '{"3":1}', "unknown tag 3, there are 3 variants"),
    (SHAPE, "[-1,[]]", "unknown tag -1, there are 3 variants"),
    (SHAPE, "[true,[]]", "expected (Empty | Circle(F64) | At((x: U8))), got list [True, []]"),
    (SHAPE, '"Empty"', "expected (Empty | Circle(F64) | At((x: U8))), got str 'Empty'"),
    (SHAPE, '{"At":{"x":"a"}}', "At.x: expected U8, got str 'a'"),
    (product(s=SHAPE), '{"s":{"At":[300]}}', "s.At.x: int 300 is out of range for U8"),
    (option(U8), '{"some":"a"}', "expected U8, got str 'a'"),
    (IDENTITY, '"00"', "expected Identity, got str '00'"),
    (IDENTITY, "[5]", "__identity__: expected U256, got int 5; it is written as a text that starts with 0x"),
    (CONNECTION_ID, "[-1]", "__connection_id__: int -1 is out of range for U128"),
    (Array(UNIT), json.dumps([[]] * 1025), "1025 elements that may be empty, 1024 are the most"),
]


@pytest.mark.parametrize(("type_", "text", "message"), REFUSED, ids=lambda part: str(part)[:30])
def test_refused(type_: AlgebraicType, text: str, message: str) -> None:
    with pytest.raises(JsonError) as caught:
        json_codec(type_).loads(text)
    assert str(caught.value) == message
    assert isinstance(caught.value, DecodeError)


def test_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(JsonError) as caught:
        json_codec(STRING).loads(b'"\xc3("')
    assert str(caught.value) == "not JSON: the text is not UTF-8 at character 1"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_bytes_are_utf_8_without_a_mark(encoding: str) -> None:
    with pytest.raises(JsonError, match=r"^not JSON: "):
        json_codec(U8).loads("1 ".encode(encoding))


@given(
    types(),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)),
        max_leaves=8,
    ),
)
def test_any_json_is_read_or_refused(type_: AlgebraicType, value: Any) -> None:
    found, error = attempt(json_codec(type_).decode, value)
    if error is None:
        codec(type_).encode(found)
    else:
        assert isinstance(error, JsonError)


@given(st.one_of(st.text(max_size=20), st.binary(max_size=20)))
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    _, error = attempt(json_codec(product(a=option(F64))).loads, text)
    assert error is None or isinstance(error, JsonError)


def test_a_value_that_does_not_fit_is_not_written() -> None:
    with pytest.raises(EncodeError) as caught:
        json_codec(product(a=U8)).dumps({"a": 300})
    assert str(caught.value) == "a: 300 is out of range for U8"


@pytest.mark.parametrize(("server", "bindings"), [("1.2.0", "1.4"), ("2.8.3", "2.8")])
def test_rows_and_arguments_of_real_servers(server: str, bindings: str) -> None:
    definition = decode_definition(bytes.fromhex((VECTORS / f"definition-bindings-{bindings}.hex").read_text()))
    table, reducer = definition.tables["every_type"], definition.reducers["put_every"]
    lines = gzip.decompress((VECTORS / server / "http.jsonl.gz").read_bytes()).splitlines()
    exchanges = [json.loads(line) for line in lines]
    sent = [
        json_codec(reducer.params).loads(exchange["request"])["row"]
        for exchange in exchanges
        if exchange["path"].endswith("/call/put_every") and exchange["status"] == 200
    ]
    rows = json_codec(table.row_type)
    answers = [
        row
        for exchange in exchanges
        if exchange["path"].endswith("/sql") and exchange["request"] == "SELECT * FROM every_type"
        for row in json.loads(exchange["response"])[0]["rows"]
    ]
    assert answers
    for answer in answers:
        assert rows.decode(answer) in sent
        assert rows.encode(rows.decode(answer), dynamic=True) == answer
        assert table.row_codec.decode(table.row_codec.encode(rows.decode(answer))) == rows.decode(answer)
    assert [rows.encode(rows.decode(row)) for row in _spelled_out(exchanges)] == _spelled_out(exchanges)


def _spelled_out(exchanges: list[dict[str, Any]]) -> list[Any]:
    """Return the rows that the client sent as objects; other rows mix both spellings."""
    calls = [exchange for exchange in exchanges if exchange["path"].endswith("/call/put_every")]
    rows = [json.loads(call["request"])[0] for call in calls if call["status"] == 200]
    return [row for row in rows if isinstance(row, dict)]
