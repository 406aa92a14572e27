"""Requests that wait for their answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from ..wire.messages import CallProcedure, CallReducer, ClientMessage
from .errors import ConnectionLost, Ending, OutcomeUnknown, RequestTimeout

_ID_LIMIT = 1 << 32

MOST_UNANSWERED: Final = 16_000
"""How many requests may wait for their answers; further ones wait for their turn before they are sent. Servers since 2.0 close the
connection of a client that is 16,384 messages ahead of them."""


@dataclass(slots=True)
class Pending:
    """A request that waits.

    Args:
        future: Where the answer goes.
        what: The answer in words.
        message: The request; None for the first message, which comes without being asked for.
        repeats: Whether it may be sent again over another connection.
        is_sent: Whether it has been sent.
    """

    future: asyncio.Future[Any]
    what: str
    message: ClientMessage | None = None
    repeats: bool = False
    is_sent: bool = False

    def fail(self, ending: Ending, cause: BaseException | None) -> None:
        """Tell whoever waits that no answer will come."""
        if self.future.done():
            return
        error: ConnectionLost
        called = name_of_call(self.message)
        if called is not None and self.is_sent:
            takes_retry = isinstance(self.message, CallReducer) and not self.repeats
            error = OutcomeUnknown(called, ending.reason, ending.code, ending.closed_by, takes_retry=takes_retry)
        else:
            error = ConnectionLost(self.what, ending.reason, ending.code, ending.closed_by)
        error.__cause__ = cause
        self.future.set_exception(error)
        self.future.exception()  # whoever was to wait may be gone, and asyncio would complain of an error nobody saw


def name_of_call(message: ClientMessage | None) -> str | None:
    """Return the function that a message calls; None for a message that calls none."""
    if isinstance(message, CallReducer):
        return message.reducer
    return message.procedure if isinstance(message, CallProcedure) else None


class Requests:
    """What waits for answers on one event loop.

    Args:
        loop: The loop of the tasks that wait.
        timeout: The most seconds that a request waits; None for as long as it takes.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, timeout: float | None) -> None:
        self._loop = loop
        self._timeout = timeout
        self._ids = count(1)
        self._waiting: dict[int, Pending] = {}
        self.slots = asyncio.Semaphore(MOST_UNANSWERED)
        """Whoever asks holds one of these, so that the queue of messages to be sent has an end."""

    def __len__(self) -> int:
        return len(self._waiting)

    def new_id(self) -> int:
        """Return a number that is not in use."""
        return next(self._ids) % _ID_LIMIT

    def expect(
        self, request_id: int, what: str, message: ClientMessage | None = None, repeats: bool = False
    ) -> Pending:
        """Get ready for an answer, before the request is sent.

        Args:
            request_id: Number of the request.
            what: The answer in words.
            message: The request.
            repeats: Whether it may be sent again over another connection.
        """
        pending = self._waiting[request_id] = Pending(self._loop.create_future(), what, message, repeats)
        return pending

    async def answer(self, pending: Pending) -> Any:
        """Wait for an answer that was announced by `expect`.

        Raises:
            ConnectionLost: The connection went away first.
            RequestTimeout: The time was over first.
        """
        if self._timeout is None:
            return await pending.future
        timer = self._loop.call_later(self._timeout, _expire, pending, self._timeout)
        try:
            return await pending.future
        finally:
            timer.cancel()

    def forget(self, request_id: int) -> None:
        """Expect an answer no more; if it still comes, it finds nobody."""
        self._waiting.pop(request_id, None)

    def settle(self, request_id: int, answer: Any) -> None:
        """Give an answer to whom it is for."""
        pending = self._waiting.get(request_id)
        if pending is not None and not pending.future.done():
            pending.future.set_result(answer)

    def pending(self) -> list[Pending]:
        """Return what waits, in the order in which it was asked."""
        return [pending for pending in self._waiting.values() if not pending.future.done()]

    def fail(self, ending: Ending, cause: BaseException | None) -> None:
        """Tell everybody that no answer will come."""
        for pending in self._waiting.values():
            pending.fail(ending, cause)


def _expire(pending: Pending, timeout: float) -> None:
    if not pending.future.done():
        pending.future.set_exception(RequestTimeout(pending.what, timeout))
