"""A client's side of the first protocol: what becomes of what its server says."""

from __future__ import annotations

from typing import Any

import pytest
from support.first_protocol import FATAL, MINE, NO_TIME, NOW, ROW
from support.first_protocol_client import EMPTY, QUERY, Client, inserted, transaction, update

from pytest_inner_universe.sats import ConnectionId, EncodeError, Identity, TimeDuration
from pytest_inner_universe.wire import (
    CallProcedure,
    CallReducer,
    OneOffQuery,
    OneOffQueryResult,
    ProcedureInternalError,
    ProcedureResult,
    ProcedureReturned,
    QueryRows,
    ReducerErr,
    ReducerInternalError,
    ReducerOk,
    ReducerResult,
    RowList,
    SingleTableRows,
    Subscribe,
    SubscribeApplied,
    SubscribeBatch,
    SubscriptionError,
    Unsubscribe,
    UnsubscribeApplied,
    v1,
)
from pytest_inner_universe.wire.conversation import Phase
from pytest_inner_universe.wire.errors import RemoteProtocolError


class TestCalls:
    """Answers to calls."""

    def call(self, *requests: tuple[int, str]) -> Client:
        client = Client()
        for number, reducer in requests or [(3, "add_person")]:
            assert client.ask(CallReducer(number, 0, reducer, b"x")) == v1.CallReducer(reducer, b"x", number)
        return client

    def test_success_brings_the_rows(self) -> None:
        client = Client()
        client.subscribe()
        client.ask(CallReducer(3, 0, "add_person", b"x"))
        answer = client.hear(transaction(v1.Committed(update(RowList([ROW])))))
        assert answer == [ReducerResult(3, NOW, ReducerOk(b"", inserted()))]
        assert client.session.unanswered == ()

    @pytest.mark.parametrize(
        ("status", "energy", "expected"),
        [
            (v1.Failed("no"), 5, ReducerErr.of("no")),
            (v1.Failed(FATAL), 5, ReducerInternalError(FATAL)),
            (v1.Failed("The Wasm instance encountered a fatal error."), 5, None),
            (v1.Failed("no such reducer"), 0, ReducerInternalError("no such reducer")),
            (v1.Failed("no such reducer"), 5, ReducerErr.of("no such reducer")),
            (v1.OutOfEnergy(), 5, ReducerInternalError("reducer ran out of energy")),
        ],
    )
    def test_failure(self, status: Any, energy: int, expected: Any) -> None:
        (answer,) = self.call().hear(transaction(status, energy=energy))
        assert answer == ReducerResult(3, NOW, expected or ReducerInternalError(status.message))

    def test_a_failure_without_id_answers_the_oldest_call_of_the_reducer(self) -> None:
        client = self.call((3, "a"), (4, "b"), (5, "b"))
        heard = [client.hear(transaction(v1.Failed("no"), reducer, 0)) for reducer in ("b", "b", "a", "a", "")]
        assert [[result.request_id for result in results] for results in heard] == [[4], [5], [3], [], []]

    def test_the_id_counts_more_than_the_name(self) -> None:
        (answer,) = self.call((3, "AddPerson")).hear(transaction(v1.Failed("no"), "add_person", 3))
        assert answer.request_id == 3

    def test_calls_of_others_are_news(self) -> None:
        client = self.call()
        client.subscribe()
        other = ConnectionId.from_int(6)
        assert client.hear(transaction(v1.Committed(EMPTY), connection=other)) == []
        assert client.hear(transaction(v1.Failed("no"), connection=other)) == []
        assert client.hear(transaction(v1.Committed(update(RowList([ROW]))), connection=other)) == [inserted()]
        assert len(client.session.unanswered) == 1

    def test_what_one_did_not_call_is_news_too(self) -> None:
        client = self.call((3, "add_person"))
        client.subscribe()
        assert client.hear(transaction(v1.Committed(update(RowList([ROW]))), request_id=99)) == [inserted()]

    def test_an_answer_that_comes_twice_is_not_taken_for_news(self) -> None:
        client = self.call((3, "add_person"))
        client.subscribe()
        answer = transaction(v1.Committed(update(RowList([ROW]))))
        assert len(client.hear(answer)) == 1
        with pytest.raises(RemoteProtocolError) as caught:
            client.hear(answer)
        assert str(caught.value) == "TransactionUpdate: no CallReducer 3 waits for an answer"

    def test_there_is_no_call_without_an_answer(self) -> None:
        client = Client()
        client.session.send(CallReducer(3, 1, "add_person", b""))
        with pytest.raises(EncodeError) as caught:
            client.session.data_to_send()
        assert str(caught.value) == "CallReducer.flags: expected 0, got 1"

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (v1.Returned(b"x"), ProcedureReturned(b"x")),
            (v1.InternalError("no"), ProcedureInternalError("no")),
            (v1.OutOfEnergy(), ProcedureInternalError("procedure ran out of energy")),
        ],
    )
    def test_procedures(self, status: Any, expected: Any) -> None:
        client = Client()
        assert client.ask(CallProcedure(4, 0, "p", b"y")) == v1.CallProcedure("p", b"y", 4)
        answer = client.hear(v1.ProcedureResult(status, NOW, TimeDuration(2), 4))
        assert answer == [ProcedureResult(expected, NOW, TimeDuration(2), 4)]


