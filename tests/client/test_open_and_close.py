"""How connections begin and end, and what becomes of those who wait."""

from __future__ import annotations

import asyncio
import gc

import pytest
from support.fake_server import MODULE, SOMEBODY, FakeServer, item, rows, update
from support.fake_server import change as change_of

from pytest_inner_universe.client import (
    Connection,
    ConnectionLost,
    ConnectionRejected,
    Link,
    MemoryTransport,
    NotConnected,
    OutcomeUnknown,
    Receiver,
    RequestTimeout,
    WrongLoop,
)
from pytest_inner_universe.client.errors import Ending
from pytest_inner_universe.client.requests import Pending
from pytest_inner_universe.sats import ConnectionId, Identity
from pytest_inner_universe.wire import (
    CallProcedure,
    CallReducer,
    InitialConnection,
    OneOffQuery,
    OneOffQueryResult,
    Subscribe,
)
from pytest_inner_universe.wire.errors import RemoteProtocolError

pytestmark = pytest.mark.asyncio


async def test_the_server_says_who_the_client_is(connection: Connection) -> None:
    assert connection.identity == SOMEBODY
    assert connection.connection_id == ConnectionId.from_int(1)
    assert connection.token == "token"
    assert connection.is_open
    assert repr(connection) == "<Connection open, 0 subscriptions, 0 waiting>"


@pytest.mark.parametrize("who", [None, Identity.zero(), "a token"])
async def test_the_transport_says_who_connects(server: FakeServer, who: Identity | str | None) -> None:
    connection = await Connection.open(MemoryTransport(server, who), MODULE)
    await connection.close()
    assert server.who == [who]


async def test_closing_tells_the_server_once(server: FakeServer, transport: MemoryTransport) -> None:
    async with await Connection.open(transport, MODULE) as connection:
        assert not server.end.is_closed_by_client
    assert server.end.is_closed_by_client
    assert not connection.is_open
    assert repr(connection) == "<Connection closed, 0 subscriptions, 0 waiting>"
    server.end.is_closed_by_client = False
    await connection.close()
    assert not server.end.is_closed_by_client


async def test_two_that_close_at_once_both_wait_for_the_end(server: FakeServer, connection: Connection) -> None:
    release = asyncio.Event()
    server.rows["a"] = rows(item=[item(1, "one")])
    await connection.subscribe("a", on_insert=lambda row: release.wait(), replay=True)
    closing = [asyncio.create_task(connection.close()) for _ in range(2)]
    done, _ = await asyncio.wait(closing, timeout=0.01)
    assert not done
    assert connection.is_open
    release.set()
    await asyncio.gather(*closing)
    assert not connection.is_open


async def test_a_refused_client_gets_the_servers_words(server: FakeServer, transport: MemoryTransport) -> None:
    server.refusal = "the door is closed"
    with pytest.raises(ConnectionRejected) as caught:
        await Connection.open(transport, MODULE)
    assert str(caught.value) == "the server refused the connection: the door is closed"
    assert (caught.value.reason, caught.value.code) == ("the door is closed", None)


async def test_a_server_that_closes_instead_of_answering_has_refused(server: FakeServer) -> None:
    class Closing(FakeServer):
        def attach(self, identity_or_token, deliver, closed):  # type: ignore[no-untyped-def]
            end = super().attach(identity_or_token, deliver, closed)
            closed(1011, "no room")
            return end

    server = Closing()
    server.is_silent = True
    with pytest.raises(ConnectionRejected) as caught:
        await Connection.open(MemoryTransport(server), MODULE)
    assert str(caught.value) == "the server refused the connection (code 1011): no room"
    assert (caught.value.reason, caught.value.code) == ("no room", 1011)


