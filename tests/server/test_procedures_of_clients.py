"""Procedures as a client meets them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_inner_universe.engine.clock import ManualClock
from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.sats import Identity, TimeDuration, Timestamp
from pytest_inner_universe.server.endpoint import Endpoint, ServerEnd
from pytest_inner_universe.wire import messages

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
OWNER = Identity.derive("tests", "owner")


def publish(file: str) -> tuple[Module, Database]:
    module = Module.load_file(MODULES / file)
    return module, Database.publish(module, "test", OWNER, Identity.derive("tests", "db"), ManualClock())


class Peer:
    def __init__(self, database: Database, identity: Identity) -> None:
        self.heard: list[Any] = []
        self.end: ServerEnd = Endpoint(database).attach(identity, self.heard.append, lambda *_ended: None)
        self.heard.clear()

    def ask(self, message: Any) -> Any:
        self.end.handle(message)
        return self.heard.pop()


@pytest.fixture
def notes() -> Iterator[Database]:
    module, database = publish("procedures_2_8.wasm")
    yield database
    database.close()
    module.close()


def call(name: str, args: bytes = b"") -> messages.CallProcedure:
    return messages.CallProcedure(7, 0, name, args)


def test_a_procedure_answers_with_its_value(notes: Database) -> None:
    peer = Peer(notes, Identity.derive("tests", "alice"))
    before = notes.clock.now()
    answer = peer.ask(call("add", bytes([2, 0, 0, 0, 3, 0, 0, 0])))
    assert answer.status == messages.ProcedureReturned(b"\x05\x00\x00\x00")
    assert (answer.request_id, answer.total_host_execution_duration) == (7, TimeDuration(0))
    assert answer.timestamp > Timestamp(before)
    asleep = peer.ask(call("sleep_for", (1_000_000).to_bytes(8, "little")))
    assert asleep.total_host_execution_duration == TimeDuration(1_000_000)


def test_what_it_commits_is_told_before_its_value(notes: Database) -> None:
    peer = Peer(notes, Identity.derive("tests", "alice"))
    peer.ask(messages.Subscribe(1, 1, ("SELECT * FROM note",)))
    args = notes.module.definition.procedures["write_all"].encode_args(1, ["x", "y"])
    peer.end.handle(call("write_all", args))
    assert [type(message).__name__ for message in peer.heard] == ["TransactionUpdate"] * 2 + ["ProcedureResult"]


@pytest.mark.parametrize(
    ("name", "args", "text"),
    [
        ("no_such", b"", "No such procedure"),
        ("run_job", b"", "No such procedure"),
        ("add", b"", "invalid arguments for procedure add: data too short for u32: Expected 4, given 0"),
    ],
)
def test_a_procedure_that_does_not_run(notes: Database, name: str, args: bytes, text: str) -> None:
    peer = Peer(notes, Identity.derive("tests", "alice"))
    failed = messages.ProcedureInternalError(text)
    assert peer.ask(call(name, args)) == messages.ProcedureResult(failed, Timestamp(0), TimeDuration(0), 7)


def test_a_panic_says_as_much_as_a_server(notes: Database) -> None:
    answer = Peer(notes, Identity.derive("tests", "alice")).ask(call("explodes"))
    assert answer.status.message.startswith(
        "The module instance encountered a fatal error: error while executing at wasm backtrace:"
    )
    assert answer.timestamp == Timestamp(0)
