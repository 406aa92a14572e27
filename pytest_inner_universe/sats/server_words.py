"""What a server says of arguments that do not fit a function.

Clients show these texts and tests compare them, so they are a server's to the letter, its slips included. Our own words, which say
more, are those of `diagnose`; whoever calls over this package's client never gets as far as here.
"""

from __future__ import annotations

from typing import NamedTuple

from .types import BOOL, STRING, U8, AlgebraicType, Array, Primitive, Product, Sum

_WIDTHS = {"Bool": 1, "F32": 4, "F64": 8}
_READ_AS = {"Bool": "u8", "F32": "u32", "F64": "u64"}


class Complaint(NamedTuple):
    """What is wrong with arguments.

    Args:
        reason: What, and for JSON at which place of the text.
        path: In which of the values, as ``[0].name``, and ``.`` for all of them; None for bytes, where nobody says it.
    """

    reason: str
    path: str | None = None

    def brief(self, kind: str, name: str) -> str:
        """Return the short text, which the second protocol has.

        Args:
            kind: ``reducer`` or ``procedure``.
            name: Name of the function.
        """
        return f"invalid arguments for {kind} {name}: {self.path or self.reason}"

    def full(self, kind: str, name: str, before_2: bool = False) -> str:
        """Return the text with all causes, which HTTP and the first protocol have.

        Args:
            kind: ``reducer`` or ``procedure``.
            name: Name of the function.
            before_2: Whether in the words of servers before 2.0, which name the function once.
        """
        head = self.path or self.reason
        texts = [self.brief(kind, name), head]
        if not before_2:
            texts.insert(1, f"invalid arguments for function {name}: {head}")
        if self.path is not None:
            texts.append(self.reason)
        return ": ".join(texts)


def completed(brief: str, kind: str, name: str, before_2: bool) -> str:
    """Return the full text for the short one about bytes; a text about anything else is returned as it is."""
    start = f"invalid arguments for {kind} {name}: "
    return Complaint(brief[len(start) :]).full(kind, name, before_2) if brief.startswith(start) else brief


class _Refused(Exception):
    """Carries the text out of the walk."""


def complaint_about_bytes(type_: AlgebraicType, data: bytes) -> Complaint | None:
    """Return what a server's decoder says of bytes, None if it takes them; it does not mind bytes behind the value."""
    try:
        _walk(type_, data, 0)
    except _Refused as refused:
        return Complaint(str(refused))
    return None


def _walk(type_: AlgebraicType, data: bytes, at: int) -> int:
    if type(type_) is Primitive:
        return _primitive(type_, data, at)
    if type(type_) is Product:
        for element in type_.elements:
            at = _walk(element.type, data, at)
        return at
    if type(type_) is Array:
        count, at = _number(data, at)
        if type_.element == U8:
            return _slice(data, at, count)
        for _ in range(count):
            after = _walk(type_.element, data, at)
            if after == at:
                return at  # elements of no bytes, of which there may be billions
            at = after
        return at
    assert type(type_) is Sum
    tag = at
    at = _width(data, at, "u8", 1)
    if data[tag] >= len(type_.variants):
        raise _Refused(f"unknown tag {data[tag]:#x} for sum type <unknown>")
    return _walk(type_.variants[data[tag]].type, data, at)


def _primitive(type_: Primitive, data: bytes, at: int) -> int:
    if type_ == STRING:
        count, at = _number(data, at)
        end = _slice(data, at, count)
        try:
            str(data[at:end], "utf-8")
        except UnicodeDecodeError:
            raise _Refused("invalid utf8") from None
        return end
    name = _READ_AS.get(type_.kind, type_.kind.lower())
    end = _width(data, at, name, _WIDTHS.get(type_.kind) or int(type_.kind[1:]) // 8)
    if type_ == BOOL and data[at] > 1:
        raise _Refused(f"byte {data[at]} not valid as `bool` (must be 0 or 1)")
    return end


def _number(data: bytes, at: int) -> tuple[int, int]:
    end = _width(data, at, "u32", 4)
    return int.from_bytes(data[at:end], "little"), end


def _slice(data: bytes, at: int, size: int) -> int:
    return _width(data, at, "[u8]", size)


def _width(data: bytes, at: int, what: str, size: int) -> int:
    if at + size > len(data):
        raise _Refused(f"data too short for {what}: Expected {size}, given {len(data) - at}")
    return at + size
