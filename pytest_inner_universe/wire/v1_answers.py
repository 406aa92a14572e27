"""What a server says in the first WebSocket protocol.

As with `v1_requests`, refer to these through the module `v1`. Energy is a plain integer. Rows are a `RowList` in the binary
encoding and a tuple of one text per row in the JSON one; `Rows` stands for either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..sats.identity import ConnectionId, Identity
from ..sats.moments import TimeDuration, Timestamp
from .rows import RowList
from .v1_requests import Single

Rows = RowList | tuple[str, ...]

NO_REDUCER: Final = 0xFFFFFFFF
"""The reducer id where there is no such reducer."""


# What messages are made of


@dataclass(frozen=True, slots=True)
class QueryUpdate:
    """What changed for one query, which is not named."""

    deletes: Rows
    inserts: Rows


@dataclass(frozen=True, slots=True)
class TableUpdate:
    """What changed in one table, query by query."""

    table_id: int
    table_name: str
    num_rows: int
    updates: tuple[QueryUpdate, ...]


@dataclass(frozen=True, slots=True)
class DatabaseUpdate:
    """What changed, table by table; a table may be named more than once."""

    tables: tuple[TableUpdate, ...] = ()


@dataclass(frozen=True, slots=True)
class SubscribeRows:
    """The rows of one query."""

    table_id: int
    table_name: str
    table_rows: TableUpdate


@dataclass(frozen=True, slots=True)
class OneOffTable:
    """The rows of one table."""

    table_name: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class ReducerCallInfo:
    """Which call caused a transaction."""

    reducer_name: str
    reducer_id: int
    args: Single
    request_id: int


@dataclass(frozen=True, slots=True)
class Committed:
    """The transaction took effect."""

    update: DatabaseUpdate


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not, for the reason in the text."""

    message: str


@dataclass(frozen=True, slots=True)
class OutOfEnergy:
    """It did not, because the caller's energy was used up."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The procedure came to its end."""

    value: Single


@dataclass(frozen=True, slots=True)
class InternalError:
    """The procedure could not run to its end, or could not be called at all."""

    message: str


# What a server says


@dataclass(frozen=True, slots=True)
class InitialSubscription:
    """The answer to `Subscribe`: all rows."""

    database_update: DatabaseUpdate
    request_id: int
    total_host_execution_duration: TimeDuration


@dataclass(frozen=True, slots=True)
class TransactionUpdate:
    """What a call came to; the answer to one's own, news of those of others."""

    status: Committed | Failed | OutOfEnergy
    timestamp: Timestamp
    caller_identity: Identity
    caller_connection_id: ConnectionId
    reducer_call: ReducerCallInfo
    energy_quanta_used: int
    total_host_execution_duration: TimeDuration


@dataclass(frozen=True, slots=True)
class TransactionUpdateLight:
    """What a transaction changed, and nothing about its cause."""

    request_id: int
    update: DatabaseUpdate


@dataclass(frozen=True, slots=True)
class IdentityToken:
    """The first message: who the client is."""

    identity: Identity
    token: str
    connection_id: ConnectionId


@dataclass(frozen=True, slots=True)
class OneOffQueryResponse:
    """The answer to `OneOffQuery`: the rows, or the text of the error."""

    message_id: bytes
    error: str | None
    tables: tuple[OneOffTable, ...]
    total_host_execution_duration: TimeDuration


@dataclass(frozen=True, slots=True)
class SubscribeApplied:
    """The answer to `SubscribeSingle`; the rows are insertions."""

    request_id: int
    total_host_execution_duration_micros: int
    query_id: int
    rows: SubscribeRows


@dataclass(frozen=True, slots=True)
class UnsubscribeApplied:
    """The answer to `Unsubscribe`; the rows are deletions."""

    request_id: int
    total_host_execution_duration_micros: int
    query_id: int
    rows: SubscribeRows


@dataclass(frozen=True, slots=True)
class SubscriptionError:
    """A request about a query failed or, without any id, everything subscribed to is gone."""

    total_host_execution_duration_micros: int
    request_id: int | None
    query_id: int | None
    table_id: int | None
    error: str


@dataclass(frozen=True, slots=True)
class SubscribeMultiApplied:
    """The answer to `SubscribeMulti`; the rows, as insertions, are those of queries that were not subscribed to before."""

    request_id: int
    total_host_execution_duration_micros: int
    query_id: int
    update: DatabaseUpdate


@dataclass(frozen=True, slots=True)
class UnsubscribeMultiApplied:
    """The answer to `UnsubscribeMulti`; the rows, as deletions, are those of queries that nothing else subscribes to."""

    request_id: int
    total_host_execution_duration_micros: int
    query_id: int
    update: DatabaseUpdate


@dataclass(frozen=True, slots=True)
class ProcedureResult:
    """The answer to `CallProcedure`."""

    status: Returned | OutOfEnergy | InternalError
    timestamp: Timestamp
    total_host_execution_duration: TimeDuration
    request_id: int


ServerMessage = (
    InitialSubscription
    | TransactionUpdate
    | TransactionUpdateLight
    | IdentityToken
    | OneOffQueryResponse
    | SubscribeApplied
    | UnsubscribeApplied
    | SubscriptionError
    | SubscribeMultiApplied
    | UnsubscribeMultiApplied
    | ProcedureResult
)
