"""The binary form: exact bytes, round trips, and what damaged or hostile input leads to."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any
from uuid import UUID as PythonUuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sats.strategies import attempt, plain_encode, same, typed_values, types

from pytest_inner_universe.sats import (
    BOOL,
    BYTES,
    CONNECTION_ID,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    I128,
    I256,
    IDENTITY,
    SCHEDULE_AT,
    STRING,
    TIME_DURATION,
    TIMESTAMP,
    U8,
    U16,
    U32,
    U64,
    U128,
    U256,
    UNIT,
    UUID,
    AlgebraicType,
    Array,
    ConnectionId,
    DecodeError,
    Element,
    Err,
    Identity,
    Ok,
    Product,
    Ref,
    Some,
    Sum,
    SumVariant,
    TimeDuration,
    Timestamp,
    Variant,
    codec,
    enum,
    option,
    product,
    result,
)

SHAPE = Sum((SumVariant("Empty", UNIT), SumVariant("Circle", F64), SumVariant("Named", product(x=I32, label=STRING))))
PERSON = product(id=U32, name=STRING, tags=Array(STRING), shape=SHAPE, best=option(product(score=U16, is_new=BOOL)))

EXACT: list[tuple[AlgebraicType, Any, str]] = [
    (BOOL, False, "00"),
    (BOOL, True, "01"),
    (U8, 255, "ff"),
    (I8, -1, "ff"),
    (U16, 0x0102, "0201"),
    (I16, -2, "feff"),
    (U32, 5, "05000000"),
    (I32, -5, "fbffffff"),
    (U64, 1 << 63, "0000000000000080"),
    (I64, -(1 << 63), "0000000000000080"),
    (U128, 1, "01" + 15 * "00"),
    (I128, -2, "fe" + 15 * "ff"),
    (U256, 258, "0201" + 30 * "00"),
    (I256, -1, 32 * "ff"),
    (F32, 1.5, "0000c03f"),
    (F64, 1.5, "000000000000f83f"),
    (STRING, "", "00000000"),
    (STRING, "hé", "0300000068c3a9"),
    (BYTES, b"\x00\xff", "0200000000ff"),
    (Array(U32), [5, 6], "020000000500000006000000"),
    (Array(BOOL), [True, False], "020000000100"),
    (Array(STRING), ["a", "bc"], "0200000001000000610200000062" + "63"),
    (Array(option(U8)), [None, 7], "02000000010007"),
    (UNIT, (), ""),
    (product(x=U8, y=STRING), {"x": 1, "y": "z"}, "01010000007a"),
    (Product((Element(None, U8), Element(None, U16))), (1, 2), "010200"),
    (option(U32), 5, "0005000000"),
    (option(U32), None, "01"),
    (option(option(U8)), Some(None), "0001"),
    (option(option(U8)), Some(9), "000009"),
    (option(option(U8)), None, "01"),
    (result(U8, STRING), Ok(7), "0007"),
    (result(U8, STRING), Err("no"), "01020000006e6f"),
    (enum("A", "B"), Variant("B"), "01"),
    (SHAPE, Variant("Circle", 1.5), "01000000000000f83f"),
    (SHAPE, Variant("Named", {"x": -1, "label": "p"}), "02ffffffff0100000070"),
    (
        IDENTITY,
        Identity.from_hex("c200b3ce65d91b79ecfb7d881cd65bf8da2f647d590af1474ad19faa7aa87e38"),
        "387ea87aaa9fd14a47f10a597d642fdaf85bd61c887dfbec791bd965ceb300c2",
    ),
    (CONNECTION_ID, ConnectionId.from_hex("000102030405060708090a0b0c0d0e0f"), "0f0e0d0c0b0a09080706050403020100"),
    (TIMESTAMP, Timestamp(1_700_000_000_000_000), "00401e18240a0600"),
    (TIME_DURATION, TimeDuration(-1), 8 * "ff"),
    (UUID, PythonUuid("00010203-0405-0607-0809-0a0b0c0d0e0f"), "0f0e0d0c0b0a09080706050403020100"),
    (SCHEDULE_AT, TimeDuration(1_000_000), "0040420f0000000000"),
    (SCHEDULE_AT, Timestamp(1), "010100000000000000"),
]


@pytest.mark.parametrize(("type_", "value", "expected"), EXACT, ids=lambda part: str(part)[:40])
def test_exact_bytes(type_: AlgebraicType, value: Any, expected: str) -> None:
    assert codec(type_).encode(value).hex() == expected
    assert codec(type_).decode(bytes.fromhex(expected)) == value


@given(typed_values())
def test_values_come_back_and_agree_with_the_plain_encoder(typed: tuple[AlgebraicType, Any]) -> None:
    type_, value = typed
    data = codec(type_).encode(value)
    assert data == plain_encode(type_, value)
    assert same(codec(type_).decode(data), value)


@given(typed_values(), st.binary(max_size=9), st.binary(max_size=9))
def test_a_value_is_read_where_it_stands(typed: tuple[AlgebraicType, Any], before: bytes, after: bytes) -> None:
    type_, value = typed
    data = codec(type_).encode(value)
    found, end = codec(type_).read(before + data + after, len(before))
    assert same(found, value)
    assert end == len(before) + len(data)


@given(typed_values(), st.data())
def test_cut_off_input_is_refused(typed: tuple[AlgebraicType, Any], data: st.DataObject) -> None:
    type_, value = typed
    whole = codec(type_).encode(value)
    if whole:
        size = data.draw(st.integers(0, len(whole) - 1))
        with pytest.raises(DecodeError) as caught:
            codec(type_).decode(whole[:size])
        assert 0 <= caught.value.offset <= size
        assert "not a value of" not in str(caught.value), "the walk should find the reason"


@given(typed_values(), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=4), st.data())
def test_damaged_input_decodes_or_is_refused(
    typed: tuple[AlgebraicType, Any], changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    type_, value = typed
    damaged = bytearray(codec(type_).encode(value))
    for position, byte in changes:
        if damaged:
            damaged[position % len(damaged)] = byte
    damaged += data.draw(st.binary(max_size=3))
    found, error = attempt(codec(type_).decode, bytes(damaged))
    if error is None:
        assert len(codec(type_).encode(found)) == len(damaged)
    else:
        assert isinstance(error, DecodeError)
        assert 0 <= error.offset <= len(damaged)
        assert "not a value of" not in str(error)


@given(types(), st.binary(max_size=60))
def test_random_bytes_decode_or_are_refused(type_: AlgebraicType, data: bytes) -> None:
    _, error = attempt(codec(type_).decode, data)
    assert error is None or (isinstance(error, DecodeError) and 0 <= error.offset <= len(data))


@pytest.mark.parametrize("wrap", [bytearray, memoryview])
def test_other_buffers_are_read_like_bytes(wrap: Any) -> None:
    person = {"id": 1, "name": "é", "tags": ["a"], "shape": Variant("Empty"), "best": {"score": 2, "is_new": True}}
    assert codec(PERSON).decode(wrap(codec(PERSON).encode(person))) == person


BAD: list[tuple[AlgebraicType, str, str]] = [
    (BOOL, "02", "Bool must be 0 or 1, found 2 at byte 0"),
    (U32, "050000", "U32 needs 4 bytes, 3 are left at byte 0"),
    (U8, "0506", "1 bytes left over after the value at byte 1"),
    (STRING, "0500", "length of String needs 4 bytes, 2 are left at byte 0"),
    (STRING, "0500000061", "String needs 5 bytes, 1 are left at byte 4"),
    (STRING, "02000000c328", "String is not UTF-8 at byte 4"),
    (STRING, "ffffffff61", "String needs 4294967295 bytes, 1 are left at byte 4"),
    (BYTES, "ffffffff61", "array of 4294967295 elements needs 4294967295 bytes, 1 are left at byte 0"),
    (Array(U64), "ffffffff61", "array of 4294967295 elements needs 34359738360 bytes, 1 are left at byte 0"),
    (Array(STRING), "ffffff7f00000000", "array of 2147483647 elements needs 8589934588 bytes, 4 are left at byte 0"),
    (Array(UNIT), "01040000", "array of 1025 elements that may be empty, 1024 are the most at byte 0"),
    (Array(Array(UNIT)), "ffffffff", "array of 4294967295 elements that may be empty, 1024 are the most at byte 0"),
    (option(U8), "02", "unknown tag 2, Option<U8> has 2 variants at byte 0"),
    (enum("A", "B"), "02", "unknown tag 2, (A | B) has 2 variants at byte 0"),
    (Sum(()), "00", "unknown tag 0, () has 0 variants at byte 0"),
    (SCHEDULE_AT, "0200", "unknown tag 2, ScheduleAt has 2 variants at byte 0"),
    (PERSON, "01000000", "length of String needs 4 bytes, 0 are left at byte 4 in name"),
    (PERSON, "0100000000000000020000000000000001000000ff", "String is not UTF-8 at byte 20 in tags[1]"),
    (
        PERSON,
        "01000000000000000000000002ffffffff03000000",
        "String needs 3 bytes, 0 are left at byte 21 in shape.Named.label",
    ),
    (PERSON, "0100000000000000000000000000010007", "Bool must be 0 or 1, found 7 at byte 16 in best.is_new"),
    (Product((Element(None, U8), Element(None, BOOL))), "0105", "Bool must be 0 or 1, found 5 at byte 1 in 1"),
]


@pytest.mark.parametrize(("type_", "data", "message"), BAD, ids=lambda part: str(part)[:50])
def test_the_error_says_what_and_where(type_: AlgebraicType, data: str, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        codec(type_).decode(bytes.fromhex(data))
    assert str(caught.value) == message


@pytest.mark.parametrize("offset", [-1, 3])
def test_an_offset_outside_of_the_bytes_is_refused(offset: int) -> None:
    with pytest.raises(DecodeError) as caught:
        codec(UNIT).read(b"ab", offset)
    assert str(caught.value) == f"offset {offset} is outside of the 2 bytes at byte {0 if offset < 0 else 2}"


def test_absurd_lengths_allocate_nothing() -> None:
    claims = [
        (Array(Array(Array(UNIT))), bytes.fromhex("00040000") + bytes.fromhex("ffffffff") * 1024),
        (Array(product(a=UNIT, b=Array(UNIT))), bytes.fromhex("ffffffff") * 20),
        (Array(STRING), bytes.fromhex("ffffff00") * 20),
        (Array(U256), bytes.fromhex("ffffffff") * 20),
    ]
    for type_, data in claims:
        with pytest.raises(DecodeError):  # what stays allocated is the generated code
            codec(type_).decode(data)
        tracemalloc.start()
        try:
            with pytest.raises(DecodeError):
                codec(type_).decode(data)
            assert tracemalloc.get_traced_memory()[1] < 200_000
        finally:
            tracemalloc.stop()


def test_floats_that_are_no_numbers() -> None:
    assert math.isnan(codec(F64).decode(codec(F64).encode(math.nan)))
    assert codec(F32).decode(codec(F32).encode(-math.inf)) == -math.inf
    assert math.copysign(1, codec(F64).decode(codec(F64).encode(-0.0))) == -1


def test_types_nest_as_deep_as_they_may() -> None:
    deep: AlgebraicType = U8
    value: Any = 7
    for i in range(64):
        wrap = i % 4
        if wrap == 0:
            deep, value = option(deep), Some(value) if special_none(deep) else value
        elif wrap == 1:
            deep, value = product(inner=deep), {"inner": value}
        elif wrap == 2:
            deep, value = Array(deep), [value]
        else:
            deep, value = Sum((SumVariant("A", UNIT), SumVariant("B", deep))), Variant("B", value)
    assert codec(deep).decode(codec(deep).encode(value)) == value
    with pytest.raises(DecodeError) as caught:
        codec(deep).decode(codec(deep).encode(value)[:-1])
    assert caught.value.path.endswith("[0].inner")
    with pytest.raises(TypeError) as refused:
        codec(Array(deep))
    assert str(refused.value) == "a type of 65 levels nests deeper than the 64 that are supported"


def special_none(type_: AlgebraicType) -> bool:
    return type(type_) is Sum and type_.variants[0].name == "some"


def test_a_type_with_a_reference_has_no_codec() -> None:
    with pytest.raises(TypeError) as caught:
        codec(Array(product(a=Ref(3))))
    assert str(caught.value) == "not a resolved type: Array<(a: &3)>"


def test_equal_types_share_a_codec() -> None:
    assert codec(product(a=U8, b=Array(STRING))) is codec(product(a=U8, b=Array(STRING)))


def test_names_of_a_module_cannot_become_code() -> None:
    hostile = Product((Element("x'] + __import__('os').getcwd() #", U8), Element('"""\n\\', STRING)))
    value = {"x'] + __import__('os').getcwd() #": 1, '"""\n\\': "a"}
    assert codec(hostile).decode(codec(hostile).encode(value)) == value
