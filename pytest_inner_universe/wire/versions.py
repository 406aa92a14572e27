"""The protocol versions behind one interface: what a session needs to turn messages into frames and back.

Messages are those of the second protocol in every version. A frame is the payload of one WebSocket message: bytes where it
is binary, a str where it is text.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, Protocol

from ..sats.errors import DecodeError
from . import v2, v3
from .calls import NO_CALLS, CallInfo
from .form import read_at
from .frames import UNPACKED_LIMIT, Compression, pack, unpack
from .messages import ClientMessage, ServerMessage
from .v1_manners import NEWEST, V1Manners

if TYPE_CHECKING:
    from ..sats.moments import Timestamp
    from .schema import Schema
    from .v1_codecs import V1Codec

Frame = bytes | str


class ClientCodec(Protocol):
    """A client's side of one connection: writes requests, reads answers."""

    @abstractmethod
    def client_frames(self, messages: Iterable[ClientMessage]) -> list[Frame]:
        """Write messages of a client. Raises `EncodeError` if one does not fit its form."""

    @abstractmethod
    def read_server_frame(self, frame: Frame, limit: int = UNPACKED_LIMIT) -> list[ServerMessage]:
        """Read a frame of a server.

        Raises:
            DecodeError: It is damaged, or unpacks to more bytes than the limit.
            RemoteProtocolError: It cannot be said in the words of the second protocol, because it makes no sense here.
        """


class ServerCodec(Protocol):
    """A server's side of one connection: reads requests, writes answers."""

    @abstractmethod
    def server_frames(
        self, messages: Iterable[ServerMessage], compression: Compression, calls: Mapping[int, CallInfo] = NO_CALLS
    ) -> list[Frame]:
        """Write messages of a server; some versions do not say all of them.

        Args:
            messages: The messages.
            compression: What the client asked for.
            calls: What caused a message, by its place among them; only the first protocol tells it.

        Raises:
            EncodeError: A message does not fit its form.
        """

    @abstractmethod
    def read_client_frame(self, frame: Frame) -> list[ClientMessage]:
        """Read a frame of a client. Raises `DecodeError` if it is damaged."""

    @abstractmethod
    def replies(self) -> list[Frame]:
        """Return, once, the frames that answer what was read without asking anybody."""


class WireVersion(Protocol):
    """One version of the protocol."""

    subprotocol: str
    """The name under which client and server agree on this version."""

    @abstractmethod
    def for_client(self, schema: Schema | None = None) -> ClientCodec:
        """Return what a client's connection is translated by.

        Args:
            schema: The module; needed by the JSON version, useful to the other one of the first protocol.

        Raises:
            LocalProtocolError: It is needed and missing.
        """

    @abstractmethod
    def for_server(self, schema: Schema | None = None, light: bool = False, manners: V1Manners = NEWEST) -> ServerCodec:
        """Return what a server's connection is translated by.

        Args:
            schema: The module; needed by the JSON version, useful to the other one of the first protocol.
            light: Whether the client wants to know what changed, but not why; the first protocol only.
            manners: How the release of the server speaks the first protocol.

        Raises:
            LocalProtocolError: The schema is needed and missing.
        """


class StatelessVersion(WireVersion, ClientCodec, ServerCodec, Protocol):
    """A version that remembers nothing between frames, and so is the codec of all its connections."""


class _Binary(StatelessVersion):
    """What the second and the third protocol share."""

    def for_client(self, schema: Schema | None = None) -> ClientCodec:
        return self

    def for_server(
        self,
        schema: Schema | None = None,
        light: bool = False,
        manners: V1Manners = NEWEST,
    ) -> ServerCodec:
        return self

    def replies(self) -> list[Frame]:
        return []


class _V2(_Binary):
    """One message per frame."""

    subprotocol = v2.SUBPROTOCOL

    def client_frames(self, messages: Iterable[ClientMessage]) -> list[Frame]:
        return [v2.encode_client(message) for message in messages]

    def server_frames(
        self,
        messages: Iterable[ServerMessage],
        compression: Compression,
        calls: Mapping[int, CallInfo] = NO_CALLS,
    ) -> list[Frame]:
        return [pack(v2.encode_server(message), compression) for message in messages]

    def read_client_frame(self, frame: Frame) -> list[ClientMessage]:
        # Bytes behind the message are ignored, as servers do; the third protocol made an end of that.
        return [read_at(v2.CLIENT_FORM, _binary(frame), 0)[0]]

    def read_server_frame(self, frame: Frame, limit: int = UNPACKED_LIMIT) -> list[ServerMessage]:
        return [v2.decode_server(unpack(_binary(frame), limit))]


class _V3(_Binary):
    """Any number of messages per frame."""

    subprotocol = v3.SUBPROTOCOL

    def client_frames(self, messages: Iterable[ClientMessage]) -> list[Frame]:
        return [*v3.encode_client(messages)]

    def server_frames(
        self,
        messages: Iterable[ServerMessage],
        compression: Compression,
        calls: Mapping[int, CallInfo] = NO_CALLS,
    ) -> list[Frame]:
        return [pack(body, compression) for body in v3.encode_server(messages)]

    def read_client_frame(self, frame: Frame) -> list[ClientMessage]:
        return v3.decode_client(_binary(frame))

    def read_server_frame(self, frame: Frame, limit: int = UNPACKED_LIMIT) -> list[ServerMessage]:
        return v3.decode_server(unpack(_binary(frame), limit))


class _V1:
    """One message per frame; requests, identity and rows have to be remembered."""

    def __init__(self, subprotocol: str, is_json: bool) -> None:
        self.subprotocol = subprotocol
        self._is_json = is_json

    def for_client(self, schema: Schema | None = None) -> ClientCodec:
        from .v1_client import V1Client

        return V1Client(self._encoding(schema), schema)

    def for_server(self, schema: Schema | None = None, light: bool = False, manners: V1Manners = NEWEST) -> ServerCodec:
        from .v1_server import V1Server

        return V1Server(self._encoding(schema, manners), schema, light, _now, manners)

    def _encoding(self, schema: Schema | None, manners: V1Manners = NEWEST) -> V1Codec:
        from .v1_codecs import binary, json_texts

        return json_texts(schema) if self._is_json else binary(schema, manners)


def _now() -> Timestamp:
    import time

    from ..sats.moments import Timestamp

    return Timestamp(time.time_ns() // 1000)


def _binary(frame: Frame) -> bytes:
    if isinstance(frame, str):
        raise DecodeError("a text frame, where this version of the protocol has binary ones only")
    return bytes(frame)


V1_JSON: Final[WireVersion] = _V1("v1.json.spacetimedb", is_json=True)
V1: Final[WireVersion] = _V1("v1.bsatn.spacetimedb", is_json=False)
V2: Final[StatelessVersion] = _V2()
V3: Final[StatelessVersion] = _V3()

VERSIONS: Final[dict[str, WireVersion]] = {version.subprotocol: version for version in (V3, V2, V1, V1_JSON)}
"""By the name that client and server agree on, in the order in which both prefer them."""
