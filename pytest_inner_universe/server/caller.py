"""A connection that calls and asks, and nothing else: no cache, no subscriptions, one answer for each request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ..client.errors import ConnectionLost, ConnectionRejected, QueryFailed
from ..engine.calls import CallOutcome
from ..engine.procedures import ProcedureOutcome
from ..wire.messages import (
    CallProcedure,
    CallReducer,
    InitialConnection,
    OneOffQuery,
    OneOffQueryResult,
    ProcedureInternalError,
    ProcedureResult,
    ReducerErr,
    ReducerInternalError,
    ReducerOk,
    ReducerResult,
    ServerMessage,
)

if TYPE_CHECKING:
    from ..client.link import Link, Transport

_LARGEST_ID = 2**32 - 1
_PANICS = "fatal error"
"""What a server says of a panic has these words in every release; every other text is a call that it refused to run."""


class Caller:
    """The receiver of such a connection; made by `Caller.open`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._introduction: asyncio.Future[InitialConnection] = self._loop.create_future()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._ending: tuple[int | None, str] | None = None
        self._last_id = 0
        self._link: Link | None = None

    @classmethod
    async def open(cls, transport: Transport) -> Caller:
        """Connect, and return when the server has let the caller in.

        Raises:
            ConnectionRejected: It did not.
        """
        caller = cls()
        try:
            caller._link = await transport.open(caller)
            await caller._introduction
        except BaseException:
            await caller.close()
            raise
        return caller

    @property
    def is_open(self) -> bool:
        """Whether calls can be made."""
        return self._ending is None

    async def call(self, reducer: str, args: bytes) -> CallOutcome:
        """Call a reducer.

        Args:
            reducer: Its name.
            args: Its arguments as BSATN.

        Raises:
            ConnectionLost: The connection ended before the answer came; whether the reducer ran is not known.
        """
        what = f"the answer to the call of {reducer!r}"
        result: ReducerResult = await self._ask(CallReducer(self._new_id(), 0, reducer, args), what)
        return _outcome(reducer, result)

    async def call_procedure(self, procedure: str, args: bytes) -> ProcedureOutcome:
        """Call a procedure.

        Args:
            procedure: Its name.
            args: Its arguments as BSATN.

        Raises:
            ConnectionLost: The connection ended before the answer came; how far the procedure came is not known.
        """
        what = f"the answer to the call of {procedure!r}"
        message = CallProcedure(self._new_id(), 0, procedure, args)
        result: ProcedureResult = await self._ask(message, what)
        if isinstance(result.status, ProcedureInternalError):
            text = result.status.message
            return ProcedureOutcome(procedure, "crashed" if _PANICS in text else "refused", text)
        when, took = result.timestamp.micros, result.total_host_execution_duration.micros
        return ProcedureOutcome(procedure, "returned", "", result.status.value, when, took)

    async def query(self, sql: str) -> list[bytes]:
        """Return the rows of a query on one table, as BSATN.

        Args:
            sql: A query of the kind that can be subscribed to.

        Raises:
            ConnectionLost: The connection ended before the answer came.
            QueryFailed: The server refused the query.
        """
        answer: OneOffQueryResult = await self._ask(OneOffQuery(self._new_id(), sql), f"the rows of {sql!r}")
        if isinstance(answer.result, str):
            raise QueryFailed(sql, answer.result)
        return [row for table in answer.result.tables for row in table.rows]

    def _new_id(self) -> int:
        self._last_id = self._last_id % _LARGEST_ID + 1
        return self._last_id

    async def _ask(self, message: CallReducer | CallProcedure | OneOffQuery, what: str) -> Any:
        if self._ending is not None or self._link is None:
            code, reason = self._ending or (None, "")
            raise ConnectionLost(what, reason, code)
        answer = self._waiting[message.request_id] = self._loop.create_future()
        try:
            self._link.send(message)
            return await answer
        except ConnectionError as error:
            raise ConnectionLost(what, str(error)) from None
        finally:
            self._waiting.pop(message.request_id, None)

    async def close(self) -> None:
        """End the connection."""
        self.closed(None, "it was closed here")
        if self._link is not None:
            await self._link.close()

    def messages(self, messages: list[ServerMessage]) -> None:
        """Take messages; see `Receiver`."""
        for message in messages:
            if isinstance(message, (ReducerResult, ProcedureResult, OneOffQueryResult)):
                answer = self._waiting.get(message.request_id)
                if answer is not None and not answer.done():
                    answer.set_result(message)
            elif isinstance(message, InitialConnection) and not self._introduction.done():
                self._introduction.set_result(message)

    def closed(self, code: int | None, reason: str) -> None:
        """Take note of the end; see `Receiver`."""
        if self._ending is not None:
            return
        self._ending = (code, reason)
        if not self._introduction.done():
            self._introduction.set_exception(ConnectionRejected(reason, code))
            self._introduction.exception()  # nobody may be waiting for it any more
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError(reason))


def _outcome(reducer: str, message: ReducerResult) -> CallOutcome:
    result, when = message.result, message.timestamp.micros
    if isinstance(result, ReducerErr):
        return CallOutcome(reducer, "failed", result.text, when)
    if isinstance(result, ReducerInternalError):
        return CallOutcome(reducer, "crashed" if _PANICS in result.message else "refused", result.message, when)
    update = result.transaction_update if isinstance(result, ReducerOk) else None
    return CallOutcome(reducer, "committed", "", when, update=update)
