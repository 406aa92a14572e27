"""Several messages in one frame."""

from __future__ import annotations

import pytest

from pytest_inner_universe.sats import ConnectionId, DecodeError, Identity, Timestamp
from pytest_inner_universe.wire import (
    CallReducer,
    InitialConnection,
    OneOffQuery,
    OneOffQueryResult,
    ReducerOkEmpty,
    ReducerResult,
    v2,
    v3,
)
from pytest_inner_universe.wire.frames import Compression
from pytest_inner_universe.wire.session import ClientSession, ServerSession
from pytest_inner_universe.wire.versions import V2, V3

CALLS = [CallReducer(number, 0, "nothing", b"") for number in (1, 2, 3)]
RESULTS = [ReducerResult(number, Timestamp(0), ReducerOkEmpty()) for number in (1, 2, 3)]


def connected() -> tuple[ClientSession, ServerSession]:
    client, server = ClientSession(V3), ServerSession(V3)
    server.send(InitialConnection(Identity.zero(), ConnectionId.zero(), "token"))
    for frame in server.data_to_send():
        client.receive_data(frame)
    return client, server


def test_what_is_sent_together_travels_together() -> None:
    client, server = connected()
    for call in CALLS:
        client.send(call)
    (frame,) = client.data_to_send()
    assert frame == b"".join(v2.encode_client(call) for call in CALLS)
    assert server.receive_data(frame) == CALLS
    for result in RESULTS:
        server.send(result)
    (frame,) = server.data_to_send()
    assert frame == b"\0" + b"".join(v2.encode_server(result) for result in RESULTS)
    assert client.receive_data(frame) == RESULTS


def test_a_frame_counts_as_a_whole() -> None:
    _, server = connected()
    with pytest.raises(DecodeError) as caught:
        server.receive_data(v2.encode_client(CALLS[0]) + b"\xee")
    assert str(caught.value) == "unknown tag 238 of client message, there are 6 at byte 21"
    assert server.unanswered == ()


def test_a_frame_without_a_message() -> None:
    client, server = connected()
    for receive, frame in ((client.receive_data, b"\0"), (server.receive_data, b"")):
        with pytest.raises(DecodeError) as caught:
            receive(frame)
        assert caught.value.reason == "the frame is empty, it should hold at least one message"


def test_a_text_frame_is_an_error() -> None:
    _, server = connected()
    with pytest.raises(DecodeError) as caught:
        server.receive_data('{"CallReducer":{}}')
    assert caught.value.reason == "a text frame, where this version of the protocol has binary ones only"


def test_nothing_to_say_is_no_frame() -> None:
    assert v3.encode_client([]) == v3.encode_server([]) == []


def test_frames_have_a_target_size() -> None:
    calls = [CallReducer(number, 0, "r", bytes(100_000)) for number in range(5)]
    bodies = v3.encode_client(calls)
    assert [len(v3.decode_client(body)) for body in bodies] == [2, 2, 1]
    assert all(len(body) <= v3.CLIENT_TARGET for body in bodies)
    answers = [OneOffQueryResult(number, "x" * size) for number, size in enumerate((10, v3.SERVER_TARGET, 10, 10))]
    assert [len(v3.decode_server(body)) for body in v3.encode_server(answers)] == [1, 1, 2]


def test_a_frame_is_packed_as_a_whole() -> None:
    answers = [OneOffQueryResult(number, "x" * 600) for number in range(2)]
    (frame,) = V3.for_server().server_frames(answers, Compression.GZIP)
    assert frame[0] == Compression.GZIP
    assert V3.for_client().read_server_frame(frame) == answers


def test_the_second_protocol_ignores_what_follows_a_message_and_the_third_does_not() -> None:
    frame = v2.encode_client(OneOffQuery(1, "a")) + b"\xee"
    assert V2.read_client_frame(frame) == [OneOffQuery(1, "a")]
    with pytest.raises(DecodeError):
        V3.read_client_frame(frame)
