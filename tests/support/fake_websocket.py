"""A WebSocket server on loopback that does byte for byte what a test says, be it ever so wrong."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl as tls
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit

from pytest_inner_universe.wire import ClientMessage, ServerMessage
from pytest_inner_universe.wire.frames import Compression
from pytest_inner_universe.wire.session import ServerSession
from pytest_inner_universe.wire.versions import V2, VERSIONS, WireVersion

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Peer:
    """One connection, seen from the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: str) -> None:
        self.reader = reader
        self.writer = writer
        lines = request.split("\r\n")
        self.request_line = lines[0]
        self.path = lines[0].split(" ")[1]
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
        self.session = ServerSession()

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the address."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}

    @property
    def offered(self) -> list[str]:
        """The protocols that the client can speak."""
        return self.headers["sec-websocket-protocol"].replace(" ", "").split(",")

    @property
    def method(self) -> str:
        """``GET`` and so on."""
        return self.request_line.split(" ")[0]

    async def body(self) -> bytes:
        """Return what was sent along."""
        return await self.reader.readexactly(int(self.headers.get("content-length", "0")))

    def answer(self, status: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Answer with something else than an upgrade."""
        more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n"
        self.writer.write(head.encode() + body)

    def accept(self, version: WireVersion | None = V2, compression: Compression = Compression.NONE) -> None:
        """Take the connection."""
        key = base64.b64encode(hashlib.sha1(self.headers["sec-websocket-key"].encode() + _MAGIC).digest()).decode()
        head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        head += [f"Sec-WebSocket-Accept: {key}"]
        if version is not None:
            head += [f"Sec-WebSocket-Protocol: {version.subprotocol}"]
            self.session = ServerSession(version, compression)
        self.writer.write(("\r\n".join(head) + "\r\n\r\n").encode())

    def frame(self, opcode: int, payload: bytes = b"", *, is_last: bool = True) -> None:
        """Write one frame."""
        size = len(payload)
        first = opcode | (0x80 if is_last else 0)
        if size < 126:
            head = bytes([first, size])
        elif size < 1 << 16:
            head = bytes([first, 126]) + size.to_bytes(2, "big")
        else:
            head = bytes([first, 127]) + size.to_bytes(8, "big")
        self.writer.write(head + payload)

    def close(self, code: int, reason: str = "") -> None:
        """Write a close frame."""
        self.frame(CLOSE, code.to_bytes(2, "big") + reason.encode())

    def say(self, *messages: ServerMessage) -> None:
        """Say something in order."""
        for payload in self.payloads(*messages):
            self.frame(BINARY if isinstance(payload, bytes) else TEXT, payload if isinstance(payload, bytes) else b"")

    def payloads(self, *messages: ServerMessage) -> list[bytes]:
        """Return what says something in order."""
        for message in messages:
            self.session.send(message)
        return [payload for payload in self.session.data_to_send() if isinstance(payload, bytes)]

    async def read_frame(self) -> tuple[int, bytes]:
        """Return opcode and payload of the next frame."""
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size > 125:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        mask = await self.reader.readexactly(4)
        masked = await self.reader.readexactly(size)
        key = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
        return first & 0x0F, (int.from_bytes(masked, "little") ^ key).to_bytes(size, "little")

    async def hear(self) -> list[ClientMessage]:
        """Return the messages of the next binary frame; none if the client closes."""
        while True:
            opcode, payload = await self.read_frame()
            if opcode == CLOSE:
                return []
            if opcode == BINARY:
                return self.session.receive_data(payload)

    def drop(self) -> None:
        """Cut the connection without a word."""
        self.writer.transport.abort()


Conduct = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def serving(conduct: Conduct, ssl: tls.SSLContext | None = None) -> AsyncIterator[str]:
    """Run a server that treats every connection like that, and give its address.

    A connection ends when its treatment does; what it raises is raised at the end.
    """
    failures: list[BaseException] = []
    tasks: set[asyncio.Task[None]] = set()

    async def treat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                request = (await reader.readuntil(b"\r\n\r\n")).decode()
                await conduct(Peer(reader, writer, request))
                await writer.drain()
        except Exception as error:  # noqa: BLE001  # it belongs to the test
            failures.append(error)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            tasks.discard(task)

    server = await asyncio.start_server(treat, "127.0.0.1", 0, ssl=ssl)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'http' if ssl is None else 'https'}://127.0.0.1:{port}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
    if failures:
        raise failures[0]


__all__ = ["BINARY", "CLOSE", "CONTINUATION", "PING", "PONG", "TEXT", "VERSIONS", "Conduct", "Peer", "serving"]
