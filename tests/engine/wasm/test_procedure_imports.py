"""The host functions of procedures, called in every wrong way by modules written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from engine import conftest as engine
from support import raw_definitions as raw
from support.puppets import puppet

from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.outbound import HttpResponse
from pytest_inner_universe.engine.procedures import ProcedureOutcome
from pytest_inner_universe.engine.wasm.errors import Trap
from pytest_inner_universe.sats import U32, AlgebraicType, product

from .conftest import Begin

FATAL = "The module instance encountered a fatal error: "
BACKTRACE = FATAL + "error while executing at wasm backtrace:"
PLACE, LENGTH = 8192, 8256
IMPORTS = """
  (import "spacetime_10.0" "datastore_table_row_count" (func $count (param i32 i32) (result i32)))
  (import "spacetime_10.0" "datastore_insert_bsatn" (func $insert (param i32 i32 i32) (result i32)))
  (import "spacetime_10.0" "bytes_source_read" (func $read (param i32 i32 i32) (result i32)))
  (import "spacetime_10.3" "procedure_start_mut_tx" (func $start (param i32) (result i32)))
  (import "spacetime_10.3" "procedure_commit_mut_tx" (func $commit (result i32)))
  (import "spacetime_10.3" "procedure_abort_mut_tx" (func $abort (result i32)))
  (import "spacetime_10.3" "procedure_sleep_until" (func $sleep (param i64) (result i64)))
  (import "spacetime_10.3" "procedure_http_request" (func $http (param i32 i32 i32 i32 i32) (result i32)))"""
START, COMMIT, ABORT = f"(call $start (i32.const {PLACE}))", "(call $commit)", "(call $abort)"
COUNT = "(call $count (i32.const 4096) (i32.const 8300))"
INSERT = f"(i32.store (i32.const {LENGTH}) (i32.const 4)) (drop (call $insert (i32.const 4096) (i32.const 9000) (i32.const {LENGTH})))"


def http(length: int, at: int = 9100) -> str:
    return f"(call $http (i32.const {at}) (i32.const {length}) (i32.const 9000) (i32.const 0) (i32.const {PLACE}))"


def returning(value: str) -> str:
    """Instructions that return a number."""
    return f"""
        (i32.store (i32.const 8240) {value}) (i32.store (i32.const {LENGTH}) (i32.const 4))
        (drop (call $write (local.get $sink) (i32.const 8240) (i32.const {LENGTH}))) (i32.const 0)"""


def module_of(body: str, returns: AlgebraicType = U32, data: bytes = b"", **options: str) -> Module:
    """A module with one table of numbers, one reducer, and one procedure that has the given body."""
    limbs = " ".join(["i64"] * 7)
    text = "".join(f"\\{byte:02x}" for byte in data)
    definition = raw.definition_v9(
        types=[product(n=U32)],
        tables=[raw.table_v9("t")],
        reducers=[raw.reducer_v9("go")],
        exports=[raw.procedure_v9("run", returns=returns)],
    )
    extra = f"""(data (i32.const 9100) "{text}")
      (func (export "{options.get("export", "__call_procedure__")}")
        (param $id i32) (param {limbs}) (param $args i32) (param $sink i32) (result i32) {body})"""
    data_of = puppet(options.get("reducer", "(i32.const 0)"), imports=IMPORTS, extra=extra, definition=definition)
    return Module.load(data_of, "puppet.wasm")


Play = Callable[..., tuple[ProcedureOutcome, Database]]


@pytest.fixture
def play(publish: Callable[..., Database]) -> Iterator[Play]:
    modules: list[Module] = []

    def run(body: str, **options: object) -> tuple[ProcedureOutcome, Database]:
        modules.append(module_of(body, **options))  # type: ignore[arg-type]
        database = publish(modules[-1])
        return engine.Guest(database).run("run"), database

    yield run
    for module in modules:
        module.close()


def number(play: Play, *steps: str, data: bytes = b"") -> int:
    """Run instructions of which the last leaves a number, and return it."""
    before = " ".join(f"(drop {step})" for step in steps[:-1])
    outcome, _ = play(before + returning(steps[-1]), data=data)
    assert outcome.returned, outcome
    return int.from_bytes(outcome.value, "little")


def test_no_transaction_is_open_at_the_beginning(play: Play) -> None:
    assert number(play, COUNT) == 2
    assert number(play, START, COUNT) == 0


def test_transactions_do_not_nest(play: Play) -> None:
    assert number(play, START, START) == 17
    assert number(play, START, COMMIT, START) == 0


@pytest.mark.parametrize("ending", [COMMIT, ABORT])
def test_ending_what_was_not_begun(play: Play, ending: str) -> None:
    assert number(play, ending) == 18
    assert number(play, START, COMMIT, ending) == 18
    assert number(play, START, ABORT, ending) == 18
    assert number(play, START, ending, COUNT) == 2


@pytest.mark.parametrize(("ending", "kept"), [(COMMIT, 1), (ABORT, 0)])
def test_only_what_is_committed_stays(play: Play, ending: str, kept: int) -> None:
    _, database = play(f"(drop {START}) {INSERT} (drop {ending}) (i32.const 0)", returns=product())
    assert len(engine.rows(database, "t")) == kept


def test_a_transaction_left_open_is_dropped(play: Play) -> None:
    outcome, database = play(f"(drop {START}) {INSERT} (i32.const 0)", returns=product())
    assert outcome.returned
    assert engine.rows(database, "t") == []
    assert [(record.level, record.message) for record in database.log] == [
        ("error", "aborting dangling anonymous transaction in procedure run")
    ]
    database.sql("INSERT INTO t (n) VALUES (1)")


def test_the_time_of_a_transaction_is_written(play: Play) -> None:
    outcome, database = play(f"(drop {START})" + returning(f"(i32.load (i32.const {PLACE}))"))
    assert int.from_bytes(outcome.value, "little") == (outcome.timestamp + 1) % (1 << 32)
    assert database.clock.now() == outcome.timestamp + 1


def test_a_null_pointer_stops_it(play: Play) -> None:
    outcome, database = play("(drop (call $start (i32.const 0))) (i32.const 0)")
    assert outcome.message.startswith(BACKTRACE)
    assert outcome.detail == "the module trapped: it gave a host function a null pointer"
    assert next(record.message for record in database.log) == outcome.detail


@pytest.mark.parametrize("code", [1, 2, 5])
def test_any_code_but_zero_is_an_error(play: Play, code: int) -> None:
    outcome, _ = play(f"(i32.const {code})")
    assert outcome.message == (
        f"{FATAL}__call_procedure__ returned unexpected code {code}. Procedures should return code 0 or trap."
    )


def test_a_value_of_another_type_is_an_error(play: Play) -> None:
    outcome, _ = play("(i32.const 0)")
    assert outcome.message == f"{FATAL}U32 needs 4 bytes, 0 are left at byte 0"


def test_a_procedure_that_its_module_does_not_export(play: Play) -> None:
    outcome, _ = play("(i32.const 0)", export="something_else")
    assert outcome.detail == "the module trapped: it does not export `__call_procedure__`"


def test_time_goes_forward_only(play: Play) -> None:
    ahead = 1_800_000_000_000_000
    woken, database = play(returning(f"(i32.wrap_i64 (call $sleep (i64.const {ahead})))"))
    assert database.clock.now() == ahead
    assert int.from_bytes(woken.value, "little") == ahead % (1 << 32)
    for past in (-1, 0, 5):
        outcome, database = play(returning(f"(i32.wrap_i64 (call $sleep (i64.const {past})))"))
        assert database.clock.now() == outcome.timestamp


def test_sleeping_in_a_transaction_runs_nothing_else(play: Play) -> None:
    outcome, _ = play(f"(drop {START}) (drop (call $sleep (i64.const 1800000000000000)))" + returning(COMMIT))
    assert outcome.returned


REQUEST = b"\x00" + bytes(4) + b"\x01" + raw.text("http://example.com/") + b"\x02"


def test_requests_are_not_made_in_a_transaction(play: Play) -> None:
    assert number(play, START, http(len(REQUEST)), data=REQUEST) == 17


def test_a_request_that_cannot_be_read(play: Play) -> None:
    assert number(play, http(len(REQUEST) - 1), data=REQUEST) == 3
    assert number(play, START, http(3), data=b"\xff\xff\xff") == 3


def test_a_request_without_an_answer_gives_the_reason(play: Play) -> None:
    assert number(play, http(len(REQUEST)), data=REQUEST) == 21
    read = f"(i32.store (i32.const {LENGTH}) (i32.const 4)) (drop (call $read (i32.load (i32.const {PLACE})) (i32.const 8240) (i32.const {LENGTH})))"
    outcome, _ = play(f"(drop {http(len(REQUEST))}) {read}" + returning("(i32.load (i32.const 8240))"), data=REQUEST)
    assert 50 < int.from_bytes(outcome.value, "little") < 500  # the length of the text


def test_an_empty_body_is_no_source(publish: Callable[..., Database]) -> None:
    body = f"(drop {http(len(REQUEST))})" + returning(f"(i32.load (i32.const {PLACE + 4}))")
    module = module_of(body, data=REQUEST)
    database = publish(module)
    for answer, handle in (("", 0), ("x", 2)):
        database.http = lambda _request, answer=answer: HttpResponse(body=answer)
        assert int.from_bytes(engine.Guest(database).run("run").value, "little") == handle
    module.close()


@pytest.mark.parametrize(
    ("instruction", "code"), [(START, 17), (COMMIT, 18), (ABORT, 18)], ids=["start", "commit", "abort"]
)
def test_reducers_are_told_that_their_transaction_is_not_theirs(begin: Begin, instruction: str, code: int) -> None:
    stage = begin(module_of("(i32.const 0)", reducer=instruction))
    assert stage.call()[0] == code


@pytest.mark.parametrize(
    ("instruction", "function"),
    [("(i32.wrap_i64 (call $sleep (i64.const 5)))", "procedure_sleep_until"), (http(1), "procedure_http_request")],
)
def test_reducers_neither_sleep_nor_ask(begin: Begin, instruction: str, function: str) -> None:
    stage = begin(module_of("(i32.const 0)", reducer=instruction))
    with pytest.raises(Trap) as caught:
        stage.call()
    assert (
        str(caught.value).splitlines()[0] == f"the module trapped: it called {function}, which is for procedures only"
    )