class TestQueries:
    """Answers to queries."""

    def test_a_query_set_from_start_to_end(self) -> None:
        client = Client()
        assert client.ask(Subscribe(1, 7, (QUERY,))) == v1.SubscribeMulti((QUERY,), 1, 7)
        rows = QueryRows((SingleTableRows("person", RowList([ROW])),))
        assert client.hear(v1.SubscribeMultiApplied(1, 0, 7, update(RowList([ROW])))) == [SubscribeApplied(1, 7, rows)]
        assert client.ask(Unsubscribe(2, 7, 1)) == v1.UnsubscribeMulti(2, 7)
        assert client.hear(v1.UnsubscribeMultiApplied(2, 0, 7, update(deletes=RowList([ROW])))) == [
            UnsubscribeApplied(2, 7, rows)
        ]

    def test_dropped_rows_come_only_if_they_are_wanted(self) -> None:
        client = Client()
        client.subscribe(rows=RowList([ROW]))
        client.ask(Unsubscribe(2, 7))
        (answer,) = client.hear(v1.UnsubscribeMultiApplied(2, 0, 7, update(deletes=RowList([ROW]))))
        assert answer == UnsubscribeApplied(2, 7, None)

    def test_another_set_takes_over_before_the_end_of_one(self) -> None:
        client = Client()
        client.ask(Subscribe(1, 7, (QUERY, "SELECT * FROM person WHERE age = 30")))
        client.hear(v1.SubscribeMultiApplied(1, 0, 7, update(RowList([ROW]))))
        assert client.subscribe(8) == [SubscribeApplied(8, 8, QueryRows())]
        client.ask(Unsubscribe(2, 7))
        answers = client.hear(v1.UnsubscribeMultiApplied(2, 0, 7, EMPTY))
        assert answers == [inserted(8), UnsubscribeApplied(2, 7)]

    def test_light_news(self) -> None:
        client = Client()
        client.subscribe()
        assert client.hear(v1.TransactionUpdateLight(3, update(RowList([ROW])))) == [inserted()]
        assert client.hear(v1.TransactionUpdateLight(3, EMPTY)) == []

    def test_a_request_that_failed(self) -> None:
        client = Client()
        client.ask(Subscribe(1, 7, ("a",)))
        assert client.hear(v1.SubscriptionError(0, 1, 7, None, "no")) == [SubscriptionError(1, 7, "no")]
        client.ask(Subscribe(2, 7, ("a",)))
        assert client.hear(v1.SubscriptionError(0, 2, None, None, "no")) == [SubscriptionError(2, 7, "no")]

    def test_before_2_0_a_request_may_fail_as_a_call_of_nothing(self) -> None:
        client = Client()
        client.ask(CallReducer(1, 0, "a", b""))
        client.ask(Subscribe(2, 7, ("a",)))
        answer = client.hear(transaction(v1.Failed("no"), "<none>", 0, energy=0))
        assert answer == [SubscriptionError(2, 7, "no")]

    def test_an_error_without_ids_ends_everything(self) -> None:
        client = Client()
        client.subscribe(7)
        client.subscribe(8, "SELECT * FROM team")
        answer = client.hear(v1.SubscriptionError(0, None, None, None, "gone"))
        assert answer == [SubscriptionError(None, 7, "gone"), SubscriptionError(None, 8, "gone")]
        assert client.session.live_query_sets == frozenset()

    def test_an_error_with_the_id_of_a_set_ends_that_set(self) -> None:
        client = Client()
        client.subscribe(7, rows=RowList([ROW]))
        client.subscribe(8)
        assert client.hear(v1.SubscriptionError(0, None, 7, None, "gone")) == [SubscriptionError(None, 7, "gone")]
        assert client.session.live_query_sets == {8}

    def test_a_query_asked_once(self) -> None:
        client = Client()
        asked = client.ask(OneOffQuery(0x01020304, "a"))
        assert asked == v1.OneOffQuery(b"\4\3\2\1", "a")
        table = v1.OneOffTable("person", RowList([ROW]))
        rows = QueryRows((SingleTableRows("person", RowList([ROW])),))
        assert client.hear(v1.OneOffQueryResponse(b"\4\3\2\1", None, (table,), NO_TIME)) == [
            OneOffQueryResult(0x01020304, rows)
        ]
        client.ask(OneOffQuery(5, "b"))
        assert client.hear(v1.OneOffQueryResponse(b"\5\0\0\0", "no", (), NO_TIME)) == [OneOffQueryResult(5, "no")]

    def test_several_sets_at_once_are_a_later_invention(self) -> None:
        client = Client()
        client.session.send(SubscribeBatch(1, ()))
        with pytest.raises(EncodeError) as caught:
            client.session.data_to_send()
        assert str(caught.value) == "the first protocol has no SubscribeBatch"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (v1.SubscribeMultiApplied(9, 0, 7, EMPTY), "SubscribeMultiApplied: no Subscribe 9 waits for an answer"),
        (v1.UnsubscribeMultiApplied(9, 0, 7, EMPTY), "UnsubscribeMultiApplied: no Unsubscribe 9 waits for an answer"),
        (v1.SubscriptionError(0, 9, None, None, "x"), "SubscriptionError: no request 9 waits for an answer"),
        (v1.OneOffQueryResponse(b"", None, (), NO_TIME), "OneOffQueryResponse: no query  waits for an answer"),
        (
            v1.ProcedureResult(v1.Returned(b""), NOW, NO_TIME, 9),
            "ProcedureResult: no CallProcedure 9 waits for an answer",
        ),
        (
            v1.TransactionUpdateLight(0, update(RowList([ROW]))),
            "rows of table 'person' changed, though nothing is subscribed to",
        ),
        (v1.IdentityToken(Identity.zero(), "", MINE), "InitialConnection: the conversation has begun already"),
    ],
)
def test_what_makes_no_sense_ends_the_session(message: v1.ServerMessage, text: str) -> None:
    client = Client()
    with pytest.raises(RemoteProtocolError) as caught:
        client.hear(message)
    assert str(caught.value) == text
    assert client.session.phase is Phase.CLOSED
