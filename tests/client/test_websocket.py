"""Connections over WebSocket to a server on loopback that behaves, or does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from support.fake_server import MODULE, change, item, rows, update
from support.fake_websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Peer, serving
from support.websocket_peers import INTRODUCTION, answer_to, behave, opened, serve

from pytest_inner_universe.client import (
    Connection,
    ConnectionLost,
    MessageTooLarge,
    OutcomeUnknown,
    Reconnect,
    WebSocketTransport,
)
from pytest_inner_universe.sats import DecodeError
from pytest_inner_universe.wire import (
    ClientMessage,
    Subscribe,
    SubscribeApplied,
)
from pytest_inner_universe.wire.errors import RemoteProtocolError
from pytest_inner_universe.wire.frames import Compression
from pytest_inner_universe.wire.versions import V2, V3, WireVersion

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(autouse=True)
async def nothing_is_left() -> Any:
    """No test leaves a task behind."""
    yield
    assert asyncio.all_tasks() <= {asyncio.current_task()}


class TestFrames:
    async def test_messages_in_many_frames_with_pings_between(self) -> None:
        pongs: list[bytes] = []

        async def conduct(peer: Peer) -> None:
            peer.accept()
            peer.say(INTRODUCTION)
            (request,) = await peer.hear()
            (payload,) = peer.payloads(answer_to(request))
            parts = [payload[i : i + 1000] for i in range(0, len(payload), 1000)]
            for i, part in enumerate(parts):
                peer.frame(CONTINUATION if i else BINARY, part, is_last=part is parts[-1])
                peer.frame(PING, b"%d" % i)
            for _ in parts:
                opcode, data = await peer.read_frame()
                assert opcode == PONG
                pongs.append(data)
            await serve(peer)

        async with serving(conduct) as url, await opened(url) as connection:
            subscription = await connection.subscribe("a")
            assert len(subscription.rows("item")) == 100
            await connection.query("x")
        assert pongs == [b"%d" % i for i in range(len(pongs))]
        assert len(pongs) > 5

    @pytest.mark.parametrize(
        ("opcode", "payload", "reason", "cause"),
        [
            (BINARY, b"", "the frame is empty, its first byte should name the compression at byte 0", DecodeError),
            (
                BINARY,
                b"\x07abc",
                "unknown compression 7, there are 0 (none), 1 (brotli) and 2 (gzip) at byte 0",
                DecodeError,
            ),
            (BINARY, b"\x00\xff", "unknown tag 255 of server message, there are 9 at byte 0", DecodeError),
            (
                TEXT,
                b"{}",
                "a text frame, where this version of the protocol has binary ones only at byte 0",
                DecodeError,
            ),
            (BINARY, b"\x00" + b"x" * 5000, "a message of more than 4096 bytes at byte 0", DecodeError),
            (TEXT, b"\xff\xfe", "a damaged WebSocket frame: Invalid UTF-8 text message", RemoteProtocolError),
            (5, b"", "a damaged WebSocket frame: Unexpected opcode=5", RemoteProtocolError),
        ],
        ids=["empty", "compression", "garbage", "text", "large", "utf-8", "opcode"],
    )
    async def test_what_cannot_be_used_ends_the_connection(
        self,
        opcode: int,
        payload: bytes,
        reason: str,
        cause: type[Exception],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        async def conduct(peer: Peer) -> None:
            peer.accept()
            peer.say(INTRODUCTION)
            await peer.hear()
            peer.frame(opcode, payload)
            while (await peer.read_frame())[0] != CLOSE:
                pass

        async with serving(conduct) as url, await opened(url, limit=4096) as connection:
            with pytest.raises(ConnectionLost) as caught:
                await connection.query("x")
        assert caught.value.reason == f"the server broke the protocol: {reason}"
        assert isinstance(caught.value.__cause__, cause)
        assert len(caplog.messages) == 1

    async def test_a_packed_message_that_unpacks_to_too_much(self, caplog: pytest.LogCaptureFixture) -> None:
        packing = serving(lambda peer: behave(peer, compression=Compression.GZIP))
        async with packing as url, await opened(url, limit=2000) as connection:
            with pytest.raises(ConnectionLost) as caught:
                await connection.subscribe("a")
        assert caught.value.reason == (
            "the server broke the protocol: the body unpacks to more than the limit of 2000 bytes at byte 1"
        )
        assert len(caplog.messages) == 1

    async def test_messages_behind_a_broken_one_are_not_heard(self, caplog: pytest.LogCaptureFixture) -> None:
        async def conduct(peer: Peer) -> None:
            peer.accept()
            peer.say(INTRODUCTION)
            heard = await peer.hear()
            peer.say(*map(answer_to, heard))
            await peer.hear()
            peer.frame(BINARY, b"\x09")
            peer.say(update(change(1, inserts=(item(1, "late"),))))
            await peer.hear()

        async with serving(conduct) as url, await opened(url) as connection:
            await connection.subscribe("a")
            with pytest.raises(ConnectionLost):
                await connection.query("x")
            assert connection.tables["item"].count == 100
        assert len(caplog.messages) == 1


class TestEnds:
    @pytest.mark.parametrize(("code", "reason"), [(1001, "module exited"), (1011, "oh"), (1013, "too many requests")])
    async def test_the_server_says_why(self, code: int, reason: str) -> None:
        async def conduct(peer: Peer) -> None:
            peer.accept()
            peer.say(INTRODUCTION)
            await peer.hear()
            peer.close(code, reason)
            assert (await peer.read_frame())[0] == CLOSE

        async with serving(conduct) as url, await opened(url) as connection:
            with pytest.raises(OutcomeUnknown) as caught:
                await connection.call("remove_item", 1)
        assert (caught.value.code, caught.value.reason) == (code, reason)

    @pytest.mark.parametrize("is_abrupt", [True, False])
    async def test_the_server_is_gone(self, is_abrupt: bool) -> None:
        async def conduct(peer: Peer) -> None:
            peer.accept()
            peer.say(INTRODUCTION)
            await peer.hear()
            if is_abrupt:
                peer.drop()

        async with serving(conduct) as url, await opened(url) as connection:
            with pytest.raises(ConnectionLost) as caught:
                await connection.query("x")
            assert not connection.is_open
        assert (caught.value.code, caught.value.reason) == (
            None,
            "it dropped the connection without a close frame",
        )

    async def test_a_server_that_gives_no_sign_of_life(self) -> None:
        async def conduct(peer: Peer) -> None:
            peer.accept()
            peer.say(INTRODUCTION)
            await peer.reader.read()

        async with serving(conduct) as url, await opened(url, silence=0.2) as connection:
            with pytest.raises(ConnectionLost) as caught:
                await connection.wait_for(lambda: False)
        assert caught.value.reason == "it gave no sign of life"

    async def test_what_was_said_last_still_goes_out(self) -> None:
        heard: list[ClientMessage] = []

        async def conduct(peer: Peer) -> None:
            peer.accept()
            peer.say(INTRODUCTION)
            while messages := await peer.hear():
                heard.extend(messages)
            peer.close(1000)

        async with serving(conduct) as url:
            connection = await opened(url)
            calling = asyncio.create_task(connection.call("remove_item", 1))
            await asyncio.sleep(0)
            await connection.close()
            with pytest.raises(OutcomeUnknown):
                await calling
        assert len(heard) == 1

    async def test_a_server_that_does_not_close_in_turn_does_not_hold_the_client(self) -> None:
        released = asyncio.Event()

        async def conduct(peer: Peer) -> None:
            peer.accept()
            peer.say(INTRODUCTION)
            await released.wait()

        async with serving(conduct) as url:
            connection = await opened(url)
            await connection.close()
            released.set()


class TestManyAtOnce:
    @pytest.mark.parametrize("version", [V2, V3])
    async def test_answers_find_their_requests_and_order_is_kept(self, version: WireVersion) -> None:
        heard: list[int] = []

        async def conduct(peer: Peer) -> None:
            peer.accept(version)
            peer.say(INTRODUCTION)
            while messages := await peer.hear():
                heard.extend(message.request_id for message in messages)
                peer.say(*map(answer_to, messages))
            peer.close(1000)

        async with serving(conduct) as url, await opened(url) as connection:
            await asyncio.gather(*(connection.call("remove_item", i) for i in range(500)))
        assert heard == list(range(1, 501))

    @pytest.mark.parametrize("version", [V2, V3])
    async def test_what_the_network_does_not_take_at_once_follows_in_order(self, version: WireVersion) -> None:
        heard: list[int] = []
        may_read = asyncio.Event()

        async def conduct(peer: Peer) -> None:
            peer.accept(version)
            peer.say(INTRODUCTION)
            await may_read.wait()
            while messages := await peer.hear():
                heard.extend(message.request_id for message in messages)
                peer.say(*map(answer_to, messages))
            peer.close(1000)

        async with serving(conduct) as url, await opened(url, timeout=None) as connection:
            calls = [asyncio.create_task(connection.call("put_item", i, "x" * 50_000)) for i in range(200)]
            await asyncio.sleep(0)
            calls += [asyncio.create_task(connection.call("put_item", i, "y")) for i in range(200)]
            await asyncio.sleep(0)
            may_read.set()
            await asyncio.gather(*calls)
        assert heard == list(range(1, 401))

    async def test_more_than_servers_take_at_once_wait_for_their_turn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pytest_inner_universe.client.requests.MOST_UNANSWERED", 10)
        most = 0

        async def conduct(peer: Peer) -> None:
            nonlocal most
            peer.accept(V3)
            peer.say(INTRODUCTION)
            while messages := await peer.hear():
                most = max(most, len(messages))
                peer.say(*map(answer_to, messages))
            peer.close(1000)

        async with serving(conduct) as url, await opened(url) as connection:
            calls = [asyncio.create_task(connection.call("remove_item", i)) for i in range(100)]
            await asyncio.sleep(0)
            assert repr(connection) == "<Connection open, 0 subscriptions, 10 waiting>"
            await asyncio.gather(*calls)
        assert 1 < most <= 10

    async def test_a_message_that_servers_do_not_take_is_not_sent(self) -> None:
        async with serving(behave) as url, await opened(url) as connection:
            with pytest.raises(MessageTooLarge) as caught:
                await connection.call("put_item", 1, "x" * (32 << 20))
            assert caught.value.limit == 32 << 20
            assert str(caught.value) == (
                f"a message of {caught.value.size} bytes was not sent, since servers take 33554432 at most; split it up"
            )
            await connection.call("put_item", 1, "x")


async def test_a_connection_comes_back() -> None:
    peers: list[Peer] = []

    async def conduct(peer: Peer) -> None:
        peers.append(peer)
        peer.accept()
        peer.say(INTRODUCTION)
        (request,) = await peer.hear()
        assert isinstance(request, Subscribe)
        found = [item(len(peers), "one"), item(7, "same")]
        peer.say(SubscribeApplied(request.request_id, request.query_set_id, rows(item=found)))
        if len(peers) == 2:
            await serve(peer)

    changes: list[Any] = []
    policy = Reconnect(sleep=lambda delay: asyncio.sleep(0))
    async with serving(conduct) as url:
        transport = WebSocketTransport(url, "db")
        async with await Connection.open(transport, MODULE, timeout=5, reconnect=policy) as connection:
            restored = asyncio.Event()
            connection.on_restored(restored.set)
            await connection.subscribe("a", on_insert=changes.append, on_delete=changes.append)
            await restored.wait()
            await connection.call("remove_item", 1)
    assert changes == [{"id": 1, "name": "one"}, {"id": 2, "name": "one"}]
    assert [peer.headers.get("authorization") for peer in peers] == [None, "Bearer token"]
