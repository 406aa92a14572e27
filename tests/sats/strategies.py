"""Strategies for types and their values, and a second, plain encoder to compare with."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any
from uuid import UUID as PythonUuid

from hypothesis import strategies as st

from pytest_inner_universe.sats import (
    BOOL,
    CONNECTION_ID,
    F32,
    F64,
    IDENTITY,
    SCHEDULE_AT,
    STRING,
    TIME_DURATION,
    TIMESTAMP,
    U8,
    UNIT,
    UUID,
    AlgebraicType,
    Array,
    ConnectionId,
    Element,
    Err,
    Identity,
    Ok,
    Primitive,
    Product,
    SatsError,
    Some,
    Sum,
    SumVariant,
    TimeDuration,
    Timestamp,
    Variant,
    enum,
    option,
    result,
    special,
)
from pytest_inner_universe.sats.types import INTEGERS, field_names, variant_names

SPECIALS = (IDENTITY, CONNECTION_ID, TIMESTAMP, TIME_DURATION, UUID, SCHEDULE_AT)
NAMES = st.one_of(
    st.sampled_from(["a", "b", "some", "none", "ok", "0", "1", "with space", "é", "'\"\\"]), st.text(max_size=6)
)


def _products(inner: st.SearchStrategy[AlgebraicType]) -> st.SearchStrategy[Product]:
    elements = st.builds(Element, st.one_of(NAMES, NAMES, NAMES, st.none()), inner)
    return st.lists(elements, max_size=5).map(lambda parts: Product(tuple(parts)))


def _sums(inner: st.SearchStrategy[AlgebraicType]) -> st.SearchStrategy[Sum]:
    variants = st.builds(SumVariant, st.one_of(NAMES, NAMES, st.none()), inner)
    return st.lists(variants, min_size=1, max_size=4).map(lambda parts: Sum(tuple(parts)))


def types() -> st.SearchStrategy[AlgebraicType]:
    """Return resolved types of every kind, odd ones included: names missing, given twice, or like another's number."""
    leaves: st.SearchStrategy[AlgebraicType] = st.sampled_from(
        [BOOL, STRING, F32, F64, UNIT, Array(U8), enum("A", "B", "C"), *SPECIALS, *sorted(INTEGERS, key=str)]
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            _products(inner),
            _sums(inner),
            st.builds(Array, inner),
            st.builds(option, inner),
            st.builds(result, inner, inner),
        ),
        max_leaves=12,
    )


def integer_bounds(type_: Primitive) -> tuple[int, int]:
    """Return the least and the greatest value of an integer type."""
    bits = int(type_.kind[1:])
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if type_.kind[0] == "I" else (0, (1 << bits) - 1)


def values(type_: AlgebraicType, finite: bool = False) -> st.SearchStrategy[Any]:
    """Return values of a type, in the form that decoding gives.

    Args:
        type_: The type.
        finite: Whether floats that JSON has no number for are left out.
    """
    if type(type_) is Primitive:
        if type_ == BOOL:
            return st.booleans()
        if type_ == STRING:
            return st.text(max_size=8)
        if type_ in (F32, F64):
            return st.floats(width=32 if type_ == F32 else 64, allow_nan=False, allow_infinity=not finite)
        return st.integers(*integer_bounds(type_))
    kind = special(type_)
    if kind == "identity":
        return st.binary(min_size=32, max_size=32).map(Identity)
    if kind == "connection_id":
        return st.binary(min_size=16, max_size=16).map(ConnectionId)
    if kind == "uuid":
        return st.uuids()
    if kind in ("timestamp", "time_duration"):
        return st.integers(-(1 << 63), (1 << 63) - 1).map(Timestamp if kind == "timestamp" else TimeDuration)
    if type(type_) is Array:
        return st.binary(max_size=8) if type_.element == U8 else st.lists(values(type_.element, finite), max_size=3)
    if type(type_) is Product:
        parts = st.tuples(*(values(element.type, finite) for element in type_.elements))
        names = field_names(type_)
        return parts if names is None else parts.map(lambda part: dict(zip(names, part, strict=True)))
    assert type(type_) is Sum
    inner = [values(variant.type, finite) for variant in type_.variants]
    if kind == "option":
        return st.one_of(st.none(), inner[0].map(Some) if special(type_.variants[0].type) == "option" else inner[0])
    if kind == "result":
        return st.one_of(inner[0].map(Ok), inner[1].map(Err))
    if kind == "schedule_at":
        return st.one_of(*inner)
    return st.one_of(*(_variants(name, payload) for name, payload in zip(variant_names(type_), inner, strict=True)))


def _variants(name: str, payload: st.SearchStrategy[Any]) -> st.SearchStrategy[Variant]:
    return payload.map(lambda value: Variant(name, value))


@st.composite
def typed_values(draw: st.DrawFn, finite: bool = False) -> tuple[AlgebraicType, Any]:
    """Return a type and a value of it."""
    type_ = draw(types())
    return type_, draw(values(type_, finite))


def plain_encode(type_: AlgebraicType, value: Any) -> bytes:
    """Encode by walking type and value, one rule of the format after the other."""
    if type(type_) is Primitive:
        if type_ == BOOL:
            return b"\x01" if value else b"\x00"
        if type_ == STRING:
            text = str(value).encode()
            return struct.pack("<I", len(text)) + text
        if type_ in (F32, F64):
            return struct.pack("<f" if type_ == F32 else "<d", value)
        bits = int(type_.kind[1:])
        return int(value).to_bytes(bits // 8, "little", signed=type_.kind[0] == "I")
    kind = special(type_)
    if kind in ("identity", "connection_id"):
        return bytes(value.to_bytes())
    if kind == "uuid":
        assert isinstance(value, PythonUuid)
        return bytes(value.bytes[::-1])
    if kind in ("timestamp", "time_duration"):
        return struct.pack("<q", value.micros)
    if type(type_) is Array:
        if type_.element == U8:
            return struct.pack("<I", len(value)) + bytes(value)
        return struct.pack("<I", len(value)) + b"".join(plain_encode(type_.element, item) for item in value)
    if type(type_) is Product:
        parts = value if field_names(type_) is None else [value[element.name] for element in type_.elements]
        return b"".join(plain_encode(e.type, part) for e, part in zip(type_.elements, parts, strict=True))
    assert type(type_) is Sum
    if kind == "option":
        tag, payload = (1, ()) if value is None else (0, value.value if type(value) is Some else value)
    elif kind == "result":
        tag, payload = (0 if type(value) is Ok else 1), value.value
    elif kind == "schedule_at":
        tag, payload = (0 if type(value) is TimeDuration else 1), value
    else:
        tag, payload = variant_names(type_).index(value.name), value.value
    return bytes([tag]) + plain_encode(type_.variants[tag].type, payload)


def attempt(call: Callable[..., Any], *args: Any) -> tuple[Any, SatsError | None]:
    """Return what a call gives, or the error with which it refuses; any other error is a failure."""
    try:
        return call(*args), None
    except SatsError as error:
        return None, error


def same(left: Any, right: Any) -> bool:
    """Tell whether two values are equal, where minus zero differs from zero and nothing differs from itself."""
    return repr(left) == repr(right) or (isinstance(left, float) and math.isnan(left) and math.isnan(right))
