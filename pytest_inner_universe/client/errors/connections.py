"""Connections that are refused, lost, or used where they do not belong."""

from __future__ import annotations

from typing import NamedTuple

from .base import ClientError, with_reason


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
