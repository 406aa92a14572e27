"""Conditions: random ones over random rows against plain Python, and every literal by the type of its column."""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from math import isnan
from typing import Any
from uuid import UUID as PythonUuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.sql_store import OWNER, Store, table

from pytest_inner_universe.engine.sql import SqlError
from pytest_inner_universe.sats import ConnectionId, Identity, Timestamp
from pytest_inner_universe.sats.types import (
    BOOL,
    BYTES,
    CONNECTION_ID,
    F32,
    F64,
    I8,
    I16,
    I64,
    I128,
    I256,
    IDENTITY,
    SCHEDULE_AT,
    STRING,
    TIME_DURATION,
    TIMESTAMP,
    U8,
    U32,
    U64,
    U128,
    U256,
    UUID,
    AlgebraicType,
    Array,
    option,
    product,
)

COLUMNS: dict[str, AlgebraicType] = {
    "a": U8,
    "b": I16,
    "name": STRING,
    "note": option(STRING),
    "wide": I128,
    "list": Array(STRING),
    "flag": BOOL,
    "ratio": F64,
    "raw": BYTES,
    "who": IDENTITY,
    "at": TIMESTAMP,
    "c": U8,
}
PEOPLE = [Identity.derive("tests", name) for name in "xyz"]
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "a": st.integers(0, 4),
    "b": st.integers(-3, 3),
    "name": st.sampled_from(["", "a", "ab", "b", "é", "it's", "𝄞"]),
    "note": st.sampled_from([None, "", "x"]),
    "wide": st.sampled_from([-(2**127), -1, 0, 1, 2**127 - 1]),
    "list": st.lists(st.sampled_from(["", "q"]), max_size=2),
    "flag": st.booleans(),
    "ratio": st.sampled_from([-1.5, -0.0, 0.0, 0.1, 1e300, float("inf"), float("nan")]),
    "raw": st.binary(max_size=2),
    "who": st.sampled_from(PEOPLE),
    "at": st.sampled_from([Timestamp(-1), Timestamp(0), Timestamp(1_700_000_000_123_456)]),
    "c": st.integers(0, 4),
}
LITERALS: dict[str, Callable[[Any], str]] = {
    "a": str,
    "b": str,
    "c": lambda value: f"'{value}'",
    "wide": str,
    "name": lambda value: "'" + value.replace("'", "''") + "'",
    "ratio": lambda value: "1e999" if value == float("inf") else "0" if isnan(value) else repr(value),
    "raw": lambda value: f"X'{value.hex()}'",
    "who": lambda value: f"0x{value.hex()}",
    "at": lambda value: f"'{(_EPOCH + timedelta(microseconds=value.micros)).isoformat()}'",
}
OPERATORS = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
Oracle = Callable[[dict[str, Any]], bool]


def _ordered(value: Any) -> Any:
    """A value as it is compared: strings by UTF-8, a NaN above everything and equal to itself."""
    if isinstance(value, float):
        return (1, 0.0) if isnan(value) else (0, value)
    if isinstance(value, str):
        return value.encode()
    return int(value) if isinstance(value, Identity) else value.micros if isinstance(value, Timestamp) else value


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[str, Oracle]:
    column = draw(st.sampled_from(sorted(LITERALS)))
    symbol, compare = draw(st.sampled_from(sorted(OPERATORS.items())))
    if column in ("a", "c") and draw(st.booleans()):
        return f"a {symbol} c", lambda row: compare(row["a"], row["c"])
    value = draw(VALUES[column])
    literal = LITERALS[column](value)
    meant = 0.0 if isinstance(value, float) and isnan(value) else value
    if draw(st.booleans()):
        return f"{column} {symbol} {literal}", lambda row: compare(_ordered(row[column]), _ordered(meant))
    return f"{literal} {symbol} {column}", lambda row: compare(_ordered(meant), _ordered(row[column]))


def _joined(parts: list[tuple[str, Oracle]], word: str) -> tuple[str, Oracle]:
    decide = all if word == "AND" else any
    text = "(" + f" {word} ".join(text for text, _ in parts) + ")"
    return text, lambda row: decide(oracle(row) for _, oracle in parts)


