"""A proxy between a client and a server that knows where WebSocket frames begin and end, and harms one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from urllib.parse import urlsplit

_CLOSE, _PING, _PONG = 8, 9, 10
_LONGEST_HEAD = 65_536


class Way(Enum):
    """Which way a frame goes."""

    UP = "from client to server"
    DOWN = "from server to client"


class Harm(Enum):
    """What happens to a frame."""

    CUT_BEFORE = "the connection is cut before it"
    CUT_AFTER = "the connection is cut after it"
    TRUNCATE = "the connection is cut in the middle of it"
    DUPLICATE = "it comes twice"
    GARBLE = "its first byte is another one"
    MALFORM = "its head is none that WebSocket knows"
    HOLD = "it, and what follows, comes later"


CUTS = (Harm.CUT_BEFORE, Harm.CUT_AFTER, Harm.TRUNCATE)
DAMAGES = (Harm.DUPLICATE, Harm.GARBLE, Harm.MALFORM)


@dataclass(frozen=True)
class Fault:
    """What happens to one frame.

    Args:
        harm: What.
        way: Which way the frame goes.
        at: Its number: 0 is the request or answer of the upgrade, then every frame counts but pings and pongs, which come
            when they like.
    """

    harm: Harm
    way: Way
    at: int


class FaultProxy:
    """Hands on what comes, and harms one frame of the first connection that has it; use it as an async context manager.

    Args:
        url: Address of the server.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server_address = (parts.hostname or "", parts.port or 80)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._fault: Fault | None = None
        self.has_struck = asyncio.Event()
        """Set when the fault has happened; after that nothing more is harmed."""

        self._released = asyncio.Event()
        self.connections = 0
        """How many there were."""

    @property
    def url(self) -> str:
        """Its own address."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def arm(self, harm: Harm, way: Way, at: int) -> None:
        """Let this happen, once."""
        self._fault = Fault(harm, way, at)
        self.has_struck.clear()
        self._released.clear()

    def release(self) -> None:
        """Let go of what is held."""
        self._released.set()

    async def __aenter__(self) -> FaultProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LONGEST_HEAD)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        writers = [writer]
        try:
            with suppress(
                OSError, asyncio.CancelledError
            ):  # a handler that ends by cancellation is reported as a mistake
                far_reader, far_writer = await asyncio.open_connection(*self._server_address, limit=_LONGEST_HEAD)
                writers.append(far_writer)
                pumps = [
                    asyncio.ensure_future(self._pump(Way.UP, reader, writer, far_writer)),
                    asyncio.ensure_future(self._pump(Way.DOWN, far_reader, far_writer, writer)),
                ]
                try:
                    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for pump in pumps:
                        pump.cancel()
                    await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            for one in writers:
                one.close()
            for one in writers:
                with suppress(OSError):
                    await one.wait_closed()
            self._tasks.discard(task)

    async def _pump(
        self, way: Way, reader: asyncio.StreamReader, near: asyncio.StreamWriter, far: asyncio.StreamWriter
    ) -> None:
        """Hand on one direction until its end, or until it is cut."""
        number = 0
        with suppress(OSError, asyncio.IncompleteReadError):
            async for frame in _frames(reader):
                harm = None
                if not _is_control(frame) or number == 0:
                    harm = self._due(way, number)
                    number += 1
                if harm is Harm.HOLD:
                    await self._released.wait()
                sent, is_cut = _harmed(frame, harm)
                far.write(sent)
                await far.drain()
                if is_cut:
                    # The far side gets what was sent and a proper end, the near side a reset: a network does both.
                    near.transport.abort()
                    return

    def _due(self, way: Way, number: int) -> Harm | None:
        fault = self._fault
        if fault is None or (fault.way, fault.at) != (way, number):
            return None
        self._fault = None
        self.has_struck.set()
        return fault.harm


def _harmed(frame: bytes, harm: Harm | None) -> tuple[bytes, bool]:
    """Return what is sent instead of a frame, and whether nothing is sent after it."""
    if harm is Harm.CUT_BEFORE:
        return b"", True
    if harm is Harm.CUT_AFTER:
        return frame, True
    if harm is Harm.TRUNCATE:
        return frame[: len(frame) // 2], True
    if harm is Harm.DUPLICATE:
        return frame * 2, False
    if harm is Harm.GARBLE:
        place = _payload_start(frame)
        return frame[:place] + bytes(byte ^ 0xFF for byte in frame[place : place + 1]) + frame[place + 1 :], False
    if harm is Harm.MALFORM:
        return bytes([frame[0] | 0x70]) + frame[1:], False
    return frame, False


def _is_head(frame: bytes) -> bool:
    return frame.endswith(b"\r\n\r\n") and b"HTTP/1.1" in frame[:_LONGEST_HEAD]


def _is_control(frame: bytes) -> bool:
    return frame[0] & 0x0F in {_PING, _PONG} and not _is_head(frame)


def _payload_start(frame: bytes) -> int:
    if _is_head(frame):
        return 0
    size = frame[1] & 0x7F
    return 2 + {126: 2, 127: 8}.get(size, 0) + (4 if frame[1] & 0x80 else 0)


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield the head of the upgrade, then frame by frame; after something else than an upgrade, whatever comes."""
    head = await reader.readuntil(b"\r\n\r\n")
    yield head
    if b"upgrade: websocket" not in head.lower():
        while chunk := await reader.read(_LONGEST_HEAD):
            yield chunk
        return
    while True:
        start = await reader.readexactly(2)
        size = start[1] & 0x7F
        if size > 125:
            more = await reader.readexactly(2 if size == 126 else 8)
            start, size = start + more, int.from_bytes(more, "big")
        yield start + await reader.readexactly(size + (4 if start[1] & 0x80 else 0))
