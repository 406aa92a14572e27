"""Frames that are nearly right, for both sides of every protocol."""

from __future__ import annotations

import asyncio
import re
import socket
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from server.front.peer import Closed, Peer, call
from support.examples import examples
from support.mutation import mutated
from support.recordings import frames, schema_of

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.sats import ConnectionId, DecodeError, Identity
from pytest_inner_universe.server.endpoint import Endpoint
from pytest_inner_universe.server.front import Front
from pytest_inner_universe.server.front.entry import Entry
from pytest_inner_universe.wire import ServerMessage, SubscribeBatch, messages
from pytest_inner_universe.wire.errors import RemoteProtocolError
from pytest_inner_universe.wire.frames import Compression
from pytest_inner_universe.wire.session import ClientSession, ServerSession
from pytest_inner_universe.wire.versions import VERSIONS

RELEASES = {"v1.json": "1.2.0", "v1.bsatn": "1.2.0", "v2.bsatn": "2.8.3", "v3.bsatn": "2.8.3"}
EVERY = pytest.mark.parametrize("version", RELEASES)
HELLO = messages.InitialConnection(Identity.zero(), ConnectionId.from_int(1), "token")
SECONDS = 20.0
UNFORESEEN = re.compile(r"\w*(Error|Exception|Refused)\b: .*", re.DOTALL)
"""How the front words what it did not expect."""


def recorded(version: str, direction: str) -> list[bytes]:
    found = frames(RELEASES[version], version, direction)
    raw = [frame.encode() if isinstance(frame, str) else frame for frame in found]
    return sorted({frame for frame in raw if len(frame) < 20_000})


def as_sent(version: str, frame: bytes) -> bytes | str:
    return frame.decode("utf-8", "replace") if version == "v1.json" else frame


def several(version: str, direction: str) -> st.SearchStrategy[list[bytes | str]]:
    """Real frames and mutated ones, in any order."""
    samples = recorded(version, direction)
    frame = st.one_of(st.sampled_from(samples), mutated(samples))
    return st.lists(frame.map(lambda one: as_sent(version, one)), min_size=1, max_size=6)


@EVERY
def test_a_client_refuses_what_it_cannot_use(version: str) -> None:
    name, schema = f"{version}.spacetimedb", schema_of(RELEASES[version])

    @examples(200)
    @given(several(version, "s2c"))
    def attempt(heard: list[bytes | str]) -> None:
        session = ClientSession(VERSIONS[name], 1 << 20, schema=schema)
        try:
            for frame in heard:
                session.receive_data(frame)
        except (DecodeError, RemoteProtocolError) as error:
            assert_short(error)

    attempt()


def open_door(entry: Entry) -> None:
    """Let clients in again, should one have called the reducer that shuts everybody out."""
    entry.database.sql("DELETE FROM seen WHERE what = 'closed'")


def assert_short(error: Exception) -> None:
    assert len(str(error)) < 2_000


@EVERY
def test_a_database_answers_or_refuses_whatever_it_is_asked(version: str, entry: Entry) -> None:
    name, schema = f"{version}.spacetimedb", schema_of(RELEASES[version])

    @examples(60)
    @given(several(version, "c2s"))
    def attempt(said: list[bytes | str]) -> None:
        open_door(entry)
        session = ServerSession(VERSIONS[name], Compression.NONE, schema=schema)
        answers: list[ServerMessage] = []
        end = Endpoint(entry.database).attach(None, answers.append, lambda code, reason: None)
        try:
            for frame in said:
                try:
                    understood = session.receive_data(frame)
                except (DecodeError, RemoteProtocolError) as error:
                    assert_short(error)
                    return
                for message in understood:
                    if not isinstance(message, SubscribeBatch):  # which the front refuses
                        end.handle(message)
                for answer in answers:
                    session.send(answer)
                answers.clear()
                session.data_to_send()
        finally:
            end.close()

    attempt()


@EVERY
def test_one_client_s_garbage_is_nobody_else_s(
    version: str, front: Front, entry: Entry, module: Module, complaints: list[str]
) -> None:
    async def visit(said: list[bytes | str]) -> None:
        async with Peer(front.url) as other:
            async with Peer(front.url, protocol=f"{version}.spacetimedb", definition=module.definition) as peer:
                for frame in [*said, as_sent(version, b"\xee")]:
                    await peer.say_raw(frame)
                assert not UNFORESEEN.fullmatch(await _reason(peer))
            assert isinstance(await other.ask(call(module, 1, "nothing")), messages.ReducerResult)

    @examples(15)
    @given(several(version, "c2s"))
    def attempt(said: list[bytes | str]) -> None:
        open_door(entry)
        asyncio.run(asyncio.wait_for(visit(said), SECONDS))
        found, complaints[:] = complaints[:], []
        assert found == []

    attempt()


async def _reason(peer: Peer) -> str:
    """Return why the server ended the connection, which it does at the latest when it reads the last frame."""
    try:
        while True:
            await peer.hear_raw()
    except Closed as closed:
        return closed.reason


REQUEST = (
    b"GET /v1/database/here/subscribe HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: v2.bsatn.spacetimedb\r\n\r\n"
)


def framed(opcode: int, payload: bytes, *, is_last: bool = True) -> bytes:
    """Return a frame as clients send it, with a mask that changes nothing."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([opcode | (0x80 if is_last else 0)]) + length + bytes(4) + payload


STREAMS = [
    framed(2, b"\x03\1\0\0\0\0\x07\0\0\0nothing\0\0\0\0") * 2 + framed(8, b"\x03\xe8bye"),
    framed(9, b"ping")
    + framed(2, b"\x02\1\0\0\0", is_last=False)
    + framed(0, b"\x0f\0\0\0SELECT * FROM t")
    + framed(10, b""),
    framed(1, b"{}") + framed(2, b"x" * 300),
]


def test_damaged_streams_end(front: Front, complaints: list[str]) -> None:
    address = urlsplit(front.url or "")

    @examples(60)
    @given(mutated([*STREAMS, *(REQUEST + stream for stream in STREAMS)]), st.booleans())
    def attempt(stream: bytes, is_greeted: bool) -> None:
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=SECONDS) as connection:
            connection.sendall((REQUEST if is_greeted else b"") + stream)
            connection.shutdown(socket.SHUT_WR)
            try:
                while connection.recv(65_536):
                    pass
            except ConnectionResetError:
                pass
        found, complaints[:] = complaints[:], []
        assert found == []

    attempt()
