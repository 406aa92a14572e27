"""A server's side of the first protocol: what becomes of calls and transactions."""

from __future__ import annotations

from typing import Any

import pytest
from support.first_protocol import (
    CHANGE,
    FATAL,
    ME,
    MINE,
    NO_TIME,
    NOW,
    ROW,
    Server,
    outcome,
    schema,
    table_update,
)

from pytest_inner_universe.sats import ConnectionId, Identity, TimeDuration
from pytest_inner_universe.wire import (
    CallProcedure,
    CallReducer,
    EventTableRows,
    InitialConnection,
    ProcedureInternalError,
    ProcedureResult,
    QuerySetUpdate,
    ReducerErr,
    ReducerInternalError,
    ReducerOk,
    ReducerOkEmpty,
    ReducerResult,
    RowList,
    TableUpdate,
    TransactionUpdate,
    Unsubscribe,
    v1,
)
from pytest_inner_universe.wire.calls import CallInfo
from pytest_inner_universe.wire.frames import Compression
from pytest_inner_universe.wire.session import ServerSession
from pytest_inner_universe.wire.versions import V1, V1_JSON


class TestCalls:
    """One's own calls."""

    CALL = v1.CallReducer("add_person", b"x", 3)

    def call(self, result: Any, flags: int = v1.FULL_UPDATE, bindings: str = "1.4", **options: Any) -> list[Any]:
        server = Server(bindings=bindings, **options)
        server.subscribe()
        (request,) = server.hear(v1.CallReducer("add_person", b"x", 3, flags))
        assert request == CallReducer(3, flags, "add_person", b"x")
        return server.say(ReducerResult(3, NOW, result))

    def test_success_tells_everything(self) -> None:
        update = v1.DatabaseUpdate((table_update(RowList([ROW])),))
        assert self.call(ReducerOk(b"", CHANGE), light=True) == [outcome(v1.Committed(update))]

    @pytest.mark.parametrize("result", [ReducerOkEmpty(), ReducerOk(b"", TransactionUpdate())])
    def test_success_without_rows_is_told_too(self, result: Any) -> None:
        assert self.call(result) == [outcome(v1.Committed(v1.DatabaseUpdate()))]

    @pytest.mark.parametrize(
        ("result", "status"),
        [
            (ReducerErr.of("no"), v1.Failed("no")),
            (ReducerInternalError(FATAL), v1.Failed(FATAL)),
            (ReducerInternalError("reducer ran out of energy"), v1.OutOfEnergy()),
        ],
    )
    def test_failure_keeps_the_request_id(self, result: Any, status: Any) -> None:
        assert self.call(result) == [outcome(status)]

    @pytest.mark.parametrize("flags", [v1.FULL_UPDATE, v1.NO_SUCCESS_NOTIFY])
    @pytest.mark.parametrize(
        "text",
        ["no such reducer", "can't directly call special Init x"],
    )
    def test_a_refused_call_loses_id_and_arguments(self, text: str, flags: int) -> None:
        assert self.call(ReducerInternalError(text), flags) == [outcome(v1.Failed(text), args=b"", request_id=0)]

    def test_why_arguments_do_not_fit_is_told_with_all_causes(self) -> None:
        text = "invalid arguments for reducer add_person: x"
        told = f"{text}: invalid arguments for function add_person: x: x"
        refusal = ReducerInternalError(text)
        assert self.call(refusal) == [outcome(v1.Failed(told), args=b"", request_id=0)]

    def test_an_unknown_reducer_has_no_number(self) -> None:
        server = Server()
        server.hear(v1.CallReducer("nope", b"", 3))
        (answer,) = server.say(ReducerResult(3, NOW, ReducerInternalError("no such reducer")))
        assert answer == outcome(v1.Failed("no such reducer"), "nope", v1.NO_REDUCER, b"", 0)

    @pytest.mark.parametrize(
        "result",
        [ReducerOkEmpty(), ReducerErr.of("no"), ReducerInternalError(FATAL), ReducerOk(b"", TransactionUpdate())],
    )
    def test_who_wants_no_news_of_success_gets_none_of_failure_either(self, result: Any) -> None:
        assert self.call(result, v1.NO_SUCCESS_NOTIFY) == []

    def test_who_wants_no_news_of_success_still_sees_rows(self) -> None:
        update = v1.DatabaseUpdate((table_update(RowList([ROW])),))
        result = ReducerOk(b"", CHANGE)
        assert self.call(result, v1.NO_SUCCESS_NOTIFY) == [outcome(v1.Committed(update))]
        assert self.call(result, v1.NO_SUCCESS_NOTIFY, light=True) == [v1.TransactionUpdateLight(3, update)]
        assert self.call(result, v1.NO_SUCCESS_NOTIFY, "2.8") == [v1.TransactionUpdateLight(3, update)]

    def test_what_a_call_cost_is_told_if_it_is_known(self) -> None:
        server = Server()
        server.hear(self.CALL)
        call = CallInfo("add_person", b"x", 3, ME, MINE, NOW, energy=9, duration=TimeDuration(4))
        (answer,) = server.say(ReducerResult(3, NOW, ReducerOkEmpty()), call)
        assert isinstance(answer, v1.TransactionUpdate)
        assert (answer.energy_quanta_used, answer.total_host_execution_duration) == (9, TimeDuration(4))

    def test_a_request_id_may_be_in_use_twice(self) -> None:
        server = Server()
        server.hear(self.CALL)
        server.hear(v1.CallReducer("nothing", b"", 3))
        names = [server.say(ReducerResult(3, NOW, ReducerOkEmpty()))[0].reducer_call.reducer_name for _ in range(2)]  # type: ignore[union-attr]
        assert names == ["add_person", "nothing"]

    def test_procedures(self) -> None:
        server = Server()
        assert server.hear(v1.CallProcedure("p", b"x", 4)) == [CallProcedure(4, 0, "p", b"x")]
        result = ProcedureResult(ProcedureInternalError("no"), NOW, TimeDuration(2), 4)
        assert server.say(result) == [v1.ProcedureResult(v1.InternalError("no"), NOW, TimeDuration(2), 4)]


