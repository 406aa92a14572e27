"""Subscriptions: their rows, the sum of several, their end, and what goes wrong."""

from __future__ import annotations

import asyncio

import pytest
from support.fake_server import MODULE, FakeServer, change, happening, item, link, notice, rows, update

from pytest_inner_universe.client import (
    Connection,
    MemoryTransport,
    RequestTimeout,
    SubscriptionFailed,
    SubscriptionState,
    UnknownTable,
)
from pytest_inner_universe.wire import (
    ReducerOk,
    Subscribe,
    SubscribeApplied,
    SubscriptionError,
    Unsubscribe,
    UnsubscribeApplied,
)

pytestmark = pytest.mark.asyncio

ONE, TWO, THREE = item(1, "one"), item(2, "two"), item(3, "three")


def refuse(server: FakeServer, text: str) -> None:
    """Let the server refuse every subscription."""
    server.answers[Subscribe] = lambda request: [SubscriptionError(request.request_id, request.query_set_id, text)]


def ids(found: list[dict[str, object]]) -> list[object]:
    return [row["id"] for row in found]


class TestRows:
    async def test_the_first_rows_are_there_when_subscribe_returns(
        self, server: FakeServer, connection: Connection
    ) -> None:
        server.rows["a"] = rows(item=[ONE, TWO], link=[link(1, 2)])
        subscription = await connection.subscribe("a", "b")
        assert server.end.heard == [Subscribe(1, 1, ("a", "b"))]
        assert subscription.rows("item") == [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]
        assert subscription.rows("link") == [{"left": 1, "right": 2}]
        assert subscription.rows("notice") == []
        assert subscription.is_active
        assert subscription.queries == ("a", "b")
        assert connection.subscriptions == (subscription,)
        assert repr(subscription) == "<Subscription 1 active, 2 queries, 3 rows>"

    async def test_changes_are_applied(self, server: FakeServer, connection: Connection) -> None:
        server.rows["a"] = rows(item=[ONE, TWO])
        subscription = await connection.subscribe("a")
        changed = item(2, "zwei")
        server.outcomes.append(ReducerOk(b"", update(change(1, inserts=(changed, THREE), deletes=(ONE, TWO)))))
        await connection.call("remove_item", 1)
        assert subscription.rows("item") == connection.tables["item"].rows()
        assert subscription.rows("item") == [{"id": 2, "name": "zwei"}, {"id": 3, "name": "three"}]

    async def test_other_clients_changes_arrive_unasked(self, server: FakeServer, connection: Connection) -> None:
        await connection.subscribe("a")
        server.end.say(update(change(1, inserts=(ONE,))), update(change(1, inserts=(TWO,), deletes=(ONE,))))
        await connection.wait_for(lambda: ids(connection.tables["item"].rows()) == [2])

    async def test_rows_that_overlapping_queries_send_twice_are_there_once(
        self, server: FakeServer, connection: Connection
    ) -> None:
        server.rows["a"] = rows(item=[ONE, TWO])
        server.rows["b"] = rows(item=[ONE])
        subscription = await connection.subscribe("a", "b")
        assert ids(subscription.rows("item")) == ids(connection.tables["item"].rows()) == [1, 2]
        server.end.say(update(change(1, deletes=(ONE,))))
        server.end.say(update(change(1, deletes=(TWO,))))
        await connection.wait_for(lambda: connection.tables["item"].count == 1)
        assert ids(subscription.rows("item")) == [1]
        server.end.say(update(change(1, deletes=(ONE,))))
        await connection.wait_for(lambda: connection.tables["item"].count == 0)

    async def test_a_row_stays_until_no_subscription_covers_it(
        self, server: FakeServer, connection: Connection
    ) -> None:
        server.rows["a"] = rows(item=[ONE, TWO])
        server.rows["b"] = rows(item=[ONE])
        first, second = await connection.subscribe("a"), await connection.subscribe("b")
        assert ids(connection.tables["item"].rows()) == [1, 2]
        await first.unsubscribe()
        assert ids(connection.tables["item"].rows()) == ids(second.rows("item")) == [1]
        await second.unsubscribe()
        assert connection.tables["item"].rows() == []

    async def test_names_of_the_source_mean_the_same_table(self, server: FakeServer, connection: Connection) -> None:
        server.rows["a"] = rows(Item=[ONE])
        subscription = await connection.subscribe("a")
        assert subscription.rows("Item") == subscription.rows("item") == [{"id": 1, "name": "one"}]
        server.end.say(update(change(1, "item", deletes=(ONE,))))
        await connection.wait_for(lambda: connection.tables["Item"].count == 0)

    async def test_rows_of_a_view_are_read_by_its_type(self, server: FakeServer, connection: Connection) -> None:
        server.rows["a"] = rows(all_items=[ONE])
        subscription = await connection.subscribe("a")
        assert subscription.rows("AllItems") == [{"id": 1, "name": "one"}]


