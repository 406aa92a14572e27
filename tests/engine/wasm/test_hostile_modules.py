"""Modules that do what no bindings would let them, through both ways of linking."""

from __future__ import annotations

import threading

import pytest
from support.puppets import puppet

from pytest_inner_universe.engine.errors import EngineError
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.wasm.errors import BadPointer, ModuleStartFailed, TimedOut, Trap
from pytest_inner_universe.engine.wasm.host import NoHost
from pytest_inner_universe.engine.wasm.runtime import engine
from pytest_inner_universe.engine.wasm.watchdog import ticks_of, watchdog

from .conftest import Begin

LOOP = "(loop $again (br $again)) (unreachable)"
PAGE = 65536
READ = '(import "spacetime_10.0" "bytes_source_read" (func $read (param i32 i32 i32) (result i32)))'


def test_the_code_and_the_text_are_the_modules(begin: Begin) -> None:
    body = """(drop (call $write (local.get $err) (i32.const 8192) (i32.const 8200))) (local.get $id)"""
    extra = r'(data (i32.const 8192) "oh\c3\97\00\00\00\00\04\00\00\00")'
    stage = begin(puppet(body, extra=extra))
    assert [stage.call(code) for code in (0, 1, 2, 15)] == [
        (0, b""),
        (1, b"oh\xc3\x97"),
        (2, b"oh\xc3\x97"),
        (15, b"oh\xc3\x97"),
    ]


def test_arguments_arrive_and_no_arguments_are_the_source_zero(begin: Begin) -> None:
    echo = """
      (i32.store (i32.const 8192) (i32.const 16))
      (if (i32.eqz (local.get $args)) (then (return (i32.const 77))))
      (drop (call $read (local.get $args) (i32.const 8200) (i32.const 8192)))
      (drop (call $write (local.get $err) (i32.const 8200) (i32.const 8192)))
      (i32.const 1)"""
    stage = begin(puppet(echo, imports=READ))
    assert stage.call(raw=b"abc") == (1, b"abc")
    assert stage.call(raw=b"") == (77, b"")
    assert stage.call(raw=b"0123456789abcdefgh") == (1, b"0123456789abcdef")


def test_sources_and_sinks_start_at_one_in_every_call(begin: Begin) -> None:
    stage = begin(puppet("(i32.add (i32.mul (local.get $args) (i32.const 100)) (local.get $err))"))
    assert [stage.call(raw=b"x")[0] for _ in range(3)] == [101, 101, 101]


@pytest.mark.parametrize(
    ("pointer", "length", "text"),
    [
        (0, 4, "it gave a host function a null pointer"),
        (0, 0, "it gave a host function a null pointer"),
        (PAGE - 4, 5, "it gave a host function 5 bytes at 65532, beyond its memory of 65536 bytes"),
        (PAGE, 1, "it gave a host function 1 bytes at 65536, beyond its memory of 65536 bytes"),
        (
            0xFFFF_FFFF,
            0xFFFF_FFFF,
            "it gave a host function 4294967295 bytes at 4294967295, beyond its memory of 65536 bytes",
        ),
    ],
)
def test_a_pointer_outside_of_the_memory_stops_the_module(begin: Begin, pointer: int, length: int, text: str) -> None:
    body = f"""(i32.store (i32.const 8192) (i32.const {length}))
        (call $write (local.get $err) (i32.const {pointer}) (i32.const 8192))"""
    stage = begin(puppet(body))
    with pytest.raises(BadPointer) as caught:
        stage.call()
    assert (caught.value.pointer, caught.value.length, caught.value.size) == (pointer, length, PAGE)
    assert str(caught.value) == f"the module trapped: {text}"
    assert stage.instance.is_spent


def test_the_very_last_bytes_are_inside(begin: Begin) -> None:
    body = f"""(i32.store (i32.const 8192) (i32.const 4))
        (drop (call $write (local.get $err) (i32.const {PAGE - 4}) (i32.const 8192))) (i32.const 1)"""
    stage = begin(puppet(body, extra=f'(data (i32.const {PAGE - 4}) "last")'))
    assert stage.call() == (1, b"last")


