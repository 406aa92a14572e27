"""A client on a WebSocket, reduced to what it says and hears."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientSession, WSMsgType

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.sats import ModuleDef
from pytest_inner_universe.wire import messages
from pytest_inner_universe.wire.schema import Schema
from pytest_inner_universe.wire.session import ClientSession as Session
from pytest_inner_universe.wire.versions import VERSIONS

HEAR_SECONDS = 20


class Closed(Exception):
    """The server has ended the connection."""

    def __init__(self, code: int | None, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(code, reason)


class Peer:
    """One connection; use it as an async context manager.

    Args:
        url: Address of the server.
        database: Name of the database.
        token: Who it is.
        protocol: The protocol to speak.
        definition: The module, for versions that need it.
        params: Parameters of the address.
    """

    def __init__(
        self,
        url: str | None,
        database: str = "here",
        token: str | None = None,
        protocol: str = "v2.bsatn.spacetimedb",
        definition: ModuleDef | None = None,
        **params: str,
    ) -> None:
        self.url = f"{url}/v1/database/{database}/subscribe"
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.protocol = protocol
        self.params = {"compression": "None", **params}
        self.session = Session(VERSIONS[protocol], schema=None if definition is None else Schema(definition))
        self.heard: deque[messages.ServerMessage] = deque()
        self.http = ClientSession()
        self.socket: Any = None
        self.hello: messages.InitialConnection

    async def __aenter__(self) -> Peer:
        try:
            self.socket = await self.http.ws_connect(
                self.url, protocols=[self.protocol], headers=self.headers, params=self.params, max_msg_size=0
            )
            hello = await self.hear()
            assert isinstance(hello, messages.InitialConnection)
            self.hello = hello
        except BaseException:
            await self.http.close()
            raise
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.socket.close()
        await self.http.close()

    async def say(self, *said: messages.ClientMessage) -> None:
        """Send messages."""
        for message in said:
            self.session.send(message)
        for frame in self.session.data_to_send():
            await self.say_raw(frame)

    async def say_raw(self, frame: bytes | str) -> None:
        """Send a frame."""
        await (self.socket.send_str(frame) if isinstance(frame, str) else self.socket.send_bytes(frame))

    async def hear(self) -> messages.ServerMessage:
        """Return the next message. Raises `Closed` when there is none."""
        while not self.heard:
            frame = await self.hear_raw()
            self.heard.extend(self.session.receive_data(frame))
        return self.heard.popleft()

    async def hear_raw(self) -> bytes | str:
        """Return the next frame. Raises `Closed` when there is none."""
        frame = await self.socket.receive(HEAR_SECONDS)
        if frame.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
            raise Closed(self.socket.close_code, frame.extra or "")
        data: bytes | str = frame.data
        return data

    async def ask(self, message: messages.ClientMessage) -> messages.ServerMessage:
        """Send a message and return the next that comes."""
        await self.say(message)
        return await self.hear()

    async def rest(self) -> tuple[list[messages.ServerMessage], Closed]:
        """Return what comes until the end, and the end."""
        heard: list[messages.ServerMessage] = []
        try:
            while True:
                heard.append(await self.hear())
        except Closed as closed:
            return heard, closed

    async def ending(self) -> tuple[int | None, str]:
        """Return code and reason of the end, which has to be the next thing to come."""
        try:
            message = await self.hear()
        except Closed as closed:
            return closed.code, closed.reason
        raise AssertionError(f"the connection goes on with {message}")


def call(module: Module, number: int, reducer: str, *args: object) -> messages.CallReducer:
    """Return a call."""
    known = module.definition.reducers.get(reducer)
    return messages.CallReducer(number, 0, reducer, known.encode_args(*args) if known else b"")


class Pieces:
    """A client of the second protocol that writes and reads frames itself; use it as an async context manager.

    Args:
        url: Address of the server.
    """

    def __init__(self, url: str | None) -> None:
        self.address = urlsplit(url or "")

    async def __aenter__(self) -> Pieces:
        host, port = self.address.hostname, self.address.port
        self.reader, self.writer = await asyncio.open_connection(host, port)
        lines = (
            "GET /v1/database/here/subscribe?compression=None HTTP/1.1",
            f"Host: {host}:{port}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Protocol: v2.bsatn.spacetimedb",
        )
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head.splitlines()[0]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    async def send(self, head: int, content: bytes) -> None:
        """Send a frame, masked with zeros, with the given first byte."""
        size = len(content)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self.writer.write(bytes([head]) + length + bytes(4) + content)
        await self.writer.drain()

    async def hear(self) -> tuple[int, bytes]:
        """Return the first byte and the content of the next frame."""
        head, size = await asyncio.wait_for(self.reader.readexactly(2), HEAR_SECONDS)
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
        return head, await self.reader.readexactly(size)