CONDITIONS = st.recursive(
    st.one_of(
        comparisons(),
        st.just(("flag", lambda row: row["flag"])),
        st.just(("TRUE", lambda _: True)),
        st.just(("false", lambda _: False)),
    ),
    lambda inner: st.builds(_joined, st.lists(inner, min_size=1, max_size=3), st.sampled_from(["AND", "OR"])),
    max_leaves=8,
)
ROWS = st.lists(st.fixed_dictionaries(VALUES), max_size=12)
LAYOUTS = {
    "no index": table("t", COLUMNS),
    "indexes": table("t", COLUMNS, indexes=(("a", "b", "name"), ("b", "c"), ("name",), ("who",), ("at",), ("wide",))),
    "hash indexes": table("t", COLUMNS, hashed=("a", "name")),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@examples(80)
@given(rows=ROWS, condition=CONDITIONS)
def test_a_condition_selects_what_python_selects(layout: Any, rows: list[dict[str, Any]], condition: Any) -> None:
    """Whatever way the indexes offer, the rows are the same."""
    text, oracle = condition
    store = Store(layout)
    store.change({"t": [tuple(row[name] for name in COLUMNS) for row in rows]})
    every = store.sql("SELECT * FROM t").dicts()
    expected = sorted((repr(row) for row in every if oracle(row)), key=str)
    assert sorted(repr(row) for row in store.sql(f"SELECT * FROM t WHERE {text}").dicts()) == expected
    assert store.sql(f"SELECT COUNT(*) AS n FROM t WHERE {text}").rows == ((len(expected),),)


def _only(type_: Any, value: Any) -> Store:
    store = Store(table("t", {"before": Array(U32), "v": type_, "after": U8}))
    store.change({"t": [([1, 2], value, 9)]})
    return store


UUID_TEXT = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.mark.parametrize(
    ("type_", "value", "literals"),
    [
        (U8, 10, ["10", "'10'", "0x10", "1e1", "1E+1", "10.0", "100e-1", "+10", "010"]),
        (I8, -128, ["-128", "'-128'", "-1.28e2"]),
        (U64, 2**64 - 1, [str(2**64 - 1), "18446744073709551615.000"]),
        (U128, 10**38, ["1e38"]),
        (U256, 2**256 - 1, [str(2**256 - 1)]),
        (I256, -(2**255), [str(-(2**255))]),
        (F64, 0.1, ["0.1", ".1", "1e-1", "'0.1'", "+.1"]),
        (F64, float("inf"), ["1e999"]),
        (F32, struct.unpack("<f", struct.pack("<f", 0.1))[0], ["0.1", "0.10000000149"]),
        (F32, float("-inf"), ["-1e40"]),
        (STRING, "5", ["5", "'5'", "0x5"]),
        (STRING, "-1.50", ["-1.50"]),
        (STRING, "a'b", ["'a''b'"]),
        (BYTES, b"\xab\xcd", ["0xabcd", "0xABCD", "X'abCD'", "'abcd'", "'0xabcd'"]),
        (BYTES, b"", ["''", "X''"]),
        (IDENTITY, OWNER, [f"0x{OWNER.hex()}", f"X'{OWNER.hex()}'", f"'{OWNER.hex()}'", ":sender"]),
        (BYTES, OWNER.to_bytes()[::-1], [":sender"]),
        (CONNECTION_ID, ConnectionId.from_int(258), ["0x" + "0" * 29 + "102"]),
        (UUID, PythonUuid(UUID_TEXT), [f"'{UUID_TEXT}'", f"'{UUID_TEXT.upper()}'", f"'{UUID_TEXT.replace('-', '')}'"]),
        (
            TIMESTAMP,
            Timestamp(1_739_202_330_123_456),
            [
                "'2025-02-10T15:45:30.123456Z'",
                "'2025-02-10 15:45:30.123456789z'",
                "'2025-02-10t17:15:30.123456+01:30'",
            ],
        ),
        (TIMESTAMP, Timestamp(-62_167_219_200_000_000), ["'0000-01-01T00:00:00Z'"]),
        (BOOL, True, ["TRUE", "true"]),
    ],
    ids=str,
)
def test_a_literal_is_read_by_the_type_of_its_column(type_: Any, value: Any, literals: list[str]) -> None:
    store = _only(type_, value)
    for literal in literals:
        assert len(store.sql(f"SELECT * FROM t WHERE v = {literal}").rows) == 1, literal
        assert not store.sql(f"SELECT * FROM t WHERE {literal} <> v").rows, literal


@pytest.mark.parametrize(
    ("type_", "literal", "reason"),
    [
        (U8, "256", "The literal expression `256` cannot be parsed as type `U8`"),
        (U8, "-1", "The literal expression `-1` cannot be parsed as type `U8`"),
        (U8, "0.5", "The literal expression `0.5` cannot be parsed as type `U8`"),
        (U8, "1e-3", "The literal expression `1e-3` cannot be parsed as type `U8`"),
        (U8, "0xff", "The literal expression `ff` cannot be parsed as type `U8`"),
        (U8, "1e999999999999", "The literal expression `1e999999999999` cannot be parsed as type `U8`"),
        (U8, "TRUE", "Unexpected type: (expected) Bool != U8 (inferred)"),
        (U8, "other", "`other` is not in scope"),
        (U8, ":sender", "Unexpected type: (expected) (__identity__: U256) != U8 (inferred)"),
        (BOOL, "1", "The literal expression `1` cannot be parsed as type `Bool`"),
        (F64, "'x'", "The literal expression `x` cannot be parsed as type `F64`"),
        (BYTES, "0xabc", "The literal expression `abc` cannot be parsed as type `Array<U8>`"),
        (IDENTITY, "0xab", "The literal expression `ab` cannot be parsed as type `(__identity__: U256)`"),
        (UUID, "'{nothing}'", "The literal expression `{nothing}` cannot be parsed as type `(__uuid__: U128)`"),
        (
            TIMESTAMP,
            "'2025-02-10T15:45:30'",
            (
                "The literal expression `2025-02-10T15:45:30` cannot be parsed as type "
                "`(__timestamp_micros_since_unix_epoch__: I64)`"
            ),
        ),
        (
            TIMESTAMP,
            "'2025-02-30T00:00:00Z'",
            (
                "The literal expression `2025-02-30T00:00:00Z` cannot be parsed as type "
                "`(__timestamp_micros_since_unix_epoch__: I64)`"
            ),
        ),
        (
            TIME_DURATION,
            "5",
            "The literal expression `5` cannot be parsed as type `(__time_duration_micros__: I64)`",
        ),
        (option(U8), "5", "The literal expression `5` cannot be parsed as type `(some: U8 | none: ())`"),
        (Array(U32), "0xab", "The literal expression `ab` cannot be parsed as type `Array<U32>`"),
        (product(x=U8), "5", "The literal expression `5` cannot be parsed as type `(x: U8)`"),
        (product(x=U8), "v", "Invalid binary operator `=` for type `(x: U8)`"),
        (
            SCHEDULE_AT,
            "v",
            (
                "Invalid binary operator `=` for type `(Interval: (__time_duration_micros__: I64) | "
                "Time: (__timestamp_micros_since_unix_epoch__: I64))`"
            ),
        ),
        (STRING, "after", "Unexpected type: (expected) U8 != String (inferred)"),
    ],
    ids=str,
)
def test_a_literal_that_does_not_fit_is_refused(type_: Any, literal: str, reason: str) -> None:
    store = Store(table("t", {"v": type_, "after": U8}))
    with pytest.raises(SqlError) as caught:
        store.sql(f"SELECT * FROM t WHERE v = {literal}")
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("v", "Unexpected type: (expected) U8 != Bool (inferred)"),
        ("1", "The literal expression `1` cannot be parsed as type `Bool`"),
        ("1 = 1", "Cannot resolve type for literal expression"),
        (":sender", "Unexpected type: (expected) (__identity__: U256) != Bool (inferred)"),
        ("v = (v = 1)", "Unexpected type: (expected) Bool != U8 (inferred)"),
        ("s.v = 1", "`s` is not in scope"),
        ("nope = 1", "`nope` is not in scope"),
    ],
)
def test_a_condition_that_is_none_is_refused(condition: str, reason: str) -> None:
    store = Store(table("t", {"v": U8}))
    with pytest.raises(SqlError) as caught:
        store.sql(f"SELECT * FROM t WHERE {condition}")
    assert caught.value.reason == reason


def test_conditions_may_compare_conditions_and_callers() -> None:
    store = _only(I64, 5)
    assert len(store.sql("SELECT * FROM t WHERE (v = 5) = (after > 1)").rows) == 1
    assert len(store.sql("SELECT * FROM t WHERE :sender = :sender").rows) == 1
