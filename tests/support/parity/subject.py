"""What a module gives to the machine: its calls, its queries, and a call that changes nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.sats import ModuleDef
from pytest_inner_universe.wire.v1_rows import value_to_text

from .statements import Statements


@dataclass(frozen=True)
class Call:
    """A call, good or bad.

    Args:
        reducer: Name of the reducer, which may not exist.
        args: Arguments by position, None for those below.
        data: Arguments as BSATN that no encoder would write.
        text: The same as JSON.
    """

    reducer: str
    args: tuple[Any, ...] | None = None
    data: bytes = b""
    text: str = "[]"

    def bsatn(self, definition: ModuleDef) -> bytes:
        return self.data if self.args is None else definition.reducers[self.reducer].encode_args(*self.args)

    def json(self, definition: ModuleDef) -> str:
        if self.args is None:
            return self.text
        reducer = definition.reducers[self.reducer]
        return value_to_text(reducer.params, reducer.encode_args(*self.args))


@dataclass(frozen=True)
class Subject:
    """A module under test.

    Args:
        name: Its name.
        module: The module.
        calls: Calls of its reducers.
        statements: Queries about its tables.
        barrier: A reducer that changes nothing, and its arguments as BSATN and JSON.
        closes_door: A call after which nobody is let in any more, None where there is no such thing.
        schedules: A reducer that takes microseconds and a note and schedules another one, and the table of what is
            scheduled; None where there is no such thing.
    """

    name: str
    module: Module
    calls: st.SearchStrategy[Call]
    statements: Statements
    barrier: tuple[str, bytes, str]
    closes_door: Call | None = None
    schedules: tuple[str, str] | None = None


_NOT_BY_CHANCE = {"many", "start_ticks", "schedule_once", "close_door"}
"""Reducers that arguments made of random bytes could make run for hours, or fire when nobody waits for it."""


def bad_calls(definition: ModuleDef) -> st.SearchStrategy[Call]:
    """Calls that no module can take: of no reducer, of a lifecycle reducer, with arguments that do not fit."""
    known = sorted(set(definition.reducers) - _NOT_BY_CHANCE)
    names = st.sampled_from([*known, "no_such_reducer", "", "Init", "r\u00e9ducer"])
    texts = st.one_of(
        st.sampled_from(
            ["", "[]", "{}", "null", "[1", "[null]", '["a"]', "[1, 2, 3, 4, 5, 6, 7]", '{"nope": 1}', '[""]', "[true]",
             "[-1]", "[1.5]", '["a", "b"]', "[256, 256]", '["a", 1, 300]', '["a", 1, -1]', '["a", 1, 2]', "[[]]", "[{}]",
             '{"text": "by name"}', '{"name": "Ada", "team": 1, "age": 2}', '{"name": "Ada", "team": 1}']
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers(-300, 300) | st.text("ab", max_size=3),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=4,
        ).map(json.dumps),
    )  # fmt: skip
    return st.builds(Call, names, st.none(), st.binary(max_size=12), texts)
