"""What lies between a connection and a server: transports open links, links carry messages, receivers get them.

Messages are pushed: whatever a transport does to get them, it calls the receiver on the thread of the event loop on
which it was opened, in the order in which the server spoke, and never from within `Link.send`. A receiver's methods do not
raise and do not block.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from ..wire.messages import ClientMessage, ServerMessage


class Receiver(Protocol):
    """Who gets what the server says."""

    @abstractmethod
    def messages(self, messages: list[ServerMessage]) -> None:
        """Take messages, at least one."""

    @abstractmethod
    def closed(self, code: int | None, reason: str) -> None:
        """Take note that the connection has ended and that nothing follows.

        Args:
            code: The close code; None if the server just went away.
            reason: The text that came with it.
        """


@runtime_checkable
class HearsOfFailures(Protocol):
    """A receiver that wants to know the error of a server's message that cannot be used; others hear of a close."""

    @abstractmethod
    def failed(self, error: Exception) -> None:
        """Take note that the connection has ended, because the server broke the protocol."""


@runtime_checkable
class KnowsClients(Protocol):
    """A transport over which the same client can connect again."""

    @abstractmethod
    def known_as(self, token: str) -> Transport:
        """Return the same way for whom the server has given a token to; who has brought one keeps it."""


class Link(Protocol):
    """An open connection, seen from the client."""

    @abstractmethod
    def send(self, message: ClientMessage) -> None:
        """Send a message. After the end of the connection it is dropped."""

    @abstractmethod
    async def close(self) -> None:
        """End the connection; the receiver is not called any more. A second time does nothing."""


class Transport(Protocol):
    """A way to a server."""

    @abstractmethod
    async def open(self, receiver: Receiver) -> Link:
        """Connect.

        Raises:
            ConnectionRejected: The server turned the client away.
        """
