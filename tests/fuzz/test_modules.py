"""Modules that are nearly modules."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from support.examples import examples
from support.mutation import mutated
from support.puppets import puppet

from pytest_inner_universe.engine import module as engine_module
from pytest_inner_universe.engine.errors import EngineError
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.store import Datastore
from pytest_inner_universe.engine.subscriptions import Subscriptions
from pytest_inner_universe.engine.wasm.errors import ModuleError
from pytest_inner_universe.engine.wasm.instance import Instance
from pytest_inner_universe.sats import SatsError, decode_definition

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
CALL_SECONDS = 0.2
NAMES = ("every_type_1_4", "every_type_2_8", "inner_universe_module", "procedures_2_8")


def test_a_definition_is_read_or_refused() -> None:
    samples = [Module.load_file(MODULES / f"{name}.wasm").raw_definition for name in NAMES]

    @examples(300)
    @given(mutated(samples))
    def attempt(data: bytes) -> None:
        try:
            definition = decode_definition(data)
            store = Datastore.create(definition)
            Subscriptions(store)
        except (SatsError, EngineError) as error:
            assert_short(error)
        else:
            for reducer in definition.reducers.values():
                assert reducer.signature
            for table in definition.tables.values():
                assert table.row_codec is not None

    attempt()


@pytest.fixture
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is compiled here out of the user's cache, and what does not end within bounds."""
    monkeypatch.setenv("INNER_UNIVERSE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(engine_module, "Instance", lambda program, host: Instance(program, host, CALL_SECONDS))


@pytest.mark.usefixtures("_own_cache")
def test_a_small_program_is_loaded_or_refused() -> None:
    plain = puppet()
    asks = puppet("(local.get $id)", imports='(import "spacetime_10.0" "identity" (func $who (param i32)))')
    samples = [plain, asks, puppet(definition=(MODULES.parent / "x").name.encode())]

    @examples(150)
    @given(mutated(samples))
    def attempt(data: bytes) -> None:
        _load(data)

    attempt()


@pytest.mark.usefixtures("_own_cache")
def test_a_real_program_is_loaded_or_refused() -> None:
    samples = [(MODULES / "every_type_1_4.wasm").read_bytes()]

    @examples(8)
    @given(mutated(samples))
    def attempt(data: bytes) -> None:
        _load(data)

    attempt()


def _load(data: bytes) -> None:
    try:
        Module.load(data)
    except ModuleError as error:
        assert_short(error)


def assert_short(error: Exception) -> None:
    assert len(str(error).splitlines()) <= 12
    assert len(str(error)) < 4_000
