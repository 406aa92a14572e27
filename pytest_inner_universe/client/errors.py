"""Errors of a client.

The tree::

    ClientError (Exception)
    ├── ServerUnreachable       no server answers at an address, or not as one
    │   └── AnswerLost          one did, but went away before it had answered
    ├── ConnectionRejected      the server turned the client away
    ├── NotConnected            the connection is not open any more
    │   └── ConnectionLost      it went away while something waited for an answer
    │       └── OutcomeUnknown  what waited was a call, which may or may not have run
    ├── WrongLoop               the connection belongs to another event loop
    ├── CallError
    │   ├── ReducerFailed       the reducer returned an error
    │   ├── ReducerCrashed      the reducer could not run, or not to its end
    │   └── UnknownReducer      the module has no such reducer
    ├── ProcedureError
    │   ├── ProcedureCrashed    the procedure could not run, or not to its end
    │   └── UnknownProcedure    the module has no such procedure
    ├── HttpError, BadAnswer     answers over HTTP: see `http_errors`
    ├── MessageTooLarge         a message is larger than servers take
    ├── UnknownTable (KeyError) the module has no such table
    ├── QueryFailed             the server refused a query
    ├── SubscriptionFailed      the server refused a subscription, or it broke later
    ├── RequestTimeout (TimeoutError)  no answer in time
    ├── WaitTimeout (TimeoutError)     an awaited condition did not come true in time
    └── CallbackFailed          a callback raised; kept in `Connection.callback_errors`

Arguments that do not fit a reducer raise `sats.ArgumentError`; a server that breaks the protocol leads to
`ConnectionLost` with `wire.errors.RemoteProtocolError` or `sats.DecodeError` as its cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..sats import ModuleDef

_MOST_NAMES = 12
_MOST_LINES = 6
_LONGEST_LINE = 400


def _nearest(name: object, known: Iterable[str]) -> str:
    """Return the part of a message that helps with a name that does not exist, or that is none."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1) if isinstance(name, str) else []
    if close:
        return f"; did you mean {close[0]!r}?"
    if not names:
        return "; it has none at all"
    more = f", and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"; there are {', '.join(names[:_MOST_NAMES])}{more}"


def _callable(definition: ModuleDef) -> list[str]:
    """Return the reducers that clients may call: all but the hooks."""
    return [name for name, reducer in definition.reducers.items() if reducer.lifecycle is None]


class ClientError(Exception):
    """Base of every error that a client raises about its server or its use."""


class ConnectionRejected(ClientError):
    """The server turned the client away.

    Args:
        reason: The server's words, such as the error of the module's connect hook; empty if it gave none.
        code: The close code, where the server closed the connection instead of answering.
        status: The status of HTTP, where it did not come as far as a connection.
    """

    def __init__(self, reason: str, code: int | None = None, status: int | None = None) -> None:
        self.reason = reason
        self.code = code
        self.status = status
        super().__init__(reason, code, status)

    def __str__(self) -> str:
        status = f" with status {self.status}" if self.status is not None else ""
        return f"the server refused the connection{status}{with_reason(self.code, self.reason)}"


class Ending(NamedTuple):
    """How a connection came to its end.

    Args:
        closed_by: Who closed it, ``server`` or ``client``.
        reason: Why; empty if nothing was said.
        code: The close code; None if there was none.
    """

    closed_by: str = "server"
    reason: str = ""
    code: int | None = None

    def __str__(self) -> str:
        code = f" with code {self.code}" if self.code is not None else ""
        return f"the {self.closed_by} closed it{code}{f': {self.reason}' if self.reason else ''}"


class NotConnected(ClientError):
    """The connection is not open.

    Args:
        reason: Why it was closed; empty if nothing was said.
        code: The close code; None if there was none.
        closed_by: Who closed it, ``server`` or ``client``.
    """

    def __init__(self, reason: str = "", code: int | None = None, closed_by: str = "server") -> None:
        self.reason = reason
        self.code = code
        self.closed_by = closed_by
        super().__init__(reason, code, closed_by)

    def __str__(self) -> str:
        return f"the connection is not open: {Ending(self.closed_by, self.reason, self.code)}"


class ConnectionLost(NotConnected):
    """The connection went away while something waited for an answer, which will not come.

    Args:
        waiting_for: What waited, in words.
        reason: Why it was closed; empty if nothing was said.
        code: The close code; None if there was none.
        closed_by: Who closed it, ``server`` or ``client``.
    """

    def __init__(self, waiting_for: str, reason: str = "", code: int | None = None, closed_by: str = "server") -> None:
        super().__init__(reason, code, closed_by)
        self.waiting_for = waiting_for
        self.args = (waiting_for, reason, code, closed_by)

    def __str__(self) -> str:
        ending = Ending(self.closed_by, self.reason, self.code)
        return f"the connection was lost while waiting for {self.waiting_for}: {ending}"


