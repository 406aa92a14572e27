"""What came of a call of a reducer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..sats.errors import DecodeError
from ..sats.server_words import Complaint, complaint_about_bytes

if TYPE_CHECKING:
    from ..sats import ProcedureDef, ReducerDef
    from ..wire.messages import TransactionUpdate
    from .logs import LogRecord
    from .store import Changes

Status = Literal["committed", "failed", "crashed", "refused"]

NO_SUCH_REDUCER = "no such reducer"
_HOOK_TITLES = {"init": "Init", "client_connected": "OnConnect", "client_disconnected": "OnDisconnect"}


@dataclass
class CallOutcome:
    """One call and its end.

    Args:
        reducer: Name of the reducer.
        status: ``committed``; ``failed`` with the module's own words; ``crashed`` by a panic or a limit; ``refused`` before
            it ran, for an unknown name, unfit arguments or a reducer that is not for clients.
        message: The text that a client receives; empty when committed.
        timestamp: When, in microseconds since the Unix epoch.
        changes: What it did to the tables.
        update: The part of it that the caller has subscribed to.
        panic: The module's last words, where it panicked.
        detail: What the engine knows beyond the message, for people.
        limit: The seconds that it was allowed to run, where it was stopped for running longer.
    """

    reducer: str
    status: Status
    message: str = ""
    timestamp: int = 0
    changes: Changes | None = None
    update: TransactionUpdate | None = None
    panic: LogRecord | None = None
    detail: str = ""
    limit: float | None = None

    @property
    def committed(self) -> bool:
        """Whether the transaction took effect."""
        return self.status == "committed"


def forbidden(reducer: ReducerDef, is_owner: bool) -> str | None:
    """Return why somebody may not call a reducer, whatever the arguments; None for who may."""
    if reducer.lifecycle is not None:
        return f"can't directly call special {_HOOK_TITLES[reducer.lifecycle]} lifecycle reducer"
    return NO_SUCH_REDUCER if reducer.is_private and not is_owner else None


def refusal_of(reducer: ReducerDef | None, args: bytes, is_owner: bool) -> str | None:
    """Return why a client's call is not begun, None if it is.

    Args:
        reducer: What is called, None if there is none of its name.
        args: The arguments as BSATN.
        is_owner: Whether the caller owns the database.
    """
    if reducer is None:
        return NO_SUCH_REDUCER
    refusal = forbidden(reducer, is_owner)
    if refusal is not None:
        return refusal
    try:
        reducer.params_codec.read(args)  # bytes after the last argument are ignored, as servers do
    except DecodeError as error:
        return bad_arguments("reducer", reducer, args, error)
    return None


def bad_arguments(kind: str, function: ReducerDef | ProcedureDef, args: bytes, error: DecodeError) -> str:
    """Return what a client is told whose arguments do not fit.

    Args:
        kind: ``reducer`` or ``procedure``.
        function: What is called.
        args: The arguments.
        error: Why they do not, in our words, in case that a server would take them.
    """
    complaint = complaint_about_bytes(function.params, args) or Complaint(str(error))
    return complaint.brief(kind, function.name)
