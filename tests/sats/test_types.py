"""Types as objects, and types as values."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sats.strategies import types

from pytest_inner_universe.sats import (
    BOOL,
    BYTES,
    IDENTITY,
    SCHEDULE_AT,
    STRING,
    TIMESTAMP,
    U8,
    U32,
    U64,
    U128,
    UNIT,
    UUID,
    AlgebraicType,
    Array,
    DecodeError,
    Element,
    Primitive,
    Product,
    Ref,
    Sum,
    SumVariant,
    enum,
    is_simple_enum,
    option,
    product,
    product_of,
    result,
    special,
)
from pytest_inner_universe.sats.cursor import Cursor
from pytest_inner_universe.sats.meta import read_type, type_bytes
from pytest_inner_universe.sats.types import CONNECTION_ID, TIME_DURATION

TEXTS: list[tuple[AlgebraicType, str]] = [
    (U32, "U32"),
    (STRING, "String"),
    (BYTES, "Bytes"),
    (Array(STRING), "Array<String>"),
    (UNIT, "()"),
    (product(a=U8, b=option(STRING)), "(a: U8, b: Option<String>)"),
    (Product((Element(None, U8), Element(None, Ref(4)))), "(U8, &4)"),
    (enum("A", "B"), "(A | B)"),
    (Sum((SumVariant("A", UNIT), SumVariant("B", U8), SumVariant(None, U8))), "(A | B(U8) | 2(U8))"),
    (result(U8, STRING), "Result<U8, String>"),
    (IDENTITY, "Identity"),
    (CONNECTION_ID, "ConnectionId"),
    (TIMESTAMP, "Timestamp"),
    (TIME_DURATION, "TimeDuration"),
    (UUID, "Uuid"),
    (SCHEDULE_AT, "ScheduleAt"),
]


@pytest.mark.parametrize(("type_", "text"), TEXTS, ids=str)
def test_the_text_of_a_type(type_: AlgebraicType, text: str) -> None:
    assert str(type_) == text


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        (IDENTITY, "identity"),
        (CONNECTION_ID, "connection_id"),
        (TIMESTAMP, "timestamp"),
        (TIME_DURATION, "time_duration"),
        (UUID, "uuid"),
        (SCHEDULE_AT, "schedule_at"),
        (option(U8), "option"),
        (result(U8, U8), "result"),
        (product(__identity__=U128), None),
        (product(identity=U128), None),
        (product(__uuid__=U128, more=U8), None),
        (Sum((SumVariant("none", UNIT), SumVariant("some", U8))), None),
        (Sum((SumVariant("some", U8), SumVariant("none", U8))), None),
        (Sum((SumVariant("Interval", U64), SumVariant("Time", TIMESTAMP))), None),
        (U8, None),
        (UNIT, None),
    ],
)
def test_types_with_a_meaning_are_recognised_by_their_names(type_: AlgebraicType, kind: str | None) -> None:
    assert special(type_) == kind


def test_simple_enums() -> None:
    assert is_simple_enum(enum("A"))
    assert not is_simple_enum(Sum(()))
    assert not is_simple_enum(Sum((SumVariant("A", U8),)))
    assert not is_simple_enum(UNIT)


@given(types(), types())
def test_types_are_equal_when_they_have_the_same_structure(left: AlgebraicType, right: AlgebraicType) -> None:
    assert (left == right) == (type_bytes(left) == type_bytes(right))
    for same in (copy.deepcopy(left), pickle.loads(pickle.dumps(left))):
        assert same == left
        assert hash(same) == hash(left)
    assert left != "x"


def test_types_cannot_be_changed() -> None:
    with pytest.raises(AttributeError) as caught:
        UNIT.elements = (Element("a", U8),)
    assert str(caught.value) == "Product is immutable"


def test_types_know_their_size() -> None:
    type_ = product(a=Array(option(U8)), b=Ref(1))
    assert (type_.depth, type_.parts, type_.has_refs) == (3, 6, True)
    assert (U8.depth, U8.parts, U8.has_refs) == (0, 1, False)
    assert product_of([("a", U8)]) == product(a=U8)


EXACT: list[tuple[AlgebraicType, str]] = [
    (Ref(3), "0003000000"),
    (enum("A"), "0101000000000100000041" + "0200000000"),
    (Product((Element(None, U8),)), "02010000000107"),
    (product(id=U64), "020100000000020000006964" + "0d"),
    (BYTES, "0307"),
    *(
        (Primitive(kind), f"{tag:02x}")
        for tag, kind in enumerate(
            "String Bool I8 U8 I16 U16 I32 U32 I64 U64 I128 U128 I256 U256 F32 F64".split(),
            4,
        )
    ),
]


@pytest.mark.parametrize(("type_", "data"), EXACT, ids=str)
def test_the_bytes_of_a_type(type_: AlgebraicType, data: str) -> None:
    assert type_bytes(type_).hex() == data
    assert read_type(Cursor(bytes.fromhex(data))) == type_


@given(st.one_of(types(), types().map(lambda inner: product(a=Ref(7), b=inner))))
def test_types_come_back(type_: AlgebraicType) -> None:
    cursor = Cursor(type_bytes(type_))
    assert read_type(cursor) == type_
    cursor.end()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "tag of type needs 1 bytes, 0 are left at byte 0"),
        ("14", "unknown tag 20 of type, there are 20 at byte 0"),
        ("0001", "type reference needs 4 bytes, 1 are left at byte 1"),
        ("02ffffffff07", "array of 4294967295 elements, 1 bytes are left at byte 1"),
        ("020100000002", "unknown tag 2 of option, there are 2 at byte 5"),
        ("02010000000001000000ff07", "String is not UTF-8 at byte 10"),
        ("03" * 65 + "07", "type nests deeper than 64 levels at byte 64"),
        ("03" * 50_000, "type nests deeper than 64 levels at byte 64"),
    ],
)
def test_bytes_that_are_no_type(data: str, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read_type(Cursor(bytes.fromhex(data)))
    assert str(caught.value) == message


def test_what_is_left_over_is_refused() -> None:
    cursor = Cursor(b"\x05\x00")
    assert read_type(cursor) == BOOL
    with pytest.raises(DecodeError) as caught:
        cursor.end()
    assert str(caught.value) == "1 bytes left over at byte 1"
