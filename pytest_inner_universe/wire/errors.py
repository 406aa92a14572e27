"""Errors of a conversation.

The tree::

    ProtocolError (Exception)
    ├── LocalProtocolError      we were about to break the rules
    └── RemoteProtocolError     the other side broke them
    sats.DecodeError
    └── CompressionUnavailable  a frame is packed in a way that this process cannot unpack
    BadParameter (ValueError)   an address asks for what servers refuse

Input that is no message at all raises `sats.DecodeError`.
"""

from __future__ import annotations

from ..sats.errors import DecodeError


class ProtocolError(Exception):
    """A message came at a time when it has no meaning; raised as one of the two subclasses only.

    Args:
        reason: Which rule was broken, and by which message.
    """

    def __init__(self, reason: str) -> None:
        if type(self) is ProtocolError:
            raise TypeError("raise LocalProtocolError or RemoteProtocolError, which say who broke the rule")
        self.reason = reason
        super().__init__(reason)


class LocalProtocolError(ProtocolError):
    """This side used the session wrongly; nothing was sent, and the session goes on."""


class RemoteProtocolError(ProtocolError):
    """The other side broke the rules; the session is over and its connection should be closed."""


class CompressionUnavailable(DecodeError):
    """A frame is packed with an algorithm that is not installed here."""

    def __init__(self) -> None:
        super().__init__(
            "the frame is packed with brotli, which this process cannot unpack; "
            'connect with compression "Gzip" or "None", or install brotli 1.2 or newer (pip install brotli)'
        )


class BadParameter(ValueError):
    """A parameter of a connection's address has a value that servers refuse with status 400.

    Args:
        name: Of the parameter.
        value: As it was given.
        reason: What is wrong.
    """

    def __init__(self, name: str, value: str, reason: str) -> None:
        self.name = name
        self.value = value
        self.reason = reason
        super().__init__(name, value, reason)

    def __str__(self) -> str:
        return f"{self.reason} (parameter {self.name}={self.value!r:.60})"
