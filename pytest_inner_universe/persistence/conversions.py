"""Values of other types than JSON's, written as JSON and read back as what they were.

What is stored has to be JSON, and nothing is converted behind anybody's back. Who wants to store a time, bytes or a class of his own
says so: `Conversions.to_json` before storing, `Conversions.from_json` after reading.

A converted value stands as ``{"$type": name, "value": ...}``. A dict that has a key ``$type`` of its own is written as one of type
``dict``, so that every value reads back equal.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from ..sats import Identity, Timestamp
from . import canonical_json
from .errors import ValidationError

Value = TypeVar("Value")

TYPE, VALUE = "$type", "value"
DICT = "dict"
"""Name under which dicts are written that could be taken for converted values."""


class _Conversion(NamedTuple):
    type: type[Any]
    name: str
    to_json: Callable[[Any], Any]
    from_json: Callable[[Any], Any]


class Conversions:
    """A registry of types, each with its name and its two functions. `standard` gives one with the usual types.

    Example:
        >>> conversions = Conversions.standard()
        >>> stored = conversions.to_json({"born": date(1815, 12, 10)})
        >>> stored
        {'born': {'$type': 'date', 'value': '1815-12-10'}}
        >>> conversions.from_json(stored)
        {'born': datetime.date(1815, 12, 10)}
    """

    def __init__(self) -> None:
        self._by_type: dict[type[Any], _Conversion] = {}
        self._by_name: dict[str, _Conversion] = {}

    @classmethod
    def standard(cls) -> Conversions:
        """Return a new registry with bytes, tuples, sets, dates and times, Decimal, UUID, Timestamp and Identity.

        Of a time's zone the offset is kept, as ISO 8601 writes it.
        """
        made = cls()
        made.register(bytes, "bytes", lambda value: base64.b64encode(value).decode(), _bytes)
        made.register(tuple, "tuple", list, tuple)
        made.register(set, "set", made._sorted, set)
        made.register(frozenset, "frozenset", made._sorted, frozenset)
        made.register(datetime, "datetime", datetime.isoformat, datetime.fromisoformat)
        made.register(date, "date", date.isoformat, date.fromisoformat)
        made.register(time, "time", time.isoformat, time.fromisoformat)
        made.register(timedelta, "timedelta", _parts, lambda parts: timedelta(*parts))
        made.register(Decimal, "decimal", str, Decimal)
        made.register(UUID, "uuid", str, UUID)
        made.register(Timestamp, "timestamp", lambda value: value.micros, Timestamp)
        made.register(Identity, "identity", Identity.hex, Identity.from_hex)
        return made

    def register(
        self, type_: type[Value], name: str, to_json: Callable[[Value], Any], from_json: Callable[[Any], Value]
    ) -> None:
        """Add a type.

        Args:
            type_: The type; its subclasses are not meant.
            name: How it is named in what is stored, for as long as that is kept.
            to_json: Makes JSON of a value; what it returns may hold further values of registered types.
            from_json: Makes the value of that again.

        Raises:
            ValidationError: The type or the name is registered already, or JSON has the type itself.
        """
        if type_ in _PLAIN:
            raise ValidationError(f"{type_.__name__} needs no conversion, JSON has it")
        taken = self._by_type.get(type_) or self._by_name.get(name)
        if taken is not None or name == DICT:
            by = DICT if taken is None else f"{taken.type.__name__} as {taken.name!r}"
            raise ValidationError(f"{type_.__name__} cannot be converted as {name!r}: there is {by} already")
        self._by_type[type_] = self._by_name[name] = _Conversion(type_, name, to_json, from_json)

    def to_json(self, value: Any) -> Any:
        """Return a value as JSON, a new one; what is of no registered type stays as it is.

        Raises:
            ValidationError: There is something in it that neither JSON nor a registered type can hold.
        """
        written = self._write(value, 0)
        canonical_json.check(written)
        return written

    def from_json(self, value: Any) -> Any:
        """Return the value that `to_json` was given.

        Raises:
            ValidationError: It holds a type that is not registered, or what that type's function does not take.
        """
        if isinstance(value, list):
            return [self.from_json(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.keys() != {TYPE, VALUE}:
            return {key: self.from_json(item) for key, item in value.items()}
        name, inner = value[TYPE], value[VALUE]
        if name == DICT and isinstance(inner, dict):
            return {key: self.from_json(item) for key, item in inner.items()}
        found = self._by_name.get(name) if isinstance(name, str) else None
        if found is None:
            known = ", ".join(self._by_name) or "none"
            raise ValidationError(f"a stored value is of type {name!r}, which is not registered; known: {known}")
        try:
            return found.from_json(self.from_json(inner))
        except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
            raise ValidationError(f"a stored value is no {name}: {error}") from error

    def _write(self, value: Any, depth: int) -> Any:
        if depth > canonical_json.MAX_DEPTH:
            raise ValidationError(f"value: nested deeper than {canonical_json.MAX_DEPTH} levels")
        found = self._by_type.get(type(value))
        if found is not None:
            return {TYPE: found.name, VALUE: self._write(found.to_json(value), depth + 1)}
        if isinstance(value, list):
            return [self._write(item, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        written = {key: self._write(item, depth + 1) for key, item in value.items()}
        return {TYPE: DICT, VALUE: written} if TYPE in value else written

    def _sorted(self, values: set[Any] | frozenset[Any]) -> list[Any]:
        """Return the members of a set in the one order that their canonical JSON gives them."""
        return sorted(values, key=lambda value: canonical_json.dumps(self._write(value, 0)))


_PLAIN = (type(None), bool, int, float, str, list, dict)


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _parts(span: timedelta) -> list[int]:
    return [span.days, span.seconds, span.microseconds]  # in microseconds it might not fit into 64 bits
