"""Readers: one generated function per type, which turns bytes into a Python value without looking at the type again.

A generated reader has the form ``read(data, p, size) -> (value, p)``. It is written for good input: neighbouring
fields of fixed width are unpacked by one `struct.Struct`, lengths are checked before anything is cut out, and any failure
leaves as an ordinary exception (see `FAILURES`), upon which `diagnose` walks the type slowly and says what was wrong.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any
from uuid import UUID as PythonUuid

from .codegen import INLINE_DEPTH, ReadingSource
from .identity import ConnectionId, Identity
from .layout import EMPTY_LIMIT, FORMATS, SPECIAL_FORMATS, WIDE, grows_from_nothing, minimum_width
from .moments import TimeDuration, Timestamp
from .types import (
    BOOL,
    STRING,
    U8,
    AlgebraicType,
    Array,
    Primitive,
    Product,
    Sum,
    field_names,
    is_simple_enum,
    may_be_none,
    special,
    variant_names,
)
from .values import Err, Ok, Some, Variant

Reader = Callable[[Any, int, int], "tuple[Any, int]"]

FAILURES = (struct.error, LookupError, ValueError, OverflowError, MemoryError)


def _uuid(data: bytes) -> PythonUuid:
    return PythonUuid(int=int.from_bytes(data, "little"))


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "identity": Identity,
    "connection_id": ConnectionId,
    "timestamp": Timestamp,
    "time_duration": TimeDuration,
    "uuid": _uuid,
}


class _Reading(ReadingSource):
    """Writes a reader."""

    def value(self, type_: AlgebraicType) -> str:
        """Write what reads one value; return an expression for it."""
        if type(type_) is Primitive:
            return self._primitive(type_)
        kind = special(type_)
        if kind in _CONVERT:
            return f"{self.bind(_CONVERT[kind])}({self.fixed(SPECIAL_FORMATS[kind])})"
        if self.level == INLINE_DEPTH:
            self.flush()
            out = self.new()
            self.add(f"{out}, p = {self.bind(reader(type_))}(data, p, size)")
            return out
        self.level += 1
        try:
            if type(type_) is Product:
                return self._product(type_)
            if type(type_) is Array:
                return self._array(type_)
            assert type(type_) is Sum
            return self._option(type_) if kind == "option" else self._sum(type_, kind)
        finally:
            self.level -= 1

    def _primitive(self, type_: Primitive) -> str:
        if type_.kind in FORMATS:
            return self.fixed(FORMATS[type_.kind])
        if type_ == BOOL:
            return f"BOOLS[{self.fixed('B')}]"
        if type_ == STRING:
            return self.piece("str({}, 'utf-8')")
        width, signed = WIDE[type_.kind]
        return f"{self.bind(int.from_bytes)}({self.fixed(f'{width}s')}, 'little', signed={signed})"

    def _product(self, type_: Product) -> str:
        parts = [self.value(element.type) for element in type_.elements]
        names = field_names(type_)
        if names is None:
            return "(" + "".join(part + ", " for part in parts) + ")"
        return "{" + ", ".join(f"{name!r}: {part}" for name, part in zip(names, parts)) + "}"

    def _array(self, type_: Array) -> str:
        element = type_.element
        if element == U8:
            return self.piece("bytes({})")
        count, out = self.fixed("I"), self.new()
        self.flush()
        width = minimum_width(element)
        if grows_from_nothing(type_):
            self.add(f"if {count} > {EMPTY_LIMIT}: raise IndexError")
        self.add(f"if {count} * {width} > size - p: raise IndexError")
        if type(element) is Primitive and element.kind in FORMATS:
            unpack = f"{self.bind(struct.unpack_from)}('<%d{FORMATS[element.kind]}' % {count}, data, p)"
            self.add(f"{out} = list({unpack}); p += {count} * {width}")
            return out
        read = self.bind(reader(element))
        self.add(f"{out} = []; append = {out}.append", f"for _ in range({count}):")
        self.add(f"    item, p = {read}(data, p, size); append(item)")
        return out

    def _option(self, type_: Sum) -> str:
        inner = type_.variants[0].type
        tag, out = self.fixed("B"), self.new()
        self.flush()
        self.add(f"if {tag} == 0:")
        self.indent += 1
        expression = self.value(inner)
        self.flush()
        self.add(f"{out} = {self.bind(Some)}({expression})" if may_be_none(inner) else f"{out} = {expression}")
        self.indent -= 1
        self.add(f"elif {tag} == 1: {out} = None", "else: raise IndexError")
        return out

    def _sum(self, type_: Sum, kind: str | None) -> str:
        names = variant_names(type_)
        if kind is None and is_simple_enum(type_):
            # Variants are immutable, so every value can be the same object.
            return f"{self.bind(tuple(Variant(name) for name in names))}[{self.fixed('B')}]"
        tag, out = self.fixed("B"), self.new()
        self.flush()
        readers = self.bind(tuple(reader(variant.type) for variant in type_.variants))
        self.add(f"{out}, p = {readers}[{tag}](data, p, size)")
        if kind == "result":
            self.add(f"{out} = {self.bind((Ok, Err))}[{tag}]({out})")
        elif kind is None:
            self.add(f"{out} = {self.bind(Variant)}({self.bind(names)}[{tag}], {out})")
        return out


_readers: dict[AlgebraicType, Reader] = {}


def reader(type_: AlgebraicType) -> Reader:
    """Return the generated reader of a resolved type."""
    found = _readers.get(type_)
    if found is None:
        source = _Reading()
        expression = source.value(type_)
        source.flush()
        source.add(f"return {expression}, p")
        found = _readers[type_] = source.function()
    return found
