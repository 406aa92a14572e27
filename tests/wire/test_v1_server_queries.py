"""A server's side of the first protocol: what becomes of subscriptions and queries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.first_protocol import (
    CHANGE,
    NO_TIME,
    ROW,
    Server,
    table_update,
)

from pytest_inner_universe.wire import (
    OneOffQuery,
    OneOffQueryResult,
    QueryRows,
    QuerySetUpdate,
    RowList,
    SingleTableRows,
    Subscribe,
    SubscribeApplied,
    SubscriptionError,
    TransactionUpdate,
    Unsubscribe,
    UnsubscribeApplied,
    v1,
)
from pytest_inner_universe.wire.counting import Counting
from pytest_inner_universe.wire.v1_manners import OLDEST

NO_PEOPLE = QueryRows((), ("person",))


class TestQueries:
    """Subscriptions and single queries."""

    def test_a_query_set(self) -> None:
        server = Server()
        assert server.hear(v1.SubscribeMulti(("a", "b"), 1, 7)) == [
            Subscribe(1, 7, ("a", "b"), counting=Counting.PER_CLIENT)
        ]
        rows = QueryRows((SingleTableRows("person", RowList([ROW])), SingleTableRows("person", RowList())))
        (answer,) = server.say(SubscribeApplied(1, 7, rows))
        empty = v1.TableUpdate(4098, "person", 0, (v1.QueryUpdate(RowList(), RowList()),))
        assert answer == v1.SubscribeMultiApplied(1, 0, 7, v1.DatabaseUpdate((table_update(RowList([ROW])), empty)))
        assert server.hear(v1.UnsubscribeMulti(2, 7)) == [Unsubscribe(2, 7, 1)]
        (answer,) = server.say(UnsubscribeApplied(2, 7, QueryRows(rows.tables[:1])))
        gone = table_update(RowList(), RowList([ROW]))
        assert answer == v1.UnsubscribeMultiApplied(2, 0, 7, v1.DatabaseUpdate((gone,)))

    def test_a_single_query_names_its_table_even_without_rows(self) -> None:
        server = Server()
        assert server.hear(v1.SubscribeSingle("SELECT * FROM person", 1, 7)) == [
            Subscribe(1, 7, ("SELECT * FROM person",), counting=Counting.PER_CLIENT_SHOWN)
        ]
        (answer,) = server.say(SubscribeApplied(1, 7, NO_PEOPLE))
        assert answer == v1.SubscribeApplied(
            1, 0, 7, v1.SubscribeRows(4098, "person", v1.TableUpdate(4098, "person", 0, ()))
        )
        assert server.hear(v1.Unsubscribe(2, 7)) == [Unsubscribe(2, 7, 1)]
        rows = QueryRows((SingleTableRows("person", RowList([ROW])),), ("person",))
        (answer,) = server.say(UnsubscribeApplied(2, 7, rows))
        gone = table_update(RowList(), RowList([ROW]))
        assert answer == v1.UnsubscribeApplied(2, 0, 7, v1.SubscribeRows(4098, "person", gone))

    def test_a_single_query_without_rows_is_an_empty_update_in_1_2(self) -> None:
        server = Server(manners=OLDEST)
        server.hear(v1.SubscribeSingle("SELECT * FROM person", 1, 7))
        (answer,) = server.say(SubscribeApplied(1, 7, NO_PEOPLE))
        empty = v1.TableUpdate(4098, "person", 0, (v1.QueryUpdate(RowList(), RowList()),))
        assert answer == v1.SubscribeApplied(1, 0, 7, v1.SubscribeRows(4098, "person", empty))
        server.hear(v1.Unsubscribe(2, 7))
        (answer,) = server.say(UnsubscribeApplied(2, 7, NO_PEOPLE))
        assert answer == v1.UnsubscribeApplied(2, 0, 7, v1.SubscribeRows(4098, "person", empty))

    @pytest.mark.parametrize("tables", [(), ("person", "team")])
    def test_a_set_that_is_not_one_query_does_not_end_as_a_single_one(self, tables: tuple[str, ...]) -> None:
        server = Server()
        server.hear(v1.SubscribeMulti(("a",), 1, 7))
        server.say(SubscribeApplied(1, 7, QueryRows()))
        server.hear(v1.Unsubscribe(2, 7))
        (answer,) = server.say(UnsubscribeApplied(2, 7, QueryRows((), tables)))
        assert answer == v1.SubscriptionError(0, 2, 7, None, "Internal error")

    def test_a_single_query_is_not_of_all_tables(self) -> None:
        server = Server()
        assert server.hear(v1.SubscribeSingle("SELECT *\nFROM *", 1, 7)) == []
        reason = "sql parser error: Expected identifier, found: * at Line: 2, Column 6"
        assert server.sent() == [v1.SubscriptionError(0, 1, 7, None, f"{reason}, executing: `SELECT *\nFROM *`")]

    def test_all_reasons_of_a_failed_legacy_subscription_are_told_in_1_2(self) -> None:
        server = Server(manners=OLDEST)
        server.hear(v1.Subscribe(("",), 1))
        reason = "SubscriptionError: Empty string"
        (answer,) = server.say(SubscriptionError(1, 1 << 32, f"{reason}, executing: ``"))
        assert isinstance(answer, v1.TransactionUpdate)
        assert answer.status == v1.Failed(f"{reason}, executing: ``: {reason}: Empty string")

    def test_the_old_way_to_subscribe_replaces_what_was_there(self) -> None:
        server = Server()
        (first,) = server.hear(v1.Subscribe(("a",), 1))
        assert first == Subscribe(1, 1 << 32, ("a",))
        rows = QueryRows((SingleTableRows("person", RowList([ROW])),))
        expected = v1.InitialSubscription(v1.DatabaseUpdate((table_update(RowList([ROW])),)), 1, NO_TIME)
        assert server.say(SubscribeApplied(1, 1 << 32, rows)) == [expected]
        (second,) = server.hear(v1.Subscribe(("b",), 2))
        assert (second.query_strings, second.replaced) == (("b",), (1 << 32,))
        assert server.say(SubscribeApplied(2, second.query_set_id, rows)) == [replace(expected, request_id=2)]
        parts = [QuerySetUpdate(second.query_set_id, CHANGE.query_sets[0].tables)]
        assert len(server.say(TransactionUpdate(tuple(parts)))) == 1
        (third,) = server.hear(v1.Subscribe(("c",), 3))
        assert third.replaced == (second.query_set_id,)

    def test_what_was_there_goes_on_where_the_old_way_to_subscribe_fails(self) -> None:
        server = Server()
        (first,) = server.hear(v1.Subscribe(("a",), 1))
        rows = QueryRows((SingleTableRows("person", RowList([ROW])),))
        server.say(SubscribeApplied(1, first.query_set_id, rows))
        (second,) = server.hear(v1.Subscribe(("b",), 2))
        (third,) = server.hear(v1.Subscribe(("c",), 3))
        assert third.replaced == (first.query_set_id, second.query_set_id)
        failed = SubscriptionError(2, second.query_set_id, "no")
        assert server.say(failed) == [v1.SubscriptionError(0, 2, None, None, "no")]
        parts = [QuerySetUpdate(first.query_set_id, CHANGE.query_sets[0].tables)]
        assert len(server.say(TransactionUpdate(tuple(parts)))) == 1

    def test_errors(self) -> None:
        server = Server()
        server.hear(v1.SubscribeMulti(("a",), 1, 7))
        assert server.say(SubscriptionError(1, 7, "no")) == [v1.SubscriptionError(0, 1, 7, None, "no")]
        server.hear(v1.UnsubscribeMulti(2, 9))
        assert server.say(SubscriptionError(2, 9, "none")) == [v1.SubscriptionError(0, 2, 9, None, "none")]

    def test_the_end_of_one_set_is_the_end_of_all(self) -> None:
        server = Server()
        server.subscribe(7)
        server.subscribe(8, "other")
        assert server.say(SubscriptionError(None, 8, "gone")) == [v1.SubscriptionError(0, None, None, None, "gone")]
        assert server.say(CHANGE) == []

    def test_a_query_asked_once_has_any_message_id(self) -> None:
        server = Server()
        (first,) = server.hear(v1.OneOffQuery(b"same", "a"))
        (second,) = server.hear(v1.OneOffQuery(b"same", "b"))
        assert (first, second) == (OneOffQuery(1 << 32, "a"), OneOffQuery((1 << 32) + 1, "b"))
        rows = QueryRows((SingleTableRows("person", RowList([ROW])),))
        assert server.say(OneOffQueryResult(second.request_id, rows)) == [
            v1.OneOffQueryResponse(b"same", None, (v1.OneOffTable("person", RowList([ROW])),), NO_TIME)
        ]
        assert server.say(OneOffQueryResult(first.request_id, "no")) == [
            v1.OneOffQueryResponse(b"same", "no", (), NO_TIME)
        ]

    @pytest.mark.parametrize(
        "request_",
        [v1.SubscribeMulti(("SELECT * FROM ping_event",), 1, 7), v1.SubscribeSingle("SELECT * FROM ping_event", 1, 7)],
    )
    def test_event_tables_are_refused_at_once(self, request_: v1.ClientMessage) -> None:
        server = Server(bindings="2.8")
        assert server.hear(request_) == []
        (answer,) = server.sent()
        text = (
            "Subscribing to event tables requires WebSocket v2. "
            "Please upgrade your client SDK and regenerate your module bindings."
        )
        assert answer == v1.SubscriptionError(0, 1, 7, None, text)
        assert server.session.unanswered == ()
