"""What a client's messages do and which answers they get, without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_inner_universe.client.errors import ConnectionRejected
from pytest_inner_universe.engine.clock import ManualClock
from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.errors import DatabaseClosed
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.sats import Identity, TimeDuration, Timestamp
from pytest_inner_universe.server.embedded import EmbeddedServer
from pytest_inner_universe.server.endpoint import ServerEnd
from pytest_inner_universe.wire import messages
from pytest_inner_universe.wire.rows import RowList

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
ALICE = Identity.derive("tests", "alice")


@pytest.fixture(scope="module", params=["every_type_1_4.wasm", "every_type_2_8.wasm"])
def server(request: pytest.FixtureRequest) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(Module.load_file(MODULES / request.param), clock=ManualClock)
    yield server
    server.close()


@pytest.fixture
def database(server: EmbeddedServer) -> Iterator[Database]:
    database = server.database()
    yield database
    server.forget(database)


class Peer:
    """A client reduced to what it says and hears."""

    def __init__(self, server: EmbeddedServer, database: Database, identity: Identity | None = ALICE) -> None:
        self.heard: list[messages.ServerMessage] = []
        self.ended: list[tuple[int, str]] = []
        self.reducers = database.module.definition.reducers
        self.end: ServerEnd = server.endpoint(database).attach(
            identity, self.heard.append, lambda code, reason: self.ended.append((code, reason))
        )
        self.greeting = self.heard.pop()

    def say(self, message: messages.ClientMessage) -> messages.ServerMessage:
        self.end.handle(message)
        (answer,) = self.heard
        self.heard.clear()
        return answer

    def call(self, reducer: str, *args: object) -> messages.ReducerResult:
        data = self.reducers[reducer].encode_args(*args) if reducer in self.reducers else b""
        answer = self.say(messages.CallReducer(9, 0, reducer, data))
        assert isinstance(answer, messages.ReducerResult)
        assert answer.request_id == 9
        return answer


@pytest.fixture
def alice(server: EmbeddedServer, database: Database) -> Peer:
    return Peer(server, database)


def person(number: int, name: str, team: int = 1, age: int = 30) -> bytes:
    return number.to_bytes(8, "little") + len(name).to_bytes(4, "little") + name.encode() + bytes([team, 0, 0, 0, age])


def test_the_first_message_says_who_the_client_is(alice: Peer) -> None:
    assert alice.greeting == messages.InitialConnection(ALICE, alice.end.client.connection_id, "")


def test_strangers_get_an_identity_each(server: EmbeddedServer, database: Database) -> None:
    identities = {Peer(server, database, None).end.client.identity for _ in range(3)}
    assert len(identities) == 3


def test_the_caller_gets_its_rows_with_the_result_and_others_an_update(
    server: EmbeddedServer, database: Database, alice: Peer
) -> None:
    bob = Peer(server, database, None)
    for peer in (alice, bob):
        peer.say(messages.Subscribe(1, 5, ("SELECT * FROM person",)))
    result = alice.call("add_person", "Ada", 1, 30).result
    rows = messages.PersistentTableRows(RowList([person(1, "Ada")]), RowList())
    update = messages.TransactionUpdate((messages.QuerySetUpdate(5, (messages.TableUpdate("person", (rows,)),)),))
    assert result == messages.ReducerOk(b"", update)
    assert bob.heard == [update]


@pytest.mark.parametrize(
    ("reducer", "args", "result"),
    [
        ("nothing", (), messages.ReducerOk(b"", messages.TransactionUpdate(()))),
        ("fails", ("my text ✗",), messages.ReducerErr.of("my text ✗")),
        ("panics", (), messages.ReducerInternalError("The instance encountered a fatal error.")),
        ("no_such_reducer", (), messages.ReducerInternalError("no such reducer")),
        ("init", (), messages.ReducerInternalError("can't directly call special Init lifecycle reducer")),
    ],
)
def test_outcomes_have_the_words_of_a_server(
    alice: Peer, reducer: str, args: tuple[object, ...], result: messages.ReducerOutcome
) -> None:
    assert alice.call(reducer, *args).result == result


def test_subscribing_and_unsubscribing(alice: Peer) -> None:
    alice.call("add_person", "Ada", 1, 30)
    rows = messages.QueryRows((messages.SingleTableRows("person", RowList([person(1, "Ada")])),))
    query = "SELECT * FROM person WHERE team = 1"
    assert alice.say(messages.Subscribe(1, 5, (query,))) == messages.SubscribeApplied(1, 5, rows)
    flags = messages.UNSUBSCRIBE_SEND_DROPPED_ROWS
    assert alice.say(messages.Unsubscribe(2, 5, flags)) == messages.UnsubscribeApplied(2, 5, rows)
    alice.say(messages.Subscribe(3, 5, (query,)))
    assert alice.say(messages.Unsubscribe(4, 5)) == messages.UnsubscribeApplied(4, 5, None)


def test_a_set_that_starts_ends_those_that_it_replaces(alice: Peer) -> None:
    alice.say(messages.Subscribe(1, 5, ("SELECT * FROM person",)))
    assert isinstance(alice.say(messages.Subscribe(2, 6, ("SELECT * FROM nowhere",), (5,))), messages.SubscriptionError)
    assert _told_of(alice, "Ada") == [5]
    alice.say(messages.Subscribe(3, 7, ("SELECT * FROM person",), (5, 6)))
    assert _told_of(alice, "Bo") == [7]


def _told_of(alice: Peer, name: str) -> list[int]:
    outcome = alice.call("add_person", name, 1, 30).result
    assert isinstance(outcome, messages.ReducerOk)
    return [part.query_set_id for part in outcome.transaction_update.query_sets]


def test_subscriptions_that_cannot_be(alice: Peer) -> None:
    assert alice.say(messages.Subscribe(1, 5, ("SELECT * FROM nowhere",))) == messages.SubscriptionError(
        1,
        5,
        "no such table: `nowhere`. If the table exists, it may be marked private., executing: `SELECT * FROM nowhere`",
    )
    alice.say(messages.Subscribe(2, 5, ("SELECT * FROM person",)))
    who = f"(Identity({ALICE.hex()}), ConnectionId({alice.end.client.connection_id.hex()}))"
    assert alice.say(messages.Subscribe(3, 5, ("SELECT * FROM team",))) == messages.SubscriptionError(
        3, 5, f"Subscription with id QuerySetId {{ id: 5 }} already exists for client: {who}"
    )
    assert alice.say(messages.Unsubscribe(4, 6)) == messages.SubscriptionError(
        4, 6, f"Subscription not found: ({who}, QuerySetId {{ id: 6 }})"
    )


def test_one_off_queries(alice: Peer) -> None:
    alice.call("add_person", "Ada", 1, 30)
    rows = messages.QueryRows((messages.SingleTableRows("person", RowList([person(1, "Ada")])),))
    assert alice.say(messages.OneOffQuery(1, "SELECT * FROM person")) == messages.OneOffQueryResult(1, rows)
    text = "Column projections are not supported in subscriptions; Subscriptions must return a table type"
    assert alice.say(messages.OneOffQuery(2, "SELECT COUNT(*) AS n FROM person")) == messages.OneOffQueryResult(2, text)


def test_procedures_are_not_there(alice: Peer) -> None:
    status = messages.ProcedureInternalError("No such procedure")
    answer = messages.ProcedureResult(status, Timestamp(0), TimeDuration(0), 3)
    assert alice.say(messages.CallProcedure(3, 0, "work", b"")) == answer


def test_the_connect_hook_can_refuse(server: EmbeddedServer, database: Database, alice: Peer) -> None:
    alice.call("close_door")
    with pytest.raises(ConnectionRejected) as caught:
        Peer(server, database)
    assert caught.value.reason == "the door is closed"


def test_after_its_end_nothing_reaches_a_client(server: EmbeddedServer, database: Database, alice: Peer) -> None:
    alice.say(messages.Subscribe(1, 5, ("SELECT * FROM person",)))
    alice.end.close()
    Peer(server, database, None).call("add_person", "Ada", 1, 30)
    assert alice.heard == []


def test_a_closed_database_ends_its_clients(server: EmbeddedServer, database: Database, alice: Peer) -> None:
    server.forget(database)
    assert alice.ended == [(1001, "module exited")]
    with pytest.raises(DatabaseClosed):
        alice.call("nothing")


@pytest.mark.parametrize("server", ["every_type_2_8.wasm"], indirect=True)
def test_events_of_event_tables_come_once(database: Database, alice: Peer) -> None:
    assert alice.say(messages.Subscribe(1, 5, ("SELECT * FROM ping_event",))) == messages.SubscribeApplied(
        1, 5, messages.QueryRows(())
    )
    rows = messages.EventTableRows(RowList([b"\x05\0\0\0hello"]))
    update = messages.TransactionUpdate((messages.QuerySetUpdate(5, (messages.TableUpdate("ping_event", (rows,)),)),))
    assert alice.call("ping", "hello").result == messages.ReducerOk(b"", update)
    assert database.view().count(database.datastore.table("ping_event")) == 0
