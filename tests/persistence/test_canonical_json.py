"""Canonical JSON: one text for equal values, and nothing that does not read back equal."""

from __future__ import annotations

import enum
import json
from datetime import date, datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inner_universe.persistence import canonical_json
from pytest_inner_universe.persistence.errors import ValidationError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_a_value_reads_back_equal_in_value_and_type(value: Any) -> None:
    again = canonical_json.loads(canonical_json.dumps(value))
    assert again == value
    assert repr(again) == repr(value) or "{" in repr(value)  # the order of keys is not kept, all else is


@given(st.dictionaries(TEXTS, VALUES, max_size=6))
def test_the_order_of_keys_does_not_matter(value: dict[str, Any]) -> None:
    backwards = dict(reversed(value.items()))
    assert canonical_json.dumps(value) == canonical_json.dumps(backwards)


@given(VALUES)
def test_the_text_is_standard_json(value: Any) -> None:
    assert json.loads(canonical_json.dumps(value)) == value


def test_the_form_is_fixed() -> None:
    value = {"b": [1, 1.0, -0.0, 1e300, True, None], "a": 'é"\n', "B": {}}
    assert canonical_json.dumps(value) == '{"B":{},"a":"é\\"\\n","b":[1,1.0,-0.0,1e+300,true,null]}'


class Color(str, enum.Enum):
    RED = "red"


def test_kinds_of_text_and_numbers_that_equal_plain_ones_are_taken() -> None:
    assert canonical_json.loads(canonical_json.dumps({"c": Color.RED})) == {"c": "red"}


CYCLE: list[Any] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, float("nan")]}, "state.a[1]: nan is not a number in JSON"),
        (float("-inf"), "state: -inf is not a number in JSON"),
        (2**63, "state: integer 9223372036854775808 does not fit into 64 bits"),
        (-(2**63) - 1, "state: integer -9223372036854775809 does not fit into 64 bits"),
        ({"p": (1, 2)}, "state.p: a tuple reads back as a list; give a list"),
        ({1}, "state: a set has no order; give a sorted list"),
        (b"x", "state: a bytes is not text; give base64 or hexadecimal text"),
        (date(2020, 1, 2), "state: a date has no JSON form; give ISO 8601 text or seconds"),
        ([datetime.now(timezone.utc)], "state[0]: a datetime has no JSON form; give ISO 8601 text or seconds"),
        (object, "state: a type has no JSON form; give text, numbers, lists and dicts"),
        ({"a": {1: 2}}, "state.a: key 1 is an int, JSON keys are text"),
        ("a\ud800", "state: text has half a surrogate pair at position 1, which UTF-8 cannot hold"),
    ],
)
def test_what_json_would_change_is_refused_with_its_place(value: Any, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        canonical_json.dumps(value, "state")
    assert str(caught.value) == text


def test_a_value_that_holds_itself_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        canonical_json.dumps(CYCLE)
    assert str(caught.value) == f"value{'[0]' * 11}[0...: nested deeper than 100 levels"


def test_a_number_too_long_to_show_is_described() -> None:
    with pytest.raises(ValidationError) as caught:
        canonical_json.dumps(10**5000)
    assert str(caught.value) == "value: integer of 16610 bits does not fit into 64 bits"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "properties: not JSON text: Expecting value: line 1 column 1 (char 0)"),
        ("NaN", "properties: not JSON text: NaN is not a number in JSON"),
        ("[1,", "properties: not JSON text: Expecting value: line 1 column 4 (char 3)"),
        ("[" * 100_000, "properties: JSON text nested too deeply"),
    ],
)
def test_text_that_is_not_json_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        canonical_json.loads(text, "properties")
    assert str(caught.value) == problem
