"""Not reached, and not found: the base of the tree and its most frequent branches."""

from __future__ import annotations

import builtins


class PersistenceError(Exception):
    """Base of every error of the persistence layer."""


class ConnectionError(PersistenceError, builtins.ConnectionError):  # noqa: A001 (the name is required; it is the builtin as well)
    """The server cannot be reached, refused the client, or the connection broke."""


class NotConnectedError(ConnectionError, RuntimeError):
    """An operation was asked of something that is not connected.

    Args:
        operation: What was asked, as ``create_entity``.
        advice: What to do first.
    """

    def __init__(self, operation: str, advice: str = "await connect() first") -> None:
        self.operation = operation
        self.advice = advice
        super().__init__(operation, advice)

    def __str__(self) -> str:
        return f"{self.operation}: not connected; {self.advice}"


class PoolTimeoutError(ConnectionError, TimeoutError):
    """All clients of a pool were in use all the time.

    Args:
        timeout: Seconds that somebody waited.
        size: How many clients the pool may have.
    """

    def __init__(self, timeout: float, size: int) -> None:
        self.timeout = timeout
        self.size = size
        super().__init__(timeout, size)

    def __str__(self) -> str:
        return f"no client of the pool became free within {self.timeout:g} s; all {self.size} are in use"


class NotFoundError(PersistenceError, LookupError, ValueError):
    """No row has this id.

    Args:
        id: The id that was looked for.
        kind: What was looked for, as ``delta``; the subclasses know theirs.
    """

    kind = "row"

    def __init__(self, id: str, kind: str | None = None) -> None:
        self.id = id
        self.kind = kind or self.kind
        super().__init__(id, kind)

    def __str__(self) -> str:
        return f"{self.kind} not found: {self.id}"


class EntityNotFoundError(NotFoundError):
    """No entity has this id."""

    kind = "entity"


class RelationNotFoundError(NotFoundError):
    """No relation has this id."""

    kind = "relation"


class VersionNotFoundError(NotFoundError):
    """No state version has this id."""

    kind = "state version"