class TestEnd:
    async def test_unsubscribing_takes_the_rows_away(self, server: FakeServer, connection: Connection) -> None:
        server.rows["a"] = rows(item=[ONE])
        deleted: list[object] = []
        connection.tables["item"].on_delete(deleted.append)
        subscription = await connection.subscribe("a", on_delete=deleted.append)
        await subscription.unsubscribe()
        assert server.end.heard[-1] == Unsubscribe(2, 1, 0)
        assert not subscription.is_active
        assert subscription.rows("item") == connection.tables["item"].rows() == []
        assert connection.subscriptions == ()
        assert deleted == []
        assert repr(subscription) == "<Subscription 1 ended, 1 queries, 0 rows>"

    async def test_a_second_time_does_nothing(self, server: FakeServer, connection: Connection) -> None:
        subscription = await connection.subscribe("a")
        await asyncio.gather(subscription.unsubscribe(), subscription.unsubscribe())
        await subscription.unsubscribe()
        assert server.end.heard == [Subscribe(1, 1, ("a",)), Unsubscribe(2, 1)]

    async def test_changes_count_until_the_server_has_answered(
        self, server: FakeServer, connection: Connection
    ) -> None:
        server.be_silent(Unsubscribe)
        subscription = await connection.subscribe("a")
        ending = asyncio.create_task(subscription.unsubscribe())
        await asyncio.sleep(0)
        assert subscription.state is SubscriptionState.ENDING
        server.end.say(update(change(1, inserts=(ONE,))))
        await connection.wait_for(lambda: connection.tables["item"].count == 1)
        server.end.say(UnsubscribeApplied(2, 1))
        await ending
        assert connection.tables["item"].count == 0

    async def test_a_set_that_the_server_does_not_know_has_ended(
        self, server: FakeServer, connection: Connection
    ) -> None:
        server.rows["a"] = rows(item=[ONE])
        server.answers[Unsubscribe] = lambda request: [
            SubscriptionError(request.request_id, request.query_set_id, "subscription not found")
        ]
        subscription = await connection.subscribe("a")
        await subscription.unsubscribe()
        assert subscription.state is SubscriptionState.ENDED
        assert connection.tables["item"].count == 0

    async def test_query_set_ids_are_not_used_again(self, server: FakeServer, connection: Connection) -> None:
        await (await connection.subscribe("a")).unsubscribe()
        assert (await connection.subscribe("a")).query_set_id == 2


