"""The transport inside one process: messages pass as objects, and no bytes are framed.

A server in the same process may speak at any time: from within the call that handles a client's message, from another
client's call, from a thread. Receivers are promised to be called on the thread of their event loop and never from within
`send`, so whatever the server says goes through a queue that the loop empties on its next turn. That costs a call two
turns of the loop, some ten microseconds, and keeps three promises: a callback never runs inside the server's own work,
tasks take turns as they do over a socket, and a loop of calls never starves its neighbours.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from threading import get_ident
from typing import Protocol

from ..sats.values import Identity
from ..wire.messages import ClientMessage, ServerMessage
from .link import Link, Receiver


class ServerEnd(Protocol):
    """A server's end of one connection."""

    @abstractmethod
    def handle(self, message: ClientMessage) -> None:
        """Do what a message asks for."""

    @abstractmethod
    def close(self) -> None:
        """Take note that the client has gone."""


class MemoryServer(Protocol):
    """A server in this process."""

    @abstractmethod
    def attach(
        self,
        identity_or_token: Identity | str | None,
        deliver: Callable[[ServerMessage], None],
        closed: Callable[[int | None, str], None],
    ) -> ServerEnd:
        """Connect a client.

        Args:
            identity_or_token: Who connects; None for somebody new.
            deliver: Takes what the server says, from any thread, in order.
            closed: Takes the server's close, with code and reason; nothing may follow.

        Raises:
            ConnectionRejected: The server turns the client away.
        """


class MemoryTransport:
    """A way to a server in this process.

    Args:
        server: The server.
        identity_or_token: Who connects; None for somebody new.
    """

    def __init__(self, server: MemoryServer, identity_or_token: Identity | str | None = None) -> None:
        self._server = server
        self._identity_or_token = identity_or_token

    def known_as(self, token: str) -> MemoryTransport:
        """Return the same way for whom the server has given a token to; who has said who it is stays so."""
        return self if self._identity_or_token is not None else MemoryTransport(self._server, token)

    async def open(self, receiver: Receiver) -> Link:
        """Connect; see `Transport.open`."""
        return _MemoryLink(self._server, self._identity_or_token, receiver)

    def __repr__(self) -> str:
        return f"<MemoryTransport to {self._server!r}>"


class _MemoryLink:
    def __init__(self, server: MemoryServer, identity_or_token: Identity | str | None, receiver: Receiver) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()
        self._receiver = receiver
        # A tuple stands for the close, everything else is a message.
        self._inbox: deque[ServerMessage | tuple[int | None, str]] = deque()
        self._is_emptying_planned = False
        # The server's close waits in the queue, so that nothing is sent any more.
        self._is_closed_by_server = False
        self._is_over = False
        self._end = server.attach(identity_or_token, self._deliver, self._closed)

    def send(self, message: ClientMessage) -> None:
        if not (self._is_over or self._is_closed_by_server):
            self._end.handle(message)

    async def close(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._inbox.clear()
            if not self._is_closed_by_server:
                self._end.close()

    def _deliver(self, message: ServerMessage) -> None:
        self._put(message)

    def _closed(self, code: int | None, reason: str) -> None:
        self._is_closed_by_server = True
        self._put((code, reason))

    def _put(self, item: ServerMessage | tuple[int | None, str]) -> None:
        # First the item, then the look at the flag; `_empty` first lowers the flag, then looks for items. So an item that
        # is put while the other thread empties is either seen by it or planned for anew, and no lock is needed.
        if self._is_over:
            return
        self._inbox.append(item)
        if self._is_emptying_planned:
            return
        self._is_emptying_planned = True
        try:
            if get_ident() == self._thread:
                self._loop.call_soon(self._empty)
            else:
                self._loop.call_soon_threadsafe(self._empty)
        except RuntimeError:
            # The loop was closed and the connection left behind with it; the server must not suffer for that.
            self._is_over = True
            self._inbox.clear()

    def _empty(self) -> None:
        self._is_emptying_planned = False
        messages: list[ServerMessage] = []
        # Only what is there now: a callback that makes the server speak again does not keep the loop here.
        for _ in range(len(self._inbox)):
            item = self._inbox.popleft()
            if isinstance(item, tuple):
                self._hand_over(messages)
                if not self._is_over:
                    self._is_over = True
                    self._receiver.closed(*item)
                return
            messages.append(item)
        self._hand_over(messages)

    def _hand_over(self, messages: list[ServerMessage]) -> None:
        if messages and not self._is_over:
            self._receiver.messages(messages)