class OutcomeUnknown(ConnectionLost):
    """The connection went away after a call was sent and before its answer came: it may have run, or not.

    Args:
        reducer: Name of the reducer or procedure.
        reason: Why the connection ended; empty if nothing was said.
        code: The close code; None if there was none.
        closed_by: Who closed it, ``server`` or ``client``.
        takes_retry: Whether it was called in a way that takes ``retry=True``, and without that.
    """

    def __init__(
        self,
        reducer: str,
        reason: str = "",
        code: int | None = None,
        closed_by: str = "server",
        *,
        takes_retry: bool = False,
    ) -> None:
        super().__init__(f"the answer to the call of {reducer!r}", reason, code, closed_by)
        self.reducer = reducer
        self.takes_retry = takes_retry
        self.args = (reducer, reason, code, closed_by)

    def __str__(self) -> str:
        advice = ", or call with retry=True what may run twice" if self.takes_retry else " before calling it again"
        return f"{super().__str__()}\n  it is not known whether {self.reducer!r} ran; look at the data{advice}"


class ServerUnreachable(ClientError):
    """No server answers at an address, or what answers there is none.

    Args:
        url: The address.
        reason: What went wrong, in words.
    """

    def __init__(self, url: str, reason: str) -> None:
        self.url = url
        self.reason = reason
        super().__init__(url, reason)

    def __str__(self) -> str:
        return f"no server could be reached at {self.url}: {self.reason}"


class AnswerLost(ServerUnreachable):
    """A request was sent, or a part of it, but no answer came: it may have had its effect, or not."""

    def __str__(self) -> str:
        return f"the connection to {self.url} was lost before the answer came: {self.reason}"


class WrongLoop(ClientError):
    """A connection was used on another event loop than the one that it was opened on.

    Args:
        created_on: The loop that it belongs to, in words.
        used_on: The loop that runs now, in words.
    """

    def __init__(self, created_on: str, used_on: str) -> None:
        self.created_on = created_on
        self.used_on = used_on
        super().__init__(created_on, used_on)

    def __str__(self) -> str:
        return (
            "a connection can only be used on the event loop that it was opened on\n"
            f"  opened on: {self.created_on}\n"
            f"  used on:   {self.used_on}\n"
            "open it where it is used; under pytest-asyncio, give the fixture that opens it and the test that uses it\n"
            'the same loop scope: @pytest_asyncio.fixture(loop_scope="module") and @pytest.mark.asyncio(loop_scope="module")'
        )


class CallError(ClientError):
    """A reducer call did not succeed; nothing was changed by it.

    Args:
        reducer: Name of the reducer.
        message: The text that came back.
    """

    def __init__(self, reducer: str, message: str) -> None:
        self.reducer = reducer
        self.message = message
        super().__init__(reducer, message)

    def __str__(self) -> str:
        return f"reducer {self.reducer!r}: {self.message}"


class ReducerFailed(CallError):
    """The reducer returned an error; the message is its own."""

    def __str__(self) -> str:
        return f"reducer {self.reducer!r} failed: {self.message}"


class ReducerCrashed(CallError):
    """The reducer panicked or ran too long, or the server would not run it at all; the message is the server's."""

    def __str__(self) -> str:
        return f"reducer {self.reducer!r} was not run to its end: {self.message}"


class UnknownReducer(CallError):
    """The module has no reducer of this name.

    Args:
        reducer: The name that was asked for.
        known: The names that there are.
        is_procedure: Whether the module has a procedure of this name.
    """

    def __init__(self, reducer: str, known: Iterable[str], is_procedure: bool = False) -> None:
        self.known = tuple(known)
        self.is_procedure = is_procedure
        remedy = f": it is a procedure, use call_procedure({reducer!r}, ...)"
        found = remedy if is_procedure else _nearest(reducer, self.known)
        super().__init__(reducer, f"the module has no reducer {reducer!r}{found}")
        self.args = (reducer, self.known, is_procedure)

    @classmethod
    def of(cls, definition: ModuleDef, reducer: str) -> UnknownReducer:
        """Return the error for a name that a module's definition does not have."""
        return cls(reducer, _callable(definition), reducer in definition.procedures)

    def __str__(self) -> str:
        return self.message


class ProcedureError(ClientError):
    """A call of a procedure gave no value; what the procedure had committed before stays.

    Args:
        procedure: Name of the procedure.
        message: The text that came back.
    """

    def __init__(self, procedure: str, message: str) -> None:
        self.procedure = procedure
        self.message = message
        super().__init__(procedure, message)


class ProcedureCrashed(ProcedureError):
    """The procedure panicked or ran too long, or the server would not run it at all; the message is the server's."""

    def __str__(self) -> str:
        return f"procedure {self.procedure!r} was not run to its end: {shortened(self.message)}"


