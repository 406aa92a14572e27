"""When the C interface is not what it was, the shims serve."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pytest

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.wasm import unchecked
from pytest_inner_universe.engine.wasm.abi import Signature
from pytest_inner_universe.engine.wasm.host import NoHost
from pytest_inner_universe.engine.wasm.linking import Box, layout
from pytest_inner_universe.engine.wasm.shims import ShimLinked, exports_text, imports_text
from pytest_inner_universe.engine.wasm.unchecked import UncheckedLinked


@pytest.fixture
def _first_use() -> Iterator[None]:
    unchecked.works.cache_clear()
    yield
    unchecked.works.cache_clear()


def linked_by(module: Module, **options: bool) -> type:
    instance = module.new_instance(NoHost(), **options)
    kind = type(instance._linked)
    reducer = module.definition.reducers["nothing"]
    assert instance.call_reducer(reducer.id, bytes(32), bytes(16), 1, b"") == (0, b"")
    instance.close()
    return kind


def test_it_works_here() -> None:
    assert unchecked.works()


def test_it_is_chosen_where_nothing_speaks_against_it(every_type: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INNER_UNIVERSE_NO_ACCELERATOR", raising=False)
    assert linked_by(every_type) is UncheckedLinked
    monkeypatch.setenv("INNER_UNIVERSE_NO_ACCELERATOR", "0")
    assert linked_by(every_type) is UncheckedLinked


def test_it_can_be_switched_off(every_type: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    assert linked_by(every_type, accelerate=False) is ShimLinked
    monkeypatch.setenv("INNER_UNIVERSE_NO_ACCELERATOR", "1")
    assert linked_by(every_type) is ShimLinked
    assert linked_by(every_type, accelerate=True) is UncheckedLinked


@pytest.mark.usefixtures("_first_use")
def test_a_missing_function_means_shims(every_type: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> object:
        raise AttributeError("wasmtime_func_call_unchecked")

    monkeypatch.setattr(unchecked, "_interface", missing)
    assert not unchecked.works()
    assert linked_by(every_type, accelerate=True) is ShimLinked


@pytest.mark.usefixtures("_first_use")
def test_values_that_arrive_wrong_mean_shims(every_type: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    def shifted(types: tuple[str, ...]) -> object:
        return layout(tuple("i32" for _ in types))

    monkeypatch.setattr(unchecked, "layout", shifted)
    assert not unchecked.works()
    monkeypatch.undo()
    assert linked_by(every_type, accelerate=True) is ShimLinked


def test_views_of_parameters_are_kept_in_a_bounded_number() -> None:
    seen = []

    def add(*values: int) -> int:
        seen.append(values)
        return sum(values)

    signature = Signature(("i32", "i32"), ("i32",))
    call = unchecked._host_function(Box(), add, signature, lambda text, size: 1)
    places = [(ctypes.c_uint32 * 8)(n, 0, 0, 0, 5, 0, 0, 0) for n in range(200)]
    for place in places * 2:
        place[0] %= 1000
        assert call(0, 0, ctypes.addressof(place), 2) is None
    assert [place[0] for place in places] == [n + 10 for n in range(200)]
    assert len(seen) == 400


def test_shims_are_made_of_the_signatures() -> None:
    assert imports_text([Signature(("i32", "i64"), ("i32",)), Signature((), ())]) == (
        "(module\n"
        '  (import "host" "0" (func $host0))\n'
        '  (import "host" "1" (func $host1))\n'
        '  (memory (export "memory") 1 1)\n'
        '  (func (export "0") (param i32 i64) (result i32) \n'
        "    (i32.store (i32.const 0) (local.get 0))\n"
        "    (i64.store (i32.const 16) (local.get 1))\n"
        "    (call $host0)\n"
        "    (if (i32.load (i32.const 512)) (then unreachable))\n"
        "    (i32.load (i32.const 0))\n"
        "  )\n"
        '  (func (export "1") \n'
        "    (call $host1)\n"
        "    (if (i32.load (i32.const 512)) (then unreachable))\n"
        "  )\n"
        ")"
    )
    assert exports_text([("f", Signature(("i32", "i64"), ("i32",)))]) == (
        "(module\n"
        '  (import "shim" "memory" (memory 1))\n'
        '  (import "guest" "f" (func $f (param i32 i64) (result i32) ))\n'
        '  (func (export "f") (i32.store (i32.const 1024) '
        "(call $f (i32.load (i32.const 1024)) (i64.load (i32.const 1040)))))\n"
        ")"
    )
