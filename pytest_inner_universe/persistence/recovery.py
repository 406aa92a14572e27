"""What happens where an operation fails: connect again, fall back, create what is missing, or one error for NERV."""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from .errors import EntityNotFoundError, NERVPersistenceError, PersistenceError
from .inner_universe import InnerUniverseClient

Hook = Callable[[Any], Any]


class Recovery:
    """Runs operations, and what was agreed on for the case that they fail.

    Where the connection fails, the client connects again, and an operation that may be repeated is repeated once. Where that
    does not help, ``fallback`` answers, from memory or a file, say. Where an entity is missing, ``missing`` answers: it
    creates it or gives a default. Every failure without such an answer is a `NERVPersistenceError` with its cause.

    The two decisions are methods, `handle_connection_failure` and `handle_missing_entity`, for subclasses to replace.

    Args:
        client: Connects again.
        fallback: Takes the connection's error and returns the result, or an awaitable of it.
        missing: Takes the `EntityNotFoundError` and returns the result, or an awaitable of it.

    Example:
        >>> recovery = Recovery(client, missing=lambda error: {"id": error.id, "entity_type": "Unknown"})  # doctest: +SKIP
        >>> await recovery.run(lambda: client.get_entity("nobody"), repeatable=True)  # doctest: +SKIP
        {'id': 'nobody', 'entity_type': 'Unknown'}
    """

    def __init__(
        self, client: InnerUniverseClient, *, fallback: Hook | None = None, missing: Hook | None = None
    ) -> None:
        self.client = client
        self._fallback = fallback
        self._missing = missing

    async def run(self, operation: Callable[[], Awaitable[Any]], *, repeatable: bool = False) -> Any:
        """Run an operation.

        Args:
            operation: Called for each attempt.
            repeatable: Whether it does the same however often it runs, as reading does, and writing with an id that the
                caller chose.

        Returns:
            Its result, or that of whoever answers in its place.

        Raises:
            NERVPersistenceError: It failed, and there is no answer for that; the cause is chained.
        """
        try:
            try:
                return await operation()
            except builtins.ConnectionError as error:
                return await self.handle_connection_failure(error, operation if repeatable else None)
        except EntityNotFoundError as error:
            return await self._answered(self.handle_missing_entity, error)
        except NERVPersistenceError:
            raise
        except (PersistenceError, builtins.ConnectionError) as error:
            raise NERVPersistenceError(str(error)) from error

    async def handle_connection_failure(
        self, error: builtins.ConnectionError, again: Callable[[], Awaitable[Any]] | None
    ) -> Any:
        """Return a result in place of an operation whose connection failed.

        Args:
            error: How it failed.
            again: Repeats the operation; None where it might have been done already.

        Raises:
            ConnectionError: There is none.
        """
        try:
            await self.client.connect_or_raise()
            if again is not None:
                return await again()
        except builtins.ConnectionError as second:
            error = second
        if self._fallback is not None:
            return await self._answered(self._fallback, error)
        raise error

    async def handle_missing_entity(self, error: EntityNotFoundError) -> Any:
        """Return a result in place of an operation that missed an entity.

        Args:
            error: Which one.

        Raises:
            NERVPersistenceError: There is none.
        """
        if self._missing is None:
            raise NERVPersistenceError(str(error)) from error
        return await self._answered(self._missing, error)

    @staticmethod
    async def _answered(hook: Hook, error: Exception) -> Any:
        result = hook(error)
        return await result if inspect.isawaitable(result) else result
