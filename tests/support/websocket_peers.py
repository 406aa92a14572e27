"""What tests of connections over WebSocket talk to: a peer that does what a server does."""

from __future__ import annotations

from typing import Any

from pytest_inner_universe.client import (
    Connection,
    WebSocketTransport,
)
from pytest_inner_universe.sats import ConnectionId
from pytest_inner_universe.wire import (
    CallReducer,
    ClientMessage,
    InitialConnection,
    OneOffQuery,
    OneOffQueryResult,
    ReducerOk,
    ReducerResult,
    ServerMessage,
    Subscribe,
    SubscribeApplied,
    TransactionUpdate,
)
from pytest_inner_universe.wire.frames import Compression
from pytest_inner_universe.wire.versions import V2, WireVersion
from support.fake_server import MODULE, NOW, SOMEBODY, item, rows
from support.fake_websocket import Peer

INTRODUCTION = InitialConnection(SOMEBODY, ConnectionId.from_int(1), "token")
ITEMS = [item(i, "x" * 50) for i in range(100)]


def answer_to(message: ClientMessage) -> ServerMessage:
    if isinstance(message, CallReducer):
        return ReducerResult(message.request_id, NOW, ReducerOk(b"", TransactionUpdate()))
    if isinstance(message, Subscribe):
        return SubscribeApplied(message.request_id, message.query_set_id, rows(item=ITEMS))
    assert isinstance(message, OneOffQuery)
    return OneOffQueryResult(message.request_id, rows(item=[item(1, "one")]))


async def serve(peer: Peer) -> None:
    """Answer everything until the client closes."""
    while heard := await peer.hear():
        peer.say(*map(answer_to, heard))
    peer.close(1000)


async def behave(peer: Peer, version: WireVersion = V2, compression: Compression = Compression.NONE) -> None:
    """Do what a server does."""
    peer.accept(version, compression)
    peer.say(INTRODUCTION)
    await serve(peer)


async def opened(url: str, *, timeout: float | None = 5.0, **options: Any) -> Connection:
    return await Connection.open(WebSocketTransport(url, "db", **options), MODULE, timeout=timeout)
