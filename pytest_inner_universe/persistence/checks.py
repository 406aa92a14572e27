"""Checks of single values that are going to be stored."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..sats import Identity
from . import canonical_json
from .errors import ValidationError

_U32_MAX = 2**32 - 1


def text(value: Any, what: str) -> str:
    """Check that a value is text that UTF-8 can hold.

    Raises:
        ValidationError: It is not.
    """
    if not isinstance(value, str):
        raise ValidationError(f"{what} must be text, got {value!r}")
    canonical_json.check(value, what)
    return value


def name_text(value: Any, what: str) -> str:
    """Check that a value is text that is not blank, as ids and type names must be; an enum member counts by its value.

    Raises:
        ValidationError: It is not.
    """
    value = getattr(value, "value", value)
    if not isinstance(value, str) or not value.strip():
        raise ValidationError(f"{what} must be non-empty text, got {value!r}")
    canonical_json.check(value, what)
    return str(value)


def optional_text(value: Any, what: str) -> str | None:
    """Check that a value is text or None.

    Raises:
        ValidationError: It is neither.
    """
    return None if value is None else text(value, what)


def json_object(value: Any, what: str) -> str:
    """Write a dict with text keys as canonical JSON.

    Raises:
        ValidationError: It is no dict, or JSON cannot hold it.
    """
    if not isinstance(value, Mapping):
        raise ValidationError(f"{what} must be a dict, got {type(value).__name__}")
    return canonical_json.dumps(value if isinstance(value, dict) else dict(value), what)


def tags(value: Any) -> list[str]:
    """Check that a value is a list of text.

    Raises:
        ValidationError: It is not.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValidationError(f"tags must be a list of text, got {value!r}")
    return [text(tag, f"tags[{i}]") for i, tag in enumerate(value)]


def index(value: Any, where: str) -> int | None:
    """Check that a value is None, or an index of a list as a delta stores it: 32 bits, not negative.

    Raises:
        ValidationError: It is not.
    """
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _U32_MAX:
        raise ValidationError(f"{where}: index must be a whole number from 0 to {_U32_MAX}, got {value!r}")
    return value


def identity(value: Any, what: str) -> Identity:
    """Read an identity given as such or as its 64 hexadecimal digits.

    Raises:
        ValidationError: It is neither.
    """
    if isinstance(value, Identity):
        return value
    try:
        found: Identity = Identity.from_hex(value)
    except (ValueError, TypeError, AttributeError):
        raise ValidationError(f"{what} must be an Identity or its 64 hexadecimal digits, got {value!r}") from None
    return found


def names_of(model: type[Any]) -> Collection[str]:
    """Return the names of a dataclass's fields; batches ask for them thousands of times, and `fields` takes its time."""
    names: dict[str, Any] = model.__dataclass_fields__
    return names.keys()


def known_keys(given: Mapping[Any, Any], model: type[Any], where: str, others: str = "") -> None:
    """Check that every key of a dict is a field of a dataclass.

    Args:
        given: The dict.
        model: The dataclass.
        where: What the dict is, for the error text.
        others: What to do with other keys, for the error text.

    Raises:
        ValidationError: One is none.
    """
    known = names_of(model)
    for key in given:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}{others}"
            raise ValidationError(f"{where}: unknown key {key!r}; {hint}")


def record(item: Any, model: type[Any], where: str) -> Any:
    """Read an item of a batch given as a record or as a dict of its fields.

    Raises:
        ValidationError: It is neither.
    """
    if isinstance(item, model):
        return item
    if isinstance(item, Mapping):
        known_keys(item, model, where)
        try:
            return model(**item)
        except TypeError as error:
            reason = str(error).partition("__init__() ")[2] or str(error)
            raise ValidationError(f"{where}: {reason}") from None
    raise ValidationError(f"{where}: {model.__name__} or a dict is needed, got {item!r}")
