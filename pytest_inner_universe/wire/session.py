"""One session object for each side of a connection. Sessions do no I/O.

What arrives goes in by `receive_data` (or `receive`, where messages travel as objects), which returns the messages as
events; what is to be sent goes in by `send` and comes out by `data_to_send` (or `messages_to_send`). The rules are those of
`conversation`; the frames are those of the protocol version that client and server agreed on. Messages are the same in
every version: what the first protocol says otherwise is translated.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..sats.errors import DecodeError
from .conversation import Conversation, Phase
from .errors import LocalProtocolError, RemoteProtocolError
from .frames import UNPACKED_LIMIT, Compression
from .messages import ClientMessage, ServerMessage
from .v1_manners import NEWEST, V1Manners
from .versions import V2, Frame, WireVersion

if TYPE_CHECKING:
    from .calls import CallInfo
    from .schema import Schema

Sent = TypeVar("Sent")
Received = TypeVar("Received")


class _Session(ABC, Generic[Sent, Received]):
    """What the two sides share."""

    _is_server: bool

    def __init__(self, version: WireVersion) -> None:
        self.version = version
        """The protocol version that turns messages into frames."""

        self.close_code: int | None = None
        """The code that the connection was closed with, once it is closed; None if the other side just went away."""

        self.close_reason = ""
        """The text that came with the code."""

        self._conversation = Conversation(self._is_server)
        self._outgoing: list[Sent] = []

    @property
    def phase(self) -> Phase:
        """How far the conversation is."""
        return self._conversation.phase

    @property
    def unanswered(self) -> tuple[ClientMessage, ...]:
        """Requests without an answer yet, in their order."""
        return self._conversation.unanswered

    @property
    def live_query_sets(self) -> frozenset[int]:
        """Ids of the query sets that updates may name."""
        return self._conversation.live_query_sets

    def send(self, message: Sent) -> None:
        """Take a message that is to be sent.

        Raises:
            LocalProtocolError: It is out of place; nothing will be sent.
        """
        self._say(message)
        self._outgoing.append(message)

    def messages_to_send(self) -> list[Sent]:
        """Return what was sent since the last time, as message objects."""
        messages, self._outgoing = self._outgoing, []
        return messages

    @abstractmethod
    def data_to_send(self) -> list[Frame]:
        """Return what was sent since the last time, as frames: bytes for a binary one, str for a text.

        Raises:
            EncodeError: A message does not fit its form.
        """

    def receive(self, message: Received) -> Received:
        """Take a message that arrived, and return it.

        Raises:
            RemoteProtocolError: It is out of place; the session is closed.
        """
        try:
            self._hear(message)
        except LocalProtocolError as error:
            self.close()
            raise RemoteProtocolError(error.reason) from None
        return message

    def receive_data(self, frame: Frame) -> list[Received]:
        """Take a frame that arrived, and return its messages.

        Args:
            frame: The payload of one WebSocket message: bytes if it was binary, str if it was text.

        Raises:
            DecodeError: The frame is damaged; the session is closed.
            RemoteProtocolError: A message is out of place; the session is closed.
        """
        try:
            messages = self._read(frame)
        except (DecodeError, RemoteProtocolError):
            self.close()
            raise
        return [self.receive(message) for message in messages]

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Record that the connection was closed, by whichever side; the first time counts."""
        if self.phase is not Phase.CLOSED:
            self.close_code, self.close_reason = code, reason
        self._conversation.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.phase.value}, {len(self.unanswered)} unanswered>"

    @abstractmethod
    def _say(self, message: Any) -> None:
        """Check that a message may be sent now, and note it."""

    @abstractmethod
    def _hear(self, message: Any) -> None:
        """Check that a message may arrive now, and note it."""

    @abstractmethod
    def _read(self, frame: Frame) -> list[Received]:
        """Turn a frame into messages."""


