"""The first WebSocket protocol in binary, ``v1.bsatn.spacetimedb``.

The message classes are importable from here as well; see `v1_json` for the other encoding.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final, cast

from ..sats.cursor import Cursor
from ..sats.errors import DecodeError
from . import forms
from .form import Form, decode, encode
from .frames import UNPACKED_LIMIT, unpack
from .rows import ROW_LIST_FORM
from .v1_answers import (
    NO_REDUCER,
    Committed,
    DatabaseUpdate,
    Failed,
    IdentityToken,
    InitialSubscription,
    InternalError,
    OneOffQueryResponse,
    OneOffTable,
    OutOfEnergy,
    ProcedureResult,
    QueryUpdate,
    ReducerCallInfo,
    Returned,
    Rows,
    ServerMessage,
    SubscribeApplied,
    SubscribeMultiApplied,
    SubscribeRows,
    SubscriptionError,
    TableUpdate,
    TransactionUpdate,
    TransactionUpdateLight,
    UnsubscribeApplied,
    UnsubscribeMultiApplied,
)
from .v1_description import describe
from .v1_requests import (
    FULL_UPDATE,
    NO_SUCCESS_NOTIFY,
    CallProcedure,
    CallReducer,
    ClientMessage,
    OneOffQuery,
    Single,
    Subscribe,
    SubscribeMulti,
    SubscribeSingle,
    Unsubscribe,
    UnsubscribeMulti,
)

__all__ = [
    "CLIENT_FORM",
    "FULL_UPDATE",
    "NO_REDUCER",
    "NO_SUCCESS_NOTIFY",
    "SERVER_FORM",
    "SUBPROTOCOL",
    "CallProcedure",
    "CallReducer",
    "ClientMessage",
    "Committed",
    "DatabaseUpdate",
    "Failed",
    "IdentityToken",
    "InitialSubscription",
    "InternalError",
    "OneOffQuery",
    "OneOffQueryResponse",
    "OneOffTable",
    "OutOfEnergy",
    "ProcedureResult",
    "QueryUpdate",
    "ReducerCallInfo",
    "Returned",
    "Rows",
    "ServerMessage",
    "Single",
    "Subscribe",
    "SubscribeApplied",
    "SubscribeMulti",
    "SubscribeMultiApplied",
    "SubscribeRows",
    "SubscribeSingle",
    "SubscriptionError",
    "TableUpdate",
    "TransactionUpdate",
    "TransactionUpdateLight",
    "Unsubscribe",
    "UnsubscribeApplied",
    "UnsubscribeMulti",
    "UnsubscribeMultiApplied",
    "decode_client",
    "decode_server",
    "encode_client",
    "encode_server",
]

SUBPROTOCOL: Final = "v1.bsatn.spacetimedb"

# A part is packed like a frame, with the same tags, but that a plain one has no length in front.
_UNCOMPRESSED: Final = 0


class _LimitedCursor(Cursor):
    """A reading position in a message that may hold packed parts; together they may unpack to so many bytes."""

    __slots__ = ("left",)

    def __init__(self, data: bytes, left: int) -> None:
        super().__init__(data)
        self.left = left


def _packed(form: Form) -> Form:
    def read(cursor: Cursor) -> object:
        at = cursor.offset
        tag = cursor.tag(3, "compression")
        if tag == _UNCOMPRESSED:
            return form.read(cursor)
        left = cursor.left if isinstance(cursor, _LimitedCursor) else UNPACKED_LIMIT
        try:
            body = unpack(bytes((tag,)) + cursor.blob("packed update"), left)
            inner = _LimitedCursor(body, left - len(body))
            value = form.read(inner)
            inner.end()
        except DecodeError as error:
            # Positions inside of packed data mean nothing outside.
            raise DecodeError(error.reason, at, error.path) from None
        if isinstance(cursor, _LimitedCursor):
            cursor.left = inner.left
        return value

    def write(value: object, out: bytearray) -> None:
        out.append(_UNCOMPRESSED)
        form.write(value, out)

    return Form(read, write)


def _wrapped(cls: type, field: str, form: Form) -> Form:
    return Form(lambda cursor: cls(form.read(cursor)), lambda value, out: form.write(getattr(value, field), out))


_KINDS = SimpleNamespace(
    u32=forms.U32_FORM,
    u64=forms.unsigned(8),
    string=forms.STRING_FORM,
    blob=forms.BLOB_FORM,
    identity=forms.IDENTITY_FORM,
    connection_id=forms.CONNECTION_ID_FORM,
    timestamp=forms.TIMESTAMP_FORM,
    duration=forms.DURATION_FORM,
    energy=forms.unsigned(16),
    query_id=forms.U32_FORM,
    single=forms.BLOB_FORM,
    rows=ROW_LIST_FORM,
    flags=forms.flags,
    array=forms.array,
    option=forms.option,
    record=forms.record,
    wrapped=_wrapped,
    choice=forms.choice,
    packed=_packed,
)

_CLIENT, _SERVER = describe(cast("Any", _KINDS))

CLIENT_FORM: Final[Form] = _CLIENT
SERVER_FORM: Final[Form] = _SERVER


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
    """Write a message of a server, without the frame's tag byte; nothing in it is packed, as with the real servers.

    Raises:
        EncodeError: A field does not fit its type.
    """
    return encode(SERVER_FORM, message)


def decode_server(data: bytes, limit: int = UNPACKED_LIMIT) -> ServerMessage:
    """Read a message of a server, without the frame's tag byte.

    Args:
        data: The message.
        limit: The most bytes that packed parts of it may unpack to, all together.

    Raises:
        DecodeError: The bytes are not exactly one message.
    """
    cursor = _LimitedCursor(bytes(data), limit)
    message: ServerMessage = SERVER_FORM.read(cursor)
    cursor.end()
    return message