def test_a_length_pointer_outside_of_the_memory_stops_the_module(begin: Begin) -> None:
    for pointer in (0, PAGE - 3, PAGE):
        stage = begin(puppet(f"(call $write (local.get $err) (i32.const 8192) (i32.const {pointer}))"))
        with pytest.raises(BadPointer):
            stage.call()


def test_memory_that_has_grown_within_the_call_is_used(begin: Begin) -> None:
    body = f"""(drop (memory.grow (i32.const 3)))
        (i32.store (i32.const {3 * PAGE}) (i32.const 0x64636261))
        (i32.store (i32.const 8192) (i32.const 4))
        (drop (call $write (local.get $err) (i32.const {3 * PAGE}) (i32.const 8192)))
        (i32.const 1)"""
    stage = begin(puppet(body))
    assert stage.call() == (1, b"abcd")
    assert stage.instance.rewind()
    assert stage.instance._memory.view[3 * PAGE : 3 * PAGE + 4] == bytes(4)


def test_a_memory_that_has_grown_far_is_not_rewound(begin: Begin) -> None:
    stage = begin(puppet("(memory.grow (i32.const 257))"))
    assert stage.call() == (1, b"")
    assert not stage.instance.rewind()


def test_rewinding_restores_memory_and_exported_globals(begin: Begin) -> None:
    body = """(global.set $count (i32.add (global.get $count) (i32.const 1)))
        (i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))
        (i32.add (i32.mul (global.get $count) (i32.const 10)) (i32.load (i32.const 8192)))"""
    stage = begin(puppet(body, extra='(global $count (export "count") (mut i32) (i32.const 3))'))
    assert [stage.call()[0] for _ in range(2)] == [41, 52]
    assert stage.instance.rewind()
    assert stage.call()[0] == 41


def test_a_state_can_be_put_into_another_instance_of_the_module(begin: Begin) -> None:
    body = """(global.set $count (i32.add (global.get $count) (i32.const 1)))
        (if (i32.eq (global.get $count) (i32.const 4)) (then (drop (memory.grow (i32.const 2)))))
        (i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))
        (i32.add (i32.mul (global.get $count) (i32.const 10)) (i32.load (i32.const 8192)))"""
    first = begin(puppet(body, extra='(global $count (export "count") (mut i32) (i32.const 3))'))
    assert first.call()[0] == 41
    state = first.instance.state()
    assert first.call()[0] == 52
    second = first.module.new_instance(NoHost())
    assert second.rewind(state)
    assert len(second._memory.view) == 3 * PAGE
    for instance in (first.instance, second):
        assert instance.rewind(state)
        assert instance.call_reducer(0, bytes(32), bytes(16), 1, b"")[0] == 52
    assert second.rewind()
    assert second.call_reducer(0, bytes(32), bytes(16), 1, b"")[0] == 41
    second.close()


@pytest.mark.parametrize(
    ("globals_text", "can"),
    [
        ("(global $sp (mut i32) (i32.const 70000))", True),
        ("(global $sp (mut i32) (i32.const 70000)) (global $two (mut f64) (f64.const 0x1.0b0b0bp3))", False),
        ("(global $c i64 (i64.const -1)) (global $sp (mut i32) (i32.add (i32.const 1) (i32.const 2)))", True),
        ('(global $a (export "a") (mut f32) (f32.const 11)) (global $b (mut funcref) (ref.null func))', True),
    ],
)
def test_hidden_state_beyond_a_stack_pointer_forbids_rewinding(begin: Begin, globals_text: str, can: bool) -> None:
    stage = begin(puppet(extra=globals_text))
    assert stage.instance.rewind() is can


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("unreachable", "it aborted (wasm `unreachable`)"),
        ("(i32.div_u (i32.const 1) (i32.const 0))", "it divided by zero"),
        ("(i32.load (i32.const 70000))", "it accessed memory out of bounds"),
        ("(call $deep (i32.const 0))", "the call stack is exhausted, perhaps by endless recursion"),
        ("(i32.trunc_f32_s (f32.const nan))", "it converted a float that fits no integer"),
        ("(call_indirect (result i32) (i32.const 0))", "it called a null function pointer"),
        ("(call_indirect (result i32) (i32.const 5))", "it called a function beyond its table"),
    ],
)
def test_a_trap_says_what_happened(begin: Begin, body: str, reason: str) -> None:
    extra = """(table 1 funcref) (func $deep (param i32) (result i32)
        (i32.add (call $deep (local.get 0)) (i32.const 1)))"""
    stage = begin(puppet(body, extra=extra))
    with pytest.raises(Trap) as caught:
        stage.call()
    assert caught.value.reason == reason
    assert str(caught.value).splitlines()[0] == f"the module trapped: {reason}"