class ClientSession(_Session[ClientMessage, ServerMessage]):
    """The client's side of a connection.

    Args:
        version: The protocol version that was agreed on.
        limit: The most bytes that a packed frame may unpack to.
        schema: The module; the JSON version needs it.

    Raises:
        LocalProtocolError: The version needs the schema, which is missing.

    Example:
        >>> session = ClientSession()
        >>> session.phase
        <Phase.NEW: 'new'>
    """

    _is_server = False

    def __init__(self, version: WireVersion = V2, limit: int = UNPACKED_LIMIT, *, schema: Schema | None = None) -> None:
        super().__init__(version)
        self._limit = limit
        self._codec = version.for_client(schema)

    def data_to_send(self) -> list[Frame]:
        """Return what was sent since the last time, as frames: bytes for a binary one, str for a text.

        Raises:
            EncodeError: A message does not fit its form.
        """
        return self._codec.client_frames(self.messages_to_send())

    def _say(self, message: ClientMessage) -> None:
        self._conversation.client_says(message)

    def _hear(self, message: ServerMessage) -> None:
        self._conversation.server_says(message)

    def _read(self, frame: Frame) -> list[ServerMessage]:
        return self._codec.read_server_frame(frame, self._limit)


class ServerSession(_Session[ServerMessage, ClientMessage]):
    """The server's side of a connection.

    Args:
        version: The protocol version that was agreed on.
        compression: What the client asked for.
        schema: The module; the JSON version needs it, and the binary one of the first protocol tells more with it.
        light: Whether the client wants to know what changed, but not why; first protocol only.
        manners: How the release of the server speaks the first protocol.

    Raises:
        LocalProtocolError: The version needs the schema, which is missing.
    """

    _is_server = True

    def __init__(
        self,
        version: WireVersion = V2,
        compression: Compression = Compression.NONE,
        *,
        schema: Schema | None = None,
        light: bool = False,
        manners: V1Manners = NEWEST,
    ) -> None:
        super().__init__(version)
        self._compression = compression
        self._codec = version.for_server(schema, light, manners)
        self._calls: dict[int, CallInfo] = {}
        # Frames that need no message, each with the number of messages that go before it.
        self._replies: list[tuple[int, Frame]] = []

    def send(self, message: ServerMessage, call: CallInfo | None = None) -> None:
        """Take a message that is to be sent.

        Args:
            message: The message.
            call: What caused it, for a `TransactionUpdate` or a `ReducerResult`; the first protocol tells it.

        Raises:
            LocalProtocolError: It is out of place; nothing will be sent.
        """
        super().send(message)
        if call is not None:
            self._calls[len(self._outgoing) - 1] = call

    def messages_to_send(self) -> list[ServerMessage]:
        """Return what was sent since the last time, as message objects."""
        self._calls.clear()
        return super().messages_to_send()

    def data_to_send(self) -> list[Frame]:
        """Return what was sent since the last time, as frames: bytes for a binary one, str for a text.

        Among them is what the version answers by itself, so ask after every `receive_data`.

        Raises:
            EncodeError: A message does not fit its form.
        """
        calls, self._calls = self._calls, {}
        replies, self._replies = self._replies, []
        messages = self.messages_to_send()
        frames: list[Frame] = []
        done = 0
        for place, reply in (*replies, (len(messages), None)):
            part = {i - done: call for i, call in calls.items() if done <= i < place}
            frames += self._codec.server_frames(messages[done:place], self._compression, part)
            frames += (reply,) if reply is not None else ()
            done = place
        return frames

    def _say(self, message: ServerMessage) -> None:
        self._conversation.server_says(message)

    def _hear(self, message: ClientMessage) -> None:
        self._conversation.client_says(message)

    def _read(self, frame: Frame) -> list[ClientMessage]:
        messages = self._codec.read_client_frame(frame)
        self._replies += [(len(self._outgoing), reply) for reply in self._codec.replies()]
        return messages
