"""Arguments of reducers: by position, by name, and the words when they do not fit."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_inner_universe.sats import (
    STRING,
    U8,
    U32,
    UNIT,
    ArgumentError,
    DecodeError,
    Product,
    ReducerDef,
    option,
    product,
)

ADD = ReducerDef(0, "add_person", "add_person", product(name=STRING, team=U32, age=option(U8)))
NOTHING = ReducerDef(1, "nothing", "nothing", UNIT)
ARGS = bytes.fromhex("03000000416461010000000024")
HEAD = "cannot call add_person: "
SIGNATURE = "\n  the module declares add_person(name: String, team: U32, age: Option<U8>)"


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        (("Ada", 1, 36), {}),
        (("Ada",), {"age": 36, "team": 1}),
        ((), {"age": 36, "team": 1, "name": "Ada"}),
    ],
)
def test_arguments_by_position_and_by_name(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    assert ADD.encode_args(*args, **kwargs) == ARGS


def test_arguments_come_back_by_name() -> None:
    assert ADD.decode_args(ARGS) == {"name": "Ada", "team": 1, "age": 36}
    assert NOTHING.decode_args(NOTHING.encode_args()) == {}
    assert (ADD.signature, NOTHING.signature) == (SIGNATURE.split("declares ")[1], "nothing()")


def test_parameters_without_names_come_back_by_number() -> None:
    unnamed = ReducerDef(
        0, "f", "f", Product((*tuple(ADD.params.elements[:1]), ADD.params.elements[1]._replace(name=None)))
    )
    assert unnamed.decode_args(unnamed.encode_args("a", 1)) == {"name": "a", "1": 1}


@pytest.mark.parametrize(
    ("args", "kwargs", "reason"),
    [
        ((), {}, "takes 3 arguments, got 0: missing 'name', 'team', 'age'"),
        (("Ada",), {"age": 3}, "takes 3 arguments, got 2: missing 'team'"),
        (("Ada", 1, 2, 3), {}, "takes 3 arguments, got 4"),
        (("Ada", 1, 2, 3), {"age": 1}, "takes 3 arguments, got 5"),
        (("Ada", 1), {"years": 3}, "has no argument 'years'"),
        (("Ada", 1, 3), {"team": 3}, "got argument 'team' twice"),
        ((5, 1, 3), {}, "name: expected String, got int 5"),
        (("Ada", -1, 3), {}, "team: -1 is out of range for U32"),
        (("Ada", 1, "x"), {}, "age: expected U8, got str 'x'"),
    ],
)
def test_arguments_that_do_not_fit(args: tuple[Any, ...], kwargs: dict[str, Any], reason: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        ADD.encode_args(*args, **kwargs)
    assert str(caught.value) == HEAD + reason + SIGNATURE
    assert (caught.value.function, caught.value.reason) == ("add_person", reason)


def test_arguments_for_what_takes_none() -> None:
    with pytest.raises(ArgumentError) as caught:
        NOTHING.encode_args(1)
    assert str(caught.value) == ("cannot call nothing: takes no arguments, got 1\n  the module declares nothing()")


def test_bytes_that_are_no_arguments() -> None:
    with pytest.raises(DecodeError) as caught:
        ADD.decode_args(ARGS[:-1])
    assert str(caught.value) == "U8 needs 1 bytes, 0 are left at byte 12 in age"