def test_a_trap_names_the_functions_on_the_stack(begin: Begin) -> None:
    extra = """(func $_ZN3app5store4save17h0123456789abcdefE (result i32) unreachable)
        (func $helper (result i32) (call $_ZN3app5store4save17h0123456789abcdefE))"""
    stage = begin(puppet("(call $helper)", extra=extra))
    with pytest.raises(Trap) as caught:
        stage.call()
    assert caught.value.backtrace[:2] == ("app::store::save", "helper")
    assert str(caught.value).splitlines()[:3] == [
        "the module trapped: it aborted (wasm `unreachable`)",
        "  in app::store::save",
        "  in helper",
    ]


@pytest.mark.parametrize("error", [ZeroDivisionError("mine"), KeyboardInterrupt(), SystemExit(3), EngineError("x")])
def test_an_exception_of_the_host_surfaces_unchanged(begin: Begin, error: BaseException) -> None:
    stage = begin(
        puppet(
            "(call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)"
            " (i32.const -1) (i32.const 64) (i32.const 1)) (i32.const 0)"
        )
    )
    context = ValueError("before")
    error.__context__ = context
    stage.host.raises = error
    with pytest.raises(type(error)) as caught:
        stage.call()
    assert caught.value is error
    assert (error.__context__, error.__suppress_context__) == (context, False)
    assert stage.instance.is_spent


def test_another_instance_goes_on_after_an_exception(begin: Begin) -> None:
    log = "(call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 64) (i32.const 1)) (i32.const 0)"
    module = Module.load(puppet(log))
    one, two = begin(module), begin(module)
    one.host.raises = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        one.call()
    assert two.call() == (0, b"")
    module.close()


def test_a_call_that_does_not_end_is_stopped(begin: Begin) -> None:
    stage = begin(puppet(LOOP), call_limit=0.1)
    with pytest.raises(TimedOut) as caught:
        stage.call()
    assert caught.value.limit == 0.1
    text = "the module was stopped because the call ran longer than the limit of 0.1 s"
    assert str(caught.value).splitlines()[0] == text
    assert stage.instance.is_spent


def test_a_long_call_in_one_thread_does_not_harm_the_others(begin: Begin) -> None:
    module = Module.load(puppet(f"(if (local.get $id) (then {LOOP})) (i32.const 9)"))
    endless, short = begin(module, call_limit=0.2), begin(module, call_limit=30.0)
    caught: list[BaseException] = []

    def loop() -> None:
        try:
            endless.call(1)
        except TimedOut as error:
            caught.append(error)

    thread = threading.Thread(target=loop)
    thread.start()
    calls = 0
    while thread.is_alive():
        assert short.call(0)[0] == 9
        calls += 1
    thread.join()
    assert [type(error) for error in caught] == [TimedOut]
    assert calls > 0
    module.close()


def test_the_limit_counts_for_each_call(begin: Begin) -> None:
    stage = begin(puppet("(i32.const 3)"), call_limit=30.0)
    for _ in range(3):
        assert stage.call()[0] == 3
        # Time is played: more than the limit passes between two calls, and nothing within one.
        for _ in range(ticks_of(30.0) + 1):
            engine().increment_epoch()
        watchdog().epoch += 1


