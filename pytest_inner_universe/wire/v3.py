"""The third WebSocket protocol, ``v3.bsatn.spacetimedb``: the messages of the second, several of them in one frame.

Messages stand back to back; each says by its own form where it ends. A frame is read to its end before any of its
messages counts: where one is damaged, none is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ..sats.errors import DecodeError
from . import v2
from .form import Form, append, read_at
from .messages import ClientMessage, ServerMessage

SUBPROTOCOL: Final = "v3.bsatn.spacetimedb"

CLIENT_TARGET: Final = 256 * 1024
"""Size in bytes up to which a client puts messages into one frame; a single larger one is a frame of its own."""

SERVER_TARGET: Final = 512 * 1024
"""The same for a server, before packing."""


def encode_client(messages: Iterable[ClientMessage]) -> list[bytes]:
    """Write messages of a client, in as few frames as the target size allows.

    Raises:
        EncodeError: A field does not fit its type.
    """
    return _join(v2.CLIENT_FORM, messages, CLIENT_TARGET)


def decode_client(body: bytes) -> list[ClientMessage]:
    """Read the messages of a client's frame.

    Raises:
        DecodeError: The frame is empty, or is anything else than messages back to back.
    """
    return _split(v2.CLIENT_FORM, body)


def encode_server(messages: Iterable[ServerMessage]) -> list[bytes]:
    """Write messages of a server, in as few bodies as the target size allows; each still wants a frame's tag byte.

    Raises:
        EncodeError: A field does not fit its type.
    """
    return _join(v2.SERVER_FORM, messages, SERVER_TARGET)


def decode_server(body: bytes) -> list[ServerMessage]:
    """Read the messages of a server's frame, whose tag byte is gone and whose body is unpacked.

    Raises:
        DecodeError: The body is empty, or is anything else than messages back to back.
    """
    return _split(v2.SERVER_FORM, body)


def _join(form: Form, messages: Iterable[Any], target: int) -> list[bytes]:
    bodies: list[bytes] = []
    body = bytearray()
    for message in messages:
        end = len(body)
        append(form, message, body)
        if end and len(body) > target:
            bodies.append(bytes(body[:end]))
            del body[:end]
    return [*bodies, bytes(body)] if body else bodies


def _split(form: Form, body: bytes) -> list[Any]:
    if not body:
        raise DecodeError("the frame is empty, it should hold at least one message")
    data, start = bytes(body), 0
    messages = []
    while start < len(data):
        message, start = read_at(form, data, start)
        messages.append(message)
    return messages
