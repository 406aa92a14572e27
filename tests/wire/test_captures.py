"""Real servers' conversations, frame by frame."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from pytest_inner_universe.sats import DecodeError
from pytest_inner_universe.wire import v2
from pytest_inner_universe.wire.errors import CompressionUnavailable, LocalProtocolError
from pytest_inner_universe.wire.frames import Compression, pack, unpack
from pytest_inner_universe.wire.session import ClientSession, ServerSession

BROTLI_IS_INSTALLED = find_spec("brotli") is not None


def frames(recorded: list[dict[str, Any]], direction: str) -> list[bytes]:
    """Return the binary frames of one direction, the deliberately broken one left out."""
    return [
        bytes.fromhex(event["hex"])
        for event in recorded
        if event["dir"] == direction and "hex" in event and event.get("note") != "undecodable message"
    ]


def test_every_client_frame_decodes_and_is_written_with_the_same_bytes(recorded: list[dict[str, Any]]) -> None:
    sent = frames(recorded, "c2s")
    assert len(sent) > 70
    assert [v2.encode_client(v2.decode_client(frame)) for frame in sent] == sent


def test_every_plain_server_frame_decodes_and_is_written_with_the_same_bytes(recorded: list[dict[str, Any]]) -> None:
    plain = [frame for frame in frames(recorded, "s2c") if frame[0] == Compression.NONE]
    assert len(plain) > 80
    assert [pack(v2.encode_server(v2.decode_server(unpack(frame)))) for frame in plain] == plain


def test_every_packed_server_frame_holds_a_message(recorded: list[dict[str, Any]]) -> None:
    packed = [frame for frame in frames(recorded, "s2c") if frame[0] != Compression.NONE]
    assert sorted({frame[0] for frame in packed}) == [Compression.BROTLI, Compression.GZIP]
    for frame in packed:
        try:
            message = v2.decode_server(unpack(frame))
        except CompressionUnavailable:
            assert frame[0] == Compression.BROTLI
            assert not BROTLI_IS_INSTALLED
            continue
        assert isinstance(message, v2.ReducerResult)
        assert isinstance(message.result, v2.ReducerOk)
        assert v2.decode_server(unpack(pack(v2.encode_server(message), Compression(frame[0])))) == message


def test_the_undecodable_frame_of_the_recording_is_refused(recorded: list[dict[str, Any]]) -> None:
    (broken,) = [event["hex"] for event in recorded if event.get("note") == "undecodable message"]
    with pytest.raises(DecodeError) as caught:
        v2.decode_client(bytes.fromhex(broken))
    assert str(caught.value) == "unknown tag 238 of client message, there are 6 at byte 0"


def test_both_sessions_agree_with_the_recorded_conversations(recorded: list[dict[str, Any]]) -> None:
    """What was said is in order for our sessions, but for two mistakes that the recording client made on purpose."""
    sides: dict[tuple[str, str], tuple[ClientSession, ServerSession]] = {}
    refused: dict[int, str] = {}
    for event in recorded:
        key = (event["scenario"], event.get("conn", ""))
        if event["dir"] == "http":
            sides[key] = (ClientSession(), ServerSession())
        if "hex" not in event or event["scenario"] in {"large-brotli", "garbage"}:
            continue
        client, server = sides[key]
        frame = bytes.fromhex(event["hex"])
        if event["dir"] == "c2s":
            (request,) = server.receive_data(frame)
            try:
                client.send(request)
            except LocalProtocolError as error:
                refused[request.request_id] = str(error)
            else:
                assert client.data_to_send() == [frame]
        else:
            answer = v2.decode_server(unpack(frame))
            server.send(answer)
            assert len(server.data_to_send()) == 1
            # Our client did not send the two requests, so it does not wait for their answers.
            if not (event["scenario"] == "queries" and getattr(answer, "request_id", None) in refused):
                assert client.receive_data(frame) == [answer]
    assert list(refused.values()) == [
        "Subscribe: query set 1 is in use",
        "Unsubscribe: query set 999 does not exist",
    ]
