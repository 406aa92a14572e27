"""The cause of a transaction, which the first protocol tells to clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..sats.identity import ConnectionId, Identity
from ..sats.moments import TimeDuration, Timestamp

_NO_TIME = TimeDuration(0)


@dataclass(frozen=True, slots=True)
class CallInfo:
    """Which call caused a transaction.

    Args:
        reducer: Its name; empty for statements of SQL.
        args: The arguments as BSATN.
        request_id: The caller's number of the call, 0 if it has none.
        caller_identity: Who called; the database itself for a schedule.
        caller_connection_id: Through which connection; zero if through none.
        timestamp: When.
        energy: How much energy it used.
        duration: How long it took.
    """

    reducer: str
    args: bytes
    request_id: int
    caller_identity: Identity
    caller_connection_id: ConnectionId
    timestamp: Timestamp
    energy: int = 0
    duration: TimeDuration = _NO_TIME


class TextArgs(bytes):
    """Arguments as BSATN that a client gave as JSON; whoever is told of them in JSON is told that very text.

    Args:
        data: The arguments as BSATN.
        text: The client's text.
    """

    text: str

    def __new__(cls, data: bytes, text: str) -> TextArgs:
        """Make them of both forms."""
        self = super().__new__(cls, data)
        self.text = text
        return self


NO_CALLS: Final[Mapping[int, CallInfo]] = {}
