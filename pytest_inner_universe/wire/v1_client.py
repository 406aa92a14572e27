"""A client's side of the first protocol, in the words of the second.

What differs, and what becomes of it:

- The answer to a call is a transaction like any other. It is known by the connection that called; calls that failed may
  have lost their request id, and then answer the oldest call of the reducer that waits.
- Rows do not name their query set; see `v1_shares`. Where other sets have to take over rows when one ends, a
  `TransactionUpdate` comes just before its `UnsubscribeApplied`.
- An error that ends all subscriptions becomes one `SubscriptionError` per query set.
- Who else called what is dropped: the second protocol does not tell it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from ..sats.errors import EncodeError
from ..sats.identity import ConnectionId
from . import messages as common
from . import v1
from .errors import RemoteProtocolError
from .form import encode
from .forms import U32_FORM
from .frames import UNPACKED_LIMIT
from .rows import RowList
from .schema import Schema
from .v1_codecs import V1Codec
from .v1_outcomes import OUT_OF_ENERGY, is_crash, is_refusal
from .v1_shares import Changed, Shares

_MESSAGE_ID_WIDTH = 4
_NOT_A_REDUCER = ("", "<none>")


class V1Client:
    """Translates one connection.

    Args:
        codec: The encoding.
        schema: The module; the JSON encoding needs it.
    """

    def __init__(self, codec: V1Codec, schema: Schema | None) -> None:
        self._codec = codec
        self._connection_id = ConnectionId.zero()
        self._requests: dict[int, common.ClientMessage] = {}
        self._newest = 0  # the highest number that a request had
        self._shares = Shares(str if schema is None else schema.name_of)

    def client_frames(self, messages: Iterable[common.ClientMessage]) -> list[bytes | str]:
        """Write messages. Raises `EncodeError` if one cannot be said in this protocol."""
        frames = []
        for message in messages:
            frames.append(self._codec.write_client(self._request(message)))
            if type(message) is not common.OneOffQuery:
                self._requests[message.request_id] = message
                self._newest = max(self._newest, message.request_id)
        return frames

    def read_server_frame(self, frame: bytes | str, limit: int = UNPACKED_LIMIT) -> list[common.ServerMessage]:
        """Read a frame. Raises `DecodeError` if it is damaged, `RemoteProtocolError` if it makes no sense here."""
        message = self._codec.read_server(frame, limit)
        handle = _HANDLERS.get(type(message))
        if handle is None:
            raise RemoteProtocolError(f"{type(message).__name__}: this answers what a client here never says")
        return handle(self, message)

    # Requests

    def _request(self, message: common.ClientMessage) -> v1.ClientMessage:
        if isinstance(message, common.CallReducer):
            if message.flags != 0:
                raise EncodeError(f"expected 0, got {message.flags!r}", "CallReducer.flags")
            args = self._codec.write_args(message.reducer, message.args)
            return v1.CallReducer(message.reducer, args, message.request_id)
        if isinstance(message, common.CallProcedure):
            args = self._codec.write_args(message.procedure, message.args)
            return v1.CallProcedure(message.procedure, args, message.request_id, message.flags)
        if isinstance(message, common.Subscribe):
            return v1.SubscribeMulti(message.query_strings, message.request_id, message.query_set_id)
        if isinstance(message, common.Unsubscribe):
            return v1.UnsubscribeMulti(message.request_id, message.query_set_id)
        if isinstance(message, common.OneOffQuery):
            # The message id is the request id, so that nothing has to be remembered.
            return v1.OneOffQuery(encode(U32_FORM, message.request_id), message.query_string)
        raise EncodeError(f"the first protocol has no {type(message).__name__}")

    # Answers

    def _introduced(self, message: v1.IdentityToken) -> list[common.ServerMessage]:
        self._connection_id = message.connection_id
        return [common.InitialConnection(message.identity, message.connection_id, message.token)]

    def _transaction(self, message: v1.TransactionUpdate) -> list[common.ServerMessage]:
        status = message.status
        update = self._changed(status.update) if isinstance(status, v1.Committed) else common.TransactionUpdate()
        request = self._called(message) if message.caller_connection_id == self._connection_id else None
        if isinstance(request, common.CallReducer):
            outcome: common.ReducerOutcome
            if isinstance(status, v1.Committed):
                outcome = common.ReducerOk(b"", update)
            elif isinstance(status, v1.OutOfEnergy):
                outcome = common.ReducerInternalError(OUT_OF_ENERGY)
            elif is_crash(status.message) or (is_refusal(status.message) and message.energy_quanta_used == 0):
                outcome = common.ReducerInternalError(status.message)
            else:
                outcome = common.ReducerErr.of(status.message)
            return [common.ReducerResult(request.request_id, message.timestamp, outcome)]
        if isinstance(request, (common.Subscribe, common.Unsubscribe)) and isinstance(status, v1.Failed):
            return [common.SubscriptionError(request.request_id, request.query_set_id, status.message)]
        return [update] if update.query_sets else []

    def _called(self, message: v1.TransactionUpdate) -> common.ClientMessage | None:
        """Take out the request that a transaction of this connection answers, if it answers one."""
        call = message.reducer_call
        request = self._requests.get(call.request_id)
        # A request id of 0 may stand for a lost one.
        if isinstance(request, common.CallReducer) and (call.request_id or request.reducer == call.reducer_name):
            return self._requests.pop(call.request_id)
        if isinstance(message.status, v1.Committed):
            if 0 < call.request_id <= self._newest:
                # Taken for somebody else's transaction, a doubled answer would double its rows.
                raise RemoteProtocolError(f"TransactionUpdate: no CallReducer {call.request_id} waits for an answer")
            return None
        for number, waiting in self._requests.items():
            if isinstance(waiting, common.CallReducer):
                found = waiting.reducer == call.reducer_name
            else:
                # Before 2.0, servers reported errors of other requests as calls of no reducer.
                found = not isinstance(waiting, common.CallProcedure) and call.reducer_name in _NOT_A_REDUCER
            if found:
                return self._requests.pop(number)
        return None

    def _light(self, message: v1.TransactionUpdateLight) -> list[common.ServerMessage]:
        update = self._changed(message.update)
        return [update] if update.query_sets else []

    def _subscribed(self, message: v1.SubscribeMultiApplied) -> list[common.ServerMessage]:
        request = self._answered(message.request_id, common.Subscribe, message)
        rows = self._shares.start(request.query_set_id, request.query_strings, self._tables(message.update))
        return [common.SubscribeApplied(message.request_id, message.query_id, rows)]

    def _unsubscribed(self, message: v1.UnsubscribeMultiApplied) -> list[common.ServerMessage]:
        request = self._answered(message.request_id, common.Unsubscribe, message)
        moved, rows = self._shares.end(request.query_set_id, self._tables(message.update))
        wanted = request.flags == common.UNSUBSCRIBE_SEND_DROPPED_ROWS
        applied = common.UnsubscribeApplied(message.request_id, message.query_id, rows if wanted else None)
        return [moved, applied] if moved.query_sets else [applied]

    def _subscription_failed(self, message: v1.SubscriptionError) -> list[common.ServerMessage]:
        if message.request_id is not None:
            request = self._requests.pop(message.request_id, None)
            number = getattr(request, "query_set_id", message.query_id)
            if number is None:
                raise RemoteProtocolError(f"SubscriptionError: no request {message.request_id} waits for an answer")
            return [common.SubscriptionError(message.request_id, number, message.error)]
        if message.query_id is not None:
            moved, _ = self._shares.end(message.query_id, None)
            error = common.SubscriptionError(None, message.query_id, message.error)
            return [moved, error] if moved.query_sets else [error]
        return [common.SubscriptionError(None, number, message.error) for number in self._shares.end_all()]

    def _queried(self, message: v1.OneOffQueryResponse) -> list[common.ServerMessage]:
        if len(message.message_id) != _MESSAGE_ID_WIDTH:
            raise RemoteProtocolError(f"OneOffQueryResponse: no query {message.message_id.hex()} waits for an answer")
        result: common.QueryRows | str
        if message.error is not None:
            result = message.error
        else:
            rows = [(table.table_name, self._codec.rows(table.table_name, table.rows)) for table in message.tables]
            result = common.QueryRows(tuple(common.SingleTableRows(*entry) for entry in rows))
        return [common.OneOffQueryResult(int.from_bytes(message.message_id, "little"), result)]

    def _procedure_ended(self, message: v1.ProcedureResult) -> list[common.ServerMessage]:
        request = self._answered(message.request_id, common.CallProcedure, message)
        status: common.ProcedureReturned | common.ProcedureInternalError
        if isinstance(message.status, v1.Returned):
            value = self._codec.read_returned(request.procedure, message.status.value)
            status = common.ProcedureReturned(value)
        elif isinstance(message.status, v1.InternalError):
            status = common.ProcedureInternalError(message.status.message)
        else:
            status = common.ProcedureInternalError("procedure ran out of energy")
        took = message.total_host_execution_duration
        return [common.ProcedureResult(status, message.timestamp, took, message.request_id)]

    # Parts

    def _answered(self, request_id: int, kind: type[Any], message: v1.ServerMessage) -> Any:
        """Take out the request that a message answers."""
        request = self._requests.get(request_id)
        if not isinstance(request, kind):
            name = type(message).__name__
            raise RemoteProtocolError(f"{name}: no {kind.__name__} {request_id} waits for an answer")
        return self._requests.pop(request_id)

    def _changed(self, update: v1.DatabaseUpdate) -> common.TransactionUpdate:
        return self._shares.change(self._tables(update)) if update.tables else common.TransactionUpdate()

    def _tables(self, update: v1.DatabaseUpdate) -> Sequence[Changed]:
        read = self._codec.rows

        def changed(table: str, change: v1.QueryUpdate) -> tuple[str, RowList, RowList]:
            return table, read(table, change.deletes), read(table, change.inserts)

        return [changed(table.table_name, change) for table in update.tables for change in table.updates]


_HANDLERS: Final[dict[type, Callable[[V1Client, Any], list[common.ServerMessage]]]] = {
    v1.IdentityToken: V1Client._introduced,
    v1.TransactionUpdate: V1Client._transaction,
    v1.TransactionUpdateLight: V1Client._light,
    v1.SubscribeMultiApplied: V1Client._subscribed,
    v1.UnsubscribeMultiApplied: V1Client._unsubscribed,
    v1.SubscriptionError: V1Client._subscription_failed,
    v1.OneOffQueryResponse: V1Client._queried,
    v1.ProcedureResult: V1Client._procedure_ended,
}
