"""How the front ends a connection whose client breaks a rule or is not there any more."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest
from aiohttp import WSMsgType
from server.front.peer import Peer, Pieces, call

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.front import Front
from pytest_inner_universe.server.registry import Registry
from pytest_inner_universe.wire import messages, v2

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("published")]

V1, V1_JSON, V2, V3 = "v1.bsatn.spacetimedb", "v1.json.spacetimedb", "v2.bsatn.spacetimedb", "v3.bsatn.spacetimedb"


@pytest.mark.parametrize(
    ("protocol", "frame", "reason"),
    [
        (V1, b"\xee\xee\xee", "unknown tag 0xee for sum type ClientMessage"),
        (V2, b"\xee\xee\xee", "unknown tag 0xee for sum type ClientMessage"),
        (V3, b"\xee\xee\xee", "unknown tag 0xee for sum type ClientMessage"),
        (V2, "{}", "v2 websocket does not support text messages"),
        (V3, "{}", "v3 websocket does not support text messages"),
        (V3, b"", "v3 websocket binary payload must contain at least one v2 client message"),
        # Servers since 2.9 know this message; the release that is imitated does not.
        (V2, b"\x05\1\0\0\0\0\0\0\0", "unknown tag 0x5 for sum type ClientMessage"),
    ],
)
async def test_a_frame_that_cannot_be_read(
    front: Front, module: Module, protocol: str, frame: bytes | str, reason: str
) -> None:
    async with Peer(front.url, protocol=protocol, definition=module.definition) as peer:
        await peer.say_raw(frame)
        assert await peer.ending() == (1011, reason)


@pytest.mark.parametrize("protocol", [V1_JSON, V1, V2, V3])
@pytest.mark.parametrize(
    "frame", [b"\x00", b"\x03\1\0\0\0", b"\x02\xff\xff\xff\xff\xff\xff\xff\xff", '{"Nope":1}', "[", ""]
)
async def test_garbage_ends_one_connection_and_no_other(
    front: Front, module: Module, protocol: str, frame: bytes | str
) -> None:
    async with Peer(front.url) as other:
        async with Peer(front.url, protocol=protocol, definition=module.definition) as peer:
            await peer.say_raw(frame)
            code, reason = await peer.ending()
            assert code == 1011
            assert 0 < len(reason.encode()) <= 123
        answer = await other.ask(call(module, 1, "nothing"))
        assert isinstance(answer, messages.ReducerResult)


async def test_what_was_answered_before_the_end_is_heard(front: Front, module: Module) -> None:
    async with Peer(front.url, protocol=V3) as peer:
        answers = [await peer.ask(call(module, number, "nothing")) for number in range(3)]
        await peer.say_raw(b"")
        assert (await peer.ending())[0] == 1011
    assert len(answers) == 3


async def test_too_many_requests(serve: Callable[..., Front], registry: Registry, module: Module) -> None:
    front = serve(incoming=3)
    async with Peer(front.url) as peer:
        with registry.find("here").database.lock:  # so that none is handled
            await peer.say(*(call(module, number, "nothing") for number in range(4)))
            assert await peer.ending() == (1013, "too many requests")


async def test_a_client_that_takes_nothing_is_dropped(serve: Callable[..., Front], registry: Registry) -> None:
    front = serve(outgoing=3)
    database = registry.find("here").database
    held, may_go_on = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        may_go_on.wait()

    async with Peer(front.url) as peer:
        await peer.ask(messages.Subscribe(1, 5, ("SELECT * FROM seen",)))
        assert front._loop is not None
        front._loop.call_soon_threadsafe(hold)  # so that nothing is sent
        held.wait()
        for number in range(5):
            database.sql(f"INSERT INTO seen (what) VALUES ('{number}')")
        may_go_on.set()
        heard, closed = await peer.rest()
        assert (closed.code, closed.reason) == (1006, "")
        assert len(heard) <= 3


async def test_a_client_that_reads_slowly_keeps_nobody_waiting(front: Front, module: Module) -> None:
    async with Peer(front.url) as slow, Peer(front.url) as caller:
        await slow.ask(messages.Subscribe(1, 5, ("SELECT * FROM seen",)))
        await caller.ask(call(module, 1, "many", 100_000))  # some megabytes, more than sockets hold
        answers = [await caller.ask(call(module, number, "nothing")) for number in range(50)]
        assert all(isinstance(answer, messages.ReducerResult) for answer in answers)
        update = await slow.hear()
        assert isinstance(update, messages.TransactionUpdate)


@pytest.mark.parametrize("protocol", [V1_JSON, V1, V2, V3])
async def test_random_frames_harm_nobody(front: Front, module: Module, protocol: str) -> None:
    chance = random.Random(protocol)
    async with Peer(front.url) as other:
        for number in range(100):
            async with Peer(front.url, protocol=protocol, definition=module.definition) as peer:
                for _ in range(chance.randrange(4)):
                    frame = bytes([chance.randrange(9)]) + chance.randbytes(chance.randrange(30))
                    await peer.say_raw(frame if chance.random() < 0.8 else frame.hex())
            answer = await other.ask(call(module, number, "nothing"))
            assert isinstance(answer, messages.ReducerResult)


async def test_a_message_that_is_too_large_ends_the_connection_without_a_word(serve: Callable[..., Front]) -> None:
    front = serve(message=1000)
    async with Peer(front.url) as peer:
        await peer.say_raw(bytes(1001))
        assert await peer.ending() == (1006, "")
    async with Peer(front.url) as peer:
        await peer.say_raw(b"\xee" * 1000)
        assert await peer.ending() == (1011, "unknown tag 0xee for sum type ClientMessage")


async def test_a_message_may_come_in_pieces_with_a_ping_between_them(front: Front, module: Module) -> None:
    data = v2.encode_client(call(module, 7, "add_person", "Ada" * 100, 1, 36))
    async with Pieces(front.url) as pieces:
        await pieces.send(0x02, data[:1])
        await pieces.send(0x89, b"still there?")
        await pieces.send(0x00, data[1:200])
        await pieces.send(0x80, data[200:])
        heard = [await pieces.hear() for _ in range(4)]
        assert (0x8A, b"still there?") in heard
        answers = [v2.decode_server(content[1:]) for head, content in heard if head == 0x82]
        assert [type(answer).__name__ for answer in answers] == ["InitialConnection", "ReducerResult"]


async def test_a_client_that_says_nothing_is_dropped(serve: Callable[..., Front]) -> None:
    front = serve(idle_timeout=0.0)
    async with Peer(front.url) as peer:
        assert await peer.ending() == (1006, "")


async def test_pings_come_at_once_and_again_and_are_answered(serve: Callable[..., Front]) -> None:
    front = serve(ping_interval=0.001)
    peer = Peer(front.url)
    async with peer.http.ws_connect(peer.url, protocols=[V2], autoping=False) as socket:
        seen = [(await socket.receive(20)).type for _ in range(4)]
        assert (seen.count(WSMsgType.PING), seen.count(WSMsgType.BINARY)) == (3, 1)
        await socket.ping(b"there?")
        while (message := await socket.receive(20)).type is WSMsgType.PING:
            await socket.pong(message.data)
        assert (message.type, bytes(message.data)) == (WSMsgType.PONG, b"there?")
    await peer.http.close()
