"""Connections that come back: what is heard of the time between, what is sent again, and when it is given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support.coming_back import Diary, Flaky, Naps, arrival, come_back, lose
from support.fake_server import MODULE, SOMEBODY, FakeServer, change, happening, item, notice, rows, update

from pytest_inner_universe.client import (
    Connection,
    ConnectionLost,
    ConnectionRejected,
    MemoryTransport,
    NotConnected,
    OutcomeUnknown,
    Reconnect,
    ServerUnreachable,
    Subscription,
)
from pytest_inner_universe.sats import ConnectionId, Identity
from pytest_inner_universe.wire import (
    CallReducer,
    InitialConnection,
    OneOffQuery,
    ServerMessage,
    Subscribe,
    SubscribeApplied,
    SubscriptionError,
    Unsubscribe,
    UnsubscribeApplied,
)

pytestmark = pytest.mark.asyncio
ONE, TWO, THREE = item(1, "one"), item(2, "two"), item(3, "three")


@pytest_asyncio.fixture
async def naps() -> Naps:
    return Naps()


@pytest.fixture
def policy(naps: Naps) -> Reconnect:
    return Reconnect(jitter=0, sleep=naps, attempts=4)


@pytest_asyncio.fixture
async def connection(transport: MemoryTransport, policy: Reconnect) -> AsyncIterator[Connection]:
    async with await Connection.open(transport, MODULE, reconnect=policy) as connection:
        yield connection


class TestChanges:
    """What happened meanwhile is heard as one transaction."""

    async def test_what_came_changed_and_went(self, server: FakeServer, connection: Connection, naps: Naps) -> None:
        diary = Diary()
        server.rows["a"] = rows(item=[ONE, TWO])
        subscription = await connection.subscribe("a", **diary.callbacks)
        await lose(connection, server)
        assert connection.is_open
        assert connection.is_reconnecting
        assert subscription.rows("item") == [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]
        server.rows["a"] = rows(item=[item(2, "zwei"), THREE])
        await come_back(connection, naps)
        assert not connection.is_reconnecting
        assert diary.entries == ["-one", "two>zwei", "+three"]
        assert subscription.rows("item") == [{"id": 2, "name": "zwei"}, {"id": 3, "name": "three"}]
        assert connection.tables["item"].find(2) == {"id": 2, "name": "zwei"}
        assert connection.connection_id == ConnectionId.from_int(2)

    async def test_nothing_is_heard_where_nothing_happened(
        self, server: FakeServer, connection: Connection, naps: Naps
    ) -> None:
        diary = Diary()
        server.rows["a"] = rows(item=[ONE, ONE])
        await connection.subscribe("a", **diary.callbacks)
        await lose(connection, server)
        await come_back(connection, naps)
        server.end.say(update(change(1, inserts=(TWO,))))
        await connection.query("x")
        assert diary.entries == ["+two"]

    async def test_an_update_is_one_although_two_sets_tell_of_it_one_after_the_other(
        self, server: FakeServer, connection: Connection, naps: Naps
    ) -> None:
        diary = Diary()
        for name, callback in diary.callbacks.items():
            getattr(connection.tables["item"], name)(callback)
        for query in ("a", "b"):
            server.rows[query] = rows(item=[ONE])
            await connection.subscribe(query)
        await lose(connection, server)
        answers: dict[str, list[ServerMessage]] = {}

        def between(request: Subscribe) -> list[ServerMessage]:
            """While the second set is on its way, the row of the first one changes."""
            first, query = request.query_strings == ("a",), request.query_strings[0]
            found = rows(item=[ONE if first else item(1, "uno")])
            said: list[ServerMessage] = [SubscribeApplied(request.request_id, request.query_set_id, found)]
            if first:
                said.append(update(change(request.query_set_id, inserts=(item(1, "uno"),), deletes=(ONE,))))
            answers[query] = said
            return said

        server.answers[Subscribe] = between
        await come_back(connection, naps)
        assert diary.entries == ["one>uno"]
        assert connection.tables["item"].find(1) == {"id": 1, "name": "uno"}
        assert sorted(answers) == ["a", "b"]

    async def test_events_that_happen_while_sets_come_back_are_heard(
        self, server: FakeServer, connection: Connection, naps: Naps
    ) -> None:
        heard: list[str] = []
        await connection.subscribe("notices", on_insert=lambda row: heard.append(row["text"]))
        await connection.subscribe("a")
        await lose(connection, server)

        def between(request: Subscribe) -> list[ServerMessage]:
            said = server.subscribed(request)
            return [*said, update(happening(1, notice("now")))] if request.query_set_id == 1 else said

        server.answers[Subscribe] = between
        await come_back(connection, naps)
        assert heard == ["now"]

    async def test_conditions_go_on_waiting(self, server: FakeServer, connection: Connection, naps: Naps) -> None:
        await connection.subscribe("a")
        waiting = asyncio.create_task(connection.wait_for(lambda: connection.tables["item"].count == 1))
        await asyncio.sleep(0)
        await lose(connection, server)
        server.rows["a"] = rows(item=[ONE])
        await come_back(connection, naps)
        assert await waiting is True

    async def test_the_client_stays_who_it_is(self, server: FakeServer, connection: Connection, naps: Naps) -> None:
        await lose(connection, server)
        await come_back(connection, naps)
        assert server.who == [None, "token"]
        await lose(connection, server)
        await come_back(connection, naps)
        assert server.who == [None, "token", "token"]


class TestSubscriptions:
    async def test_a_set_that_is_refused_now_has_failed(
        self, server: FakeServer, connection: Connection, naps: Naps, caplog: pytest.LogCaptureFixture
    ) -> None:
        failures: list[str] = []
        server.rows["a"] = rows(item=[ONE])
        subscription = await connection.subscribe("a", on_error=lambda error: failures.append(str(error)))
        other = await connection.subscribe("b")
        await lose(connection, server)
        server.answers[Subscribe] = lambda request: (
            [SubscriptionError(request.request_id, request.query_set_id, "no more")]
            if request.query_strings == ("a",)
            else server.subscribed(request)
        )
        await come_back(connection, naps)
        assert failures == ["the subscription failed: no more\n  a"]
        assert caplog.messages[-1:] == failures
        assert not subscription.is_active
        assert connection.subscriptions == (other,)
        assert connection.tables["item"].rows() == []

    async def test_one_that_is_asked_for_meanwhile_waits(
        self, server: FakeServer, connection: Connection, naps: Naps
    ) -> None:
        await lose(connection, server)
        server.rows["a"] = rows(item=[ONE])
        asking = asyncio.create_task(connection.subscribe("a"))
        await come_back(connection, naps)
        assert (await asking).rows("item") == [{"id": 1, "name": "one"}]

    async def test_one_whose_answer_was_lost_is_asked_for_again(
        self, server: FakeServer, connection: Connection, naps: Naps
    ) -> None:
        server.be_silent(Subscribe)
        asking = asyncio.create_task(connection.subscribe("a"))
        await asyncio.sleep(0)
        await lose(connection, server)
        server.answers[Subscribe] = server.subscribed
        await come_back(connection, naps)
        assert (await asking).is_active
        assert [type(one) for one in server.end.heard] == [Subscribe]

    async def test_one_that_nobody_waits_for_any_more_is_forgotten(
        self, server: FakeServer, connection: Connection, naps: Naps
    ) -> None:
        server.be_silent(Subscribe)
        asking = asyncio.create_task(connection.subscribe("a"))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        await lose(connection, server)
        second = asyncio.create_task(connection.subscribe("b"))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        await come_back(connection, naps)
        assert server.end.heard == []
        assert connection.subscriptions == ()

    async def test_one_whose_end_was_on_its_way_has_ended(
        self, server: FakeServer, connection: Connection, naps: Naps
    ) -> None:
        server.rows["a"] = rows(item=[ONE])
        server.be_silent(Unsubscribe)
        subscription = await connection.subscribe("a")
        ending = asyncio.create_task(subscription.unsubscribe())
        await asyncio.sleep(0)
        await lose(connection, server)
        await ending
        assert connection.tables["item"].rows() == []
        await come_back(connection, naps)
        assert server.end.heard == []

    async def test_one_that_is_ended_meanwhile_stays_away(
        self, server: FakeServer, connection: Connection, naps: Naps
    ) -> None:
        server.rows["a"] = rows(item=[ONE])
        subscription = await connection.subscribe("a")
        await lose(connection, server)
        await subscription.unsubscribe()
        assert connection.tables["item"].rows() == []
        await come_back(connection, naps)
        assert server.end.heard == []

    async def test_one_that_ends_while_it_comes_back_is_ended_there_too(
        self, server: FakeServer, connection: Connection, naps: Naps
    ) -> None:
        subscription: Subscription = await connection.subscribe("a")
        await lose(connection, server)
        asked: asyncio.Event = asyncio.Event()

        def later(request: Subscribe) -> list[ServerMessage]:
            asked.set()
            return []

        server.answers[Subscribe] = later
        naps.is_over.set()
        await asked.wait()
        await subscription.unsubscribe()
        (request,) = server.end.heard
        assert isinstance(request, Subscribe)
        server.end.say(*server.subscribed(request))
        await connection.query("x")
        assert [type(one) for one in server.end.heard] == [Subscribe, Unsubscribe, OneOffQuery]
        assert connection.tables["item"].rows() == []


class TestCalls:
    async def test_a_call_whose_answer_was_lost_has_an_unknown_outcome(
        self, server: FakeServer, connection: Connection, naps: Naps
    ) -> None:
        server.be_silent(CallReducer)
        calling = asyncio.create_task(connection.call("remove_item", 1))
        await asyncio.sleep(0)
        await lose(connection, server, 1006, "cut")
        with pytest.raises(OutcomeUnknown) as caught:
            await calling
        assert str(caught.value) == (
            "the connection was lost while waiting for the answer to the call of 'remove_item': "
            "the server closed it with code 1006: cut\n"
            "  it is not known whether 'remove_item' ran; look at the data, or call with retry=True what may run twice"
        )
        await come_back(connection, naps)
        assert server.end.heard == []

    async def test_one_that_may_run_twice_is_made_again(
        self, server: FakeServer, connection: Connection, naps: Naps
    ) -> None:
        server.be_silent(CallReducer)
        calling = asyncio.create_task(connection.call("put_item", 1, "one", retry=True))
        await asyncio.sleep(0)
        (first,) = server.end.heard
        await lose(connection, server)
        server.answers[CallReducer] = server.called
        await come_back(connection, naps)
        await calling
        assert server.end.heard == [first]

    async def test_requests_made_meanwhile_wait_and_keep_their_order(
        self, server: FakeServer, connection: Connection, naps: Naps
    ) -> None:
        await lose(connection, server)
        asking = [asyncio.create_task(one) for one in (connection.call("remove_item", 1), connection.query("x"))]
        await asyncio.sleep(0)
        await come_back(connection, naps)
        await asyncio.gather(*asking)
        assert [type(one) for one in server.end.heard] == [CallReducer, OneOffQuery]

    async def test_one_that_was_never_sent_is_not_unknown(
        self, server: FakeServer, connection: Connection, naps: Naps
    ) -> None:
        await lose(connection, server)
        calling = asyncio.create_task(connection.call("remove_item", 1))
        await asyncio.sleep(0)
        await connection.close()
        with pytest.raises(ConnectionLost) as caught:
            await calling
        assert not isinstance(caught.value, OutcomeUnknown)


class TestAttempts:
    async def test_a_server_that_is_away_for_a_while(self, server: FakeServer, naps: Naps, policy: Reconnect) -> None:
        naps.is_over.set()
        away: list[Exception] = [ServerUnreachable("x", "away"), ConnectionRejected("busy", 4000)]
        async with await Connection.open(Flaky(server, away), MODULE, reconnect=policy) as connection:
            await lose(connection, server)
            await connection.query("x")
            assert naps.lengths == [0.1, 0.2, 0.4]
            await lose(connection, server)
            await connection.query("x")
            assert naps.lengths[3:] == [0.1]

    async def test_a_new_connection_that_is_lost_before_all_is_there(
        self, server: FakeServer, connection: Connection, naps: Naps
    ) -> None:
        diary = Diary()
        await connection.subscribe("a", **diary.callbacks)
        await lose(connection, server)
        server.rows["a"] = rows(item=[ONE])
        answers = [server.subscribed]

        def cut_first(request: Subscribe) -> list[ServerMessage]:
            if answers:
                answers.pop()
                server.end.closed(None, "again")
                return []
            return server.subscribed(request)

        server.answers[Subscribe] = cut_first
        await come_back(connection, naps)
        assert len(server.ends) == 3
        assert diary.entries == ["+one"]

    async def test_it_is_given_up_in_the_end(self, server: FakeServer, naps: Naps, policy: Reconnect) -> None:
        naps.is_over.set()
        away: list[Exception] = [ServerUnreachable("x", "away")] * 4
        connection = await Connection.open(Flaky(server, away), MODULE, reconnect=policy)
        server.end.closed(1001, "bye")
        await connection.wait_closed()
        with pytest.raises(NotConnected) as caught:
            await connection.query("x")
        assert str(caught.value) == (
            "the connection is not open: the server closed it with code 1001: "
            "bye; reconnecting was given up after attempt 4: no server could be reached at x: away"
        )
        assert len(naps.lengths) == 4
        await connection.close()

    async def test_a_server_that_says_no_is_not_asked_again(
        self, server: FakeServer, naps: Naps, policy: Reconnect
    ) -> None:
        naps.is_over.set()
        away: list[Exception] = [ConnectionRejected("expired", status=401)]
        connection = await Connection.open(Flaky(server, away), MODULE, reconnect=policy)
        server.end.closed(None, "")
        await connection.wait_closed()
        with pytest.raises(NotConnected) as caught:
            await connection.query("x")
        assert caught.value.reason == (
            "it was lost; reconnecting was given up after attempt 1: "
            "the server refused the connection with status 401: expired"
        )
        await connection.close()

    async def test_an_attempt_takes_no_longer_than_patience_allows(self, server: FakeServer, naps: Naps) -> None:
        naps.is_over.set()
        policy = Reconnect(jitter=0, sleep=naps, attempts=1, patience=0.01)
        connection = await Connection.open(MemoryTransport(server), MODULE, reconnect=policy)
        server.is_silent = True
        server.end.closed(None, "cut")
        await connection.wait_closed()
        with pytest.raises(NotConnected) as caught:
            await connection.query("x")
        assert caught.value.reason == "cut; reconnecting was given up after attempt 1: it took longer than 0.01 s"
        assert server.end.is_closed_by_client
        await connection.close()

    async def test_a_client_that_is_somebody_else_now_gives_up(
        self,
        server: FakeServer,
        connection: Connection,
        naps: Naps,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        await lose(connection, server)
        server.is_silent = True
        arrived = arrival(server, monkeypatch)
        naps.is_over.set()
        await arrived.wait()
        server.end.say(InitialConnection(Identity.zero(), ConnectionId.from_int(9), "t"))
        await connection.wait_closed()
        reason = "the server broke the protocol: after reconnecting the server takes this client for somebody else"
        assert caplog.messages == [f"the connection is given up: {reason}"]
        assert connection.identity == SOMEBODY

    @pytest.mark.parametrize("is_napping", [True, False])
    async def test_closing_ends_the_attempts(
        self,
        server: FakeServer,
        connection: Connection,
        naps: Naps,
        is_napping: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        await lose(connection, server)
        if not is_napping:
            server.is_silent = True
            arrived = arrival(server, monkeypatch)
            naps.is_over.set()
            await arrived.wait()
        await connection.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert all(end.is_closed_by_client for end in server.ends[1:])

    async def test_without_a_policy_nobody_hears_of_losses(self, transport: MemoryTransport) -> None:
        async with await Connection.open(transport, MODULE) as connection:
            assert not connection.is_reconnecting
            for listen in (connection.on_lost, connection.on_restored):
                with pytest.raises(TypeError) as caught:
                    listen(lambda *_: None)
                assert str(caught.value) == "the connection was opened without `reconnect`, so it does not come back"


async def test_an_answer_to_what_was_ended_before_the_loss_is_not_missed(
    server: FakeServer, connection: Connection, naps: Naps
) -> None:
    subscription = await connection.subscribe("a")
    await lose(connection, server)
    await come_back(connection, naps)
    server.answers[Unsubscribe] = lambda request: [UnsubscribeApplied(request.request_id, request.query_set_id)]
    await subscription.unsubscribe()
    assert not subscription.is_active
