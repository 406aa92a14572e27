"""Answers over HTTP that are errors, or none at all."""

from __future__ import annotations

from .base import ClientError, shortened, with_reason


class HttpError(ClientError):
    """A request over HTTP was answered with an error.

    Args:
        request: Method and path.
        status: The status.
        text: The server's words; empty if it said nothing.
    """

    what = "was refused"

    def __init__(self, request: str, status: int, text: str = "") -> None:
        self.request = request
        self.status = status
        self.text = text
        super().__init__(request, status, text)

    def __str__(self) -> str:
        return f"{self.request} {self.what}{with_reason(self.status, shortened(self.text), 'status')}"


class NotAuthorized(HttpError):
    """The token is not accepted, or whoever it stands for may not do this."""

    what = "is not allowed"


class NoSuchDatabase(HttpError):
    """The server has no database of this name or identity."""

    what = "found no such database"


class NoSuchRoute(HttpError):
    """The server does not know the request; its release is too old, or it is no SpacetimeDB at all."""

    what = "is nothing that this server can do"


class PublishRejected(HttpError):
    """The server does not take a module, or the module's ``init`` failed."""

    what = "was rejected"


class CallRefused(HttpError):
    """A call was not run: no such function, arguments that do not fit, or a caller who is not let in."""

    what = "did not call anything"


class BadAnswer(ClientError):
    """An answer over HTTP is not what this request is answered with.

    Args:
        request: Method and path.
        reason: What is wrong with the answer.
    """

    def __init__(self, request: str, reason: str) -> None:
        self.request = request
        self.reason = reason
        super().__init__(request, reason)

    def __str__(self) -> str:
        return f"the answer to {self.request} cannot be used: {self.reason}"
