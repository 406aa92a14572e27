"""Algebraic types: what SpacetimeDB knows about the shape of a value.

Types are immutable and compare by structure. A type that comes from a module may contain `Ref`s into the module's
typespace; everything else in this package works on resolved types, which contain none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from .structure import Structure


class Primitive(Structure):
    """A type without parts.

    Args:
        kind: Name as SpacetimeDB spells it, ``U32`` or ``String``.
    """

    __slots__ = ("kind",)
    kind: str

    def __init__(self, kind: str) -> None:
        self.describe(kind, ())

    def __str__(self) -> str:
        return self.kind


class Array(Structure):
    """Any number of values of one type."""

    __slots__ = ("element",)
    element: AlgebraicType

    def __init__(self, element: AlgebraicType) -> None:
        self.describe(element, (element,))

    def __str__(self) -> str:
        return "Bytes" if self.element == U8 else f"Array<{self.element}>"


class Element(NamedTuple):
    """One field of a product."""

    name: str | None
    type: AlgebraicType


class Product(Structure):
    """A fixed sequence of fields: a struct, a tuple, a row."""

    __slots__ = ("elements",)
    elements: tuple[Element, ...]

    def __init__(self, elements: tuple[Element, ...]) -> None:
        self.describe(elements, [element.type for element in elements])

    def __str__(self) -> str:
        kind = special(self)
        if kind is not None:
            return SPECIAL_TITLES[kind]
        return "(" + ", ".join(f"{e.name}: {e.type}" if e.name else str(e.type) for e in self.elements) + ")"


class SumVariant(NamedTuple):
    """One alternative of a sum."""

    name: str | None
    type: AlgebraicType


class Sum(Structure):
    """One of several alternatives: an enum."""

    __slots__ = ("variants",)
    variants: tuple[SumVariant, ...]

    def __init__(self, variants: tuple[SumVariant, ...]) -> None:
        self.describe(variants, [variant.type for variant in variants])

    def __str__(self) -> str:
        kind = special(self)
        if kind == "option":
            return f"Option<{self.variants[0].type}>"
        if kind == "result":
            return f"Result<{self.variants[0].type}, {self.variants[1].type}>"
        if kind is not None:
            return SPECIAL_TITLES[kind]
        parts = [n if v.type == UNIT else f"{n}({v.type})" for n, v in zip(variant_names(self), self.variants)]
        return "(" + " | ".join(parts) + ")"


class Ref(Structure):
    """A place in the typespace of a module."""

    __slots__ = ("index",)
    index: int

    def __init__(self, index: int) -> None:
        self.describe(index, ())
        object.__setattr__(self, "has_refs", True)

    def __str__(self) -> str:
        return f"&{self.index}"


AlgebraicType: TypeAlias = Primitive | Array | Product | Sum | Ref

BOOL, STRING = Primitive("Bool"), Primitive("String")
I8, I16, I32, I64, I128, I256 = (Primitive(f"I{bits}") for bits in (8, 16, 32, 64, 128, 256))
U8, U16, U32, U64, U128, U256 = (Primitive(f"U{bits}") for bits in (8, 16, 32, 64, 128, 256))
F32, F64 = Primitive("F32"), Primitive("F64")
UNIT = Product(())
BYTES = Array(U8)

INTEGERS = frozenset({I8, I16, I32, I64, I128, I256, U8, U16, U32, U64, U128, U256})

MAX_DEPTH = 64
"""How deep a type may nest; whatever goes deeper is refused, not followed."""

MAX_PARTS = 10_000
"""How many types a resolved type may consist of: references let a short definition describe an enormous type."""


def product(**fields: AlgebraicType) -> Product:
    """Return the product type with these named fields."""
    return Product(tuple(Element(name, type_) for name, type_ in fields.items()))


def product_of(fields: Sequence[tuple[str, AlgebraicType]]) -> Product:
    """Return the product type of pairs of name and type."""
    return Product(tuple(Element(name, type_) for name, type_ in fields))


def option(inner: AlgebraicType) -> Sum:
    """Return the type of a value that may be absent."""
    return Sum((SumVariant("some", inner), SumVariant("none", UNIT)))


def result(ok: AlgebraicType, err: AlgebraicType) -> Sum:
    """Return the type of an outcome that is good or bad."""
    return Sum((SumVariant("ok", ok), SumVariant("err", err)))


def enum(*names: str) -> Sum:
    """Return a sum of variants without payload."""
    return Sum(tuple(SumVariant(name, UNIT) for name in names))


IDENTITY = product(__identity__=U256)
CONNECTION_ID = product(__connection_id__=U128)
TIMESTAMP = product(__timestamp_micros_since_unix_epoch__=I64)
TIME_DURATION = product(__time_duration_micros__=I64)
UUID = product(__uuid__=U128)
SCHEDULE_AT = Sum((SumVariant("Interval", TIME_DURATION), SumVariant("Time", TIMESTAMP)))

SPECIAL_TITLES = {
    "identity": "Identity",
    "connection_id": "ConnectionId",
    "timestamp": "Timestamp",
    "time_duration": "TimeDuration",
    "uuid": "Uuid",
    "schedule_at": "ScheduleAt",
}

_SPECIAL_PRODUCTS: dict[Product, str] = {
    IDENTITY: "identity",
    CONNECTION_ID: "connection_id",
    TIMESTAMP: "timestamp",
    TIME_DURATION: "time_duration",
    UUID: "uuid",
}


def special(type_: AlgebraicType) -> str | None:
    """Tell which type with a meaning of its own this is, recognised by its field names.

    Returns:
        ``identity``, ``connection_id``, ``timestamp``, ``time_duration``, ``uuid``, ``schedule_at``, ``option``,
        ``result``, or None for an ordinary type.
    """
    if type(type_) is Product:
        elements = type_.elements
        if len(elements) == 1 and elements[0].name is not None and elements[0].name.startswith("__"):
            return _SPECIAL_PRODUCTS.get(type_)
        return None
    if type(type_) is Sum and len(type_.variants) == 2:
        first, second = type_.variants
        names = (first.name, second.name)
        if names == ("some", "none") and second.type == UNIT:
            return "option"
        if names == ("ok", "err"):
            return "result"
        if names == ("Interval", "Time") and type_ == SCHEDULE_AT:
            return "schedule_at"
    return None


def field_names(type_: Product) -> tuple[str, ...] | None:
    """Return the names of a product whose values are dicts; None where a name is missing or stands twice."""
    names = tuple(element.name for element in type_.elements if element.name is not None)
    return names if names and len(set(names)) == len(type_.elements) else None


def variant_names(type_: Sum) -> tuple[str, ...]:
    """Return what the variants of a sum are called in Python: their names, or their numbers where there are none."""
    names = tuple(variant.name or str(i) for i, variant in enumerate(type_.variants))
    return names if len(set(names)) == len(names) else tuple(str(i) for i in range(len(names)))


def may_be_none(type_: AlgebraicType) -> bool:
    """Tell whether Python shows some value of this type as None, so that an option around it needs `Some`."""
    return special(type_) == "option"


def is_simple_enum(type_: AlgebraicType) -> bool:
    """Tell whether this is a sum of variants without payload."""
    return type(type_) is Sum and bool(type_.variants) and all(variant.type == UNIT for variant in type_.variants)
