"""The two sessions: phases, request ids, query sets, and who is to blame."""

from __future__ import annotations

import pytest

from pytest_inner_universe.sats import ConnectionId, DecodeError, Identity, Timestamp
from pytest_inner_universe.wire import (
    CallProcedure,
    CallReducer,
    ClientMessage,
    InitialConnection,
    OneOffQuery,
    OneOffQueryResult,
    ProcedureInternalError,
    ProcedureResult,
    QueryRows,
    QuerySetUpdate,
    ReducerErr,
    ReducerOk,
    ReducerOkEmpty,
    ReducerResult,
    ServerMessage,
    Subscribe,
    SubscribeApplied,
    SubscribeBatch,
    SubscribeBatchApplied,
    SubscribeSet,
    SubscribeSetResult,
    SubscriptionError,
    TransactionUpdate,
    Unsubscribe,
    UnsubscribeApplied,
)
from pytest_inner_universe.wire.conversation import Phase
from pytest_inner_universe.wire.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from pytest_inner_universe.wire.frames import Compression
from pytest_inner_universe.wire.session import ClientSession, ServerSession
from pytest_inner_universe.wire.versions import V2, VERSIONS

HELLO = InitialConnection(Identity.zero(), ConnectionId.zero(), "token")
NOW = Timestamp(0)


def connected() -> tuple[ClientSession, ServerSession]:
    """Return both sides of a conversation that has begun."""
    client, server = ClientSession(), ServerSession()
    answer(client, server, HELLO)
    return client, server


def ask(client: ClientSession, server: ServerSession, message: ClientMessage) -> None:
    """Let the client say something, and the server hear it."""
    client.send(message)
    (frame,) = client.data_to_send()
    assert server.receive_data(frame) == [message]


def answer(client: ClientSession, server: ServerSession, message: ServerMessage) -> None:
    """Let the server say something, and the client hear it."""
    server.send(message)
    (frame,) = server.data_to_send()
    assert client.receive_data(frame) == [message]


def subscribed() -> tuple[ClientSession, ServerSession]:
    """Return both sides of a conversation in which query set 7 is live."""
    client, server = connected()
    ask(client, server, Subscribe(1, 7, ("a",)))
    answer(client, server, SubscribeApplied(1, 7, QueryRows()))
    return client, server


def update(query_set_id: int) -> TransactionUpdate:
    """Return an update that names one query set."""
    return TransactionUpdate((QuerySetUpdate(query_set_id, ()),))


class TestPhases:
    """New, connected, closed."""

    def test_the_introduction_connects_both_sides(self) -> None:
        client, server = ClientSession(), ServerSession()
        assert (client.phase, server.phase) == (Phase.NEW, Phase.NEW)
        answer(client, server, HELLO)
        assert (client.phase, server.phase) == (Phase.CONNECTED, Phase.CONNECTED)

    @pytest.mark.parametrize("message", [update(1), ReducerResult(1, NOW, ReducerOkEmpty())])
    def test_a_server_introduces_the_client_first(self, message: ServerMessage) -> None:
        text = f"{type(message).__name__}: the first message of a conversation is InitialConnection"
        with pytest.raises(LocalProtocolError) as local:
            ServerSession().send(message)
        with pytest.raises(RemoteProtocolError) as remote:
            ClientSession().receive(message)
        assert str(local.value) == str(remote.value) == text

    def test_a_client_waits_for_the_introduction(self) -> None:
        with pytest.raises(LocalProtocolError) as caught:
            ClientSession().send(OneOffQuery(1, "a"))
        assert str(caught.value) == "OneOffQuery: the first message of a conversation is InitialConnection"

    def test_there_is_one_introduction(self) -> None:
        client, server = connected()
        with pytest.raises(LocalProtocolError) as local:
            server.send(HELLO)
        with pytest.raises(RemoteProtocolError) as remote:
            client.receive(HELLO)
        assert str(local.value) == str(remote.value) == "InitialConnection: the conversation has begun already"

    def test_after_the_close_nothing_is_said(self) -> None:
        client, server = connected()
        client.close(1000, "bye")
        server.close()
        with pytest.raises(LocalProtocolError) as local:
            client.send(OneOffQuery(1, "a"))
        with pytest.raises(RemoteProtocolError) as remote:
            server.receive(OneOffQuery(1, "a"))
        assert str(local.value) == str(remote.value) == "OneOffQuery: the conversation is closed"
        with pytest.raises(RemoteProtocolError) as remote:
            client.receive(update(1))
        assert str(remote.value) == "TransactionUpdate: the conversation is closed"

    def test_the_first_close_counts(self) -> None:
        client, _ = connected()
        client.close(1011, "error text")
        client.close(1000, "later")
        assert (client.phase, client.close_code, client.close_reason) == (Phase.CLOSED, 1011, "error text")

    def test_a_session_can_be_closed_before_it_begins(self) -> None:
        client = ClientSession()
        client.close()
        assert (client.phase, client.close_code, client.close_reason) == (Phase.CLOSED, None, "")

    def test_the_repr_tells_the_condition(self) -> None:
        client, _ = connected()
        client.send(OneOffQuery(1, "a"))
        assert repr(client) == "<ClientSession connected, 1 unanswered>"
        assert repr(ServerSession()) == "<ServerSession new, 0 unanswered>"


