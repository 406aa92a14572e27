"""Which texts the module takes for JSON, and that every text comes back as it was."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import examples
from support.metadata import entity_metadata

from pytest_inner_universe.client.errors import ReducerFailed

if TYPE_CHECKING:
    from pytest_inner_universe.testing.universe import Universe

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON, indent=st.none() | st.just(1), ascii_only=st.booleans())
def test_every_json_text_is_accepted(universe: Universe, value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    number = universe.count("event_log")
    universe.call("publish_event", f"json-{number}", "JSON", None, text)


def is_json(text: str) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


PIECES = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"a"',
    '"',
    "1",
    "0",
    "-",
    ".5",
    "e1",
    "true",
    "nul",
    " ",
    "\\u00",
    "\n",
    "\x01",
]


@settings(examples(200), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
def test_json_is_judged_as_python_judges_it(universe: Universe, text: str) -> None:
    number = universe.count("event_log")
    event = (f"json-{number}", "JSON", None, text)
    if is_json(text):
        universe.call("publish_event", *event)
    else:
        with pytest.raises(ReducerFailed) as caught:
            universe.call("publish_event", *event)
        assert re.fullmatch(r"Invalid data: not JSON, [a-z ]+ at byte \d+", caught.value.message)


def test_deep_nesting(universe: Universe, refused: Any) -> None:
    universe.call("publish_event", "deep", "X", None, "[" * 128 + "]" * 128)
    text = "[" * 100_000
    assert refused("publish_event", "deeper", "X", None, text) == (
        "Invalid data: not JSON, nested too deeply at byte 129"
    )


@pytest.mark.parametrize("text", ['quote " backslash \\ slash /', "line\nbreak\ttab\x00\x1f", "umlaut ü 漢字 🪐", ""])
def test_any_text_survives_in_row_and_event(universe: Universe, text: str) -> None:
    metadata = entity_metadata(name=text, tags=[text])
    universe.call("create_entity", f"e{text}", f"T{text}", metadata)
    (row,) = universe.rows("entity")
    assert (row["id"], row["entity_type"], row["metadata"]) == (f"e{text}", f"T{text}", metadata)
    (event,) = [row for row in universe.rows("event_log") if row["event_type"] == "ENTITY_CREATED"]
    assert event["source"] == f"e{text}"
    assert json.loads(event["data"])["metadata"] == {**metadata, "properties": {}}
