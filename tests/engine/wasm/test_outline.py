"""Functions whose types wasmtime cannot be asked for without ending the process."""

from __future__ import annotations

from pathlib import Path

import pytest
import wasmtime
from support.puppets import puppet

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.wasm.errors import InvalidWasm, NotSpacetimeModule
from pytest_inner_universe.engine.wasm.outline import strange_functions

MODULES = Path(__file__).parents[3] / "fixtures" / "modules"
READ = (
    '(import "env" "table" (table 1 4 funcref)) (import "env" "memory" (memory 1)) (import "env" "number" (global v128))'
    '(import "env" "more" (table 1 funcref)) (import "spacetime_10.0" "bytes_source_read" (func (param v128)))'
)


def test_real_modules_have_plain_functions_only() -> None:
    for path in MODULES.glob("*.wasm"):
        assert strange_functions(path.read_bytes()) == (set(), set())


@pytest.mark.parametrize("value", ["v128", "(ref func)", "(ref null 0)"])
def test_strange_values_are_found_behind_whatever_comes_first(value: str) -> None:
    text = f"""(module (type (func (param i32 externref) (result funcref f64)))
      {READ.replace("(param v128)", f"(param i32 {value})")}
      (func (export "plain") (type 0) unreachable) (func (export "strange") (result {value}) unreachable)
      (global (export "g") i32 (i32.const 1)))"""
    assert strange_functions(bytes(wasmtime.wat2wasm(text))) == (
        {("spacetime_10.0", "bytes_source_read")},
        {"strange"},
    )


def test_a_module_without_functions_has_no_strange_ones() -> None:
    assert strange_functions(b"\0asm\1\0\0\0") == (set(), set())


def refusal(data: bytes) -> str:
    with pytest.raises(NotSpacetimeModule) as caught:
        Module.load(data)
    return caught.value.problems[0]


def test_they_are_refused_where_they_would_be_asked_for() -> None:
    imports = '(import "spacetime_10.0" "bytes_source_read" (func (param v128)))'
    assert refusal(puppet(imports=imports)) == (
        "its import spacetime_10.0::bytes_source_read has values that no host function has"
    )
    assert refusal(puppet(extra='(func (export "__preinit__1") (param v128))')) == (
        "its export `__preinit__1` has values that no host function has"
    )


def test_elsewhere_they_are_the_modules_own_business() -> None:
    Module.load(puppet(extra='(func (export "fast") (param v128) (result v128) (local.get 0))'))


def test_types_that_are_no_functions_are_refused() -> None:
    data = puppet(extra="(type (struct (field i32)))")
    with pytest.raises(ValueError, match=r"\A\Z"):
        strange_functions(data)
    # Whoever runs the module says it first where it does not take such types at all, as older ones do not.
    with pytest.raises((InvalidWasm, NotSpacetimeModule)):
        Module.load(data)
