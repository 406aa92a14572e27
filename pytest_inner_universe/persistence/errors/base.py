"""Not reached, and not found: the base of the tree and its most frequent branches."""

from __future__ import annotations

import builtins
from collections.abc import Sequence

_SHOWN = 7


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


class SchemaVersionError(ConnectionError):
    """The tables or reducers of a database are not those that this client needs.

    Args:
        database: The database.
        found: Its schema version; None if it tells none.
        known: The version that this client is written for.
        differences: What is missing or different.
    """

    def __init__(self, database: str, found: int | None, known: int, differences: Sequence[str] = ()) -> None:
        self.database = database
        self.found = found
        self.known = known
        self.differences = tuple(differences)
        super().__init__(database, found, known, self.differences)

    def __str__(self) -> str:
        advice = (
            "use a newer version of this package"
            if self.found is not None and self.found > self.known
            else "deploy the module of this package to it first"
        )
        has = "tells no schema version" if self.found is None else f"has schema version {self.found}"
        lines = [f"database {self.database!r} {has}, this client needs {self.known}; {advice}"]
        lines += [f"- {difference}" for difference in self.differences[:_SHOWN]]
        if len(self.differences) > _SHOWN:
            lines.append(f"- and {len(self.differences) - _SHOWN} more")
        return "\n".join(lines)


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
