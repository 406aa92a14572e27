"""How values lie in bytes: the formats of `struct`, and the least room that a type takes."""

from __future__ import annotations

import struct

from .types import BOOL, STRING, AlgebraicType, Array, Primitive, Product, Sum

FORMATS = {
    "U8": "B",
    "I8": "b",
    "U16": "H",
    "I16": "h",
    "U32": "I",
    "I32": "i",
    "U64": "Q",
    "I64": "q",
    "F32": "f",
    "F64": "d",
}
"""The primitives that `struct` knows."""

WIDE = {"U128": (16, False), "I128": (16, True), "U256": (32, False), "I256": (32, True)}
"""The integers that it does not know: bytes, and whether they are signed."""

SPECIAL_FORMATS = {"identity": "32s", "connection_id": "16s", "timestamp": "q", "time_duration": "q", "uuid": "16s"}
"""The types with a meaning of their own that take a fixed number of bytes."""

EMPTY_LIMIT = 1024
"""Most elements of an array whose elements take no bytes, or are such arrays again.

Nothing but this number bounds them: a few bytes of input could otherwise claim billions of values.
"""


def minimum_width(type_: AlgebraicType) -> int:
    """Return the smallest number of bytes that a value of this type takes."""
    if type(type_) is Product:
        return sum(minimum_width(element.type) for element in type_.elements)
    if type(type_) is Sum:
        return 1 + min((minimum_width(variant.type) for variant in type_.variants), default=0)
    if type(type_) is Primitive:
        if type_.kind in WIDE:
            return WIDE[type_.kind][0]
        return 4 if type_ == STRING else 1 if type_ == BOOL else struct.calcsize("<" + FORMATS[type_.kind])
    return 4


def grows_from_nothing(type_: AlgebraicType) -> bool:
    """Tell whether values of this type can hold many more parts than they have bytes."""
    if type(type_) is Array:
        return minimum_width(type_.element) == 0 or grows_from_nothing(type_.element)
    if type(type_) is Product:
        return any(grows_from_nothing(element.type) for element in type_.elements)
    return type(type_) is Sum and any(grows_from_nothing(variant.type) for variant in type_.variants)


def fixed_width(type_: AlgebraicType) -> int | None:
    """Return how many bytes every value of a type takes, None if that depends on the value."""
    if isinstance(type_, Primitive):
        return None if type_ == STRING else minimum_width(type_)
    if isinstance(type_, Product):
        widths = [fixed_width(element.type) for element in type_.elements]
        return None if None in widths else sum(filter(None, widths))
    if isinstance(type_, Sum) and len(found := {fixed_width(variant.type) for variant in type_.variants}) == 1:
        (width,) = found
        return None if width is None else 1 + width
    return None