def test_a_limit_of_none_is_no_limit(begin: Begin) -> None:
    stage = begin(puppet("(i32.const 3)"), call_limit=None)
    assert stage.call()[0] == 3
    stage.instance.call_limit = 0.1
    assert stage.call()[0] == 3


@pytest.mark.parametrize(
    ("describe", "reason"),
    [
        ("unreachable", "the module trapped: it aborted (wasm `unreachable`)"),
        (
            "(drop (call $write (local.get 0) (i32.const 0) (i32.const 32)))",
            "the module trapped: it gave a host function a null pointer",
        ),
    ],
)
def test_a_module_that_cannot_describe_itself_is_refused(begin: Begin, describe: str, reason: str) -> None:
    with pytest.raises(ModuleStartFailed) as caught:
        begin(puppet(describe=describe))
    assert caught.value.step == "__describe_module__"
    assert caught.value.reason.splitlines()[0] == reason
    first = f"the module puppet.wasm failed in __describe_module__ while it started: {reason}"
    assert str(caught.value).splitlines()[0] == first


def test_a_start_function_that_traps_is_a_refusal(begin: Begin) -> None:
    with pytest.raises(ModuleStartFailed) as caught:
        begin(puppet(extra="(func $begin unreachable) (start $begin)"))
    assert caught.value.step == "its start function"


def test_a_start_function_cannot_call_the_host(begin: Begin) -> None:
    log = "(drop (call $write (i32.const 1) (i32.const 64) (i32.const 32)))"
    with pytest.raises(ModuleStartFailed) as caught:
        begin(puppet(extra=f"(func $begin {log}) (start $begin)"))
    assert str(caught.value) == (
        "the module puppet.wasm failed in its start function while it started: "
        "the module trapped: it called a host function in its start function, before it was there"
    )


def test_initialisers_run_in_the_order_of_their_names_and_before_the_description(begin: Begin) -> None:
    def step(export: str, value: int) -> str:
        return f"""(func (export "{export}")
            (i32.store (i32.const 8192) (i32.add (i32.mul (i32.load (i32.const 8192)) (i32.const 10)) (i32.const {value}))))"""

    extra = (
        step("__preinit__20_b", 3) + step("__preinit__10_a", 2) + step("_initialize", 1) + step("__preinit__20_a", 4)
    )
    stage = begin(puppet("(i32.load (i32.const 8192))", extra=extra))
    assert stage.call()[0] == 1243


def test_a_setup_that_refuses_is_reported_with_its_text(begin: Begin) -> None:
    extra = r"""(func (export "__setup__") (param i32) (result i32)
        (drop (call $write (local.get 0) (i32.const 8192) (i32.const 8200))) (i32.const 1))
        (data (i32.const 8192) "no way\00\00\06\00\00\00")"""
    with pytest.raises(ModuleStartFailed) as caught:
        begin(puppet(extra=extra))
    assert str(caught.value) == "the module puppet.wasm failed in __setup__ while it started: no way"


def test_a_setup_that_agrees_is_no_obstacle(begin: Begin) -> None:
    stage = begin(
        puppet("(local.get $err)", extra='(func (export "__setup__") (param i32) (result i32) (i32.const 0))')
    )
    assert stage.call()[0] == 1


def test_no_transaction_is_open_while_a_module_starts(begin: Begin) -> None:
    imports = '(import "spacetime_10.0" "table_id_from_name" (func $table (param i32 i32 i32) (result i32)))'
    extra = """(func (export "__preinit__x")
        (i32.store (i32.const 8192) (call $table (i32.const 64) (i32.const 1) (i32.const 8200))))"""
    stage = begin(puppet("(i32.load (i32.const 8192))", imports=imports, extra=extra))
    assert stage.call()[0] == 2


def test_an_error_of_the_datastore_is_a_number_for_the_module(begin: Begin) -> None:
    imports = '(import "spacetime_10.0" "datastore_table_row_count" (func $count (param i32 i32) (result i32)))'
    stage = begin(puppet("(call $count (i32.const 999999) (i32.const 8192))", imports=imports))
    assert stage.call()[0] == 4
