"""The one JSON text of a value.

Properties, event data, delta values and state hashes all use this form, so that equal values give equal text in every
process and, with a sorted map, in every language:

* objects with text keys, sorted by code point; no spaces; UTF-8 text, not escaped where JSON allows it;
* integers as digits, within 64 bits signed; floats in their shortest form that reads back the same, always with a
  point or an exponent (``1.0`` stays a float); NaN and the infinities are refused;
* None, True and False as ``null``, ``true``, ``false``.

What JSON would change on the way (tuples, sets, bytes, dates, other keys than text) is refused rather than converted:
what is stored reads back equal to what was given.
"""

from __future__ import annotations

import json
import math
from datetime import date, time
from typing import Any, NoReturn

from .errors import ValidationError

JSON = None | bool | int | float | str | list[Any] | dict[str, Any]

MAX_DEPTH = 100
"""Levels of nesting; the module's own reader stops at 128."""

I64_MIN, I64_MAX = -(2**63), 2**63 - 1

_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

_INSTEAD: tuple[tuple[tuple[type, ...], str], ...] = (
    ((tuple,), "reads back as a list; give a list"),
    ((set, frozenset), "has no order; give a sorted list"),
    ((bytes, bytearray, memoryview), "is not text; give base64 or hexadecimal text"),
    ((date, time), "has no JSON form; give ISO 8601 text or seconds"),
)


def dumps(value: Any, subject: str = "value") -> str:
    """Write a value as canonical JSON text.

    Args:
        value: None, bool, int, float, str, or lists and text-keyed dicts of these.
        subject: What the value is, to begin the place in an error text with, as ``properties``.

    Raises:
        ValidationError: Something in it has no lossless JSON form; the text gives the place.

    Example:
        >>> dumps({"b": [1, 2.0], "a": None})
        '{"a":null,"b":[1,2.0]}'
    """
    check(value, subject)
    return _ENCODER.encode(value)


def loads(text: str, subject: str = "value") -> Any:
    """Read JSON text.

    Raises:
        ValidationError: It is not JSON, or holds NaN or an infinity.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValidationError(f"{subject}: JSON text nested too deeply") from None
    except ValueError as error:
        raise ValidationError(f"{subject}: not JSON text: {error}") from None


def check(value: Any, subject: str = "value") -> None:
    """Check that a value has a lossless JSON form, without writing it.

    Raises:
        ValidationError: It has none; the text gives the place.
    """
    _check(value, subject, 0)


def _check(value: Any, place: str, depth: int) -> None:
    if value is None or value is True or value is False:
        return
    if isinstance(value, str):
        _check_text(value, place)
    elif isinstance(value, int):
        if not I64_MIN <= value <= I64_MAX:
            _refuse(place, f"integer {_short(value)} does not fit into 64 bits")
    elif isinstance(value, float):
        if not math.isfinite(value):
            _refuse(place, f"{value!r} is not a number in JSON")
    elif depth >= MAX_DEPTH:
        _refuse(place[:40] + "...", f"nested deeper than {MAX_DEPTH} levels")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                _refuse(place, f"key {_short(key)} is {_article(key)}, JSON keys are text")
            _check_text(key, f"{place}, key {_short(key)}")
            _check(item, f"{place}.{key}", depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check(item, f"{place}[{index}]", depth + 1)
    else:
        _refuse(place, f"{_article(value)} {_advice(value)}")


def _check_text(text: str, place: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        _refuse(place, f"text has half a surrogate pair at position {error.start}, which UTF-8 cannot hold")


def _advice(value: object) -> str:
    for types, advice in _INSTEAD:
        if isinstance(value, types):
            return advice
    return "has no JSON form; give text, numbers, lists and dicts"


def _article(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _short(value: object) -> str:
    if isinstance(value, int):
        text = str(value) if value.bit_length() < 200 else f"of {value.bit_length()} bits"
    else:
        text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _refuse(place: str, problem: str) -> NoReturn:
    raise ValidationError(f"{place}: {problem}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")
