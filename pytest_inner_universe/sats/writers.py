"""Writers: one generated function per type, which appends a Python value to a buffer.

The counterpart of `readers`, with the same plan: generated code ``write(value, out)`` for good values, neighbouring fields of
fixed width (and the lengths of texts behind them) in one `struct.Struct`, `accept` for values of other Python types, and
`diagnose` for the words when something does not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import accept
from .codegen import INLINE_DEPTH, WritingSource
from .layout import EMPTY_LIMIT, FORMATS, SPECIAL_FORMATS, WIDE, grows_from_nothing
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
)
from .values import Some

Writer = Callable[[Any, bytearray], None]

FAILURES = accept.FAILURES

_MICROS = {"timestamp": Timestamp, "time_duration": TimeDuration}


class _Writing(WritingSource):
    """Writes a writer."""

    def __init__(self) -> None:
        super().__init__(accept=accept)

    def value(self, type_: AlgebraicType, name: str) -> None:
        """Write what checks the value of a variable and appends it."""
        if type(type_) is Primitive:
            self._primitive(type_, name)
            return
        kind = special(type_)
        if kind in SPECIAL_FORMATS:
            self._special(kind, name)
        elif type(type_) is Array and type_.element == U8:
            self.add(f"if type({name}) is not bytes: {name} = accept.blob({name})")
            self.sized(name)
        elif kind is None and is_simple_enum(type_):
            assert type(type_) is Sum
            self.pending.append(("B", f"{self.bind(accept.enum_tag(type_))}({name})"))
        elif type(type_) is Product and not type_.elements:
            self.add(f"if {name} != (): accept.unit({name})")
        elif self.level == INLINE_DEPTH:
            self.flush()
            self.add(f"{self.bind(writer(type_))}({name}, out)")
        else:
            self.level += 1
            if type(type_) is Product:
                self._product(type_, name)
            elif type(type_) is Array:
                self._array(type_, name)
            elif type(type_) is Sum:
                self._option(type_, name) if kind == "option" else self._sum(type_, kind, name)
            self.level -= 1

    def _primitive(self, type_: Primitive, name: str) -> None:
        if type_ == BOOL:
            self.add(f"if {name} is not True and {name} is not False: raise TypeError")
            self.pending.append(("?", name))
        elif type_ == STRING:
            self.add(f"if type({name}) is not str: {name} = accept.text({name})", f"{name} = {name}.encode()")
            self.sized(name)
        elif type_.kind in ("F32", "F64"):
            self.add(f"if type({name}) is not float: {name} = accept.real({name})")
            self.pending.append((FORMATS[type_.kind], name))
        else:
            self.add(f"if type({name}) is not int: {name} = accept.integer({name})")
            if type_.kind in FORMATS:
                self.pending.append((FORMATS[type_.kind], name))
            else:
                width, signed = WIDE[type_.kind]
                self.pending.append((f"{width}s", f"{name}.to_bytes({width}, 'little', signed={signed})"))

    def _special(self, kind: str, name: str) -> None:
        convert = f"accept.{kind}({name})"
        if kind in _MICROS:
            convert = f"{name}._micros if type({name}) is {self.bind(_MICROS[kind])} else {convert}"
        self.pending.append((SPECIAL_FORMATS[kind], convert))

    def _product(self, type_: Product, name: str) -> None:
        names, parts = field_names(type_), [self.new() for _ in type_.elements]
        count, targets = len(parts), ", ".join(parts) + ","
        if names is None:
            self.add(f"{targets} = accept.fields({name}, None)")
        else:
            self.add(f"if type({name}) is dict and len({name}) == {count}:")
            self.add(*(f"    {part} = {name}[{field!r}]" for part, field in zip(parts, names)))
            self.add("else:", f"    {targets} = accept.fields({name}, {self.bind(names)})")
        for element, part in zip(type_.elements, parts):
            self.value(element.type, part)

    def _array(self, type_: Array, name: str) -> None:
        element = type_.element
        self.add(f"if not isinstance({name}, (list, tuple)): raise TypeError")
        if grows_from_nothing(type_):
            self.add(f"if len({name}) > {EMPTY_LIMIT}: raise ValueError")
        self.pending.append(("I", f"len({name})"))
        self.flush()
        if type(element) is Primitive and element.kind in FORMATS:
            import struct

            exact, convert = ("float", "real") if element.kind in ("F32", "F64") else ("int", "integer")
            self.add(f"if {{*map(type, {name})}} - {{{exact}}}: {name} = [accept.{convert}(item) for item in {name}]")
            self.add(f"out += {self.bind(struct.pack)}('<%d{FORMATS[element.kind]}' % len({name}), *{name})")
        else:
            self.add(f"for item in {name}: {self.bind(writer(element))}(item, out)")

    def _option(self, type_: Sum, name: str) -> None:
        inner = type_.variants[0].type
        self.flush()
        self.add(f"if {name} is None: out.append(1)", "else:")
        self.indent += 1
        refusal = ["else: raise TypeError"] if may_be_none(inner) else []
        self.add(f"if type({name}) is {self.bind(Some)}: {name} = {name}.value", *refusal)
        self.pending.append(("B", "0"))
        self.value(inner, name)
        self.flush()
        self.indent -= 1

    def _sum(self, type_: Sum, kind: str | None, name: str) -> None:
        self.flush()
        tag = self.new()
        writers = self.bind(tuple(writer(variant.type) for variant in type_.variants))
        self.add(f"{tag}, {name} = {self.bind(accept.finder(type_, kind))}({name})", f"out.append({tag})")
        self.add(f"{writers}[{tag}]({name}, out)")


_writers: dict[AlgebraicType, Writer] = {}


def writer(type_: AlgebraicType) -> Writer:
    """Return the generated writer of a resolved type."""
    found = _writers.get(type_)
    if found is None:
        source = _Writing()
        source.value(type_, "value")
        source.flush()
        found = _writers[type_] = source.function()
    return found
