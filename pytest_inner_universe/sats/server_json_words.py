"""What a server says of JSON that is no list of arguments: it reads the text by the types and stops at the first misfit.

Places are counted as it counts them: lines from 1, columns in bytes, up to where it has read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .server_json_text import LISTS, OBJECTS, PLACELESS, JsonText, TextRefused
from .server_words import Complaint
from .types import BOOL, F32, F64, STRING, U8, AlgebraicType, Array, Primitive, Product, Sum, special

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")


def complaint_about_json(function: str, params: Product, text: bytes, before_2: bool = False) -> Complaint | None:
    """Return what a server says of a text that should be arguments, None if it finds nothing wrong.

    Args:
        function: Name of the function.
        params: Its parameters.
        text: The text.
        before_2: Whether in the words of servers before 2.0, which list names in another way.
    """
    reader = _Reader(text, before_2)
    path: str | None
    try:
        reader.product(params, "", function)
        if reader.peek():
            raise reader.early("trailing characters", "")
    except TextRefused as refused:
        path = refused.path or "."
        if refused.reason == "trailing characters" and reader.has_ended:
            path = None
        before = text[: refused.index]
        line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1)
        return Complaint(f"{refused.reason} at line {line} column {column}", path)
    return None


class _Reader(JsonText):
    """Reads one text by the types.

    Args:
        data: The text.
        before_2: Whether names are listed as by servers before 2.0.
    """

    def __init__(self, data: bytes, before_2: bool) -> None:
        super().__init__(data)
        self.before_2 = before_2
        self.has_ended = False
        """Whether the arguments have been read to their end."""

    def value(self, type_: AlgebraicType, path: str) -> None:
        """Read a value of a type."""
        if type(type_) is Primitive:
            self._primitive(type_, path)
        elif type(type_) is Array:
            if type_.element == U8:
                self._bytes(path)
            else:
                self._array(type_, path)
        elif type(type_) is Product:
            self.product(type_, path)
        else:
            assert type(type_) is Sum
            self._sum(type_, path)

    def _primitive(self, type_: Primitive, path: str) -> None:
        first, kind = self.peek(), type_.kind.lower()
        if not first:
            raise self.early("EOF while parsing a value", path)
        if type_ == STRING:
            if first != b'"':
                raise self._misfit("a string", path)
            self.string(path)
        elif type_ == BOOL:
            if first not in {b"t", b"f"}:
                raise self._misfit("a boolean", path)
            self.word(path)
        elif kind in {"u256", "i256"}:
            if first != b'"':
                raise self._misfit("a formatted 256-bit integer", path)
            self.string(path)
        elif kind == "u128" and first == b"-":
            raise self.early("number out of range", path)
        elif first not in b"-0123456789":
            if kind in {"u128", "i128"}:
                self.index += 1
                raise self.here("invalid number", path)
            raise self._misfit(kind, path)
        elif kind in {"u128", "i128"}:
            self._fit(type_, kind, self.number(path, is_whole=True), path)
        else:
            self._fit(type_, kind, self.number(path), path)

    def _fit(self, type_: Primitive, kind: str, number: float, path: str) -> None:
        if type_ in (F32, F64):
            return
        bits = int(kind[1:])
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if kind[0] == "i" else (0, (1 << bits) - 1)
        if isinstance(number, float) or (bits <= 64 and not -(1 << 63) <= number < 1 << 64):
            raise self.here(f"invalid type: floating point `{_float(float(number))}`, expected {kind}", path)
        if not low <= number <= high:
            if bits > 64:
                raise self.here("number out of range", path)
            raise self.here(f"invalid value: integer `{number}`, expected {kind}", path)

    def _array(self, type_: Array, path: str) -> None:
        if self.peek() != b"[":
            raise self._misfit("a vec", path)

        def read() -> None:
            count = 0
            while self.has_next(count == 0, b"]", LISTS, path):
                self.value(type_.element, f"{path}[{count}]")
                count += 1

        self.enclosed(read, b"]", LISTS, path)

    def _bytes(self, path: str) -> None:
        expected = "a byte array or hex string"
        first = self.peek()
        if first == b"[":
            self._array(Array(U8), path)
        elif first != b'"':
            raise self._misfit(expected, path, is_any=True)
        else:
            text = self.string(path)
            if not _HEX.fullmatch(text):
                raise self.here(f"invalid value: string {_quoted(text)}, expected {expected}", path)

    def product(self, type_: Product, path: str, function: str | None = None) -> None:
        """Read a product, or the arguments of a function."""
        elements, first = type_.elements, self.peek()
        if first not in {b"[", b"{"}:
            name = f"{len(elements)}-element" if function is None else function
            kind = "field" if function is None else "reducer argument"
            unknown = f"unknown {kind} `{{}}`, expected {self._one_of([element.name for element in elements])}"
            raise self._misfit(f"a {name} tuple", path, is_any=True, named=unknown if elements else None)

        def positions() -> None:
            for i, element in enumerate(elements):
                if not self.has_next(i == 0, b"]", LISTS, path):
                    what = f"reducer args for {function}" if function is not None else "product type <product>"
                    reason = f"invalid length {i}, expected {what} with {len(elements)} elements"
                    raise TextRefused(reason, PLACELESS, path)
                self.value(element.type, f"{path}[{i}]")

        def names() -> None:
            kind = "field" if function is None else "reducer argument"
            seen: set[int] = set()
            known = [element.name for element in elements]
            for count in range(len(elements)):
                if not self.has_next(count == 0, b"}", OBJECTS, path):
                    missing = next(i for i in range(len(elements)) if i not in seen)
                    name = known[missing]
                    which = f"`{name}`" if name is not None else f"(index {missing})"
                    raise TextRefused(f"missing {kind} {which}", PLACELESS, path)
                key = self.string(path)
                inner = f"{path}.{key}" if path else key
                if key not in known:
                    raise TextRefused(f"unknown {kind} `{key}`, expected {self._one_of(known)}", PLACELESS, inner)
                position = known.index(key)
                if position in seen:
                    raise TextRefused(f"duplicate {kind} `{key}`", PLACELESS, path)
                seen.add(position)
                self.colon(path)
                self.value(elements[position].type, inner)

        if first == b"[":
            self.enclosed(positions, b"]", LISTS, path)
        else:
            self.enclosed(names, b"}", OBJECTS, path)
        if function is not None:
            self.has_ended = True

    def _sum(self, type_: Sum, path: str) -> None:
        first = self.peek()
        if first == b"n" and special(type_) == "option":
            self.word(path)
        elif first == b"{":
            self.enclosed(lambda: self._named_variant(type_, path), b"}", OBJECTS, path)
        elif first == b"[":
            self.enclosed(lambda: self._tagged_variant(type_, path), b"]", LISTS, path)
        else:
            unknown = f"unknown variant `{{}}`, expected {self._one_of([variant.name for variant in type_.variants])}"
            raise self._misfit("sum type", path, is_any=True, named=unknown)

    def _named_variant(self, type_: Sum, path: str) -> None:
        if not self.has_next(True, b"}", OBJECTS, path):
            raise TextRefused("expected map representing sum type to have exactly one field", PLACELESS, path)
        name = self.string(path)
        inner = f"{path}.{name}" if path else name
        tag = self._tag(type_, name, inner)
        self.colon(path)
        self.value(type_.variants[tag].type, inner)

    def _tagged_variant(self, type_: Sum, path: str) -> None:
        wanted = "expected seq representing sum type to have exactly two fields"
        if not self.has_next(True, b"]", LISTS, path):
            raise TextRefused(wanted, PLACELESS, path)
        first, inner = self.peek(), f"{path}[0]"
        if first == b'"':
            tag = self._tag(type_, self.string(inner), inner, is_placed=True)
        elif first and first in b"-0123456789":
            number = self.number(inner)
            if isinstance(number, float) or number < 0:
                kind = f"floating point `{_float(number)}`" if isinstance(number, float) else f"integer `{number}`"
                raise self.here(f"invalid type: {kind}, expected variant identifier (string or int)", inner)
            if number > 255:
                raise self.here(f"invalid value: integer `{number}`, expected a u8 tag", inner)
            tag = self._tag(type_, str(number), inner, is_placed=True)
        else:
            raise self._misfit("variant identifier (string or int)", inner, is_any=True)
        if not self.has_next(False, b"]", LISTS, path):
            raise TextRefused(wanted, PLACELESS, path)
        self.value(type_.variants[tag].type, f"{path}[1]")

    def _tag(self, type_: Sum, name: str, path: str, is_placed: bool = False) -> int:
        known = [variant.name for variant in type_.variants]
        index = self.index if is_placed else PLACELESS
        if len(name) <= 3 and name.isascii() and name.isdigit() and int(name) < 256:
            if int(name) >= len(known):
                raise TextRefused(f"unknown tag {int(name):#x} for sum type <unknown>", index, path)
            return int(name)
        if name not in known:
            raise TextRefused(f"unknown variant `{name}`, expected {self._one_of(known)}", index, path)
        return known.index(name)

    def _one_of(self, names: Sequence[str | None]) -> str:
        """Return a server's list of names, with its commas and quotes where it puts them."""
        known = [name if name is not None else str(i) for i, name in enumerate(names)]
        if len(known) <= 1:
            return "".join(f"`{name}`" for name in known)
        first, *others, last = known
        if self.before_2:
            if not others:
                return f"`{first}``or `{last}`"
            return f"one of `{first}`" + "".join(f", `{name}`" for name in others) + f", `, or {last}`"
        second, *others = [*others, last]
        start = f", `{first}``{second}`" if not others else f", `{first}`one of `{second}`"
        return start + "".join(f", `{name}`" for name in others)

    def _misfit(self, expected: str, path: str, is_any: bool = False, named: str | None = None) -> TextRefused:
        """Refuse a value of another kind.

        Args:
            expected: What a server calls the kind that fits.
            path: In which value.
            is_any: Whether any kind is taken in first, lists and objects too.
            named: What is said of unknown names, where there are names; servers take fractions for objects.
        """
        first = self.peek()
        if not first:
            return self.early("EOF while parsing a value", path)
        if first in b"ntf":
            kind = self.word(path)
        elif first in b"-0123456789":
            number = self.number(path)
            if isinstance(number, float) and named is not None:
                name = "$serde_json::private::Number"
                return self.here(named.format(name), f"{path}.{name}" if path else name)
            kind = f"floating point `{_float(number)}`" if isinstance(number, float) else f"integer `{number}`"
        elif first == b'"':
            kind = f"string {_quoted(self.string(path))}"
        elif first in b"[{" and not is_any:
            kind = "sequence" if first == b"[" else "map"
        elif first in b"[{":
            kind = "sequence" if first == b"[" else "map"
            self.index += 1
            self.closing(b"]" if first == b"[" else b"}", LISTS, path)
        else:
            return self.early("expected value", path)
        return self.here(f"invalid type: {kind}, expected {expected}", path)


def _quoted(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
    return '"' + "".join(escapes.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text) + '"'


def _float(number: float) -> str:
    return re.sub(r"e([+-])0*", lambda found: "e" + found.group(1).strip("+"), repr(number))
