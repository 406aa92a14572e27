"""Which Python values are accepted for which types, and the words for those that are not."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID as PythonUuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sats.strategies import attempt, typed_values, types

from pytest_inner_universe.sats import (
    BOOL,
    BYTES,
    CONNECTION_ID,
    F32,
    F64,
    I8,
    IDENTITY,
    SCHEDULE_AT,
    STRING,
    TIME_DURATION,
    TIMESTAMP,
    U8,
    U32,
    U64,
    U256,
    UNIT,
    UUID,
    AlgebraicType,
    Array,
    ConnectionId,
    Element,
    EncodeError,
    Identity,
    Ok,
    Product,
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

POINT = product(x=U8, y=U8)
SHAPE = Sum((SumVariant("Empty", UNIT), SumVariant("Circle", F64), SumVariant("At", POINT)))
ZERO = Identity.zero()


def label(part: Any) -> str:
    """Return a short name for a case; some of the values are too large to be shown, or show where they are stored."""
    if isinstance(part, (int, memoryview)):
        return type(part).__name__
    return str(part)[:30]


class Pair(NamedTuple):
    x: int
    y: int


class Text(str):
    __slots__ = ()


ACCEPTED: list[tuple[AlgebraicType, Any, Any]] = [
    (POINT, (1, 2), {"x": 1, "y": 2}),
    (POINT, [1, 2], {"x": 1, "y": 2}),
    (POINT, Pair(1, 2), {"x": 1, "y": 2}),
    (POINT, {"y": 2, "x": 1}, {"x": 1, "y": 2}),
    (POINT, OrderedDict(x=1, y=2), {"x": 1, "y": 2}),
    (POINT, MappingProxyType({"x": 1, "y": 2}), {"x": 1, "y": 2}),
    (Product((Element(None, U8), Element(None, U8))), [1, 2], (1, 2)),
    (UNIT, None, ()),
    (UNIT, {}, ()),
    (UNIT, [], ()),
    (F64, 3, 3.0),
    (F32, 0.5, 0.5),
    (STRING, Text("a"), "a"),
    (BYTES, bytearray(b"ab"), b"ab"),
    (BYTES, memoryview(b"ab"), b"ab"),
    (BYTES, [1, 255], b"\x01\xff"),
    (Array(U8), (), b""),
    (Array(U32), (1, 2), [1, 2]),
    (Array(F64), [1, 2.5], [1.0, 2.5]),
    (option(U8), Some(3), 3),
    (SHAPE, "Empty", Variant("Empty")),
    (SHAPE, {"Circle": 2}, Variant("Circle", 2.0)),
    (SHAPE, {"At": (1, 2)}, Variant("At", {"x": 1, "y": 2})),
    (enum("A", "B"), "B", Variant("B")),
    (enum("A", "B"), {"B": []}, Variant("B")),
    (enum("A", "B"), Variant("B", None), Variant("B")),
    (IDENTITY, "00" * 32, ZERO),
    (IDENTITY, "0x" + "00" * 32, ZERO),
    (CONNECTION_ID, "00" * 16, ConnectionId.zero()),
    (TIMESTAMP, datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), Timestamp(0)),
    (TIME_DURATION, timedelta(seconds=-1), TimeDuration(-1_000_000)),
    (SCHEDULE_AT, timedelta(seconds=1), TimeDuration(1_000_000)),
    (SCHEDULE_AT, datetime(1970, 1, 2, tzinfo=timezone.utc), Timestamp(86_400_000_000)),
    (UUID, "00000000-0000-0000-0000-000000000001", PythonUuid(int=1)),
]


@pytest.mark.parametrize(("type_", "value", "expected"), ACCEPTED, ids=label)
def test_accepted(type_: AlgebraicType, value: Any, expected: Any) -> None:
    assert codec(type_).decode(codec(type_).encode(value)) == expected


REFUSED: list[tuple[AlgebraicType, Any, str]] = [
    (BOOL, 1, "expected Bool, got int 1"),
    (BOOL, None, "expected Bool, got NoneType None"),
    (U8, True, "expected U8, got bool True"),
    (U8, 256, "256 is out of range for U8"),
    (U8, -1, "-1 is out of range for U8"),
    (I8, 128, "128 is out of range for I8"),
    (U8, 1.0, "expected U8, got float 1.0"),
    (U8, "1", "expected U8, got str '1'"),
    (U64, 1 << 64, "18446744073709551616 is out of range for U64"),
    (U256, -1, "-1 is out of range for U256"),
    (U256, 1 << 16610, "a number of 16611 bits is out of range for U256"),
    (F64, "1", "expected F64, got str '1'"),
    (F64, False, "expected F64, got bool False"),
    (F64, 10**400, "a number of 1329 bits is out of range for F64"),
    (F32, 1e300, "1e+300 is out of range for F32"),
    (STRING, b"a", "expected String, got bytes b'a'"),
    (STRING, "\ud800", "text with a lone surrogate cannot be stored: str '\\ud800'"),
    (BYTES, "ab", "expected Bytes, got str 'ab'"),
    (BYTES, [256], "expected Bytes, got list [256]"),
    (BYTES, [True], "expected Bytes, got list [True]"),
    (BYTES, 5, "expected Bytes, got int 5"),
    (UNIT, 1, "expected (), got int 1"),
    (UNIT, "", "expected (), got str ''"),
    (UNIT, {"a": 1}, "expected (), got dict {'a': 1}"),
    (UNIT, (1,), "expected 0 fields of (), got 1"),
    (POINT, 5, "expected (x: U8, y: U8), got int 5"),
    (POINT, "xy", "expected (x: U8, y: U8), got str 'xy'"),
    (POINT, (1, 2, 3), "expected 2 fields of (x: U8, y: U8), got 3"),
    (POINT, {"x": 1}, "the fields do not match: missing y; needed x, y"),
    (POINT, {"x": 1, "z": 2}, "the fields do not match: missing y; unknown z; needed x, y"),
    (POINT, defaultdict(int, x=1, z=2), "the fields do not match: missing y; unknown z; needed x, y"),
    (POINT, {"x": 1, "y": 300}, "y: 300 is out of range for U8"),
    (Product((Element(None, U8),)), {"0": 1}, "expected (U8), got dict {'0': 1}"),
    (Array(U8), "ab", "expected Bytes, got str 'ab'"),
    (Array(U32), 5, "expected Array<U32>, got int 5"),
    (Array(U32), "ab", "expected Array<U32>, got str 'ab'"),
    (Array(U32), [1, True], "[1]: expected U32, got bool True"),
    (Array(F64), [1.0, None], "[1]: expected F64, got NoneType None"),
    (Array(POINT), [(1, 2), {"x": 1, "y": -1}], "[1].y: -1 is out of range for U8"),
    (Array(UNIT), [()] * 1025, "1025 elements that may be empty, 1024 are the most"),
    (product(a=Array(UNIT)), {"a": [()] * 1025}, "a: 1025 elements that may be empty, 1024 are the most"),
    (option(U8), "x", "expected U8, got str 'x'"),
    (option(U8), Some("x"), "expected U8, got str 'x'"),
    (option(option(U8)), 5, "a value of Option<Option<U8>> has to be None or Some(...), got int 5"),
    (result(U8, STRING), 5, "expected Result<U8, String>, got int 5"),
    (result(U8, STRING), Ok("x"), "ok: expected U8, got str 'x'"),
    (SHAPE, "Square", "no variant 'Square', there are Empty, Circle, At"),
    (SHAPE, Variant("Square", 1), "no variant 'Square', there are Empty, Circle, At"),
    (
        SHAPE,
        {"Circle": 1, "At": 2},
        "expected (Empty | Circle(F64) | At((x: U8, y: U8))), got dict {'Circle': 1, 'At': 2}",
    ),
    (SHAPE, "Circle", "Circle: expected F64, got tuple ()"),
    (SHAPE, {"At": {"x": 1, "y": "b"}}, "At.y: expected U8, got str 'b'"),
    (SHAPE, 7, "expected (Empty | Circle(F64) | At((x: U8, y: U8))), got int 7"),
    (SHAPE, {(): 7}, "no variant (), there are Empty, Circle, At"),
    (enum("A", "B"), Variant("A", 5), "A: expected (), got int 5"),
    (enum("A", "B"), 0, "expected (A | B), got int 0"),
    (IDENTITY, "00", "expected Identity, got str '00'"),
    (
        IDENTITY,
        ConnectionId.zero(),
        "expected Identity, got ConnectionId ConnectionId.from_hex('00000000000000000000000000000000')",
    ),
    (
        IDENTITY,
        bytes(32),
        r"expected Identity, got bytes b'\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0...",
    ),
    (TIMESTAMP, 5, "expected Timestamp, got int 5"),
    (
        TIMESTAMP,
        datetime(2020, 1, 1),  # noqa: DTZ001 - that it has no time zone is the point
        "a datetime without time zone is not a point in time: datetime datetime.datetime(2020, 1, 1, 0, 0)",
    ),
    (TIMESTAMP, Timestamp(1 << 63), "expected Timestamp, got Timestamp Timestamp(9223372036854775808)"),
    (TIME_DURATION, 1.5, "expected TimeDuration, got float 1.5"),
    (SCHEDULE_AT, 5, "expected ScheduleAt, got int 5"),
    (UUID, "not one", "expected Uuid, got str 'not one'"),
    (UUID, 5, "expected Uuid, got int 5"),
]


@pytest.mark.parametrize(("type_", "value", "message"), REFUSED, ids=label)
def test_refused(type_: AlgebraicType, value: Any, message: str) -> None:
    with pytest.raises(EncodeError) as caught:
        codec(type_).encode(value)
    assert str(caught.value) == message


@given(types(), typed_values(), st.binary(max_size=5))
def test_a_refused_value_leaves_the_buffer_as_it_was(
    type_: AlgebraicType, typed: tuple[AlgebraicType, Any], before: bytes
) -> None:
    out = bytearray(before)
    _, error = attempt(codec(type_).write, typed[1], out)
    if error is None:
        assert codec(type_).read(bytes(out), len(before))[1] == len(out)
    else:
        assert isinstance(error, EncodeError)
        assert out == before


@given(
    types(),
    st.recursive(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(),
            st.text(max_size=3),
            st.binary(max_size=3),
            st.just(object()),
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.tuples(inner, inner),
            st.dictionaries(st.text(max_size=2), inner, max_size=3),
        ),
        max_leaves=6,
    ),
)
def test_any_python_value_is_written_or_refused(type_: AlgebraicType, value: Any) -> None:
    data, error = attempt(codec(type_).encode, value)
    if error is None:
        codec(type_).decode(data)
    else:
        assert isinstance(error, EncodeError)


class _Failing(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        raise RuntimeError("the mapping itself is broken")

    def __iter__(self) -> Iterator[str]:
        return iter(("x", "y"))

    def __len__(self) -> int:
        return 2


def test_an_error_of_the_value_itself_is_passed_on_and_leaves_the_buffer_as_it_was() -> None:
    out = bytearray(b"before")
    with pytest.raises(RuntimeError) as caught:
        codec(product(a=U32, point=POINT)).write({"a": 1, "point": _Failing()}, out)
    assert str(caught.value) == "the mapping itself is broken"
    assert out == b"before"


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(EncodeError) as caught:
        codec(Array(Array(U32))).encode(value)
    assert str(caught.value) == "[0][0]: expected U32, got list [[...]]"


def test_looking_for_a_name_does_not_create_it() -> None:
    value = defaultdict(int, x=1, z=2)
    with pytest.raises(EncodeError):
        codec(POINT).encode(value)
    assert dict(value) == {"x": 1, "z": 2}
