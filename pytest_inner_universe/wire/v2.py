"""The second WebSocket protocol, ``v2.bsatn.spacetimedb``: how its messages are written.

Every message class is described once, as the forms of its fields in their order; the tag of a message is its position in
the list. The message classes are importable from here as well.
"""

from __future__ import annotations

from typing import Final

from .form import Form, decode, encode
from .forms import (
    BLOB_FORM,
    CONNECTION_ID_FORM,
    DURATION_FORM,
    IDENTITY_FORM,
    STRING_FORM,
    TIMESTAMP_FORM,
    U32_FORM,
    array,
    choice,
    flags,
    option,
    record,
)
from .messages import (
    UNSUBSCRIBE_DEFAULT,
    UNSUBSCRIBE_SEND_DROPPED_ROWS,
    CallProcedure,
    CallReducer,
    ClientMessage,
    EventTableRows,
    InitialConnection,
    OneOffQuery,
    OneOffQueryResult,
    PersistentTableRows,
    ProcedureInternalError,
    ProcedureResult,
    ProcedureReturned,
    QueryRows,
    QuerySetUpdate,
    ReducerErr,
    ReducerInternalError,
    ReducerOk,
    ReducerOkEmpty,
    ReducerOutcome,
    ReducerResult,
    ServerMessage,
    SingleTableRows,
    Subscribe,
    SubscribeApplied,
    SubscribeBatch,
    SubscribeBatchApplied,
    SubscribeSet,
    SubscribeSetResult,
    SubscriptionError,
    TableUpdate,
    TransactionUpdate,
    Unsubscribe,
    UnsubscribeApplied,
)
from .rows import ROW_LIST_FORM, RowList

__all__ = [
    "CLIENT_FORM",
    "SERVER_FORM",
    "SUBPROTOCOL",
    "UNSUBSCRIBE_DEFAULT",
    "UNSUBSCRIBE_SEND_DROPPED_ROWS",
    "CallProcedure",
    "CallReducer",
    "ClientMessage",
    "EventTableRows",
    "InitialConnection",
    "OneOffQuery",
    "OneOffQueryResult",
    "PersistentTableRows",
    "ProcedureInternalError",
    "ProcedureResult",
    "ProcedureReturned",
    "QueryRows",
    "QuerySetUpdate",
    "ReducerErr",
    "ReducerInternalError",
    "ReducerOk",
    "ReducerOkEmpty",
    "ReducerOutcome",
    "ReducerResult",
    "RowList",
    "ServerMessage",
    "SingleTableRows",
    "Subscribe",
    "SubscribeApplied",
    "SubscribeBatch",
    "SubscribeBatchApplied",
    "SubscribeSet",
    "SubscribeSetResult",
    "SubscriptionError",
    "TableUpdate",
    "TransactionUpdate",
    "Unsubscribe",
    "UnsubscribeApplied",
    "decode_client",
    "decode_server",
    "encode_client",
    "encode_server",
]

SUBPROTOCOL: Final = "v2.bsatn.spacetimedb"

# A query set id is a product of one number, which has the bytes of the number.

_STRINGS = array(STRING_FORM)
_REQUEST = {"request_id": U32_FORM}
_REQUEST_AND_SET = {"request_id": U32_FORM, "query_set_id": U32_FORM}
_NO_FLAGS = flags(1)
_SET = record(SubscribeSet, query_set_id=U32_FORM, query_strings=_STRINGS)

CLIENT_FORM: Final[Form] = choice(
    "client message",
    (Subscribe, record(Subscribe, **_REQUEST_AND_SET, query_strings=_STRINGS)),
    (Unsubscribe, record(Unsubscribe, **_REQUEST_AND_SET, flags=flags(2))),
    (OneOffQuery, record(OneOffQuery, **_REQUEST, query_string=STRING_FORM)),
    (CallReducer, record(CallReducer, **_REQUEST, flags=_NO_FLAGS, reducer=STRING_FORM, args=BLOB_FORM)),
    (CallProcedure, record(CallProcedure, **_REQUEST, flags=_NO_FLAGS, procedure=STRING_FORM, args=BLOB_FORM)),
    (SubscribeBatch, record(SubscribeBatch, **_REQUEST, sets=array(_SET))),
)

