"""A server's side of the first protocol in JSON."""

from __future__ import annotations

import pytest
from support.first_protocol import (
    CHANGE,
    DELTA,
    ME,
    MINE,
    NOW,
    PAGE,
    ROW,
    Server,
    outcome,
    table_update,
)

from pytest_inner_universe.sats import DecodeError
from pytest_inner_universe.wire import (
    CallReducer,
    ReducerErr,
    ReducerOkEmpty,
    ReducerResult,
    v1,
)
from pytest_inner_universe.wire.calls import CallInfo
from pytest_inner_universe.wire.errors import LocalProtocolError
from pytest_inner_universe.wire.session import ClientSession, ServerSession
from pytest_inner_universe.wire.versions import V1, V1_JSON


class TestText:
    """The JSON encoding."""

    def test_rows_of_a_state_are_objects_and_rows_of_a_change_are_arrays(self) -> None:
        server = Server(V1_JSON)
        assert server.subscribe(rows=(ROW,)).update == v1.DatabaseUpdate((table_update((PAGE,)),))
        assert server.say(CHANGE) == [v1.TransactionUpdateLight(0, v1.DatabaseUpdate((table_update((DELTA,)),)))]

    def test_arguments_are_given_back_as_they_came(self) -> None:
        server = Server(V1_JSON)
        (request,) = server.hear(v1.CallReducer("add_person", '["Ann", 1,  30]', 3), as_text=True)
        assert request.args == ROW[8:]
        (answer,) = server.say(ReducerResult(3, NOW, ReducerErr.of("no")))
        assert answer == outcome(v1.Failed("no"), args='["Ann", 1,  30]')

    def test_arguments_of_others_are_written_out(self) -> None:
        server = Server(V1_JSON)
        server.subscribe()
        (answer,) = server.say(CHANGE, CallInfo("add_person", ROW[8:], 4, ME, MINE, NOW))
        assert isinstance(answer, v1.TransactionUpdate)
        assert answer.reducer_call.args == '["Ann",1,30]'

    def test_a_frame_is_what_it_is_whatever_was_agreed_on(self) -> None:
        server = Server(V1)
        (request,) = server.hear(v1.CallReducer("add_person", '{"name":"Ann","team":1,"age":30}', 3), as_text=True)
        assert request == CallReducer(3, 0, "add_person", ROW[8:])
        (answer,) = server.say(ReducerResult(3, NOW, ReducerOkEmpty()))
        assert answer == outcome(v1.Committed(v1.DatabaseUpdate()), args=ROW[8:])
        server = Server(V1_JSON)
        assert server.hear(v1.CallReducer("add_person", ROW[8:], 3)) == [request]
        (answer,) = server.say(ReducerResult(3, NOW, ReducerOkEmpty()))
        assert answer == outcome(v1.Committed(v1.DatabaseUpdate()), args='["Ann",1,30]')

    def test_arguments_that_do_not_fit_are_refused_at_once(self) -> None:
        server = Server(V1_JSON)
        server.session.send(CHANGE.__class__())
        assert server.hear(v1.CallReducer("add_person", '["Ann"]', 3), as_text=True) == []
        (answer,) = server.sent()
        assert isinstance(answer, v1.TransactionUpdate)
        why = "invalid length 1, expected reducer args for add_person with 3 elements at line 1 column 7"
        assert answer.status == v1.Failed(
            f"invalid arguments for reducer add_person: .: invalid arguments for function add_person: .: .: {why}"
        )
        assert answer.reducer_call == v1.ReducerCallInfo("add_person", 0, "[]", 0)
        assert (answer.caller_identity, answer.caller_connection_id) == (ME, MINE)

    def test_arguments_of_a_lifecycle_reducer_are_not_looked_at(self) -> None:
        (request,) = Server(V1_JSON).hear(v1.CallReducer("connected", "[1", 3), as_text=True)
        assert request == CallReducer(3, 0, "connected", b"")

    def test_arguments_of_a_procedure_that_do_not_fit_are_refused_at_once(self) -> None:
        server = Server(V1_JSON)
        (known,) = server.hear(v1.CallProcedure("nope", "[1]", 3), as_text=True)
        assert known.args == b""
        assert server.hear(v1.CallProcedure("add_person", "{", 4), as_text=True) == []
        (answer,) = server.sent()
        assert isinstance(answer, v1.ProcedureResult)
        assert isinstance(answer.status, v1.InternalError)
        assert answer.status.message == "invalid arguments for procedure add_person: ?"

    def test_rows_and_arguments_need_the_module(self) -> None:
        for session in (ClientSession, ServerSession):
            with pytest.raises(LocalProtocolError) as caught:
                session(V1_JSON)
            assert str(caught.value) == (
                "v1.json.spacetimedb needs the schema of the module: rows and arguments are text"
            )
        server = Server(V1, None)
        with pytest.raises(DecodeError) as refused:
            server.hear(v1.CallReducer("add_person", "[]", 3), as_text=True)
        assert refused.value.reason == "a frame of text, which cannot be read without the schema of the module"