class TestRequests:
    """One answer for every request."""

    @pytest.mark.parametrize(
        ("question", "reply"),
        [
            (OneOffQuery(1, "a"), OneOffQueryResult(1, QueryRows())),
            (OneOffQuery(1, "a"), OneOffQueryResult(1, "no")),
            (CallReducer(1, 0, "r", b""), ReducerResult(1, NOW, ReducerOkEmpty())),
            (CallReducer(1, 0, "r", b""), ReducerResult(1, NOW, ReducerErr.of("no"))),
            (CallReducer(1, 0, "r", b""), ReducerResult(1, NOW, ReducerOk(b"", TransactionUpdate()))),
            (Subscribe(1, 2, ()), SubscribeApplied(1, 2, QueryRows())),
            (Subscribe(1, 2, ()), SubscriptionError(1, 2, "no")),
        ],
    )
    def test_an_answer_settles_its_request(self, question: ClientMessage, reply: ServerMessage) -> None:
        client, server = connected()
        ask(client, server, question)
        assert client.unanswered == server.unanswered == (question,)
        answer(client, server, reply)
        assert not client.unanswered + server.unanswered

    def test_a_procedure_is_answered(self) -> None:
        client, server = connected()
        ask(client, server, CallProcedure(1, 0, "p", b""))
        reply = ProcedureResult(ProcedureInternalError("no"), NOW, NOW - NOW, 1)
        answer(client, server, reply)
        assert client.unanswered == ()

    def test_answers_may_come_in_any_order(self) -> None:
        client, server = connected()
        for request_id in (1, 2, 3):
            ask(client, server, OneOffQuery(request_id, "a"))
        for request_id in (2, 3, 1):
            answer(client, server, OneOffQueryResult(request_id, "no"))
        assert client.unanswered == ()

    def test_an_answer_without_request_is_refused(self) -> None:
        client, server = connected()
        reply = OneOffQueryResult(5, "no")
        with pytest.raises(LocalProtocolError) as local:
            server.send(reply)
        with pytest.raises(RemoteProtocolError) as remote:
            client.receive(reply)
        assert str(local.value) == str(remote.value) == "OneOffQueryResult: no request 5 waits for an answer"
        assert (server.phase, client.phase) == (Phase.CONNECTED, Phase.CLOSED)
        assert server.data_to_send() == []

    def test_a_second_answer_is_refused(self) -> None:
        client, server = connected()
        ask(client, server, OneOffQuery(5, "a"))
        answer(client, server, OneOffQueryResult(5, "no"))
        with pytest.raises(RemoteProtocolError) as caught:
            client.receive(OneOffQueryResult(5, "no"))
        assert str(caught.value) == "OneOffQueryResult: no request 5 waits for an answer"

    def test_an_answer_of_another_kind_is_refused(self) -> None:
        client, server = connected()
        ask(client, server, OneOffQuery(5, "a"))
        with pytest.raises(RemoteProtocolError) as caught:
            client.receive(ReducerResult(5, NOW, ReducerOkEmpty()))
        assert str(caught.value) == "ReducerResult: request 5 is a OneOffQuery, which this does not answer"

    def test_a_client_does_not_use_a_request_id_twice_at_a_time(self) -> None:
        client, server = connected()
        ask(client, server, OneOffQuery(5, "a"))
        with pytest.raises(LocalProtocolError) as caught:
            client.send(OneOffQuery(5, "b"))
        assert str(caught.value) == "OneOffQuery: request id 5 still waits for its answer"
        assert client.messages_to_send() == []
        answer(client, server, OneOffQueryResult(5, "no"))
        ask(client, server, OneOffQuery(5, "b"))

    def test_a_server_does_not_mind_request_ids_that_are_not_unique(self) -> None:
        _, server = connected()
        server.receive(OneOffQuery(0, "a"))
        server.receive(CallReducer(0, 0, "r", b""))
        server.receive(OneOffQuery(0, "b"))
        for reply in (
            ReducerResult(0, NOW, ReducerOkEmpty()),
            OneOffQueryResult(0, "no"),
            OneOffQueryResult(0, "no"),
        ):
            server.send(reply)
        assert server.unanswered == ()


