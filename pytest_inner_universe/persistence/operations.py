"""What every operation of the client stands on: the connection, the mapping of its failures, and new ids."""

from __future__ import annotations

import logging
import uuid
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..sats import ArgumentError, EncodeError
from . import checks
from .config import InnerUniverseConfig
from .encryption import Encryption, Unreadable
from .errors import (
    ConnectionError,
    CorruptDataError,
    FeatureDisabledError,
    NotConnectedError,
    PersistenceError,
    ReducerCrashedError,
    ReducerError,
    ValidationError,
)
from .mapping import decode_row
from .queries import QueryPlan
from .reducer_errors import from_reducer_text
from .schema import ENTITY, RELATION, STATE_SNAPSHOT, TableSchema
from .sql import select, select_by_key
from .types import Row

if TYPE_CHECKING:
    from .subscriptions import ChangeSubscription


class ConnectionLike(Protocol):
    """What is used of `pytest_inner_universe.client.Connection`."""

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether calls can be made."""

    @property
    @abstractmethod
    def identity(self) -> Any:
        """Who the client is."""

    @abstractmethod
    async def call(self, reducer: str, /, *args: Any) -> None:
        """Call a reducer and wait for its outcome."""

    @abstractmethod
    async def query(self, sql: str) -> list[dict[str, Any]]:
        """Answer a one-off query."""

    @abstractmethod
    async def subscribe(
        self,
        *queries: str,
        on_insert: Callable[..., Any] | None = None,
        on_update: Callable[..., Any] | None = None,
        on_delete: Callable[..., Any] | None = None,
        on_error: Callable[..., Any] | None = None,
        replay: bool = False,
    ) -> Any:
        """Subscribe to the rows of queries."""

    @abstractmethod
    async def close(self) -> None:
        """End the connection."""


class Operations:
    """Base of the groups of operations that make up the client.

    Args:
        config: Settings.
        new_id: Makes the ids of new rows; random UUIDs by default.
        encryption: Seals properties and stored states; they are stored as they are without it.
    """

    def __init__(
        self,
        config: InnerUniverseConfig,
        new_id: Callable[[], str] | None = None,
        encryption: Encryption | None = None,
    ) -> None:
        self.config = config
        self._encryption = encryption
        self._connection: ConnectionLike | None = None
        self._new_id = new_id or random_id
        self.logger = logging.getLogger("inner_universe")
        self.subscriptions: list[ChangeSubscription] = []
        """The subscriptions to changes that have not ended."""

    @property
    def is_connected(self) -> bool:
        """Whether operations can be made."""
        return self._connection is not None and self._connection.is_open

    def _connected(self, operation: str) -> ConnectionLike:
        if self._connection is None:
            raise NotConnectedError(operation)
        if not self._connection.is_open:
            raise NotConnectedError(operation, "the connection was lost; await connect() again")
        return self._connection

    def _require_feature(self, feature: str, operation: str) -> None:
        if not self.config.feature(feature):
            raise FeatureDisabledError(feature, operation)

    def _id(self, given: str | None, what: str) -> str:
        return self._new_id() if given is None else checks.name_text(given, what)

    async def _call(self, reducer: str, *args: Any) -> None:
        connection = self._connected(reducer)
        self.logger.debug("calling %s %s", reducer, args[0] if args and isinstance(args[0], str) else "")
        try:
            await connection.call(reducer, *args)
        except Exception as error:
            raise self._translated(reducer, error) from error

    async def _select(self, table: TableSchema, statement: str, operation: str) -> list[Row]:
        return [self._decoded(table, row) for row in await self._query(statement, operation)]

    def _sealed(self, table: TableSchema, key: str, metadata: dict[str, Any]) -> dict[str, Any]:
        """Return metadata of the wire as they are stored."""
        if self._encryption is None:
            return metadata
        sealed = self._encryption.seal_properties(metadata["properties"], f"{table.name}/{key}")
        return {**metadata, "properties": sealed}

    def _decoded(self, table: TableSchema, row: Mapping[str, Any]) -> Row:
        """Turn a row of the wire into one for users, and open what is sealed.

        Raises:
            CorruptDataError: A column does not hold what it should, or cannot be opened.
        """
        decoded = decode_row(table, row)
        if self._encryption is None:
            return decoded
        place = f"{table.name}/{row[table.primary_key]}"
        try:
            if table in (ENTITY, RELATION):
                metadata = decoded["metadata"]
                metadata["properties"] = self._encryption.open_properties(metadata["properties"], place)
            elif table is STATE_SNAPSHOT:
                opened = self._encryption.open_state(decoded["encoding"], decoded["data"], place)
                decoded["encoding"], decoded["data"] = opened
        except Unreadable as error:
            raise CorruptDataError(table.name, str(row[table.primary_key]), f"sealed, and {error}") from None
        return decoded

    async def _query(self, statement: str, operation: str) -> list[dict[str, Any]]:
        connection = self._connected(operation)
        self.logger.debug("%s: %s", operation, statement)
        try:
            return await connection.query(statement)
        except Exception as error:
            raise self._translated(operation, error) from error

    async def _run(self, plan: QueryPlan, operation: str) -> list[Row]:
        self._connected(operation)
        rows = await self._select(plan.table, plan.statement, operation) if plan.statement is not None else []
        return plan.finish(rows)

    async def _find(self, table: TableSchema, key: str, operation: str) -> Row | None:
        rows = await self._select(table, select_by_key(table, checks.name_text(key, table.primary_key)), operation)
        return rows[0] if rows else None

    async def _all(self, table: TableSchema, operation: str, conditions: Sequence[str] = ()) -> list[Row]:
        return await self._select(table, select(table, conditions), operation)

    def _translated(self, operation: str, error: Exception) -> PersistenceError:
        if isinstance(error, PersistenceError):
            return error
        translated = translate(operation, error)
        self.logger.error("%s failed: %s", operation, translated)
        return translated


def random_id() -> str:
    """Return a new random UUID as text."""
    return str(uuid.uuid4())


def translate(operation: str, error: Exception) -> PersistenceError:
    """Make the error of this layer that a failure of the layers below stands for.

    Args:
        operation: Name of the reducer or operation that failed.
        error: What was raised.
    """
    from ..client import errors as client

    if isinstance(error, client.ReducerFailed):
        return from_reducer_text(operation, error.message)
    if isinstance(error, client.ReducerCrashed):
        return ReducerCrashedError(operation, str(error))
    if isinstance(error, client.OutcomeUnknown):
        # Without its advice to pass `retry`, which a connection takes and a client does not.
        error = client.OutcomeUnknown(*error.args)
    if isinstance(error, (client.ConnectionLost, client.ConnectionRejected, OSError)):
        return ConnectionError(f"{operation}: {error}")
    if isinstance(error, client.NotConnected):
        return NotConnectedError(operation, str(error))
    if isinstance(error, client.CallError):
        return ReducerError(operation, str(error))
    if isinstance(error, (ArgumentError, EncodeError)):
        return ValidationError(str(error))
    return PersistenceError(f"{operation}: {str(error) or type(error).__name__}")
