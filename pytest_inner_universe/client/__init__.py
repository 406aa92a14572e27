"""Clients of a database: connections, their cache and subscriptions, transports, and the HTTP side of servers.

Names are loaded when they are first asked for: whoever needs only the errors does not pay for the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cache import TableCache as TableCache
    from .cache import Tables as Tables
    from .connection import Connection as Connection
    from .errors import AnswerLost as AnswerLost
    from .errors import BadAnswer as BadAnswer
    from .errors import CallbackFailed as CallbackFailed
    from .errors import CallError as CallError
    from .errors import CallRefused as CallRefused
    from .errors import ClientError as ClientError
    from .errors import ConnectionLost as ConnectionLost
    from .errors import ConnectionRejected as ConnectionRejected
    from .errors import HttpError as HttpError
    from .errors import MessageTooLarge as MessageTooLarge
    from .errors import NoSuchDatabase as NoSuchDatabase
    from .errors import NoSuchRoute as NoSuchRoute
    from .errors import NotAuthorized as NotAuthorized
    from .errors import NotConnected as NotConnected
    from .errors import OutcomeUnknown as OutcomeUnknown
    from .errors import ProcedureCrashed as ProcedureCrashed
    from .errors import ProcedureError as ProcedureError
    from .errors import PublishRejected as PublishRejected
    from .errors import QueryFailed as QueryFailed
    from .errors import ReducerCrashed as ReducerCrashed
    from .errors import ReducerFailed as ReducerFailed
    from .errors import RequestTimeout as RequestTimeout
    from .errors import ServerUnreachable as ServerUnreachable
    from .errors import SubscriptionFailed as SubscriptionFailed
    from .errors import UnknownProcedure as UnknownProcedure
    from .errors import UnknownReducer as UnknownReducer
    from .errors import UnknownTable as UnknownTable
    from .errors import WaitTimeout as WaitTimeout
    from .errors import WrongLoop as WrongLoop
    from .http import HttpApi as HttpApi
    from .http_models import Credentials as Credentials
    from .http_models import DatabaseInfo as DatabaseInfo
    from .http_models import LogLine as LogLine
    from .http_models import MigrationPlan as MigrationPlan
    from .http_models import Published as Published
    from .http_models import ServerHealth as ServerHealth
    from .http_models import SqlRows as SqlRows
    from .link import Link as Link
    from .link import Receiver as Receiver
    from .link import Transport as Transport
    from .memory import MemoryServer as MemoryServer
    from .memory import MemoryTransport as MemoryTransport
    from .memory import ServerEnd as ServerEnd
    from .reconnect import Reconnect as Reconnect
    from .subscription import Subscription as Subscription
    from .subscription import SubscriptionState as SubscriptionState
    from .sync import LoopThread as LoopThread
    from .sync import SyncConnection as SyncConnection
    from .sync import SyncHttp as SyncHttp
    from .websocket import WebSocketTransport as WebSocketTransport

_HOMES = {
    "cache": "TableCache Tables",
    "connection": "Connection",
    "errors": (
        "AnswerLost BadAnswer CallError CallRefused CallbackFailed ClientError ConnectionLost ConnectionRejected HttpError "
        "MessageTooLarge NoSuchDatabase NoSuchRoute NotAuthorized NotConnected OutcomeUnknown ProcedureCrashed "
        "ProcedureError PublishRejected QueryFailed ReducerCrashed ReducerFailed RequestTimeout ServerUnreachable "
        "SubscriptionFailed UnknownProcedure UnknownReducer UnknownTable WaitTimeout WrongLoop"
    ),
    "http": "HttpApi",
    "http_models": "Credentials DatabaseInfo LogLine MigrationPlan Published ServerHealth SqlRows",
    "link": "Link Receiver Transport",
    "memory": "MemoryServer MemoryTransport ServerEnd",
    "reconnect": "Reconnect",
    "subscription": "Subscription SubscriptionState",
    "sync": "LoopThread SyncConnection SyncHttp",
    "websocket": "WebSocketTransport",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{home}", __name__), name)
