"""How much memory a module may have."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.puppets import puppet

from pytest_inner_universe import Universe
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.wasm.errors import BadMemoryLimit, ModuleStartFailed, OutOfMemory, Trap
from pytest_inner_universe.engine.wasm.linking import ABORTED
from pytest_inner_universe.testing.errors import ReducerPanicked

from .conftest import Begin

MODULE = Path(__file__).parents[3] / "fixtures" / "modules" / "every_type_1_4.wasm"
VARIABLE = "INNER_UNIVERSE_MEMORY_LIMIT"
MIB = 1 << 20
GREEDY = "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)"


def test_a_module_that_never_has_enough_is_stopped(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "2.5")
    stage = begin(puppet(GREEDY))
    with pytest.raises(OutOfMemory) as caught:
        stage.call()
    assert (caught.value.limit, caught.value.size) == (5 * MIB // 2, 5 * MIB // 2)
    assert str(caught.value) == (
        "the module was stopped because it wanted more memory than the limit of 2.5 MiB, it had 2.5 MiB\n"
        "  look for data without end, or allow more: INNER_UNIVERSE_MEMORY_LIMIT, in MiB"
    )
    assert stage.instance.is_spent


def test_without_a_setting_there_is_a_limit_too(begin: Begin) -> None:
    grown = "(memory.grow (i32.const 20000))"
    assert begin(puppet(f"(i32.eq {grown} (i32.const -1))")).call() == (1, b"")


def test_a_module_that_aborts_for_another_reason(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "2")
    stage = begin(puppet("(unreachable)"))
    with pytest.raises(Trap) as caught:
        stage.call()
    assert (type(caught.value), caught.value.reason) == (Trap, ABORTED)


def test_a_module_that_begins_with_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(ModuleStartFailed) as caught:
        Module.load(puppet(memory="32"), "big.wasm")
    assert "memory minimum size of 32 pages exceeds memory limits" in str(caught.value)


def test_the_failure_of_a_call_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "3")
    with Universe.embedded(MODULE) as universe:
        universe.call("add_person", "Ada", 1, 36)
        with pytest.raises(ReducerPanicked) as caught:
            universe.call("fails", "x" * 4 * MIB)
        assert str(caught.value).startswith(
            "reducer 'fails' was not run to its end: the module was stopped because it wanted more memory than the limit "
            "of 3 MiB, it had "
        )
        assert universe.count("person") == 1
        universe.call("add_person", "Bob", 1, 36)
        assert universe.count("person") == 2


@pytest.mark.parametrize("text", ["much", "-1", "0", "inf", "nan"])
def test_a_limit_that_is_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(BadMemoryLimit) as caught:
        Module.load(puppet())
    assert str(caught.value) == f"INNER_UNIVERSE_MEMORY_LIMIT is {text!r}, it takes a number of MiB above 0"
