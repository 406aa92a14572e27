"""Paths into nested values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inner_universe.persistence.errors import ValidationError
from pytest_inner_universe.persistence.paths import MISSING, format_path, lookup, parse_path

STEPS = st.lists(st.text(max_size=8) | st.integers(0, 999_999_999), min_size=1, max_size=6)


@given(STEPS)
def test_any_steps_can_be_written_and_read_back(steps: list[str | int]) -> None:
    assert parse_path(format_path(steps)) == tuple(steps)


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_a_validation_error(text: str) -> None:
    try:
        steps = parse_path(text)
    except ValidationError:
        return
    assert parse_path(format_path(steps)) == steps


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a", ("a",)),
        ("metadata.properties.age", ("metadata", "properties", "age")),
        ("items[3]", ("items", 3)),
        ("items.3", ("items", "3")),
        ("[0][1]", (0, 1)),
        ('a["x.y"].b', ("a", "x.y", "b")),
        ('["\\"quoted\\""]', ('"quoted"',)),
        ("with space.é", ("with space", "é")),
    ],
)
def test_path_forms(text: str, steps: tuple[str | int, ...]) -> None:
    assert parse_path(text) == steps


HOW = 'write keys as a.b, indexes as a[0], other keys as a["x.y"]'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a path must not be empty"),
        (".a", f"not a path at position 0: '.a'; {HOW}"),
        ("a.", f"not a path at position 2: 'a.'; {HOW}"),
        ("a..b", f"not a path at position 2: 'a..b'; {HOW}"),
        ("a[-1]", f"not a path at position 1: 'a[-1]'; {HOW}"),
        ("a[x]", f"not a path at position 1: 'a[x]'; {HOW}"),
        ('a["x]', f"not a path at position 1: 'a[\"x]'; {HOW}"),
        ("a]b", f"not a path at position 1: 'a]b'; {HOW}"),
        ("[0]a", f"not a path at position 3: '[0]a'; {HOW}"),
    ],
)
def test_what_is_no_path_is_refused_with_the_position(text: str, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_path(text)
    assert str(caught.value) == problem


def test_the_empty_path_names_the_whole_where_that_is_allowed() -> None:
    assert parse_path("", root=True) == ()
    assert lookup({"a": 1}, ()) == {"a": 1}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b[1].c", 7),
        ("a.b.1.c", 7),
        ("a.b[2]", MISSING),
        ("a.b.x", MISSING),
        ("a.none", None),
        ("a.none.deeper", MISSING),
        ("a[0]", MISSING),
        ("t.e.x.t", MISSING),
    ],
)
def test_lookup_follows_a_path_or_finds_nothing(path: str, found: Any) -> None:
    value = {"a": {"b": [0, {"c": 7}], "none": None}, "t": "ext"}
    assert lookup(value, parse_path(path)) == found