class TestQuerySets:
    """Starting, live, ending."""

    def test_a_set_is_live_from_its_answer_to_its_end(self) -> None:
        client, server = connected()
        ask(client, server, Subscribe(1, 7, ("a",)))
        assert client.live_query_sets == server.live_query_sets == frozenset()
        answer(client, server, SubscribeApplied(1, 7, QueryRows()))
        assert client.live_query_sets == server.live_query_sets == {7}
        ask(client, server, Unsubscribe(2, 7))
        answer(client, server, update(7))
        assert client.live_query_sets == {7}
        answer(client, server, UnsubscribeApplied(2, 7))
        assert client.live_query_sets == server.live_query_sets == frozenset()
        ask(client, server, Subscribe(3, 7, ("a",)))

    def test_an_update_names_live_sets_only(self) -> None:
        client, server = connected()
        ask(client, server, Subscribe(1, 7, ("a",)))
        with pytest.raises(LocalProtocolError) as local:
            server.send(update(7))
        with pytest.raises(RemoteProtocolError) as remote:
            client.receive(update(7))
        assert str(local.value) == str(remote.value) == "TransactionUpdate: query set 7 is not live"

    def test_the_update_inside_a_reducer_result_names_live_sets_only(self) -> None:
        client, server = subscribed()
        ask(client, server, CallReducer(2, 0, "r", b""))
        with pytest.raises(RemoteProtocolError) as caught:
            client.receive(ReducerResult(2, NOW, ReducerOk(b"", update(8))))
        assert str(caught.value) == "ReducerResult: query set 8 is not live"

    def test_a_client_does_not_use_a_query_set_twice_at_a_time(self) -> None:
        client, _ = subscribed()
        with pytest.raises(LocalProtocolError) as caught:
            client.send(Subscribe(2, 7, ("b",)))
        assert str(caught.value) == "Subscribe: query set 7 is in use"

    def test_a_server_answers_a_query_set_that_is_in_use_with_an_error(self) -> None:
        _, server = subscribed()
        server.receive(Subscribe(2, 7, ("b",)))
        with pytest.raises(LocalProtocolError) as caught:
            server.send(SubscribeApplied(2, 7, QueryRows()))
        assert str(caught.value) == "SubscribeApplied: query set 7 is in use"
        server.send(SubscriptionError(2, 7, "in use"))
        assert server.live_query_sets == {7}

    def test_a_client_does_not_end_a_set_that_does_not_exist(self) -> None:
        client, _ = connected()
        with pytest.raises(LocalProtocolError) as caught:
            client.send(Unsubscribe(2, 9))
        assert str(caught.value) == "Unsubscribe: query set 9 does not exist"

    def test_a_client_does_not_end_a_set_twice(self) -> None:
        client, _ = subscribed()
        client.send(Unsubscribe(2, 7))
        with pytest.raises(LocalProtocolError) as caught:
            client.send(Unsubscribe(3, 7))
        assert str(caught.value) == "Unsubscribe: query set 7 is ending already"

    def test_a_server_answers_the_end_of_an_unknown_set_with_an_error(self) -> None:
        _, server = connected()
        server.receive(Unsubscribe(2, 9))
        server.send(SubscriptionError(2, 9, "not found"))
        assert server.unanswered == ()

    def test_a_refused_subscription_leaves_no_set(self) -> None:
        client, server = connected()
        ask(client, server, Subscribe(1, 7, ("a",)))
        answer(client, server, SubscriptionError(1, 7, "no"))
        ask(client, server, Subscribe(2, 7, ("b",)))

    def test_a_set_that_breaks_is_gone(self) -> None:
        client, server = subscribed()
        answer(client, server, SubscriptionError(None, 7, "broke"))
        assert client.live_query_sets == server.live_query_sets == frozenset()
        with pytest.raises(RemoteProtocolError) as caught:
            client.receive(SubscriptionError(None, 7, "broke"))
        assert str(caught.value) == "SubscriptionError: query set 7 does not exist"

    @pytest.mark.parametrize(
        "reply", [SubscribeApplied(1, 8, QueryRows()), SubscriptionError(1, 8, "no")], ids=["applied", "error"]
    )
    def test_the_answer_is_about_the_set_of_the_request(self, reply: ServerMessage) -> None:
        client, server = connected()
        ask(client, server, Subscribe(1, 7, ("a",)))
        with pytest.raises(RemoteProtocolError) as caught:
            client.receive(reply)
        assert str(caught.value) == f"{type(reply).__name__}: request 1 is about query set 7, not 8"


