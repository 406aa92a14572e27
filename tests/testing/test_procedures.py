"""Procedures as tests call them: by a universe, an actor, a client in memory and over sockets."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_inner_universe import HttpRequest, HttpResponse, Universe
from pytest_inner_universe.client.connection import Connection
from pytest_inner_universe.client.errors import ProcedureCrashed, ProcedureError, UnknownProcedure, UnknownReducer
from pytest_inner_universe.client.sync import SyncConnection
from pytest_inner_universe.client.websocket import WebSocketTransport
from pytest_inner_universe.engine.outbound import NO_HTTP
from pytest_inner_universe.sats import ArgumentError, Err, Variant
from pytest_inner_universe.testing.errors import ProcedurePanicked

MODULE = Path(__file__).parents[2] / "fixtures" / "modules" / "procedures_2_8.wasm"


@pytest.fixture
def notes() -> Iterator[Universe]:
    with Universe.embedded(MODULE) as universe:
        yield universe


def test_the_value_comes_back(notes: Universe) -> None:
    assert notes.call_procedure("add", 2, right=3) == 5
    assert notes.call_procedure("nothing") == ()
    assert notes.call_procedure("write_all", 1, ["a", "b"]) == 2
    assert sorted(row["text"] for row in notes.rows("note")) == ["a", "b"]
    assert notes.call_procedure("write_unless", "c", refuse=True) == Err("refused c")


def test_an_actor_is_who_calls(notes: Universe) -> None:
    alice = notes.actor("alice")
    assert alice.call_procedure("who_calls")["sender"] == alice.identity
    assert notes.call_procedure("who_calls")["sender"] == notes.identity


def test_the_calls_are_remembered(notes: Universe) -> None:
    notes.call_procedure("add", 2, 3)
    with pytest.raises(ProcedurePanicked):
        notes.actor("alice").call_procedure("explodes")
    assert [str(call) for call in notes.calls] == [
        "owner: add(2, 3) -> returned",
        "alice: explodes() -> crashed: on purpose",
    ]


def test_an_unknown_name(notes: Universe) -> None:
    with pytest.raises(UnknownProcedure) as caught:
        notes.call_procedure("ad", 2, 3)
    assert str(caught.value) == "the module has no procedure 'ad'; did you mean 'add'?"
    assert (caught.value.procedure, "add" in caught.value.known) == ("ad", True)


def test_a_procedure_that_is_called_like_a_reducer(notes: Universe) -> None:
    for caller in (notes, notes.actor("alice")):
        with pytest.raises(UnknownReducer) as caught:
            caller.call("add", 2, 3)
        assert str(caught.value) == (
            "the module has no reducer 'add': it is a procedure, use call_procedure('add', ...)"
        )
        assert caught.value.is_procedure


def test_a_reducer_that_is_called_like_a_procedure(notes: Universe) -> None:
    for caller in (notes, notes.actor("alice")):
        with pytest.raises(UnknownProcedure) as caught:
            caller.call_procedure("schedule_job", 1, "x")
        assert str(caught.value) == (
            "the module has no procedure 'schedule_job': it is a reducer, use call('schedule_job', ...)"
        )
        assert caught.value.is_reducer


def test_a_hook_is_no_reducer_to_call_instead(universe: Universe) -> None:
    with pytest.raises(UnknownProcedure) as caught:
        universe.call_procedure("init")
    assert str(caught.value) == "the module has no procedure 'init'; it has none at all"


def test_a_module_without_any(universe: Universe) -> None:
    with pytest.raises(UnknownProcedure) as caught:
        universe.call_procedure("add", 2, 3)
    assert str(caught.value) == "the module has no procedure 'add'; it has none at all"


def test_arguments_that_do_not_fit(notes: Universe) -> None:
    with pytest.raises(ArgumentError) as caught:
        notes.call_procedure("add", 2)
    assert str(caught.value) == (
        "cannot call add: takes 2 arguments, got 1: missing 'right'\n  the module declares add(left: U32, right: U32)"
    )


def test_a_panic_shows_its_text_and_place(notes: Universe) -> None:
    with pytest.raises(ProcedurePanicked) as caught:
        notes.call_procedure("explodes")
    assert caught.value.panic is not None
    assert str(caught.value) == f"procedure 'explodes' panicked at {caught.value.panic.place}: on purpose"
    assert isinstance(caught.value, ProcedureCrashed)


def test_the_world_is_played(notes: Universe) -> None:
    seen: deque[HttpRequest] = deque()

    def answer(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse(200, "sunny")

    notes.answer_http(answer)
    answered = notes.call_procedure("fetch", "http://weather.example/today")
    assert [(request.method, request.url) for request in seen] == [("GET", "http://weather.example/today")]
    assert answered == Variant("page", "200 sunny")
    notes.answer_http(None)
    assert notes.call_procedure("fetch", "http://weather.example/today") == Variant("failed", NO_HTTP)


@pytest.mark.asyncio
async def test_a_client_in_memory(notes: Universe) -> None:
    async with notes.connect() as connection:
        await connection.subscribe("SELECT * FROM note")
        assert await connection.call_procedure("write_all", 1, ["a"]) == 1
        assert [row["text"] for row in connection.tables["note"].rows()] == ["a"]
        with pytest.raises(ProcedureCrashed) as caught:
            await connection.call_procedure("explodes")
        assert str(caught.value).startswith(
            "procedure 'explodes' was not run to its end: The module instance encountered a fatal error: "
        )
        assert len(str(caught.value).splitlines()) <= 10
        with pytest.raises(UnknownProcedure):
            await connection.call_procedure("explode")
        with pytest.raises(UnknownReducer) as mistaken:
            await connection.call("explodes")
        assert str(mistaken.value) == (
            "the module has no reducer 'explodes': it is a procedure, use call_procedure('explodes', ...)"
        )
    client = f"client {connection.identity.hex()[:12]}"
    assert [str(call).partition(": error while")[0] for call in notes.calls] == [
        f"{client}: write_all(topic=1, texts=['a']) -> returned",
        f"{client}: explodes() -> crashed: The module instance encountered a fatal error",
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize("protocol", ["v3.bsatn", "v2.bsatn", "v1.bsatn", "v1.json"])
async def test_a_client_over_a_socket(notes: Universe, protocol: str) -> None:
    transport = WebSocketTransport(
        notes.url, notes.name, notes.token, protocols=[f"{protocol}.spacetimedb"], definition=notes.schema
    )
    async with await Connection.open(transport, notes.schema) as connection:
        await connection.subscribe("SELECT * FROM note")
        assert await connection.call_procedure("add", 2, 3) == 5
        assert await connection.call_procedure("write_all", 1, ["a"]) == 1
        assert [row["text"] for row in connection.tables["note"].rows()] == ["a"]
        with pytest.raises(ProcedureError):
            await connection.call_procedure("explodes")
        assert connection.is_open


def test_a_synchronous_client(notes: Universe) -> None:
    transport = WebSocketTransport(notes.url, notes.name, notes.token)
    with SyncConnection(transport, notes.schema) as connection:
        assert connection.call_procedure("add", 2, right=3) == 5
