"""Calls whose arguments are nearly right."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.mutation import mutated

from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.sats import Identity
from pytest_inner_universe.server.endpoint import Endpoint
from pytest_inner_universe.wire import CallProcedure, CallReducer, ProcedureResult, ReducerResult, ServerMessage

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
CALL_SECONDS = 0.2
NUMBERS = [number.to_bytes(width, "little") for number in (0, 1, 7, 255) for width in (1, 4, 8)]
TEXTS = [len(text).to_bytes(4, "little") + text for text in (b"", b"Ada", b"http://nowhere/", "ä".encode())]
ARGUMENTS = mutated([b"", *NUMBERS, *TEXTS, TEXTS[1] + NUMBERS[4] + NUMBERS[0], b"\1\0\0\0" + NUMBERS[5] * 3])


@pytest.mark.parametrize("name", ["inner_universe_module", "every_type_2_8", "procedures_2_8"])
def test_every_function_answers_whatever_it_is_given(name: str) -> None:
    module = Module.load_file(MODULES / f"{name}.wasm")
    database = Database.publish(module, "fuzzed", Identity.zero(), Identity.derive("a", "b"), call_limit=CALL_SECONDS)
    beginning = database.snapshot()
    reducers, procedures = list(module.definition.reducers), list(module.definition.procedures)

    @examples(150)
    @given(st.sampled_from([*reducers, *procedures, "nothing of this name"]), ARGUMENTS)
    def attempt(function: str, args: bytes) -> None:
        database.restore(beginning)  # or jobs of one example run in the next, and nobody comes in any more
        heard: list[ServerMessage] = []
        end = Endpoint(database).attach(None, heard.append, lambda code, reason: None)
        try:
            end.handle(CallReducer(1, 0, function, args))
            end.handle(CallProcedure(2, 0, function, args))
        finally:
            end.close()
        assert {type(answer) for answer in heard[1:]} >= {ReducerResult, ProcedureResult}

    attempt()
    database.close()
