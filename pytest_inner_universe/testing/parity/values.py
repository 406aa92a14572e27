"""Values as they are compared: what may vary from run to run is taken out of them as tokens.

Identities, ids of connections, UUIDs, login tokens, moments, durations and large numbers vary, in values of their own types
and in texts. A token that both sides have does not vary; the others are given names (see `naming`).
"""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from ...sats import ConnectionId, Identity, TimeDuration, Timestamp, Variant
from ...sats.values import Err, Ok, Some

LARGE: Final = 2**40
"""Numbers from here on may have been drawn at random; nothing counts so far in a test."""
MOMENT: Final = "moment"
_UNITS: Final = (("", 10**6), (" in ms", 10**3), (" in ns", 10**9), (" in s", 1))
_FIRST, _LAST = 1_500_000_000, 2_300_000_000
_TEXT = re.compile(
    r"(?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)"
    r"|(?P<login>\beyJ[\w-]+\.[\w-]+\.[\w-]+)"
    r"|(?P<hex>(?<![0-9a-z])(?:[0-9a-f]{64}|[0-9a-f]{32})(?![0-9a-z]))"
    r"|(?P<date>\b(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):?(\d\d))?)"
    r"|(?P<decimal>(?<![\w.])\d{10}\.\d+(?![\w.]))"
    r"|(?P<whole>(?<![\w.])-?\d{10,}(?![\w.]))"
)


class AnyOrder(list[Any]):
    """Values whose order means nothing."""


class Token(NamedTuple):
    """A part of a value that may vary.

    Attributes:
        kind: what it is, in words.
        key: what tells it from others of its kind; moments sort by it.
        shown: how it is written.
    """

    kind: str
    key: Any
    shown: str


class Text(tuple[Any, ...]):
    """A text with tokens in it: plain parts and tokens, in turn."""

    __slots__ = ()


class Reader:
    """Takes values apart.

    Args:
        known: texts that differ from side to side and have a name, and the names.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = dict(known)
        self._literals = re.compile("|".join(re.escape(one) for one in sorted(known, key=len, reverse=True)) or r"(?!)")

    def read(self, value: Any) -> Any:
        """Return a value with its tokens: dicts, lists, texts and tokens; everything else as it would be written."""
        if isinstance(value, str):
            return Text(['"', *self.text(value), '"'])
        if isinstance(value, Mapping):
            return {str(name): self.read(part) for name, part in value.items()}
        if isinstance(value, AnyOrder):
            return AnyOrder(self.read(part) for part in value)
        if isinstance(value, (list, tuple)):
            return [self.read(part) for part in value]
        if isinstance(value, Variant):
            return {value.name: self.read(value.value)} if value.value != () else Text([value.name])
        if isinstance(value, (Some, Ok, Err)):
            return {type(value).__name__: self.read(value.value)}
        return self._leaf(value)

    def text(self, value: str) -> Text:
        """Return a text with its tokens."""
        value = self._literals.sub(lambda found: self._known[found[0]], value)
        parts: list[Any] = []
        end = 0
        for found in _TEXT.finditer(value):
            token = _in_text(found)
            if token is not None:
                parts += [value[end : found.start()], token]
                end = found.end()
        return Text([*parts, value[end:]])

    def _leaf(self, value: Any) -> Any:
        token: Token | None = None
        if isinstance(value, (Identity, ConnectionId)):
            name = self._known.get(value.hex())
            if name is not None:
                return Text([name])
            token = _hex(value.hex())
        elif isinstance(value, Timestamp):
            token = Token(MOMENT, value.micros, str(value))
        elif isinstance(value, TimeDuration):
            token = Token("duration", value.micros, str(value))
        elif isinstance(value, UUID):
            token = Token("uuid", str(value), str(value))
        elif isinstance(value, bytes) and len(value) in {16, 32}:
            token = Token("bytes", value, repr(value))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            token = _number(value, repr(value))
        return token or Text([repr(value)])


def tokens_of(tree: Any) -> Iterator[Token]:
    """Give the tokens in a value that was read, in order."""
    if isinstance(tree, Token):
        yield tree
    elif isinstance(tree, (dict, list, Text)):
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from tokens_of(part)


def _in_text(found: re.Match[str]) -> Token | None:
    written = found[0]
    if found["uuid"]:
        return Token("uuid", written, written)
    if found["login"]:
        return Token("login token", written, written)
    if found["hex"]:
        return _hex(written)
    if found["date"]:
        return _date(found)
    return _number(float(written) if found["decimal"] else int(written), written)


def _hex(digits: str) -> Token:
    return Token("identity" if len(digits) == 64 else "connection id", digits, digits)


def _date(found: re.Match[str]) -> Token:
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = found.groups()[4:14]
    seconds = timegm((int(year), int(month), int(day), int(hour), int(minute), int(second)))
    if sign:
        seconds -= (1 if sign == "+" else -1) * (int(hours) * 3600 + int(minutes) * 60)
    micros = int((fraction or "").ljust(6, "0")[:6])
    return Token(MOMENT, seconds * 1_000_000 + micros, found[0])


def _number(value: float, written: str) -> Token | None:
    for unit, factor in _UNITS:
        if _FIRST * factor <= value < _LAST * factor:
            return Token(MOMENT + unit, value, written)
    return Token("number", value, written) if isinstance(value, int) and abs(value) >= LARGE else None
