"""How connections end, and what a client is told then."""

from __future__ import annotations

from typing import NamedTuple

ERROR = 1011
AGAIN = 1013
REPLACED = (1008, "the connection id is in use by a newer connection")

_LONGEST_REASON = 123
_VARIANTS = 5
"""Kinds of message that a client of the second and third protocol can send."""


class Ending(NamedTuple):
    """How a connection ends: with a close frame, or without one when there is no code."""

    code: int | None
    reason: str = ""

    @property
    def short_reason(self) -> bytes:
        """As much of the reason as a close frame holds."""
        return self.reason.encode()[:_LONGEST_REASON].decode(errors="ignore").encode()


def reason_of(subprotocol: str, frame: bytes | str, error: Exception) -> str:
    """Return the reason of a close because of a frame that cannot be read.

    Args:
        subprotocol: The version of the protocol.
        frame: What came.
        error: What is wrong with it.
    """
    version = subprotocol.partition(".")[0]
    if version != "v1":
        if isinstance(frame, str):
            return f"{version} websocket does not support text messages"
        if version == "v3" and not frame:
            return "v3 websocket binary payload must contain at least one v2 client message"
    most = 8 if version == "v1" else _VARIANTS
    if isinstance(frame, bytes) and frame and frame[0] >= most:
        return f"unknown tag {frame[0]:#x} for sum type ClientMessage"
    return str(error)