class TestNews:
    """Transactions of others."""

    CALL = CallInfo("nothing", b"", 12, Identity.zero(), ConnectionId.from_int(9), NOW)

    def news(self, call: CallInfo | None, **options: Any) -> list[Any]:
        server = Server(**options)
        server.subscribe()
        return server.say(CHANGE, call)

    def test_their_cause_is_told_where_nothing_speaks_against_it(self) -> None:
        update = v1.DatabaseUpdate((table_update(RowList([ROW])),))
        info = v1.ReducerCallInfo("nothing", 11, b"", 12)
        full = v1.TransactionUpdate(
            v1.Committed(update), NOW, Identity.zero(), ConnectionId.from_int(9), info, 0, NO_TIME
        )
        assert self.news(self.CALL) == [full]
        assert self.news(self.CALL, light=True) == [v1.TransactionUpdateLight(12, update)]
        assert self.news(self.CALL, bindings="2.8") == [v1.TransactionUpdateLight(12, update)]
        assert self.news(None) == [v1.TransactionUpdateLight(0, update)]

    def test_sql_has_no_reducer(self) -> None:
        call = CallInfo("", b"", 0, ME, ConnectionId.zero(), NOW)
        (answer,) = self.news(call)
        assert answer.reducer_call == v1.ReducerCallInfo("", v1.NO_REDUCER, b"", 0)

    def test_nothing_is_said_of_events_and_nothings(self) -> None:
        server = Server()
        server.subscribe()
        events = (TableUpdate("person", (EventTableRows(RowList([ROW])),)),)
        assert server.say(TransactionUpdate((QuerySetUpdate(7, events),))) == []
        assert server.say(TransactionUpdate()) == []

    def test_queries_of_one_table_share_an_entry(self) -> None:
        server = Server()
        server.subscribe(7)
        server.subscribe(8, "SELECT * FROM person WHERE age = 30")
        parts = [QuerySetUpdate(number, CHANGE.query_sets[0].tables) for number in (7, 8)]
        (answer,) = server.say(TransactionUpdate(tuple(parts)))
        update = v1.QueryUpdate(RowList(), RowList([ROW]))
        assert answer == v1.TransactionUpdateLight(
            0, v1.DatabaseUpdate((v1.TableUpdate(4098, "person", 2, (update, update)),))
        )


def test_what_was_answered_at_once_keeps_its_place() -> None:
    server = Server(V1_JSON)
    server.subscribe()
    server.session.send(CHANGE, CallInfo("nothing", b"", 1, ME, MINE, NOW))
    server.hear(v1.CallReducer("add_person", "[]", 3), as_text=True)
    server.session.send(CHANGE)
    kinds = [type(message).__name__ for message in server.sent()]
    assert kinds == ["TransactionUpdate", "TransactionUpdate", "TransactionUpdateLight"]


def test_bytes_behind_a_message_are_ignored() -> None:
    frame = v1.encode_client(v1.UnsubscribeMulti(1, 2)) + b"\xee"
    assert V1.for_server().read_client_frame(frame) == [Unsubscribe(1, 2, 1)]


def test_large_answers_are_packed() -> None:
    server = ServerSession(V1, Compression.GZIP, schema=schema("1.4"))
    server.send(InitialConnection(ME, MINE, "x" * 5000))
    (frame,) = server.data_to_send()
    assert frame[0] == Compression.GZIP
