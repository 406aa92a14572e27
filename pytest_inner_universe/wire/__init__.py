"""SpacetimeDB's WebSocket protocol without input and output: messages, frames, and a session for each side.

The names below are loaded when they are first used: a test that opens no connection needs no messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .messages import UNSUBSCRIBE_DEFAULT as UNSUBSCRIBE_DEFAULT
    from .messages import UNSUBSCRIBE_SEND_DROPPED_ROWS as UNSUBSCRIBE_SEND_DROPPED_ROWS
    from .messages import CallProcedure as CallProcedure
    from .messages import CallReducer as CallReducer
    from .messages import ClientMessage as ClientMessage
    from .messages import EventTableRows as EventTableRows
    from .messages import InitialConnection as InitialConnection
    from .messages import OneOffQuery as OneOffQuery
    from .messages import OneOffQueryResult as OneOffQueryResult
    from .messages import PersistentTableRows as PersistentTableRows
    from .messages import ProcedureInternalError as ProcedureInternalError
    from .messages import ProcedureResult as ProcedureResult
    from .messages import ProcedureReturned as ProcedureReturned
    from .messages import QueryRows as QueryRows
    from .messages import QuerySetUpdate as QuerySetUpdate
    from .messages import ReducerErr as ReducerErr
    from .messages import ReducerInternalError as ReducerInternalError
    from .messages import ReducerOk as ReducerOk
    from .messages import ReducerOkEmpty as ReducerOkEmpty
    from .messages import ReducerOutcome as ReducerOutcome
    from .messages import ReducerResult as ReducerResult
    from .messages import ServerMessage as ServerMessage
    from .messages import SingleTableRows as SingleTableRows
    from .messages import Subscribe as Subscribe
    from .messages import SubscribeApplied as SubscribeApplied
    from .messages import SubscribeBatch as SubscribeBatch
    from .messages import SubscribeBatchApplied as SubscribeBatchApplied
    from .messages import SubscribeSet as SubscribeSet
    from .messages import SubscribeSetResult as SubscribeSetResult
    from .messages import SubscriptionError as SubscriptionError
    from .messages import TableUpdate as TableUpdate
    from .messages import TransactionUpdate as TransactionUpdate
    from .messages import Unsubscribe as Unsubscribe
    from .messages import UnsubscribeApplied as UnsubscribeApplied
    from .rows import RowList as RowList

_PLACES = {
    "UNSUBSCRIBE_DEFAULT": "messages",
    "UNSUBSCRIBE_SEND_DROPPED_ROWS": "messages",
    "CallProcedure": "messages",
    "CallReducer": "messages",
    "ClientMessage": "messages",
    "EventTableRows": "messages",
    "InitialConnection": "messages",
    "OneOffQuery": "messages",
    "OneOffQueryResult": "messages",
    "PersistentTableRows": "messages",
    "ProcedureInternalError": "messages",
    "ProcedureResult": "messages",
    "ProcedureReturned": "messages",
    "QueryRows": "messages",
    "QuerySetUpdate": "messages",
    "ReducerErr": "messages",
    "ReducerInternalError": "messages",
    "ReducerOk": "messages",
    "ReducerOkEmpty": "messages",
    "ReducerOutcome": "messages",
    "ReducerResult": "messages",
    "ServerMessage": "messages",
    "SingleTableRows": "messages",
    "Subscribe": "messages",
    "SubscribeApplied": "messages",
    "SubscribeBatch": "messages",
    "SubscribeBatchApplied": "messages",
    "SubscribeSet": "messages",
    "SubscribeSetResult": "messages",
    "SubscriptionError": "messages",
    "TableUpdate": "messages",
    "TransactionUpdate": "messages",
    "Unsubscribe": "messages",
    "UnsubscribeApplied": "messages",
    "RowList": "rows",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f".{_PLACES[name]}", __name__), name)
    return value
