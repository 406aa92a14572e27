"""Writers of SATS-JSON: one closure per type, which turns a value as `readers` give it into what `json` handles."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

from . import accept
from .types import F32, F64, U8, AlgebraicType, Array, Primitive, Product, Sum, field_names, special, variant_names
from .values import Some

Write = Callable[[Any], Any]

_SINGLE = struct.Struct("<f")

HEX_KINDS = frozenset({"U256", "I256"})
"""The numbers that are texts in JSON."""


def hex_number(number: int) -> str:
    """Return the text of a 256-bit number: hexadecimal, without leading zeros."""
    return f"-0x{-number:x}" if number < 0 else f"0x{number:x}"


def _double(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _single(value: float) -> float | None:
    """Return the shortest decimal that is this number in 32 bits, as servers write it: 0.1, not 0.10000000149011612."""
    if not math.isfinite(value):
        return None
    for digits in range(6, 9):
        short = float(f"{value:.{digits}g}")
        if abs(short) <= 3.4028234663852886e38 and _SINGLE.unpack(_SINGLE.pack(short))[0] == value:
            return short
    return float(f"{value:.9g}")


_SPECIAL: dict[str, Write] = {
    "identity": lambda value: hex_number(int(value)),
    "connection_id": int,
    "timestamp": lambda value: value.micros,
    "time_duration": lambda value: value.micros,
    "uuid": lambda value: value.int,
}


def json_writer(type_: AlgebraicType, dynamic: bool) -> Write:
    """Return what turns a checked value (as a reader of bytes gives it) into JSON."""
    kind = special(type_)
    if type(type_) is Primitive:
        if type_.kind in HEX_KINDS:
            return hex_number
        return _single if type_ == F32 else _double if type_ == F64 else lambda value: value
    if type(type_) is Array:
        if type_.element == U8:
            return bytes.hex
        item = json_writer(type_.element, dynamic)
        return lambda value: [item(part) for part in value]
    if type(type_) is Sum:
        return _sum_writer(type_, kind, dynamic)
    assert type(type_) is Product
    if kind is not None:
        field, inner = type_.elements[0].name, _SPECIAL[kind]
        return (lambda value: [inner(value)]) if dynamic else (lambda value: {field: inner(value)})
    writers = [json_writer(element.type, dynamic) for element in type_.elements]
    names = field_names(type_)
    if names is None:
        return lambda value: [write(part) for write, part in zip(writers, value)]
    if dynamic:
        return lambda value: [write(value[name]) for name, write in zip(names, writers)]
    return lambda value: {name: write(value[name]) for name, write in zip(names, writers)}


def _sum_writer(type_: Sum, kind: str | None, dynamic: bool) -> Write:
    names = variant_names(type_)
    writers = [json_writer(variant.type, dynamic) for variant in type_.variants]

    def tagged(tag: int, payload: Any) -> Any:
        written = writers[tag](payload)
        return [tag, written] if dynamic else {names[tag]: written}

    if kind == "option":
        return lambda value: (
            tagged(1, ()) if value is None else tagged(0, value.value if type(value) is Some else value)
        )
    find = accept.finder(type_, kind)
    return lambda value: tagged(*find(value))