async def test_a_server_that_says_something_else_first_has_refused(
    server: FakeServer, transport: MemoryTransport
) -> None:
    server.is_silent = True
    opening = asyncio.create_task(Connection.open(transport, MODULE))
    await asyncio.sleep(0)
    server.end.deliver(update())
    with pytest.raises(ConnectionRejected) as caught:
        await opening
    assert str(caught.value) == (
        "the server refused the connection: the server broke the protocol: "
        "TransactionUpdate: the first message of a conversation is InitialConnection"
    )
    assert isinstance(caught.value.__cause__, RemoteProtocolError)
    assert server.end.is_closed_by_client


async def test_a_server_that_says_nothing_runs_into_the_timeout(server: FakeServer, transport: MemoryTransport) -> None:
    server.is_silent = True
    with pytest.raises(RequestTimeout) as caught:
        await Connection.open(transport, MODULE, timeout=0.01)
    assert str(caught.value) == "the server's first message did not come within 0.01 s"
    assert isinstance(caught.value, TimeoutError)
    assert server.end.is_closed_by_client


async def test_an_attempt_that_is_cancelled_leaves_no_client_behind(
    server: FakeServer, transport: MemoryTransport
) -> None:
    server.is_silent = True
    opening = asyncio.create_task(Connection.open(transport, MODULE))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert server.end.is_closed_by_client


class NeverOpen:
    """A transport that is never done with opening, and cleans up when it is stopped."""

    async def open(self, receiver: Receiver) -> Link:
        await asyncio.Event().wait()
        raise AssertionError("it was stopped")


async def test_an_attempt_that_is_cancelled_while_the_transport_opens_leaves_no_error_behind() -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    opening = asyncio.create_task(Connection.open(NeverOpen(), MODULE))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    del opening
    gc.collect()
    assert complaints == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


MAY_HAVE_RUN = (
    "\n  it is not known whether 'remove_item' ran; look at the data, or call with retry=True what may run twice"
)


async def test_what_waits_fails_when_the_server_closes(server: FakeServer, connection: Connection) -> None:
    for request in (CallReducer, OneOffQuery, Subscribe):
        server.be_silent(request)
    waiting: list[asyncio.Task[object]] = [
        asyncio.create_task(connection.call("remove_item", 1)),
        asyncio.create_task(connection.query("SELECT * FROM item")),
        asyncio.create_task(connection.subscribe("SELECT * FROM item")),
        asyncio.create_task(connection.wait_for(is_true_never)),
    ]
    await asyncio.sleep(0)
    assert repr(connection) == "<Connection open, 1 subscriptions, 3 waiting>"
    server.end.closed(1001, "module exited")
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    lost = [
        f"the connection was lost while waiting for {what}: the server closed it with code 1001: module exited"
        for what in (
            "the answer to the call of 'remove_item'",
            "the answer to the query 'SELECT * FROM item'",
            "the answer to the subscription 'SELECT * FROM item'",
            "the condition is_true_never",
        )
    ]
    lost[0] += MAY_HAVE_RUN
    assert [str(outcome) for outcome in outcomes] == lost
    assert isinstance(outcomes[0], OutcomeUnknown)
    assert outcomes[0].reducer == "remove_item"
    assert all(isinstance(outcome, ConnectionLost) and outcome.code == 1001 for outcome in outcomes)
    assert repr(connection) == "<Connection closed, 0 subscriptions, 0 waiting>"


def is_true_never() -> bool:
    return False


async def test_what_waits_fails_when_the_client_closes(server: FakeServer, connection: Connection) -> None:
    server.be_silent(CallReducer)
    calling = asyncio.create_task(connection.call("remove_item", 1))
    await asyncio.sleep(0)
    await connection.close()
    with pytest.raises(ConnectionLost) as caught:
        await calling
    assert str(caught.value) == (
        "the connection was lost while waiting for the answer to the call of 'remove_item': the client closed it"
        + MAY_HAVE_RUN
    )
    assert (caught.value.waiting_for, caught.value.code) == ("the answer to the call of 'remove_item'", None)