_QUERY_ROWS = record(QueryRows, tables=array(record(SingleTableRows, table=STRING_FORM, rows=ROW_LIST_FORM)))
_ROWS_OR_ERROR = choice("result", (QueryRows, _QUERY_ROWS), (str, STRING_FORM))
_TABLE_ROWS = choice(
    "table update",
    (PersistentTableRows, record(PersistentTableRows, inserts=ROW_LIST_FORM, deletes=ROW_LIST_FORM)),
    (EventTableRows, record(EventTableRows, events=ROW_LIST_FORM)),
)
_TABLE_UPDATE = record(TableUpdate, table_name=STRING_FORM, rows=array(_TABLE_ROWS))
_QUERY_SET_UPDATE = record(QuerySetUpdate, query_set_id=U32_FORM, tables=array(_TABLE_UPDATE))
_TRANSACTION_UPDATE = record(TransactionUpdate, query_sets=array(_QUERY_SET_UPDATE))
_OUTCOME = choice(
    "reducer outcome",
    (ReducerOk, record(ReducerOk, ret_value=BLOB_FORM, transaction_update=_TRANSACTION_UPDATE)),
    (ReducerOkEmpty, record(ReducerOkEmpty)),
    (ReducerErr, record(ReducerErr, message=BLOB_FORM)),
    (ReducerInternalError, record(ReducerInternalError, message=STRING_FORM)),
)
_STATUS = choice(
    "procedure status",
    (ProcedureReturned, record(ProcedureReturned, value=BLOB_FORM)),
    (ProcedureInternalError, record(ProcedureInternalError, message=STRING_FORM)),
)
_SET_RESULT = record(
    SubscribeSetResult, query_set_id=U32_FORM, outcome=choice("outcome", (QueryRows, _QUERY_ROWS), (str, STRING_FORM))
)

SERVER_FORM: Final[Form] = choice(
    "server message",
    (
        InitialConnection,
        record(InitialConnection, identity=IDENTITY_FORM, connection_id=CONNECTION_ID_FORM, token=STRING_FORM),
    ),
    (SubscribeApplied, record(SubscribeApplied, **_REQUEST_AND_SET, rows=_QUERY_ROWS)),
    (UnsubscribeApplied, record(UnsubscribeApplied, **_REQUEST_AND_SET, rows=option(_QUERY_ROWS))),
    (
        SubscriptionError,
        record(SubscriptionError, request_id=option(U32_FORM), query_set_id=U32_FORM, error=STRING_FORM),
    ),
    (TransactionUpdate, _TRANSACTION_UPDATE),
    (OneOffQueryResult, record(OneOffQueryResult, **_REQUEST, result=_ROWS_OR_ERROR)),
    (ReducerResult, record(ReducerResult, **_REQUEST, timestamp=TIMESTAMP_FORM, result=_OUTCOME)),
    (
        ProcedureResult,
        record(
            ProcedureResult,
            status=_STATUS,
            timestamp=TIMESTAMP_FORM,
            total_host_execution_duration=DURATION_FORM,
            **_REQUEST,
        ),
    ),
    (SubscribeBatchApplied, record(SubscribeBatchApplied, **_REQUEST, results=array(_SET_RESULT))),
)


def encode_client(message: ClientMessage) -> bytes:
    """Write a message of a client; its frame is these bytes.

    Raises:
        EncodeError: A field does not fit its type.
    """
    return encode(CLIENT_FORM, message)


def decode_client(data: bytes) -> ClientMessage:
    """Read a message of a client.

    Raises:
        DecodeError: The bytes are not exactly one message.
    """
    message: ClientMessage = decode(CLIENT_FORM, data)
    return message


def encode_server(message: ServerMessage) -> bytes:
    """Write a message of a server, without the frame's tag byte.

    Raises:
        EncodeError: A field does not fit its type.
    """
    return encode(SERVER_FORM, message)


def decode_server(data: bytes) -> ServerMessage:
    """Read a message of a server, without the frame's tag byte.

    Raises:
        DecodeError: The bytes are not exactly one message.
    """
    message: ServerMessage = decode(SERVER_FORM, data)
    return message
