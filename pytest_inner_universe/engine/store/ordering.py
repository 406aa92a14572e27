"""Order keys: bytes that compare as the values compare that a BSATN key holds.

Numbers are turned around to have their most significant byte first, with the sign bit flipped; floats get IEEE total order;
texts and arrays are terminated so that a value never is the beginning of another. The order keys of several columns are
therefore simply put together, a prefix of columns is a prefix of bytes, and every range of an index is one slice of a
sorted list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...sats.layout import minimum_width
from ...sats.types import BOOL, STRING, U8, AlgebraicType, Array, Primitive, Product, Sum
from .projector import fixed_width

Step = Callable[[bytes, int, bytearray], int]
"""Appends the order key of the value at an offset of valid data; returns where the value ends."""

OrderKey = Callable[[bytes], bytes]

_TERMINATOR = b"\0\0"
_ESCAPED = b"\0\xff"


def after_prefix(order_key: bytes) -> bytes | None:
    """Return the smallest bytes that are greater than everything that begins with an order key.

    Returns:
        None if there are none: the order key is empty or all ones.
    """
    stripped = order_key.rstrip(b"\xff")
    return stripped[:-1] + bytes((stripped[-1] + 1,)) if stripped else None


def order_key(columns: Sequence[AlgebraicType]) -> OrderKey:
    """Return the function that turns the BSATN of some columns into their order key.

    Args:
        columns: Types of the columns, in the order in which they count.
    """
    if len(columns) == 1 and (width := _unsigned_width(columns[0])) is not None:
        return bytes if width == 1 else _reversed
    steps = tuple(_step(type_) for type_ in columns)

    def convert(data: bytes) -> bytes:
        out = bytearray()
        offset = 0
        for step in steps:
            offset = step(data, offset, out)
        return bytes(out)

    return convert


def _reversed(data: bytes) -> bytes:
    return data[::-1]


def _unsigned_width(type_: AlgebraicType) -> int | None:
    """Return the width of a type that is one unsigned number in whatever wrapping, None for any other."""
    if type(type_) is Product and len(type_.elements) == 1:
        return _unsigned_width(type_.elements[0].type)
    if type(type_) is Sum:
        return 1 if fixed_width(type_) == 1 else None
    if type(type_) is Primitive and (type_ == BOOL or type_.kind.startswith("U")):
        return minimum_width(type_)
    return None


def _step(type_: AlgebraicType) -> Step:
    if type(type_) is Product:
        return _product([_step(element.type) for element in type_.elements])
    if type(type_) is Sum:
        return _sum([_step(variant.type) for variant in type_.variants])
    if type_ in (STRING, Array(U8)):
        return _text
    if type(type_) is Array:
        return _array(_step(type_.element))
    assert type(type_) is Primitive
    width = minimum_width(type_)
    if type_.kind.startswith("F"):
        return _float(width)
    return _signed(width) if type_.kind.startswith("I") else _unsigned(width)


def _unsigned(width: int) -> Step:
    def step(data: bytes, start: int, out: bytearray) -> int:
        end = start + width
        out += data[start:end][::-1]
        return end

    return step


def _signed(width: int) -> Step:
    def step(data: bytes, start: int, out: bytearray) -> int:
        end = start + width
        out.append(data[end - 1] ^ 0x80)
        out += data[start : end - 1][::-1]
        return end

    return step


def _float(width: int) -> Step:
    inverted = bytes(255 - byte for byte in range(256))

    def step(data: bytes, start: int, out: bytearray) -> int:
        end = start + width
        number = data[start:end][::-1]
        if number[0] & 0x80:
            out += number.translate(inverted)
        else:
            out.append(number[0] ^ 0x80)
            out += number[1:]
        return end

    return step


def _text(data: bytes, start: int, out: bytearray) -> int:
    begin = start + 4
    end = begin + int.from_bytes(data[start:begin], "little")
    out += data[begin:end].replace(b"\0", _ESCAPED)
    out += _TERMINATOR
    return end


def _array(element: Step) -> Step:
    def step(data: bytes, start: int, out: bytearray) -> int:
        offset = start + 4
        for _ in range(int.from_bytes(data[start:offset], "little")):
            out.append(1)
            offset = element(data, offset, out)
        out.append(0)
        return offset

    return step


def _product(elements: list[Step]) -> Step:
    def step(data: bytes, start: int, out: bytearray) -> int:
        for element in elements:
            start = element(data, start, out)
        return start

    return step


def _sum(variants: list[Step]) -> Step:
    def step(data: bytes, start: int, out: bytearray) -> int:
        tag = data[start]
        out.append(tag)
        return variants[tag](data, start + 1, out)

    return step
