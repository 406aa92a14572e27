"""Remembers the calls that clients make over a transport, so that the report of a failed test shows them too.

A comparison of two backends listens here as well, to what clients are told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..client.link import HearsOfFailures, KnowsClients
from ..sats import SatsError
from ..wire.messages import (
    CallProcedure,
    CallReducer,
    InitialConnection,
    ProcedureInternalError,
    ProcedureResult,
    ReducerErr,
    ReducerInternalError,
    ReducerResult,
)
from ..wire.v1_outcomes import is_crash
from .calling import Call, arguments_text

if TYPE_CHECKING:
    from ..client.link import Link, Receiver, Transport
    from ..sats import ModuleDef, ProcedureDef, ReducerDef
    from ..wire.messages import ClientMessage, ServerMessage
    from .parity.witness import ClientWitness


class RecordingTransport:
    """A way to a server that remembers the calls of those who take it.

    Args:
        transport: The way itself.
        definition: What the module declares.
        calls: Where calls are remembered.
        caller: Who calls; a client that is nobody's actor is named by the start of its identity.
        listen: Makes who listens to what one connection is told; None where nobody does.
    """

    known_as: Callable[[str], Transport]
    """There when the way itself has it; see `KnowsClients`."""

    def __init__(
        self,
        transport: Transport,
        definition: ModuleDef,
        calls: deque[Call],
        caller: str | None,
        listen: Callable[[str | None], ClientWitness] | None = None,
    ) -> None:
        self._transport = transport
        self._definition = definition
        self._calls = calls
        self._caller = caller
        self._listen = listen
        if isinstance(transport, KnowsClients):
            self.known_as = lambda token: RecordingTransport(
                transport.known_as(token), definition, calls, caller, listen
            )

    async def open(self, receiver: Receiver) -> Link:
        """Connect; see `Transport.open`."""
        witness = None if self._listen is None else self._listen(self._caller)
        recorder = _Recorder(receiver, self._definition, self._calls, self._caller, witness)
        recorder.link = await self._transport.open(recorder)
        return recorder

    def __repr__(self) -> str:
        return repr(self._transport)


class _Recorder:
    """Both ends of one connection: the receiver as the server sees it, and the link as the client sees it."""

    link: Link
    failed: Callable[[Exception], None]

    def __init__(
        self,
        receiver: Receiver,
        definition: ModuleDef,
        calls: deque[Call],
        caller: str | None,
        witness: ClientWitness | None,
    ) -> None:
        self._receiver = receiver
        self._definition = definition
        self._calls = calls
        self._caller = caller or "client"
        self._is_named = caller is not None
        self._waiting: dict[int, Call] = {}
        self._witness = witness
        self.closed = receiver.closed
        if isinstance(receiver, HearsOfFailures):
            self.failed = receiver.failed

    def send(self, message: ClientMessage) -> None:
        if isinstance(message, (CallReducer, CallProcedure)):
            name, known = _called(self._definition, message)
            call = Call(name, self._caller, partial(_decoded, known, message.args))
            self._waiting[message.request_id] = call
            self._calls.append(call)
        self.link.send(message)

    async def close(self) -> None:
        if self._witness is None:
            await self.link.close()
            return
        try:
            await self._witness.settle(self.link.send)
        finally:
            await self.link.close()
        await self._witness.leave()

    def messages(self, messages: list[ServerMessage]) -> None:
        if self._witness is not None:
            messages = [message for message in messages if not self._witness.hear(message)]
            if not messages:
                return
        for message in messages:
            if isinstance(message, (ReducerResult, ProcedureResult)):
                call = self._waiting.pop(message.request_id, None)
                if call is not None:
                    call.status, call.reason = _end(message)
            elif isinstance(message, InitialConnection) and not self._is_named:
                self._caller = f"client {message.identity.hex()[:12]}"
        self._receiver.messages(messages)


def _called(
    definition: ModuleDef, message: CallReducer | CallProcedure
) -> tuple[str, ReducerDef | ProcedureDef | None]:
    """Return the name of what is called, and its declaration, if there is one."""
    if isinstance(message, CallReducer):
        return message.reducer, definition.reducers.get(message.reducer)
    return message.procedure, definition.procedures.get(message.procedure)


def _decoded(known: ReducerDef | ProcedureDef | None, args: bytes, longest: int = 80) -> str:
    if known is not None:
        try:
            return arguments_text((), known.decode_args(args), longest)
        except SatsError:
            pass  # a client may send what does not fit
    return f"{len(args)} bytes"


def _end(message: ReducerResult | ProcedureResult) -> tuple[str, str]:
    if isinstance(message, ProcedureResult):
        if isinstance(message.status, ProcedureInternalError):
            return "crashed", message.status.message
        return "returned", ""
    result = message.result
    if isinstance(result, ReducerErr):
        return "failed", result.text
    if isinstance(result, ReducerInternalError):
        return ("crashed" if is_crash(result.message) else "refused"), result.message
    return "committed", ""
