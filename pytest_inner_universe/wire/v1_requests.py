"""What a client says in the first WebSocket protocol.

Names and fields are the protocol's own; some names mean something else than in the second one, so refer to them through
the module `v1`. Query ids are plain integers. The protocol has two encodings: where the binary one has the BSATN bytes of
a value, the JSON one has its text. The messages are the same but for that, and `Single` stands for either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Single = bytes | str

FULL_UPDATE: Final = 0
NO_SUCCESS_NOTIFY: Final = 1


@dataclass(frozen=True, slots=True)
class CallReducer:
    """Call a reducer; with `NO_SUCCESS_NOTIFY` the caller wants to hear no more of it than everybody else."""

    reducer: str
    args: Single
    request_id: int
    flags: int = FULL_UPDATE


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Replace all queries that were subscribed to by this message; the oldest way to subscribe."""

    query_strings: tuple[str, ...]
    request_id: int


@dataclass(frozen=True, slots=True)
class OneOffQuery:
    """Ask for the rows of one query, once; the message id is any bytes that the client likes."""

    message_id: bytes
    query_string: str


@dataclass(frozen=True, slots=True)
class SubscribeSingle:
    """Start one query."""

    query: str
    request_id: int
    query_id: int


@dataclass(frozen=True, slots=True)
class SubscribeMulti:
    """Start several queries under one id."""

    query_strings: tuple[str, ...]
    request_id: int
    query_id: int


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """End what `SubscribeSingle` started."""

    request_id: int
    query_id: int


@dataclass(frozen=True, slots=True)
class UnsubscribeMulti:
    """End what `SubscribeMulti` started."""

    request_id: int
    query_id: int


@dataclass(frozen=True, slots=True)
class CallProcedure:
    """Call a procedure."""

    procedure: str
    args: Single
    request_id: int
    flags: int = 0


ClientMessage = (
    CallReducer
    | Subscribe
    | OneOffQuery
    | SubscribeSingle
    | SubscribeMulti
    | Unsubscribe
    | UnsubscribeMulti
    | CallProcedure
)