class UnknownProcedure(ProcedureError):
    """The module has no procedure of this name.

    Args:
        procedure: The name that was asked for.
        known: The names that there are.
        is_reducer: Whether the module has a reducer of this name.
    """

    def __init__(self, procedure: str, known: Iterable[str], is_reducer: bool = False) -> None:
        self.known = tuple(known)
        self.is_reducer = is_reducer
        remedy = f": it is a reducer, use call({procedure!r}, ...)"
        found = remedy if is_reducer else _nearest(procedure, self.known)
        super().__init__(procedure, f"the module has no procedure {procedure!r}{found}")
        self.args = (procedure, self.known, is_reducer)

    @classmethod
    def of(cls, definition: ModuleDef, procedure: str) -> UnknownProcedure:
        """Return the error for a name that a module's definition does not have."""
        return cls(procedure, definition.procedures, procedure in _callable(definition))

    def __str__(self) -> str:
        return self.message


class UnknownTable(ClientError, KeyError):
    """The module has no table of this name, so its rows have no form.

    Args:
        table: The name that was asked for.
        known: The names that there are.
    """

    def __init__(self, table: str, known: Iterable[str]) -> None:
        self.table = table
        self.known = tuple(known)
        super().__init__(table, self.known)

    def __str__(self) -> str:
        return f"the module has no table {self.table!r}{_nearest(self.table, self.known)}"


class QueryFailed(ClientError):
    """The server refused a query or a statement.

    Args:
        sql: The query.
        message: The server's text.
        status: The status of HTTP, if it went that way.
    """

    def __init__(self, sql: str, message: str, status: int | None = None) -> None:
        self.sql = sql
        self.message = message
        self.status = status
        super().__init__(sql, message, status)

    def __str__(self) -> str:
        return f"the query failed: {self.message}\n  {self.sql}"


class SubscriptionFailed(ClientError):
    """The server refused a subscription, or gave it up later.

    Args:
        queries: The queries of the subscription.
        message: The server's text.
    """

    def __init__(self, queries: tuple[str, ...], message: str) -> None:
        self.queries = queries
        self.message = message
        super().__init__(queries, message)

    def __str__(self) -> str:
        shown = [f"\n  {query}" for query in self.queries[:4]]
        more = [f"\n  and {len(self.queries) - 4} more queries"] * (len(self.queries) > 4)
        return f"the subscription failed: {self.message}{''.join(shown + more)}"


class RequestTimeout(ClientError, TimeoutError):
    """The server did not answer in time. What was asked for may happen nevertheless.

    Args:
        waiting_for: What waited, in words.
        timeout: The time that it was given, in seconds.
    """

    def __init__(self, waiting_for: str, timeout: float) -> None:
        self.waiting_for = waiting_for
        self.timeout = timeout
        super().__init__(waiting_for, timeout)

    def __str__(self) -> str:
        return f"{self.waiting_for} did not come within {self.timeout:g} s"


class WaitTimeout(ClientError, TimeoutError):
    """A condition over the cached rows did not come true in time.

    Args:
        condition: Name of the function that stated it.
        timeout: The time that it was given, in seconds.
    """

    def __init__(self, condition: str, timeout: float) -> None:
        self.condition = condition
        self.timeout = timeout
        super().__init__(condition, timeout)

    def __str__(self) -> str:
        return f"the condition {self.condition} did not come true within {self.timeout:g} s"


class MessageTooLarge(ClientError):
    """A message is larger than servers take; it was not sent.

    Args:
        size: Its size in bytes.
        limit: The most bytes that a message may have.
    """

    def __init__(self, size: int, limit: int) -> None:
        self.size = size
        self.limit = limit
        super().__init__(size, limit)

    def __str__(self) -> str:
        return f"a message of {self.size} bytes was not sent, since servers take {self.limit} at most; split it up"


class CallbackFailed(ClientError):
    """A callback raised. The other callbacks ran all the same; the exception is the cause.

    Args:
        callback: The function.
        error: What it raised.
    """

    def __init__(self, callback: Callable[..., Any], error: BaseException) -> None:
        self.callback = callback
        self.error = error
        super().__init__(callback, error)
        self.__cause__ = error

    def __str__(self) -> str:
        return f"callback {name_of(self.callback)} raised {type(self.error).__name__}: {self.error}"


def name_of(function: Callable[..., Any]) -> str:
    """Return how a function is called in messages."""
    return getattr(function, "__qualname__", None) or repr(function)


def shortened(text: str) -> str:
    """Return what a server said as the end of a message: a few lines at most."""
    lines = text.strip().splitlines()
    shown = [line[:_LONGEST_LINE] for line in lines[:_MOST_LINES]]
    return "\n  ".join([*shown, *["..."] * (len(lines) > _MOST_LINES)])


def with_reason(code: int | None, reason: str, kind: str = "code") -> str:
    """Return the end of a message: a code, as far as there is one, and the words that came with it."""
    shown = f" ({kind} {code})" if code is not None else ""
    return f"{shown}: {reason}" if reason else f"{shown} without giving a reason"
