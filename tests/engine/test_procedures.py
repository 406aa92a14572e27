"""Procedures of a real module: values, transactions, panics, sleep, requests, schedules."""

from __future__ import annotations

import pytest
from engine.conftest import ALICE, BOB, OWNER, Guest, rows

from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.errors import DatabaseClosed
from pytest_inner_universe.engine.outbound import NO_HTTP, REFUSED_ADDRESS, HttpRequest, HttpResponse
from pytest_inner_universe.engine.procedures import ProcedureOutcome
from pytest_inner_universe.engine.scheduling import advance
from pytest_inner_universe.engine.wasm import runtime
from pytest_inner_universe.engine.wasm.errors import HttpRequestFailed
from pytest_inner_universe.engine.wasm.watchdog import ticks_of, watchdog
from pytest_inner_universe.sats import Err, Ok, Timestamp, Variant

SECOND = 1_000_000
FATAL = "The module instance encountered a fatal error: "


def texts(database: Database) -> list[object]:
    return [row["text"] for row in rows(database, "note")]


def raw(guest: Guest, name: str, data: bytes = b"") -> ProcedureOutcome:
    outcomes: list[ProcedureOutcome] = []
    guest.database.call_procedure(guest.client, name, data, outcomes.append)
    return outcomes[0]


# Values


def test_a_procedure_returns_a_value(notes: Database) -> None:
    guest = Guest(notes)
    assert guest.returned("add", 2, 3) == 5
    assert guest.returned("nothing") == ()
    outcome = guest.run("add", 2, 3)
    assert (outcome.status, outcome.message, outcome.value) == ("returned", "", b"\x05\x00\x00\x00")


def test_it_knows_its_caller_and_the_time(notes: Database) -> None:
    guest = Guest(notes)
    before = notes.clock.now()
    outcome = guest.run("who_calls")
    assert outcome.timestamp > before
    found = guest.returned("who_calls")
    assert isinstance(found, dict)
    assert (found["sender"], found["connected"]) == (ALICE, True)


def test_what_is_refused_before_it_runs(notes: Database) -> None:
    guest = Guest(notes)
    outcome = raw(guest, "no_such")
    assert (outcome.status, outcome.message, outcome.timestamp) == ("refused", "No such procedure", 0)
    assert raw(guest, "write").message == "No such procedure"  # that is a reducer
    assert raw(guest, "add", b"\x01\x00").message == (
        "invalid arguments for procedure add: data too short for u32: Expected 4, given 2"
    )
    assert [(record.function, record.message) for record in notes.log][-1] == (
        "add",
        (
            'External attempt to call procedure "add" failed, invalid arguments.\n'
            "This is likely due to a mismatched client schema, have you run `spacetime generate` recently?"
        ),
    )


def test_bytes_after_the_arguments_are_ignored(notes: Database) -> None:
    assert raw(Guest(notes), "add", bytes(8) + b"more").returned


def test_procedures_of_schedules_are_for_the_owner(notes: Database) -> None:
    job = notes.module.definition.procedures["run_job"].encode_args((0, Timestamp(0), "by hand"))
    assert raw(Guest(notes), "run_job", job).message == "No such procedure"
    assert raw(Guest(notes, OWNER), "run_job", job).returned
    assert len(texts(notes)) == 1


# Transactions


def test_each_transaction_is_told_before_the_result(notes: Database) -> None:
    alice, bob = Guest(notes), Guest(notes, BOB)
    for guest in (alice, bob):
        guest.subscribe(1, "SELECT * FROM note", "SELECT * FROM my_notes")
    seen: list[int] = []
    data = notes.module.definition.procedures["write_all"].encode_args(1, ["x", "y"])
    notes.call_procedure(alice.client, "write_all", data, lambda _outcome: seen.append(len(alice.told)))
    assert seen == [2]
    assert alice.news() == [{"note": (1, 0), "my_notes": (1, 0)}] * 2
    assert bob.news() == [{"note": (1, 0)}] * 2
    assert notes.cause.reducer == ""
    assert notes.cause.caller == notes.identity.to_bytes()


def test_a_transaction_that_is_dropped_leaves_nothing(notes: Database) -> None:
    guest = Guest(notes)
    guest.subscribe(1, "SELECT * FROM note")
    assert guest.returned("write_unless", "no", True) == Err("refused no")
    assert guest.news() == []
    assert guest.returned("write_unless", "yes", False) == Ok(2)  # the number of the first one is gone
    assert texts(notes) == ["yes"]
    assert guest.returned("count_notes") == 1


def test_a_panic_is_told_without_its_text(notes: Database) -> None:
    guest = Guest(notes)
    outcome = guest.run("explodes")
    assert outcome.status == "crashed"
    assert outcome.message.startswith(FATAL + "error while executing at wasm backtrace:")
    assert outcome.panic is not None
    assert (outcome.panic.message, outcome.panic.function) == ("on purpose", "explodes")
    assert guest.returned("add", 1, 1) == 2


def test_a_transaction_that_a_panic_leaves_open_is_dropped(notes: Database) -> None:
    guest = Guest(notes)
    assert guest.run("explodes_in_tx", "lost").status == "crashed"
    assert texts(notes) == []
    assert [record.message for record in notes.log if record.level == "error"] == [
        "aborting dangling anonymous transaction in procedure explodes_in_tx"
    ]
    assert guest.call("write", 1, 1, "x").committed


