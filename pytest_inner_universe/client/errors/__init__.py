"""Errors of a client.

The tree::

    ClientError (Exception)
    ├── ServerUnreachable       no server answers at an address, or not as one
    │   └── AnswerLost          one did, but went away before it had answered
    ├── ConnectionRejected      the server turned the client away
    ├── NotConnected            the connection is not open any more
    │   └── ConnectionLost      it went away while something waited for an answer
    │       └── OutcomeUnknown  what waited was a call, which may or may not have run
    ├── WrongLoop               the connection belongs to another event loop
    ├── CallError
    │   ├── ReducerFailed       the reducer returned an error
    │   ├── ReducerCrashed      the reducer could not run, or not to its end
    │   └── UnknownReducer      the module has no such reducer
    ├── ProcedureError
    │   ├── ProcedureCrashed    the procedure could not run, or not to its end
    │   └── UnknownProcedure    the module has no such procedure
    ├── HttpError               a request over HTTP was answered with an error
    │   ├── NotAuthorized       the token is not accepted, or its identity may not do this
    │   ├── NoSuchDatabase      the server has no such database
    │   ├── NoSuchRoute         the server is of a release that cannot do this
    │   ├── PublishRejected     the server does not take the module
    │   └── CallRefused         the call was not run at all
    ├── BadAnswer               an answer over HTTP is not what this request is answered with
    ├── MessageTooLarge         a message is larger than servers take
    ├── UnknownTable (KeyError) the module has no such table
    ├── QueryFailed             the server refused a query
    ├── SubscriptionFailed      the server refused a subscription, or it broke later
    ├── RequestTimeout (TimeoutError)  no answer in time
    ├── WaitTimeout (TimeoutError)     an awaited condition did not come true in time
    └── CallbackFailed          a callback raised; kept in `Connection.callback_errors`

Arguments that do not fit a reducer raise `sats.ArgumentError`; a server that breaks the protocol leads to
`ConnectionLost` with `wire.errors.RemoteProtocolError` or `sats.DecodeError` as its cause.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import ClientError as ClientError
    from .base import name_of as name_of
    from .base import shortened as shortened
    from .calls import CallError as CallError
    from .calls import ProcedureCrashed as ProcedureCrashed
    from .calls import ProcedureError as ProcedureError
    from .calls import ReducerCrashed as ReducerCrashed
    from .calls import ReducerFailed as ReducerFailed
    from .calls import UnknownProcedure as UnknownProcedure
    from .calls import UnknownReducer as UnknownReducer
    from .connections import AnswerLost as AnswerLost
    from .connections import ConnectionLost as ConnectionLost
    from .connections import ConnectionRejected as ConnectionRejected
    from .connections import Ending as Ending
    from .connections import NotConnected as NotConnected
    from .connections import OutcomeUnknown as OutcomeUnknown
    from .connections import ServerUnreachable as ServerUnreachable
    from .connections import WrongLoop as WrongLoop
    from .http import BadAnswer as BadAnswer
    from .http import CallRefused as CallRefused
    from .http import HttpError as HttpError
    from .http import NoSuchDatabase as NoSuchDatabase
    from .http import NoSuchRoute as NoSuchRoute
    from .http import NotAuthorized as NotAuthorized
    from .http import PublishRejected as PublishRejected
    from .requests import CallbackFailed as CallbackFailed
    from .requests import MessageTooLarge as MessageTooLarge
    from .requests import QueryFailed as QueryFailed
    from .requests import RequestTimeout as RequestTimeout
    from .requests import SubscriptionFailed as SubscriptionFailed
    from .requests import UnknownTable as UnknownTable
    from .requests import WaitTimeout as WaitTimeout

_HOMES = {
    "base": "ClientError name_of shortened",
    "calls": "CallError ProcedureCrashed ProcedureError ReducerCrashed ReducerFailed UnknownProcedure UnknownReducer",
    "connections": "AnswerLost ConnectionLost ConnectionRejected Ending NotConnected OutcomeUnknown ServerUnreachable WrongLoop",
    "http": "BadAnswer CallRefused HttpError NoSuchDatabase NoSuchRoute NotAuthorized PublishRejected",
    "requests": "CallbackFailed MessageTooLarge QueryFailed RequestTimeout SubscriptionFailed UnknownTable WaitTimeout",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{home}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