class TestBatches:
    """Several query sets in one request."""

    BATCH = SubscribeBatch(1, (SubscribeSet(1, ("a",)), SubscribeSet(2, ("b",))))

    def test_each_set_goes_its_own_way(self) -> None:
        client, server = connected()
        ask(client, server, self.BATCH)
        answer(
            client,
            server,
            SubscribeBatchApplied(1, (SubscribeSetResult(1, QueryRows()), SubscribeSetResult(2, "no"))),
        )
        assert client.live_query_sets == server.live_query_sets == {1}
        ask(client, server, Subscribe(2, 2, ("b",)))

    def test_the_results_are_those_of_the_sets(self) -> None:
        client, server = connected()
        ask(client, server, self.BATCH)
        with pytest.raises(RemoteProtocolError) as caught:
            client.receive(SubscribeBatchApplied(1, (SubscribeSetResult(1, QueryRows()),)))
        assert str(caught.value) == "SubscribeBatchApplied: the results of request 1 do not match its sets"

    def test_a_client_does_not_name_a_set_twice(self) -> None:
        client, _ = connected()
        with pytest.raises(LocalProtocolError) as caught:
            client.send(SubscribeBatch(1, (SubscribeSet(3, ()), SubscribeSet(3, ()))))
        assert str(caught.value) == "SubscribeBatch: query set 3 is in use"


class TestBytes:
    """Frames in, frames out."""

    def test_a_damaged_frame_closes_the_session(self) -> None:
        client, server = connected()
        with pytest.raises(DecodeError):
            server.receive_data(b"\xee\xee\xee")
        with pytest.raises(DecodeError):
            client.receive_data(b"\0\xee")
        assert (client.phase, server.phase) == (Phase.CLOSED, Phase.CLOSED)

    def test_large_messages_are_packed_as_the_client_asked(self) -> None:
        server = ServerSession(compression=Compression.GZIP)
        server.send(HELLO)
        server.receive(OneOffQuery(1, "a"))
        server.send(OneOffQueryResult(1, "x" * 5000))
        small, large = server.data_to_send()
        assert (small[0], large[0]) == (Compression.NONE, Compression.GZIP)

    def test_a_client_limits_what_a_frame_unpacks_to(self) -> None:
        server = ServerSession(compression=Compression.GZIP)
        server.send(InitialConnection(Identity.zero(), ConnectionId.zero(), "x" * 5000))
        with pytest.raises(DecodeError) as caught:
            ClientSession(limit=4000).receive_data(server.data_to_send()[0])
        assert str(caught.value) == "the body unpacks to more than the limit of 4000 bytes at byte 1"

    def test_messages_leave_once(self) -> None:
        client, _ = connected()
        client.send(OneOffQuery(1, "a"))
        assert client.messages_to_send() == [OneOffQuery(1, "a")]
        assert client.messages_to_send() == []
        assert client.data_to_send() == []

    def test_the_version_is_known_by_its_subprotocol(self) -> None:
        assert ClientSession().version is V2
        assert VERSIONS["v2.bsatn.spacetimedb"] is V2
        assert all(version.subprotocol == name for name, version in VERSIONS.items())


def test_a_protocol_error_says_who_broke_the_rule() -> None:
    with pytest.raises(TypeError) as caught:
        ProtocolError("x")
    assert str(caught.value) == "raise LocalProtocolError or RemoteProtocolError, which say who broke the rule"
