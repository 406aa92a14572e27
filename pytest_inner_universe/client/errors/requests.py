"""Queries, subscriptions and waits that came to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .base import ClientError, name_of, nearest


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
        return f"the module has no table {self.table!r}{nearest(self.table, self.known)}"


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