@pytest.mark.parametrize(
    ("code", "reason", "text"),
    [
        (None, "", "the connection is not open: the server closed it"),
        (1011, "", "the connection is not open: the server closed it with code 1011"),
        (1001, "module exited", "the connection is not open: the server closed it with code 1001: module exited"),
    ],
)
async def test_a_lost_connection_says_why_it_cannot_be_used(
    server: FakeServer, connection: Connection, code: int | None, reason: str, text: str
) -> None:
    server.end.closed(code, reason)
    await asyncio.sleep(0)
    for use in (connection.call("remove_item", 1), connection.query("a"), connection.subscribe("a")):
        with pytest.raises(NotConnected) as caught:
            await use
        assert str(caught.value) == text


async def test_a_call_after_the_servers_close_fails_with_it(server: FakeServer, connection: Connection) -> None:
    server.end.closed(1001, "module exited")
    with pytest.raises(ConnectionLost) as caught:
        await connection.call("remove_item", 1)
    assert (caught.value.reason, caught.value.code, caught.value.closed_by) == ("module exited", 1001, "server")
    assert server.end.heard == []


async def test_a_closed_connection_says_that_it_is_closed(connection: Connection) -> None:
    await connection.close()
    for use in (connection.call("remove_item", 1), connection.query("a"), connection.wait_for(is_true_never)):
        with pytest.raises(NotConnected) as caught:
            await use
        assert str(caught.value) == "the connection is not open: the client closed it"
        assert (caught.value.reason, caught.value.code, caught.value.closed_by) == ("", None, "client")


@pytest.mark.parametrize("is_server", [True, False])
async def test_the_end_can_be_waited_for(server: FakeServer, connection: Connection, is_server: bool) -> None:
    waiting = asyncio.create_task(connection.wait_closed())
    await asyncio.sleep(0)
    assert not waiting.done()
    if is_server:
        server.end.closed(1001, "module exited")
    else:
        await connection.close()
    await waiting
    assert not connection.is_open
    await connection.wait_closed()


async def test_the_last_rows_can_still_be_seen_after_the_end(server: FakeServer, connection: Connection) -> None:
    server.rows["a"] = rows(item=[item(1, "one")])
    subscription = await connection.subscribe("a")
    await connection.close()
    assert connection.tables["item"].rows() == subscription.rows("item") == [{"id": 1, "name": "one"}]
    assert not subscription.is_active
    assert connection.subscriptions == (subscription,)
    await subscription.unsubscribe()
    assert not server.end.heard[1:]


