"""What the two sides of a connection say to each other.

Names and fields are those of SpacetimeDB's second WebSocket protocol; the third has the same messages. Ids are plain
integers: request ids pair a reply with its request, query set ids name a group of queries that come and go together.
Rows are BSATN bytes throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..sats.values import ConnectionId, Identity, TimeDuration, Timestamp
from .counting import Counting
from .form import decode, encode
from .forms import STRING_FORM
from .rows import EMPTY, RowList

UNSUBSCRIBE_DEFAULT: Final = 0
UNSUBSCRIBE_SEND_DROPPED_ROWS: Final = 1


# What a client says


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Start a query set.

    Two things are not said in the second protocol, but stand for what the first one says: sets that end if this one
    starts, and how often the client gets the rows of a query that several sets have.
    """

    request_id: int
    query_set_id: int
    query_strings: tuple[str, ...]
    replaced: tuple[int, ...] = ()
    counting: Counting = Counting.PER_SET


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """End a query set; the flags say whether the answer repeats its rows."""

    request_id: int
    query_set_id: int
    flags: int = UNSUBSCRIBE_DEFAULT


@dataclass(frozen=True, slots=True)
class OneOffQuery:
    """Ask for the rows of one query, once."""

    request_id: int
    query_string: str


@dataclass(frozen=True, slots=True)
class CallReducer:
    """Call a reducer; the arguments are the BSATN of their product."""

    request_id: int
    flags: int
    reducer: str
    args: bytes


@dataclass(frozen=True, slots=True)
class CallProcedure:
    """Call a procedure; the arguments are the BSATN of their product."""

    request_id: int
    flags: int
    procedure: str
    args: bytes


@dataclass(frozen=True, slots=True)
class SubscribeSet:
    """One query set of a `SubscribeBatch`."""

    query_set_id: int
    query_strings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubscribeBatch:
    """Start several query sets at one point of time; servers before 2.14 do not know it."""

    request_id: int
    sets: tuple[SubscribeSet, ...]


# What both sides' messages are made of


@dataclass(frozen=True, slots=True)
class SingleTableRows:
    """Rows of one table."""

    table: str
    rows: RowList


@dataclass(frozen=True, slots=True)
class QueryRows:
    """Rows by table; a table may be named more than once, and empty ones may be missing.

    Where queries count once for a client, each of those whose rows these are is named by its table, rows or none.
    """

    tables: tuple[SingleTableRows, ...] = ()
    queries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersistentTableRows:
    """What a transaction put into and took out of an ordinary table."""

    inserts: RowList = EMPTY
    deletes: RowList = EMPTY


@dataclass(frozen=True, slots=True)
class EventTableRows:
    """What a transaction put into an event table, whose rows live no longer than the transaction."""

    events: RowList = EMPTY


@dataclass(frozen=True, slots=True)
class TableUpdate:
    """Changes of one table."""

    table_name: str
    rows: tuple[PersistentTableRows | EventTableRows, ...]


@dataclass(frozen=True, slots=True)
class QuerySetUpdate:
    """Changes that concern one query set."""

    query_set_id: int
    tables: tuple[TableUpdate, ...]


# What a server says


@dataclass(frozen=True, slots=True)
class InitialConnection:
    """The first message: who the client is."""

    identity: Identity
    connection_id: ConnectionId
    token: str


@dataclass(frozen=True, slots=True)
class SubscribeApplied:
    """A query set has started with these rows."""

    request_id: int
    query_set_id: int
    rows: QueryRows


@dataclass(frozen=True, slots=True)
class UnsubscribeApplied:
    """A query set has ended; its rows if they were asked for."""

    request_id: int
    query_set_id: int
    rows: QueryRows | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionError:
    """A request about a query set failed or, without request id, a running query set broke and is gone."""

    request_id: int | None
    query_set_id: int
    error: str


@dataclass(frozen=True, slots=True)
class TransactionUpdate:
    """What one transaction changed in the client's query sets."""

    query_sets: tuple[QuerySetUpdate, ...] = ()


@dataclass(frozen=True, slots=True)
class OneOffQueryResult:
    """The rows of a one-off query, or the text of its error."""

    request_id: int
    result: QueryRows | str


@dataclass(frozen=True, slots=True)
class ReducerOk:
    """The reducer committed; its changes come with it. The return value is empty today."""

    ret_value: bytes
    transaction_update: TransactionUpdate


@dataclass(frozen=True, slots=True)
class ReducerOkEmpty:
    """The reducer committed and changed nothing that the client sees."""


@dataclass(frozen=True, slots=True)
class ReducerErr:
    """The reducer returned an error; the message is the BSATN of its text."""

    message: bytes

    @classmethod
    def of(cls, text: str) -> ReducerErr:
        """Make one from the text."""
        return cls(encode(STRING_FORM, text))

    @property
    def text(self) -> str:
        """The message as text.

        Raises:
            DecodeError: The bytes are not one BSATN string.
        """
        text: str = decode(STRING_FORM, self.message)
        return text


@dataclass(frozen=True, slots=True)
class ReducerInternalError:
    """The reducer could not run to its end, or could not be called at all."""

    message: str


@dataclass(frozen=True, slots=True)
class ReducerResult:
    """The answer to `CallReducer`, always exactly one."""

    request_id: int
    timestamp: Timestamp
    result: ReducerOutcome


@dataclass(frozen=True, slots=True)
class ProcedureReturned:
    """The procedure came to its end; the value is BSATN of its return type."""

    value: bytes


@dataclass(frozen=True, slots=True)
class ProcedureInternalError:
    """The procedure could not run to its end, or could not be called at all."""

    message: str


@dataclass(frozen=True, slots=True)
class ProcedureResult:
    """The answer to `CallProcedure`; what the procedure committed came before it."""

    status: ProcedureReturned | ProcedureInternalError
    timestamp: Timestamp
    total_host_execution_duration: TimeDuration
    request_id: int


@dataclass(frozen=True, slots=True)
class SubscribeSetResult:
    """How one set of a `SubscribeBatch` went: its rows, or the text of its error."""

    query_set_id: int
    outcome: QueryRows | str


@dataclass(frozen=True, slots=True)
class SubscribeBatchApplied:
    """The answer to `SubscribeBatch`, one result per set in the same order."""

    request_id: int
    results: tuple[SubscribeSetResult, ...]


ReducerOutcome = ReducerOk | ReducerOkEmpty | ReducerErr | ReducerInternalError
ClientMessage = Subscribe | Unsubscribe | OneOffQuery | CallReducer | CallProcedure | SubscribeBatch
ServerMessage = (
    InitialConnection
    | SubscribeApplied
    | UnsubscribeApplied
    | SubscriptionError
    | TransactionUpdate
    | OneOffQueryResult
    | ReducerResult
    | ProcedureResult
    | SubscribeBatchApplied
)
