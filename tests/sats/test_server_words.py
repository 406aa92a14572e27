"""What servers say of arguments that do not fit. The texts for release 1.2 are those of a real one (`tests/servers` asks it)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sats.strategies import types
from support.examples import examples

from pytest_inner_universe.sats import (
    BOOL,
    BYTES,
    F64,
    I128,
    STRING,
    U8,
    U32,
    AlgebraicType,
    Array,
    DecodeError,
    JsonError,
    Product,
    codec,
    enum,
    option,
    product,
)
from pytest_inner_universe.sats.sats_json import json_codec
from pytest_inner_universe.sats.server_json_words import complaint_about_json
from pytest_inner_universe.sats.server_words import Complaint, complaint_about_bytes, completed

PERSON = product(name=STRING, team=U32, age=U8)
SHAPES = product(shape=enum("Empty", "Round", "Long"), maybe=option(U8), bytes=BYTES, flag=BOOL, big=I128, real=F64)


def of(text: str, params: Product = PERSON, before_2: bool = False) -> tuple[str, str | None] | None:
    found = complaint_about_json("f", params, text.encode(), before_2)
    return None if found is None else (found.reason, found.path)


@pytest.mark.parametrize(
    ("text", "reason", "path"),
    [
        ("", "EOF while parsing a value at line 1 column 0", "."),
        ("[", "EOF while parsing a list at line 1 column 1", "."),
        ("{", "EOF while parsing an object at line 1 column 1", "?"),
        ("nul", "EOF while parsing a value at line 1 column 3", "."),
        ('["only one"]', "invalid length 1, expected reducer args for f with 3 elements at line 1 column 12", "."),
        ('["x",1,256]', "invalid value: integer `256`, expected u8 at line 1 column 10", "[2]"),
        ('["x",1,1e2]', "invalid type: floating point `100.0`, expected u8 at line 1 column 10", "[2]"),
        ('["x",1,2,3]', "trailing characters at line 1 column 10", "."),
        ('["x",1,2] 3', "trailing characters at line 1 column 11", None),
        ('["x",1,]', "trailing comma at line 1 column 8", "."),
        ('["x" 1]', "expected `,` or `]` at line 1 column 6", "."),
        ('[\n "é",\n 1, -2]', "invalid value: integer `-2`, expected u8 at line 3 column 6", "[2]"),
        ("[{},1,2]", "invalid type: map, expected a string at line 1 column 1", "[0]"),
        ('{"name":1}', "invalid type: integer `1`, expected a string at line 1 column 9", "name"),
        ('{"name":"x"}', "missing reducer argument `team` at line 1 column 12", "."),
        ('{"name":"x","name":"y"}', "duplicate reducer argument `name` at line 1 column 18", "."),
        ('{"name" "x"}', "expected `:` at line 1 column 9", "."),
        ('["\\x"]', "invalid escape at line 1 column 4", "[0]"),
        ('["a\u0001"]', "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 4", "[0]"),
    ],
)  # fmt: skip
def test_json_that_is_no_list_of_arguments(text: str, reason: str, path: str | None) -> None:
    assert of(text) == of(text, before_2=True) == (reason, path)


@pytest.mark.parametrize(
    ("text", "reason", "path"),
    [
        ('[{"Square":[]}]', "unknown variant `Square`, expected , `Empty`one of `Round`, `Long` at line 1 column 10", "[0].Square"),
        ("[[9,[]]]", "unknown tag 0x9 for sum type <unknown> at line 1 column 3", "[0][0]"),
        ('["x"]', 'invalid type: string "x", expected sum type at line 1 column 4', "[0]"),
        ('[[0,[]],{"some":-1}]', "invalid value: integer `-1`, expected u8 at line 1 column 18", "[1].some"),
        ('[[0,[]],null,"0g"]', 'invalid value: string "0g", expected a byte array or hex string at line 1 column 17', "[2]"),
        ('[[0,[]],null,"00",1]', "invalid type: integer `1`, expected a boolean at line 1 column 19", "[3]"),
    ],
)  # fmt: skip
def test_json_of_other_types(text: str, reason: str, path: str) -> None:
    assert of(text, SHAPES) == (reason, path)


def test_names_are_listed_otherwise_before_2() -> None:
    column = "at line 1 column 4"
    assert of('{"x":1}') == (f"unknown reducer argument `x`, expected , `name`one of `team`, `age` {column}", "x")
    old = f"unknown reducer argument `x`, expected one of `name`, `team`, `, or age` {column}"
    assert of('{"x":1}', before_2=True) == (old, "x")


@pytest.mark.parametrize(
    ("params", "data", "reason"),
    [
        (PERSON, b"\xff\xff\xff\xff", "data too short for [u8]: Expected 4294967295, given 0"),
        (PERSON, b"\0\0", "data too short for u32: Expected 4, given 2"),
        (PERSON, b"\1\0\0\0\xff", "invalid utf8"),
        (product(flag=BOOL), b"\2", "byte 2 not valid as `bool` (must be 0 or 1)"),
        (product(real=F64), b"\2", "data too short for u64: Expected 8, given 1"),
        (product(maybe=option(U8)), b"\2", "unknown tag 0x2 for sum type <unknown>"),
        (product(units=Array(product())), b"\xff\xff\xff\xff", None),
    ],
)
def test_bytes_that_are_no_arguments(params: Product, data: bytes, reason: str | None) -> None:
    assert complaint_about_bytes(params, data) == (None if reason is None else Complaint(reason))


def test_the_text_with_all_causes() -> None:
    why = Complaint("too long", "[0]")
    start = "invalid arguments for reducer f: [0]"
    assert why.brief("reducer", "f") == start
    assert why.full("reducer", "f") == f"{start}: invalid arguments for function f: [0]: [0]: too long"
    assert why.full("reducer", "f", before_2=True) == f"{start}: [0]: too long"
    brief = "invalid arguments for reducer f: short"
    assert completed(brief, "reducer", "f", False) == f"{brief}: invalid arguments for function f: short: short"
    assert completed(brief, "reducer", "f", True) == f"{brief}: short"
    assert completed("no such reducer", "reducer", "f", False) == "no such reducer"


@examples(200)
@given(types(), st.binary(max_size=60))
def test_bytes_that_decode_are_not_complained_about(type_: AlgebraicType, data: bytes) -> None:
    try:
        codec(type_).read(data, 0)
    except DecodeError:
        return  # servers take some that we do not, such as billions of nothing
    assert complaint_about_bytes(type_, data) is None


@examples(300)
@given(st.text(alphabet='[]{},:"\\ \n-+.0123456789eEtrufalsnmxé', max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    for params in (PERSON, SHAPES):
        found = complaint_about_json("f", params, text.encode())
        try:
            json_codec(params).loads(text)
        except JsonError:
            continue
        assert found is None


@examples(200)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_no_json_breaks_the_reader(value: object) -> None:
    text = json.dumps(value, allow_nan=True)
    for params in (PERSON, SHAPES):
        complaint_about_json("f", params, text.encode())


@pytest.mark.parametrize("before_2", [False, True])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("null", "invalid type: null, expected a f tuple at line 1 column 4"),
        ('"x"', 'invalid type: string "x", expected a f tuple at line 1 column 3'),
    ],
)
def test_functions_without_parameters(text: str, reason: str, before_2: bool) -> None:
    found = of(text, product(), before_2)
    assert found is not None
    assert found[0] == reason
