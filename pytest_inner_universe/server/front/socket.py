"""One WebSocket connection: what it says is handled in order, what it is told leaves in order.

Three places work on it. The front's loop reads and writes frames; the session lives there alone. The database's worker
handles messages. And whoever commits a transaction, on any thread, delivers messages with the database's lock held: they go
into one queue, which the loop empties.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from ...engine.errors import ConnectRefused, DatabaseClosed
from ...sats.errors import DecodeError
from ...wire.errors import ProtocolError
from ...wire.messages import CallReducer, InitialConnection, SubscribeBatch, TransactionUpdate
from ..endpoint import ServerEnd
from .faults import AGAIN, ERROR, REPLACED, Ending, reason_of
from .worker import WorkerStopped, tell

if TYPE_CHECKING:
    from ...sats import ConnectionId
    from ...wire.calls import CallInfo
    from ...wire.messages import ClientMessage, ServerMessage
    from ...wire.session import ServerSession
    from ..tokens import Credentials
    from .entry import Entry
    from .thread import Limits

_BATCH = 512
"""Messages that are written at once."""

_GATHER_SECONDS = 0.001
"""How long messages wait for company while the database still works on requests."""


class Socket:
    """One connection, from its upgrade to its end.

    Args:
        entry: The database.
        session: The server's side of the conversation.
        response: The upgraded connection.
        request: What it began with.
        limits: What a client may do.
    """

    def __init__(
        self,
        entry: Entry,
        session: ServerSession,
        response: web.WebSocketResponse,
        request: web.Request,
        limits: Limits,
    ) -> None:
        self._entry = entry
        self._session = session
        self._response = response
        self._request = request
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._outgoing: deque[tuple[ServerMessage, CallInfo | None]] = deque()
        self._news = asyncio.Event()
        self._is_told = False
        self._gathering: asyncio.TimerHandle | None = None
        self._tells_causes = session.version.subprotocol.startswith("v1.")
        self._ending: Ending | None = None
        self._end_now = asyncio.Event()
        self._server_end: ServerEnd | None = None
        # Each is counted by one thread only: frames by the loop, handled ones by the worker.
        self._received = 0
        self._handled = 0
        self._last_heard = self._loop.time()

    async def serve(self, credentials: Credentials, connection_id: ConnectionId) -> None:
        """Carry the connection to its end.

        Args:
            credentials: Who the client is.
            connection_id: Which of its connections this is.
        """
        self._entry.sockets.add(self)
        try:
            try:
                await self._entry.worker.run(self._connect, credentials, connection_id)
            except (ConnectRefused, DatabaseClosed, WorkerStopped):
                self.end(Ending(None))
                return
            tasks = [asyncio.create_task(work()) for work in (self._write, self._read, self._ping)]
            try:
                await self._end_now.wait()
                if self._ending is not None and self._ending.code is not None:
                    self._news.set()  # so that what was said before the end is heard
                    await asyncio.wait(tasks[:1], timeout=self._limits.close_timeout)
            finally:
                self._stop_gathering()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._entry.sockets.discard(self)
            if not self._entry.worker.give(self._leave):
                self._leave()
            await self._hang_up()

    def end(self, ending: Ending) -> None:
        """Have the connection ended; called on the loop's thread. The first time counts."""
        if self._ending is None:
            self._ending = ending
        self._end_now.set()

    async def _hang_up(self) -> None:
        ending = self._ending or Ending(None)
        self._session.close(ending.code, ending.reason)
        transport = self._request.transport
        if self._response.closed:
            return
        if ending.code is not None:
            await self._response.close(code=ending.code, message=ending.short_reason)
        elif transport is not None:
            transport.abort()

    # On any thread, with the database's lock held

    def deliver(self, message: ServerMessage) -> None:
        """Take a message for the client."""
        if len(self._outgoing) >= self._limits.outgoing:
            tell(self._loop, self.end, Ending(None))
            return
        call = self._entry.call_info() if self._tells_causes and type(message) is TransactionUpdate else None
        self._outgoing.append((message, call))
        if not self._is_told:
            self._is_told = True
            tell(self._loop, self._wake)

    def closed(self, code: int, reason: str) -> None:
        """Take note that the database ends the connection."""
        tell(self._loop, self.end, Ending(code, reason))

    # On the worker's thread

    def _connect(self, credentials: Credentials, connection_id: ConnectionId) -> None:
        entry, identity = self._entry, credentials.identity
        database = entry.database
        with database.lock:
            old = database.clients.get((identity, connection_id))
            if old is not None:
                database.disconnect(old)
                old.closed(*REPLACED)
            client = database.connect(identity, connection_id, self.deliver, self.closed, credentials.claims)
            self._server_end = ServerEnd(database, client)
            self.deliver(InitialConnection(identity, connection_id, credentials.token))

    def _handle(self, message: ClientMessage) -> None:
        server_end = self._server_end
        if server_end is None or not server_end.client.is_open:
            return
        entry = self._entry
        try:
            with entry.database.lock:
                entry.request_id = message.request_id if type(message) is CallReducer else 0
                try:
                    server_end.handle(message)
                finally:
                    entry.request_id = 0
        except DatabaseClosed:
            pass  # it has told the client
        except Exception as error:  # noqa: BLE001  # as on a server, what fails unforeseen ends this connection, no other
            tell(self._loop, self.end, Ending(ERROR, f"{type(error).__name__}: {error}"))
        self._handled += 1
        if self._gathering is not None and not entry.worker.is_behind:
            tell(self._loop, self._pass_on)

    def _leave(self) -> None:
        if self._server_end is not None:
            self._server_end.close()

    # On the loop's thread

    def _wake(self) -> None:
        # Waking this thread and writing a frame cost more than most calls. So while there are requests to be handled, what
        # is said goes out once in a while, and the rest when the last one is done.
        if self._entry.worker.is_behind:
            if self._gathering is None:
                self._gathering = self._loop.call_later(_GATHER_SECONDS, self._pass_on)
        else:
            self._pass_on()

    def _pass_on(self) -> None:
        self._stop_gathering()
        self._is_told = False
        self._news.set()

    def _stop_gathering(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None

    async def _write(self) -> None:
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while self._outgoing:
                    await self._write_batch()
                await self._send_frames()
                if self._end_now.is_set():
                    return
        except ConnectionError:
            self.end(Ending(None))
        except Exception as error:
            self.end(Ending(ERROR, str(error)))
            raise

    async def _write_batch(self) -> None:
        for _ in range(min(len(self._outgoing), _BATCH)):
            self._session.send(*self._outgoing.popleft())
        await self._send_frames()

    async def _send_frames(self) -> None:
        for frame in self._session.data_to_send():
            if isinstance(frame, str):
                await self._response.send_str(frame)
            else:
                await self._response.send_bytes(frame)

    async def _read(self) -> None:
        while True:
            message = await self._response.receive()
            self._last_heard = self._loop.time()
            if message.type in {WSMsgType.BINARY, WSMsgType.TEXT}:
                self._take(message.data)
            elif message.type is WSMsgType.PING:
                await self._response.pong(message.data)
            elif message.type is not WSMsgType.PONG:
                self.end(Ending(None))
                return

    def _take(self, frame: bytes | str) -> None:
        try:
            messages = self._session.receive_data(frame)
        except (DecodeError, ProtocolError) as error:
            self.end(Ending(ERROR, reason_of(self._session.version.subprotocol, frame, error)))
            return
        self._news.set()  # the session may have an answer of its own
        for message in messages:
            if isinstance(message, SubscribeBatch):
                self.end(Ending(ERROR, "unknown tag 0x5 for sum type ClientMessage"))
                return
            if self._received - self._handled >= self._limits.incoming:
                self.end(Ending(AGAIN, "too many requests"))
                return
            self._received += 1
            self._entry.worker.give(self._handle, message)

    async def _ping(self) -> None:
        """Ask whether the client is there, and drop it when it has long said nothing."""
        while self._loop.time() - self._last_heard < self._limits.idle_timeout:
            await self._response.ping()
            await asyncio.sleep(self._limits.ping_interval)
        self.end(Ending(None))
