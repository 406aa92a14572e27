from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.typed import types, values_of

from pytest_inner_universe.engine.store.projector import FAILURES, fixed_width, locator, projector
from pytest_inner_universe.sats import (
    BOOL,
    BYTES,
    F64,
    I8,
    I256,
    IDENTITY,
    SCHEDULE_AT,
    STRING,
    TIMESTAMP,
    U8,
    U16,
    U32,
    U64,
    UNIT,
    AlgebraicType,
    Array,
    DecodeError,
    Element,
    Product,
    Sum,
    SumVariant,
    codec,
    enum,
    option,
    product,
)


@st.composite
def row_and_types(draw: st.DrawFn) -> tuple[list[AlgebraicType], list[bytes]]:
    columns = draw(st.lists(types(), min_size=1, max_size=5))
    return columns, [codec(type_).encode(draw(values_of(type_))) for type_ in columns]


def row_codec(columns: list[AlgebraicType]) -> Any:
    return codec(Product(tuple(Element(f"c{i}", type_) for i, type_ in enumerate(columns))))


@given(row_and_types(), st.data())
def test_keys_are_the_bytes_of_their_columns(
    case: tuple[list[AlgebraicType], list[bytes]], data: st.DataObject
) -> None:
    columns, parts = case
    key = st.lists(st.integers(0, len(columns) - 1), min_size=1, max_size=4)
    keys = data.draw(st.lists(key, max_size=3))
    found = projector(columns, keys)(b"".join(parts))
    assert found == tuple(b"".join(parts[column] for column in key) for key in keys)


@given(row_and_types(), st.data())
def test_columns_are_located_where_they_begin(
    case: tuple[list[AlgebraicType], list[bytes]], data: st.DataObject
) -> None:
    columns, parts = case
    wanted = data.draw(st.lists(st.integers(0, len(columns) - 1), max_size=3))
    found = locator(columns, wanted)(b"".join(parts))
    assert found == tuple(sum(map(len, parts[:column])) for column in wanted)


@given(row_and_types(), st.data())
def test_what_the_codec_refuses_is_refused_and_nothing_else(
    case: tuple[list[AlgebraicType], list[bytes]], data: st.DataObject
) -> None:
    columns, parts = case
    row = bytearray(b"".join(parts))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(row)))
        change = data.draw(st.sampled_from(["cut", "insert", "replace"]))
        if change == "cut":
            del row[place:]
        elif change == "insert":
            row.insert(place, data.draw(st.integers(0, 255)))
        elif place < len(row):
            row[place] = data.draw(st.sampled_from([0, 1, 2, 3, 0x7F, 0x80, 0xFF]))
    assert is_refused(columns, bytes(row)) == is_undecodable(columns, bytes(row))


def is_refused(columns: list[AlgebraicType], row: bytes) -> bool:
    try:
        projector(columns, [])(row)
    except FAILURES:
        return True
    return False


def is_undecodable(columns: list[AlgebraicType], row: bytes) -> bool:
    try:
        row_codec(columns).decode(row)
    except DecodeError:
        return True
    return False


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        ([U32], "000000"),
        ([U32], "0000000000"),
        ([BOOL], "02"),
        ([U8, BOOL, U8], "000200"),
        ([STRING], "020000006100"[:10]),
        ([STRING], "01000000ff"),
        ([STRING], "ffffffff61"),
        ([BYTES], "0200000061"),
        ([Array(U32)], "0200000000000000"),
        ([Array(BOOL)], "020000000102"),
        ([Array(STRING)], "ffffffff"),
        ([Array(UNIT)], "ffffffff"),
        ([Array(Array(UNIT))], "ffffffff00000000"),
        ([option(U32)], "0000"),
        ([option(U32)], "02"),
        ([option(U32)], ""),
        ([enum("A", "B")], "02"),
        ([Sum(())], "00"),
        ([SCHEDULE_AT], "020000000000000000"),
        ([option(option(BOOL))], "0002"),
        ([product(a=STRING, b=BOOL)], "000000" + "0002"),
    ],
)
def test_refuses_bytes_that_are_no_row(columns: list[AlgebraicType], row: str) -> None:
    with pytest.raises(FAILURES):
        projector(columns, [])(bytes.fromhex(row))


@pytest.mark.parametrize(
    ("type_", "width"),
    [
        (BOOL, 1),
        (I8, 1),
        (U16, 2),
        (U64, 8),
        (F64, 8),
        (I256, 32),
        (IDENTITY, 32),
        (TIMESTAMP, 8),
        (SCHEDULE_AT, 9),
        (UNIT, 0),
        (enum("A", "B"), 1),
        (product(a=U8, b=product(c=U16)), 3),
        (Sum((SumVariant("a", U8), SumVariant("b", I8))), 2),
        (Sum((SumVariant("a", U8), SumVariant("b", U16))), None),
        (Sum(()), None),
        (option(U8), None),
        (STRING, None),
        (BYTES, None),
        (product(a=STRING), None),
        (Sum((SumVariant("a", STRING),)), None),
    ],
)
def test_knows_which_types_have_one_width(type_: AlgebraicType, width: int | None) -> None:
    assert fixed_width(type_) == width