def test_a_view_that_fails_stops_the_procedure(notes: Database) -> None:
    guest = Guest(notes)
    guest.subscribe(1, "SELECT * FROM fragile")
    outcome = guest.run("write_all", 9, ["fine", "break", "never"])
    assert outcome.status == "crashed"
    assert "the view 'fragile' failed" in outcome.detail
    assert texts(notes) == ["fine"]
    assert guest.news() == [{"fragile": (1, 0)}]


def test_a_closed_database_runs_nothing(notes: Database) -> None:
    guest = Guest(notes)
    notes.close()
    with pytest.raises(DatabaseClosed):
        guest.run("nothing")


# Time


def test_sleeping_moves_the_clock(notes: Database) -> None:
    before = notes.clock.now()
    outcome = Guest(notes).run("sleep_for", 90 * SECOND)
    assert notes.clock.now() - before >= 90 * SECOND
    assert outcome.duration == 90 * SECOND
    assert Guest(notes).run("sleep_for", -5).duration == 0


def test_what_becomes_due_meanwhile_runs(notes: Database) -> None:
    guest = Guest(notes)
    guest.call("schedule_job", 5 * SECOND, "woken")
    guest.run("sleep_for", 4 * SECOND)
    assert texts(notes) == []
    guest.run("sleep_for", 2 * SECOND)
    assert len(texts(notes)) == 1


# Schedules


def test_a_scheduled_procedure_finds_its_row_gone(notes: Database) -> None:
    guest = Guest(notes)
    guest.subscribe(1, "SELECT * FROM job")
    outcome = guest.call("schedule_job", 10 * SECOND, "tea")
    assert advance(notes, 9 * SECOND) == 0
    assert advance(notes, SECOND) == 1
    assert rows(notes, "job") == []
    assert texts(notes) == [f"tea at {outcome.timestamp + 10 * SECOND}, 0 jobs, by the database: true"]
    assert guest.news() == [{"job": (0, 1)}]
    assert advance(notes, 100 * SECOND) == 0


def test_one_that_panics_does_not_run_again(notes: Database) -> None:
    Guest(notes).call("schedule_job", 0, "explode")
    assert advance(notes, SECOND) == 1
    assert rows(notes, "job") == []
    assert [record.message for record in notes.log if record.level == "panic"] == ["a job that explodes"]


def test_one_that_repeats_keeps_its_row(notes: Database) -> None:
    outcome = Guest(notes).call("repeat_job", 2 * SECOND, "tick")
    assert advance(notes, 7 * SECOND) == 3
    assert len(rows(notes, "job")) == 1
    ticks = [outcome.timestamp + number * 2 * SECOND for number in (1, 2, 3)]
    assert texts(notes) == [f"tick at {tick}, 1 jobs, by the database: true" for tick in ticks]


def test_deleting_the_row_cancels_it(notes: Database) -> None:
    Guest(notes).call("schedule_job", SECOND, "never")
    notes.sql("DELETE FROM job")
    assert advance(notes, 2 * SECOND) == 0


# Requests


def test_requests_need_somebody_who_answers(notes: Database) -> None:
    assert Guest(notes).returned("fetch", "http://example.com/") == Variant("failed", NO_HTTP)


def test_requests_are_answered_by_the_users_function(notes: Database) -> None:
    seen: list[HttpRequest] = []

    def answer(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse(404, "not here", {"X-One": "1"})

    notes.http = answer
    guest = Guest(notes)
    assert guest.returned("fetch", "https://example.com/a?b=c") == Variant("page", "404 not here")
    assert seen == [HttpRequest("GET", "https://example.com/a?b=c")]
    assert guest.returned("post", "http://example.com/", "data") == ["x-one: 1"]
    assert seen[1:] == [
        HttpRequest("POST", "http://example.com/", (("x-first", b"one"), ("x-second", b"two")), b"data", 5.0)
    ]


def test_a_request_may_fail(notes: Database) -> None:
    def refuse(request: HttpRequest) -> HttpResponse:
        raise ConnectionRefusedError("nobody listens") if "a" in request.url else HttpRequestFailed("as told")

    notes.http = refuse
    guest = Guest(notes)
    assert guest.returned("fetch", "http://a.com/") == Variant("failed", "error sending request: nobody listens")
    assert guest.returned("fetch", "http://b.org/") == Variant("failed", "as told")
    assert guest.returned("fetch", "http://127.0.0.1:3000/") == Variant("failed", REFUSED_ADDRESS)


def test_the_function_may_use_the_database(notes: Database) -> None:
    guest = Guest(notes)

    def answer(_request: HttpRequest) -> HttpResponse:
        assert guest.call("write", 1, 1, "meanwhile").committed
        return HttpResponse(body=str(guest.returned("count_notes")))

    notes.http = answer
    assert guest.returned("fetch", "http://example.com/") == Variant("page", "200 1")


def test_a_mistake_of_the_function_surfaces(notes: Database) -> None:
    def answer(_request: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError

    notes.http = answer
    guest = Guest(notes)
    with pytest.raises(ZeroDivisionError):
        guest.run("fetch", "http://example.com/")
    assert guest.returned("add", 1, 1) == 2


def test_a_slow_answer_does_not_count_as_the_modules_time(notes: Database) -> None:
    def answer(_request: HttpRequest) -> HttpResponse:
        for _ in range(ticks_of(notes.call_limit) + 1):  # as if the limit had passed
            runtime.engine().increment_epoch()
        watchdog().epoch += 1
        return HttpResponse()

    notes.http = answer
    assert Guest(notes).returned("fetch", "http://example.com/") == Variant("page", "200 ")
