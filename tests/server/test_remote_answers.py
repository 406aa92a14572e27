from __future__ import annotations

import math
from typing import Any

import pytest

from pytest_inner_universe.client.http_models import LogLine
from pytest_inner_universe.engine.logs import LogRecord
from pytest_inner_universe.sats import Err, Identity, Ok, Some, Timestamp, Variant
from pytest_inner_universe.server.remote_answers import has_nan, is_the_hosts, reasons_of, record_of

ORDINARY: list[Any] = [None, True, 1, 1.5, math.inf, "nan", b"nan", (), [], {}, Timestamp(1), Identity(bytes(32))]
WRAPPED: list[Any] = [
    [ORDINARY],
    {"a": ORDINARY},
    (1, ORDINARY),
    Variant("A", ORDINARY),
    Some(ORDINARY),
    Ok(ORDINARY),
    Err(ORDINARY),
]


@pytest.mark.parametrize("value", [*ORDINARY, *WRAPPED], ids=repr)
def test_values_without_nan(value: Any) -> None:
    assert not has_nan(value)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        [1, math.nan],
        {"a": {"b": math.nan}},
        (math.nan,),
        Variant("A", [math.nan]),
        Some(math.nan),
        Ok(math.nan),
        Err(math.nan),
    ],
    ids=repr,
)
def test_values_with_nan(value: Any) -> None:
    assert has_nan(value)


def test_a_line_keeps_what_the_server_told() -> None:
    line = LogLine("warn", "text", 5, "reducer", "target", "src/lib.rs", 7)
    assert record_of(line) == LogRecord("warn", "text", 5, "reducer", "target", "src/lib.rs", 7)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (LogLine("info", "", 0, "__spacetimedb__", "__spacetimedb__", "__spacetimedb__"), True),
        (LogLine("info", "", 0, None, None, "spacetimedb"), True),
        (LogLine("info", "", 0, None, "module", "spacetimedb"), False),
        (LogLine("error", "", 0, None, "a_reducer"), False),
        (LogLine("info", "", 0), False),
    ],
)
def test_the_servers_own_lines_are_told_from_the_modules(line: LogLine, expected: bool) -> None:
    assert is_the_hosts(line) is expected


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("Database update rejected: Errors occurred:\nRemoving a\n\nRemoving b\n", ("Removing a", "Removing b")),
        ("it does not fit", ("it does not fit",)),
        ("", ("",)),
        ("Errors occurred:", ("Errors occurred:",)),
    ],
)
def test_reasons_stand_below_the_headline(text: str, reasons: tuple[str, ...]) -> None:
    assert reasons_of(text) == reasons
