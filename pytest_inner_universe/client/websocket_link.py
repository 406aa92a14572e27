"""An open WebSocket: one task reads, another writes, and both end with it.

The writer gets its turn when the tasks that send have had theirs. Where many send at once that is late: the server would stand
idle until the last one is ready. So whoever makes the queue long writes it out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Final

from ..sats.errors import DecodeError
from ..wire.errors import RemoteProtocolError
from ..wire.v3 import CLIENT_TARGET
from .errors import MessageTooLarge
from .link import HearsOfFailures, Receiver

if TYPE_CHECKING:
    import aiohttp

    from ..wire.messages import ClientMessage
    from ..wire.versions import ClientCodec, Frame

LARGEST_MESSAGE: Final = 32 * 1024 * 1024
"""The most bytes that servers take in one message; a larger one ends the connection."""

_IN_ONE_GO: Final = 64
_LONG_QUEUE: Final = 64
_FLUSH_SECONDS: Final = 1.0
_NORMAL: Final = 1000
_TOO_LARGE: Final = 1009
_DROPPED = "it dropped the connection without a close frame"
_DROPPED_AT_ONCE = (
    "it dropped the connection before its first message, as servers do when the module's connect hook refuses a client"
)


class WebSocketLink:
    """A link over WebSocket; made by `WebSocketTransport.open`.

    Args:
        socket: The WebSocket.
        session: Its session, which ends with it.
        codec: What turns messages into frames and back.
        receiver: Who gets what the server says.
        limit: The most bytes that a message of the server may unpack to.
        first_timeout: The most seconds until the server's first message; None for as long as it takes.
        is_joining: Whether several messages may go into one frame.
    """

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        session: aiohttp.ClientSession,
        codec: ClientCodec,
        receiver: Receiver,
        limit: int,
        first_timeout: float | None,
        is_joining: bool,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = socket
        self._session = session
        self._codec = codec
        self._receiver = receiver
        self._limit = limit
        self._is_joining = is_joining
        self._outgoing: deque[Frame] = deque()
        self._something_to_send = asyncio.Event()
        self._is_writing = False
        # A frame that was begun where nobody could wait for it, and what it waits for.
        self._begun: tuple[Coroutine[Any, Any, None], Any] | None = None
        self._is_over = False
        self._closing: asyncio.Task[None] | None = None
        self._first_timer = (
            None if first_timeout is None else self._loop.call_later(first_timeout, self._first_is_late, first_timeout)
        )
        self._has_spoken = False
        self._reader = self._loop.create_task(self._read())
        self._writer = self._loop.create_task(self._write())

    def send(self, message: ClientMessage) -> None:
        """Put a message into the queue; see `Link.send`.

        Raises:
            EncodeError: The protocol that was agreed on cannot say it.
            MessageTooLarge: The server would not take it.
        """
        if self._is_over:
            return
        for frame in self._codec.client_frames([message]):
            size = len(frame) if isinstance(frame, bytes) else len(frame.encode())
            if size > LARGEST_MESSAGE:
                raise MessageTooLarge(size, LARGEST_MESSAGE)
            self._outgoing.append(frame)
        if len(self._outgoing) >= _LONG_QUEUE and not self._is_writing:
            self._write_now()
        else:
            self._something_to_send.set()

    async def close(self) -> None:
        """Send what is in the queue and end the connection; see `Link.close`."""
        self._is_over = True
        await asyncio.shield(self._shut(flush=True))

    # Reading

    async def _read(self) -> None:
        from aiohttp import WSMsgType

        in_a_row = 0
        while not self._is_over:
            message = await self._socket.receive()
            if message.type in {WSMsgType.BINARY, WSMsgType.TEXT}:
                self._take(message.data)
                in_a_row += 1
                if in_a_row == _IN_ONE_GO:
                    # What has arrived already is handed out without waiting, so others would never get their turn.
                    in_a_row = 0
                    await asyncio.sleep(0)
            elif message.type is WSMsgType.CLOSE:
                self._lose(message.data or None, message.extra or "")
            elif message.type is WSMsgType.ERROR:
                self._broken(message.data if isinstance(message.data, BaseException) else self._socket.exception())
            else:
                self._lose(None, _DROPPED if self._has_spoken else _DROPPED_AT_ONCE)

    def _take(self, frame: Frame) -> None:
        if not self._has_spoken:
            self._has_spoken = True
            self._stop_timer()
        try:
            messages = self._codec.read_server_frame(frame, self._limit)
        except (DecodeError, RemoteProtocolError) as error:
            self._fail(error)
            return
        if messages:
            self._receiver.messages(messages)

    def _broken(self, error: BaseException | None) -> None:
        from aiohttp import ServerTimeoutError, WebSocketError

        if isinstance(error, WebSocketError):
            if error.code == _TOO_LARGE:
                self._fail(DecodeError(f"a message of more than {self._limit} bytes"))
            else:
                self._fail(RemoteProtocolError(f"a damaged WebSocket frame: {error.args[-1]}"))
        elif isinstance(error, ServerTimeoutError):
            self._lose(None, "it gave no sign of life")
        else:
            self._lose(None, str(error) or type(error).__name__)

    def _first_is_late(self, timeout: float) -> None:
        self._lose(None, f"it took the connection but said nothing for {timeout:g} s")

    def _stop_timer(self) -> None:
        if self._first_timer is not None:
            self._first_timer.cancel()

    # Writing

    async def _write(self) -> None:
        while self._outgoing or self._begun is not None or not self._is_over:
            if self._begun is not None:
                await self._send(_Resumed(*self._begun))
            elif self._outgoing:
                self._is_writing = True
                await self._send(self._frame_going_out())
            else:
                self._something_to_send.clear()
                await self._something_to_send.wait()

    def _write_now(self) -> None:
        """Write as much as goes without waiting; the writer does the rest."""
        while self._outgoing:
            going = self._frame_going_out()
            try:
                waits_for = going.send(None)
            except StopIteration:
                continue
            except (OSError, RuntimeError) as error:
                self._not_sent(error)
                return
            self._begun, self._is_writing = (going, waits_for), True
            self._something_to_send.set()
            return

    def _frame_going_out(self) -> Coroutine[Any, Any, None]:
        frame = self._next_frame()
        return self._socket.send_str(frame) if isinstance(frame, str) else self._socket.send_bytes(frame)

    def _next_frame(self) -> Frame:
        frame = self._outgoing.popleft()
        if not self._is_joining or not self._outgoing or isinstance(frame, str):
            return frame
        parts, size = [frame], len(frame)
        while self._outgoing and size + len(self._outgoing[0]) <= CLIENT_TARGET:
            following = self._outgoing.popleft()
            assert isinstance(following, bytes)
            parts.append(following)
            size += len(following)
        return b"".join(parts)

    async def _send(self, going: Awaitable[None]) -> None:
        try:
            await going
        except (OSError, RuntimeError) as error:
            self._not_sent(error)
        finally:
            self._begun, self._is_writing = None, False

    def _not_sent(self, error: Exception) -> None:
        # The reader hears of the end as well, with the server's own words if there are any.
        self._outgoing.clear()
        if self._reader.done():
            self._lose(None, str(error))

    # Ending

    def _lose(self, code: int | None, reason: str) -> None:
        if not self._is_over:
            self._is_over = True
            self._receiver.closed(code, reason)
            self._shut(flush=False)

    def _fail(self, error: DecodeError | RemoteProtocolError) -> None:
        if not self._is_over:
            self._is_over = True
            if isinstance(self._receiver, HearsOfFailures):
                self._receiver.failed(error)
            else:
                self._receiver.closed(None, f"the server broke the protocol: {error}")
            self._shut(flush=False)

    def _shut(self, flush: bool) -> asyncio.Task[None]:
        if self._closing is None:
            self._stop_timer()
            self._closing = self._loop.create_task(self._release(flush))
        return self._closing

    async def _release(self, flush: bool) -> None:
        try:
            if flush:
                self._something_to_send.set()
                await asyncio.wait({self._writer}, timeout=_FLUSH_SECONDS)
        finally:
            tasks = (self._reader, self._writer)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            try:
                await self._socket.close(code=_NORMAL)
            finally:
                await self._session.close()


class _Resumed:
    """Goes on with a coroutine elsewhere than where it was begun, from the first thing that it waits for."""

    def __init__(self, begun: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._begun = begun
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        yield self._waits_for
        yield from self._begun.__await__()
