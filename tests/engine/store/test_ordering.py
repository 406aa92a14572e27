from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.typed import PRIMITIVES, types, values_of

from pytest_inner_universe.engine.store.ordering import after_prefix, order_key
from pytest_inner_universe.sats import (
    BOOL,
    BYTES,
    F32,
    F64,
    I8,
    I64,
    I256,
    IDENTITY,
    STRING,
    TIMESTAMP,
    U8,
    U64,
    U256,
    AlgebraicType,
    Array,
    Primitive,
    Product,
    Sum,
    Variant,
    codec,
    enum,
    option,
)


def rank(type_: AlgebraicType, value: Any) -> Any:
    """Return something that Python orders as SpacetimeDB orders the value."""
    if type_ == STRING:
        return value.encode()
    if isinstance(type_, Primitive) and type_.kind.startswith("F"):
        bits = struct.unpack("<i" if type_ == F32 else "<q", codec(type_).encode(value))[0]
        return bits if bits >= 0 else bits ^ ((1 << (31 if type_ == F32 else 63)) - 1)
    if type_ != BYTES and isinstance(type_, Array):
        return [rank(type_.element, item) for item in value]
    if isinstance(type_, Product):
        return [rank(element.type, part) for element, part in zip(type_.elements, value)]
    if isinstance(type_, Sum):
        tag = [variant.name for variant in type_.variants].index(value.name)
        return (tag, rank(type_.variants[tag].type, value.value))
    return value


@given(st.data())
def test_order_keys_compare_as_the_values_do(data: st.DataObject) -> None:
    columns = data.draw(st.lists(types(), min_size=1, max_size=3))
    rows = st.tuples(*(values_of(type_) for type_ in columns))
    first, second = data.draw(rows), data.draw(rows)
    convert = order_key(columns)
    keys = [
        convert(b"".join(codec(type_).encode(value) for type_, value in zip(columns, row))) for row in (first, second)
    ]
    ranks = [[rank(type_, value) for type_, value in zip(columns, row)] for row in (first, second)]
    assert (keys[0] < keys[1], keys[0] == keys[1]) == (ranks[0] < ranks[1], ranks[0] == ranks[1])


@given(st.data())
def test_a_prefix_of_columns_is_a_prefix_of_the_order_key(data: st.DataObject) -> None:
    columns = data.draw(st.lists(types(PRIMITIVES), min_size=1, max_size=3))
    parts = [codec(type_).encode(data.draw(values_of(type_))) for type_ in columns]
    whole = order_key(columns)(b"".join(parts))
    for count in range(len(columns) + 1):
        assert whole.startswith(order_key(columns[:count])(b"".join(parts[:count])))


@pytest.mark.parametrize(
    ("type_", "ascending"),
    [
        (BOOL, [False, True]),
        (I8, [-128, -1, 0, 1, 127]),
        (I64, [-(2**63), -256, -255, -1, 0, 255, 256, 2**63 - 1]),
        (I256, [-(2**255), -1, 0, 2**255 - 1]),
        (U8, [0, 1, 128, 255]),
        (U64, [0, 255, 256, 2**64 - 1]),
        (U256, [0, 2**255]),
        (F64, [float("-inf"), -1.5, -1.0, -0.0, 0.0, 1.0, 1.5, float("inf"), float("nan")]),
        (STRING, ["", "\0", "\0a", "A", "Z", "a", "a\0", "a\0b", "a\1", "aa", "b", "é"]),
        (enum("B", "A"), ["B", "A"]),
        (option(U8), [Variant("some", 0), Variant("some", 9), Variant("none")]),
        (Array(I8), [[], [-1], [-1, 5], [0], [0, -1]]),
    ],
)
def test_values_in_order(type_: AlgebraicType, ascending: list[Any]) -> None:
    if type_ == option(U8):
        ascending = [value.value if value.name == "some" else None for value in ascending]
    keys = [order_key([type_])(codec(type_).encode(value)) for value in ascending]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("type_", [IDENTITY, TIMESTAMP])
def test_types_with_a_meaning_are_ordered_as_their_numbers(type_: Product) -> None:
    inner = type_.elements[0].type
    low, high = (codec(inner).encode(number) for number in (255, 256))
    assert order_key([type_])(low) < order_key([type_])(high)


@pytest.mark.parametrize(
    ("prefix", "after"), [(b"", None), (b"\xff\xff", None), (b"a", b"b"), (b"a\xff", b"b"), (b"a\xfe", b"a\xff")]
)
def test_what_comes_after_a_prefix(prefix: bytes, after: bytes | None) -> None:
    assert after_prefix(prefix) == after
