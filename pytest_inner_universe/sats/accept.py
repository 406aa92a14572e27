"""What Python values stand for which SpacetimeDB values: the conversions of the slower, more generous cases.

Each function returns what is written, or raises one of `FAILURES`; `diagnose` finds the words.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID as PythonUuid

from .identity import ConnectionId, Identity
from .moments import TimeDuration, Timestamp
from .types import Sum, is_simple_enum, variant_names
from .values import Err, Ok, Variant

FAILURES = (struct.error, TypeError, ValueError, LookupError, AttributeError, OverflowError)

Finder = Callable[[Any], "tuple[int, Any]"]


def integer(value: Any) -> int:
    """Accept integers; truth values are none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    raise TypeError


def real(value: Any) -> float:
    """Accept floats and integers."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise TypeError


def text(value: Any) -> str:
    """Accept subclasses of str."""
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError


def blob(value: Any) -> bytes:
    """Accept what holds bytes, and lists of numbers up to 255."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (list, tuple)):
        return bytes([integer(item) for item in value])
    raise TypeError


def unit(value: Any) -> None:
    """Accept None and whatever is an empty collection."""
    if value is not None and (not isinstance(value, (tuple, list, Mapping)) or len(value)):
        raise TypeError


def fields(value: Any, names: tuple[str, ...] | None) -> Sequence[Any]:
    """Return the fields of a product in order: of a sequence, or of any mapping with exactly these names."""
    if isinstance(value, (tuple, list)):
        return value
    if names is None or not isinstance(value, Mapping) or set(value) != set(names):
        raise TypeError
    return [value[name] for name in names]


def identity(value: Any) -> bytes:
    """Return the 32 bytes of an identity given as such or as hexadecimal text."""
    return value.to_bytes() if type(value) is Identity else Identity.from_hex(value).to_bytes()


def connection_id(value: Any) -> bytes:
    """Return the 16 bytes of a connection id given as such or as hexadecimal text."""
    return value.to_bytes() if type(value) is ConnectionId else ConnectionId.from_hex(value).to_bytes()


def timestamp(value: Any) -> int:
    """Return the microseconds of a timestamp or of an aware datetime."""
    if isinstance(value, datetime):
        return Timestamp.from_datetime(value).micros
    if type(value) is Timestamp:
        return value.micros
    raise TypeError


def time_duration(value: Any) -> int:
    """Return the microseconds of a duration."""
    if isinstance(value, timedelta):
        return TimeDuration.from_timedelta(value).micros
    if type(value) is TimeDuration:
        return value.micros
    raise TypeError


def uuid(value: Any) -> bytes:
    """Return the 16 bytes of a UUID, least significant first; text in any form that `uuid.UUID` reads."""
    return (value if isinstance(value, PythonUuid) else PythonUuid(value)).bytes[::-1]


def _result(value: Any) -> tuple[int, Any]:
    if type(value) is Ok:
        return 0, value.value
    if type(value) is Err:
        return 1, value.value
    raise TypeError


def _schedule(value: Any) -> tuple[int, Any]:
    # A duration repeats, a point in time happens once.
    return (0, value) if isinstance(value, (TimeDuration, timedelta)) else (1, value)


def finder(type_: Sum, kind: str | None) -> Finder:
    """Return what finds tag and payload of a sum's value.

    Args:
        type_: The sum.
        kind: What `special` says of it; an option is none of this function's business.
    """
    if kind is not None:
        return {"result": _result, "schedule_at": _schedule}[kind]
    tags = {name: tag for tag, name in enumerate(variant_names(type_))}

    def find(value: Any) -> tuple[int, Any]:
        if type(value) is Variant:
            return tags[value.name], value.value
        if isinstance(value, str):
            return tags[value], ()
        if isinstance(value, Mapping) and len(value) == 1:
            ((name, payload),) = value.items()
            return tags[name], payload
        raise TypeError

    return find


def enum_tag(type_: Sum) -> Callable[[Any], int]:
    """Return what finds the tag of a value of a sum without payloads."""
    assert is_simple_enum(type_)
    find = finder(type_, None)

    def tag(value: Any) -> int:
        number, payload = find(value)
        if payload != ():
            unit(payload)
        return number

    return tag