async def test_a_server_that_breaks_the_protocol_loses_the_client(
    server: FakeServer, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    server.be_silent(CallReducer)
    calling = asyncio.create_task(connection.call("remove_item", 1))
    await asyncio.sleep(0)
    server.end.deliver(OneOffQueryResult(77, "what?"))
    with pytest.raises(ConnectionLost) as caught:
        await calling
    reason = "the server broke the protocol: OneOffQueryResult: no request 77 waits for an answer"
    assert caught.value.reason == reason
    assert isinstance(caught.value.__cause__, RemoteProtocolError)
    assert caplog.messages == [f"the connection is given up: {reason}"]
    await connection.close()
    assert server.end.is_closed_by_client


async def test_a_server_that_takes_away_what_was_never_there_loses_the_client(
    server: FakeServer, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await connection.subscribe("a")
    waiting = asyncio.create_task(connection.wait_for(is_true_never))
    await asyncio.sleep(0)
    server.end.say(update(change_of(1, deletes=(item(1, "one"),))))
    with pytest.raises(ConnectionLost) as caught:
        await waiting
    assert caught.value.reason == (
        "the server broke the protocol: a row of table 'item' went 1 times, but was there 0 times"
    )
    assert len(caplog.messages) == 1


async def test_a_message_about_an_undeclared_table_loses_the_client(
    server: FakeServer, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await connection.subscribe("a")
    waiting = asyncio.create_task(connection.wait_for(is_true_never))
    await asyncio.sleep(0)
    server.end.say(update(change_of(1, "itme", inserts=(item(1, "one"),))))
    with pytest.raises(ConnectionLost) as caught:
        await waiting
    assert caught.value.reason == (
        "a message of the server could not be used: UnknownTable: the module has no table 'itme'; did you mean 'item'?"
    )
    assert len(caplog.messages) == 1


async def test_messages_behind_the_one_that_broke_the_rules_are_not_heard(
    server: FakeServer, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await connection.subscribe("a")
    server.end.deliver(InitialConnection(SOMEBODY, ConnectionId.zero(), ""))
    server.end.deliver(update(change_of(1, inserts=(item(1, "one"),))))
    await asyncio.sleep(0)
    assert not connection.is_open
    assert connection.tables["item"].rows() == []
    assert len(caplog.messages) == 1


def opened_elsewhere(server: FakeServer) -> tuple[asyncio.AbstractEventLoop, Connection]:
    """Open a connection on a loop of its own."""
    loop = asyncio.new_event_loop()
    return loop, loop.run_until_complete(Connection.open(MemoryTransport(server), MODULE))


class TestWrongLoop:
    """A connection belongs to the loop that it was opened on."""

    @pytest.fixture
    def elsewhere(self, server: FakeServer) -> tuple[asyncio.AbstractEventLoop, Connection]:
        return opened_elsewhere(server)

    async def test_both_loops_are_named(self, elsewhere: tuple[asyncio.AbstractEventLoop, Connection]) -> None:
        loop, connection = elsewhere
        here = asyncio.get_running_loop()
        for use in (
            connection.call("remove_item", 1),
            connection.query("a"),
            connection.subscribe("a"),
            connection.wait_for(is_true_never),
            connection.drained(),
            connection.wait_closed(),
            connection.close(),
        ):
            with pytest.raises(WrongLoop) as caught:
                await use
            kind = type(loop).__name__
            assert str(caught.value) == (
                "a connection can only be used on the event loop that it was opened on\n"
                f"  opened on: {kind} at {id(loop):#x}\n"
                f"  used on:   {type(here).__name__} at {id(here):#x}\n"
                "open it where it is used; under pytest-asyncio, give the fixture that opens it and the test that uses it\n"
                'the same loop scope: @pytest_asyncio.fixture(loop_scope="module") and '
                '@pytest.mark.asyncio(loop_scope="module")'
            )
            assert caught.value.created_on == f"{kind} at {id(loop):#x}"
        loop.close()
        with pytest.raises(WrongLoop) as caught:
            await connection.query("a")
        assert caught.value.created_on == f"{kind} at {id(loop):#x} (closed)"

    async def test_a_subscription_belongs_to_the_loop_too(self, server: FakeServer) -> None:
        connection = await Connection.open(MemoryTransport(server), MODULE)
        subscription = await connection.subscribe("a")
        with pytest.raises(WrongLoop):
            await asyncio.to_thread(lambda: asyncio.run(subscription.unsubscribe()))
        await connection.close()


@pytest.mark.parametrize(
    ("message", "repeats", "takes_retry"),
    [
        (CallReducer(1, 0, "remove_item", b""), False, True),
        (CallReducer(1, 0, "remove_item", b""), True, False),
        (CallProcedure(1, 0, "compute", b""), False, False),
    ],
    ids=["reducer", "reducer that was called so", "procedure"],
)
async def test_to_retry_is_advised_where_that_can_be_asked_for(
    message: CallReducer | CallProcedure, repeats: bool, takes_retry: bool
) -> None:
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    Pending(future, "the answer", message, repeats, is_sent=True).fail(Ending(), None)
    error = future.exception()
    assert isinstance(error, OutcomeUnknown)
    assert error.takes_retry is takes_retry
