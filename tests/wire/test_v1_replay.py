"""Our sessions in real servers' conversations in the first protocol."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from support.recordings import RELEASES, frame_of, recording, schema_of

from pytest_inner_universe.sats import ConnectionId, DecodeError, EncodeError, Identity, TimeDuration
from pytest_inner_universe.wire import messages, v1, v1_json
from pytest_inner_universe.wire.errors import LocalProtocolError
from pytest_inner_universe.wire.frames import unpack
from pytest_inner_universe.wire.session import ClientSession, ServerSession
from pytest_inner_universe.wire.versions import VERSIONS


@RELEASES
def test_arguments_in_json_are_those_in_binary(release: str) -> None:
    """Both recordings follow the same script, so what a text means can be compared."""
    calls: list[dict[str, bytes]] = []
    for version in ("v1.bsatn", "v1.json"):
        found: dict[str, bytes] = {}
        server = connected_server(release, version)
        for event in recording(release, version):
            note, frame = event.get("note", ""), frame_of(event)
            if note.startswith("CallReducer") and "bad_args" not in note and frame is not None:
                (request,) = server.receive_data(frame)
                assert isinstance(request, messages.CallReducer)
                found[f"{event['scenario']} {note}"] = request.args
        calls.append(found)
    assert calls[0] == calls[1]
    assert len(calls[0]) > 20


def connected_server(release: str, version: str) -> ServerSession:
    server = ServerSession(VERSIONS[f"{version}.spacetimedb"], schema=schema_of(release))
    server.send(messages.InitialConnection(Identity.zero(), ConnectionId.zero(), ""))
    return server


@pytest.mark.parametrize("version", ["v1.bsatn", "v1.json"])
@RELEASES
def test_the_undecodable_frame_of_the_recording_is_refused(release: str, version: str) -> None:
    (broken,) = [event for event in recording(release, version) if event.get("note") == "undecodable message"]
    texts = {
        "v1.bsatn": "unknown tag 238 of client message, there are 8 at byte 0",
        "v1.json": "unknown client message 'Nope'",
    }
    with pytest.raises(DecodeError) as caught:
        connected_server(release, version).receive_data(frame_of(broken) or "")
    assert str(caught.value) == texts[version]


def masked(message: Any) -> Any:
    """Return a message of a server without what no two runs have in common, or what only a caller could know."""
    if isinstance(message, v1.TransactionUpdateLight):
        return replace(message, request_id=0)
    if isinstance(message, v1.UnsubscribeMultiApplied):
        # Which query a row belonged to, and the order of rows, are nobody's business any more.
        return sorted((table.table_name, row) for table in message.update.tables for row in table.updates[0].deletes)
    took = {"total_host_execution_duration_micros": 0, "total_host_execution_duration": TimeDuration(0)}
    names = {field.name for field in fields(message)}
    found = replace(message, **{name: value for name, value in took.items() if name in names})
    return replace(found, energy_quanta_used=0) if isinstance(found, v1.TransactionUpdate) else found


def brief(message: messages.ServerMessage) -> messages.ServerMessage:
    """Return a message as an engine says it: the first protocol tells all causes of a refusal, which our server adds."""
    if isinstance(message, messages.ReducerResult) and isinstance(message.result, messages.ReducerInternalError):
        text = message.result.message.partition(": invalid arguments for function ")[0]
        return replace(message, result=messages.ReducerInternalError(text))
    return message


class Replay:
    """Both of our sessions in a recorded conversation: what the recorded client said is said again by ours."""

    def __init__(self, release: str, version: str) -> None:
        self.version = VERSIONS[f"{version}.spacetimedb"]
        self.schema = schema_of(release)
        self.client = ClientSession(self.version, schema=self.schema)
        self.server = ServerSession(self.version, schema=self.schema)
        self.unsaid: set[int] = set()
        self.legacy = False

    def request(self, frame: bytes | str) -> None:
        for request in self.server.receive_data(frame):
            try:
                # Ids from here on are our own server's, for what the client named otherwise.
                if request.request_id >= 1 << 32 or getattr(request, "query_set_id", 0) >= 1 << 32:
                    raise EncodeError("a request without counterpart")
                if getattr(request, "flags", 0) and isinstance(request, messages.CallReducer):
                    raise EncodeError("a request without counterpart")
                self.client.send(request)
            except (LocalProtocolError, EncodeError):
                self.unsaid.add(request.request_id)
            else:
                (written,) = self.client.data_to_send()
                if isinstance(frame, bytes) and isinstance(written, bytes):
                    assert written == frame
        self.server.data_to_send()

    def answer(self, frame: bytes | str) -> bool:
        """Let our client hear it and our server say it again; return whether that was possible."""
        decoded = self.decode(frame)
        if isinstance(decoded, v1.OneOffQueryResponse) or getattr(decoded, "request_id", None) in self.unsaid:
            return False
        heard = self.client.receive_data(frame)
        for message in heard:
            self.server.send(brief(message))
        said = self.server.data_to_send()
        assert [masked(self.decode(one)) for one in said] == ([masked(decoded)] if heard else [])
        return bool(heard)

    def decode(self, frame: bytes | str) -> v1.ServerMessage:
        return v1_json.decode_server(frame) if isinstance(frame, str) else v1.decode_server(unpack(frame))


@pytest.mark.parametrize("version", ["v1.bsatn", "v1.json"])
def test_the_newer_release_says_what_our_server_says_to_our_client(version: str) -> None:
    replays: dict[tuple[str, str], Replay] = {}
    repeated = 0
    for event in recording("2.8.3", version):
        key, frame = (event["scenario"], event.get("conn", "")), frame_of(event)
        if event["dir"] == "http":
            replays[key] = Replay("2.8.3", version)
        # A single query's answer is one of `SubscribeSingle`, which our client never sends.
        if frame is None or event["scenario"] in {"legacy-subscribe", "garbage", "text-frame", "large-brotli"}:
            continue
        if event["dir"] == "c2s":
            replays[key].request(frame)
        elif "event tables" not in (frame if isinstance(frame, str) else frame.decode("latin-1")):
            repeated += replays[key].answer(frame)
    assert repeated > 95


@pytest.mark.parametrize("version", ["v1.bsatn", "v1.json"])
def test_our_client_understands_the_oldest_release(version: str) -> None:
    """There, failed calls have lost their request ids."""
    schema = schema_of("1.2.0")
    client = ClientSession(VERSIONS[f"{version}.spacetimedb"], schema=schema)
    server = ServerSession(VERSIONS[f"{version}.spacetimedb"], schema=schema)
    outcomes = []
    for event in recording("1.2.0", version):
        frame = frame_of(event)
        if event["scenario"] != "call-outcomes" or frame is None or "flags 1" in event.get("note", ""):
            continue
        if event["dir"] == "c2s":
            for request in server.receive_data(frame):
                client.send(request)
            client.data_to_send()
        else:
            heard = client.receive_data(frame)
            for message in heard:
                if isinstance(message, messages.InitialConnection):
                    server.send(message)
                elif isinstance(message, messages.ReducerResult):
                    outcomes.append((message.request_id, type(message.result).__name__))
    assert outcomes == [
        (1, "ReducerOk"),
        (2, "ReducerErr"),
        (3, "ReducerInternalError"),
        (4, "ReducerOk"),
        (5, "ReducerInternalError"),
        *([(6, "ReducerInternalError")] if version == "v1.bsatn" else []),
        (7, "ReducerInternalError"),
    ]