class TestErrors:
    async def test_a_refusal_names_the_queries(self, server: FakeServer, connection: Connection) -> None:
        refuse(server, "no such table: `x`")
        with pytest.raises(SubscriptionFailed) as caught:
            await connection.subscribe("SELECT * FROM x", "SELECT * FROM item")
        assert str(caught.value) == (
            "the subscription failed: no such table: `x`\n  SELECT * FROM x\n  SELECT * FROM item"
        )
        assert caught.value.queries == ("SELECT * FROM x", "SELECT * FROM item")
        assert caught.value.message == "no such table: `x`"
        assert connection.subscriptions == ()

    async def test_many_queries_are_not_all_named(self, server: FakeServer, connection: Connection) -> None:
        refuse(server, "no")
        with pytest.raises(SubscriptionFailed) as caught:
            await connection.subscribe(*"abcdef")
        assert str(caught.value) == "the subscription failed: no\n  a\n  b\n  c\n  d\n  and 2 more queries"

    async def test_queries_are_asked_for(self, connection: Connection) -> None:
        with pytest.raises(TypeError) as caught:
            await connection.subscribe()
        assert str(caught.value) == "subscribe takes at least one query"
        with pytest.raises(TypeError) as caught:
            await connection.subscribe(["a"])  # type: ignore[arg-type]
        assert str(caught.value) == "a query is a text, got ['a']"

    async def test_a_callback_has_to_be_callable(self, server: FakeServer, connection: Connection) -> None:
        with pytest.raises(TypeError) as caught:
            await connection.subscribe("a", on_insert=[])  # type: ignore[arg-type]
        assert str(caught.value) == "a callback has to be callable, got []"
        assert connection.subscriptions == ()
        assert server.end.heard == []

    async def test_rows_of_an_undeclared_table_end_the_subscription(
        self, server: FakeServer, connection: Connection
    ) -> None:
        server.rows["a"] = rows(item=[ONE], itme=[TWO])
        with pytest.raises(UnknownTable) as caught:
            await connection.subscribe("a")
        assert str(caught.value) == "the module has no table 'itme'; did you mean 'item'?"
        assert server.end.heard == [Subscribe(1, 1, ("a",)), Unsubscribe(2, 1)]
        assert connection.tables["item"].rows() == []
        assert connection.subscriptions == ()
        assert connection.is_open

    async def test_a_subscription_that_breaks_later_says_so(
        self, server: FakeServer, connection: Connection, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.rows["a"] = rows(item=[ONE])
        errors: list[SubscriptionFailed] = []
        subscription = await connection.subscribe("a", on_error=errors.append)
        server.end.say(SubscriptionError(None, 1, "division by zero"))
        await connection.wait_for(lambda: not subscription.is_active)
        assert errors == [subscription.error]
        assert str(subscription.error) == "the subscription failed: division by zero\n  a"
        assert caplog.messages == ["the subscription failed: division by zero\n  a"]
        assert connection.tables["item"].rows() == []
        assert connection.subscriptions == ()
        await subscription.unsubscribe()

    async def test_a_set_that_breaks_while_it_is_ended_is_ended(
        self, server: FakeServer, connection: Connection, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.be_silent(Unsubscribe)
        subscription = await connection.subscribe("a")
        ending = asyncio.create_task(subscription.unsubscribe())
        await asyncio.sleep(0)
        server.end.say(SubscriptionError(None, 1, "broke"), SubscriptionError(2, 1, "not found"))
        await ending
        assert connection.is_open
        assert caplog.messages == ["the subscription failed: broke\n  a"]


class TestNobodyWaits:
    """Requests that were given up leave nothing behind."""

    async def test_a_subscription_that_is_cancelled_is_ended(self, server: FakeServer, connection: Connection) -> None:
        server.be_silent(Subscribe)
        inserted: list[object] = []
        subscribing = asyncio.create_task(connection.subscribe("a", on_insert=inserted.append, replay=True))
        await asyncio.sleep(0)
        subscribing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await subscribing
        assert connection.subscriptions == ()
        server.end.say(SubscribeApplied(1, 1, rows(item=[ONE])), update(change(1, deletes=(ONE,))))
        await connection.query("b")
        assert Unsubscribe in map(type, server.end.heard)
        assert connection.tables["item"].rows() == []
        assert inserted == []
        assert connection.is_open

    async def test_one_that_is_cancelled_when_its_rows_are_there_is_ended(
        self, server: FakeServer, connection: Connection
    ) -> None:
        server.rows["a"] = rows(item=[ONE])
        subscribing: asyncio.Task[object] = asyncio.create_task(
            connection.subscribe("a", on_insert=lambda row: subscribing.cancel() and None, replay=True)
        )
        with pytest.raises(asyncio.CancelledError):
            await subscribing
        assert connection.tables["item"].count == 0
        assert connection.subscriptions == ()
        await connection.query("b")
        assert server.end.heard[:2] == [Subscribe(1, 1, ("a",)), Unsubscribe(2, 1)]
        assert connection.is_open

    async def test_one_that_ran_into_the_timeout_is_ended(self, server: FakeServer) -> None:
        async with await Connection.open(MemoryTransport(server), MODULE, timeout=0.1) as connection:
            server.be_silent(Subscribe)
            with pytest.raises(RequestTimeout) as caught:
                await connection.subscribe("a")
            assert str(caught.value) == "the answer to the subscription 'a' did not come within 0.1 s"
            server.end.say(SubscribeApplied(1, 1, rows(item=[ONE])))
            await connection.query("b")
            assert Unsubscribe in map(type, server.end.heard)
            assert connection.tables["item"].count == 0

    async def test_the_end_goes_on_when_nobody_waits_for_it(self, server: FakeServer, connection: Connection) -> None:
        server.rows["a"] = rows(item=[ONE])
        subscription = await connection.subscribe("a")
        ending = asyncio.create_task(subscription.unsubscribe())
        await asyncio.sleep(0)
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        await connection.wait_for(lambda: connection.tables["item"].count == 0)
        assert subscription.state is SubscriptionState.ENDED


class TestEvents:
    """Rows of event tables are told and forgotten."""

    async def test_events_are_insertions_that_do_not_stay(self, server: FakeServer, connection: Connection) -> None:
        of_table: list[object] = []
        of_set: list[object] = []
        connection.tables["notice"].on_insert(of_table.append)
        subscription = await connection.subscribe("a", on_insert=of_set.append)
        server.end.say(update(happening(1, notice("hello"), notice("there"))))
        await connection.wait_for(lambda: len(of_set) == 2)
        assert of_table == of_set == [{"text": "hello"}, {"text": "there"}]
        assert connection.tables["notice"].rows() == subscription.rows("notice") == []

    async def test_an_event_that_two_sets_send_is_told_once_by_the_table(
        self, server: FakeServer, connection: Connection
    ) -> None:
        of_table: list[object] = []
        of_sets: list[object] = []
        connection.tables["notice"].on_insert(of_table.append)
        await connection.subscribe("a", on_insert=of_sets.append)
        await connection.subscribe("b", on_insert=of_sets.append)
        server.end.say(update(happening(1, notice("hello"), notice("hello")), happening(2, notice("hello"))))
        await connection.wait_for(lambda: of_table)
        assert of_table == [{"text": "hello"}]
        assert of_sets == [{"text": "hello"}, {"text": "hello"}]
