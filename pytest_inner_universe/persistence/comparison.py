"""What the filter operators mean, in plain Python.

This is the reference: what the server is asked to filter (`queries`) must give the same rows.

* A field is *absent* when its path leads nowhere or holds None.
* EQUALS None means absent, NOT_EQUALS None present; None in the list of IN matches an absent field.
* NOT_EQUALS and NOT_IN are the exact negations of EQUALS and IN, so an absent field is not equal to any value.
* Every other operator is false for an absent field.
* Values are equal when they are equal as JSON: 1 equals 1.0, but true does not equal 1, and text never equals a number.
* Ordering compares numbers with numbers, text with text (by code point) and times with times; anything else is false.
* CONTAINS looks for a part of a text, or for an element of a list. STARTS_WITH and ENDS_WITH take text.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ..sats import Timestamp
from . import canonical_json, checks
from .errors import ValidationError
from .paths import MISSING, lookup
from .schema import Field
from .types import FilterOperator as Op
from .types import Row

ORDERINGS: dict[Op, Callable[[Any, Any], bool]] = {
    Op.GREATER_THAN: operator.gt,
    Op.LESS_THAN: operator.lt,
    Op.GREATER_OR_EQUAL: operator.ge,
    Op.LESS_OR_EQUAL: operator.le,
}
MEMBERSHIPS = (Op.IN, Op.NOT_IN)
EQUALITIES = (Op.EQUALS, Op.NOT_EQUALS)


def prepare(field: Field, op: Op, value: Any) -> Any:
    """Check the value of a condition against its field and operator, and bring it into the form rows have.

    Returns:
        The value; a list for IN and NOT_IN.

    Raises:
        ValidationError: The operator makes no sense for the field, or the value for the operator.
    """
    where = f"filter {field.text} {op.name}"
    if op in MEMBERSHIPS:
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise ValidationError(f"{where}: takes a list of values, got {value!r}")
        return [_operand(where, field, item) for item in value]
    if op in EQUALITIES:
        return _operand(where, field, value)
    if op in ORDERINGS:
        if value is None or isinstance(value, (bool, list, dict)) or field.kind == "identity":
            raise ValidationError(f"{where}: needs a number, text or time on both sides, got {value!r}")
        return _operand(where, field, value)
    if field.kind not in ("text", "any"):
        raise ValidationError(f"{where}: the field holds no text")
    if op is Op.CONTAINS and field.kind == "any":
        return _operand(where, field, value)
    if not isinstance(value, str):
        raise ValidationError(f"{where}: needs text, got {value!r}")
    return _operand(where, field, value)


def predicate(field: Field, op: Op, value: Any) -> Callable[[Row], bool]:
    """Return the test of one condition, its value being what `prepare` gave."""
    path = field.path
    test = _test(op, value)
    if len(path) == 1:
        column = path[0]
        return lambda row: test(row[column])  # type: ignore[index]
    return lambda row: test(lookup(row, path))


def same(left: Any, right: Any) -> bool:
    """Tell whether two values are equal as JSON."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return isinstance(right, dict) and left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    return bool(left == right)


def _test(op: Op, value: Any) -> Callable[[Any], bool]:
    if op is Op.EQUALS:
        return _equal_to(value)
    if op is Op.NOT_EQUALS:
        equal = _equal_to(value)
        return lambda found: not equal(found)
    if op is Op.IN:
        return _one_of(value)
    if op is Op.NOT_IN:
        member = _one_of(value)
        return lambda found: not member(found)
    if op is Op.CONTAINS:
        return lambda found: _contains(found, value)
    if op is Op.STARTS_WITH:
        return lambda found: isinstance(found, str) and found.startswith(value)
    if op is Op.ENDS_WITH:
        return lambda found: isinstance(found, str) and found.endswith(value)
    return _ordered(ORDERINGS[op], value)


def _equal_to(value: Any) -> Callable[[Any], bool]:
    if value is None:
        return lambda found: found is None or found is MISSING
    if isinstance(value, str):
        return lambda found: bool(found == value)
    return lambda found: same(found, value)


def _one_of(values: list[Any]) -> Callable[[Any], bool]:
    if all(isinstance(value, str) for value in values):
        texts = frozenset(values)
        return lambda found: isinstance(found, str) and found in texts
    tests = [_equal_to(value) for value in values]
    return lambda found: any(test(found) for test in tests)


def _ordered(compare: Callable[[Any, Any], bool], value: Any) -> Callable[[Any], bool]:
    if isinstance(value, (int, float)):
        return lambda found: (
            isinstance(found, (int, float)) and found is not True and found is not False and (compare(found, value))
        )
    kind = type(value)
    return lambda found: isinstance(found, kind) and compare(found, value)


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, str):
        return isinstance(value, str) and value in found
    return isinstance(found, list) and any(same(item, value) for item in found)


def _operand(where: str, field: Field, value: Any) -> Any:
    if value is None:
        return None
    if field.kind == "timestamp":
        return _timestamp(where, value)
    if field.kind == "identity":
        return checks.identity(value, f"{where}: the value")
    if field.kind == "text" and not isinstance(value, str):
        raise ValidationError(f"{where}: the field holds text, got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValidationError(f"{where}: {value!r} cannot be compared with")
    canonical_json.check(value, where)
    return str(value) if isinstance(value, str) else value


def _timestamp(where: str, value: Any) -> Timestamp:
    if isinstance(value, Timestamp):
        return value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return Timestamp.from_datetime(value)
    raise ValidationError(
        f"{where}: the field holds a time; give a Timestamp or a datetime with time zone, got {value!r}"
    )
