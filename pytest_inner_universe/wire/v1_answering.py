"""What a server says in the first protocol, made of what it says in the second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from ..sats.identity import ConnectionId, Identity
from ..sats.moments import TimeDuration, Timestamp
from ..sats.server_words import completed
from . import messages as common
from . import v1
from .calls import CallInfo
from .errors import LocalProtocolError
from .rows import EMPTY
from .schema import Schema
from .v1_codecs import V1Codec
from .v1_manners import V1Manners
from .v1_outcomes import OUT_OF_ENERGY, is_refusal, is_taken_set
from .v1_updates import Updates

NO_REDUCER_NAME: Final = "<none>"
"""What 1.2 calls the reducer where there is none."""
NOT_ONE_QUERY: Final = "Internal error"
"""What servers say to the end of a single query that is not one, or that something else covers as well."""
_NO_TIME: Final = TimeDuration(0)

_WRAPPED: Final = "SubscriptionError: "
"""What stands before an error that is inside of another one."""

_SUBSCRIBING: Final = (v1.SubscribeMulti, v1.SubscribeSingle, v1.Subscribe)
_UNSUBSCRIBING: Final = (v1.UnsubscribeMulti, v1.Unsubscribe)


class Requests:
    """The requests of a client that wait for their answers; ids may be in use more than once."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[tuple[Any, bytes]]] = {}

    def expect(self, message: Any, args: bytes = b"") -> None:
        """Note a request, and its arguments as bytes."""
        self._waiting.setdefault(message.request_id, []).append((message, args))

    def answered(self, request_id: int, *kinds: type) -> tuple[Any, bytes]:
        """Take out the oldest request of some kinds."""
        waiting = self._waiting.get(request_id, [])
        found = next((entry for entry in waiting if isinstance(entry[0], kinds)), None)
        if found is None:
            raise LocalProtocolError(f"no request {request_id} waits for this answer")
        waiting.remove(found)
        if not waiting:
            del self._waiting[request_id]
        return found


class Answers:
    """Translates the messages of one connection.

    Args:
        codec: The encoding.
        schema: The module.
        light: Whether the client wants to know what changed, but not why.
        requests: What waits for answers.
        queries: Message ids of one-off queries, by the ids that stand for them in the second protocol.
        legacy_sets: The set of the legacy `Subscribe` that is live, if any, and those that may be, oldest first.
        now: Returns the time, for answers that no database gives.
        manners: How the release of the server speaks the protocol.
    """

    def __init__(
        self,
        codec: V1Codec,
        schema: Schema | None,
        light: bool,
        requests: Requests,
        queries: dict[int, bytes],
        legacy_sets: list[int],
        now: Callable[[], Timestamp],
        manners: V1Manners,
    ) -> None:
        self._codec = codec
        self._schema = schema
        self._is_light = light or (schema is not None and schema.hides_callers)
        self._requests = requests
        self._queries = queries
        self._legacy_sets = legacy_sets
        self._now = now
        self._manners = manners
        self._updates = Updates(codec, schema)
        self._identity = Identity.zero()
        self._connection_id = ConnectionId.zero()

    def translate(self, message: common.ServerMessage, call: CallInfo | None) -> v1.ServerMessage | None:
        """Return the message that says the same, or None if the first protocol does not say it.

        Args:
            message: The message.
            call: What caused it, if that is known.
        """
        return _WRITERS[type(message)](self, message, call)

    def refusal(self, reducer: str, text: str, timestamp: Timestamp | None = None) -> v1.ServerMessage:
        """Return the answer to a call that was not begun: its id and arguments are lost."""
        call = CallInfo(reducer, b"", 0, self._identity, self._connection_id, timestamp or self._now())
        return self._transaction(v1.Failed(text), call, self._codec.no_args)

    def _introduction(self, message: common.InitialConnection, _: CallInfo | None) -> v1.ServerMessage:
        self._identity, self._connection_id = message.identity, message.connection_id
        return v1.IdentityToken(message.identity, message.token, message.connection_id)

    # Calls

    def _result(self, message: common.ReducerResult, known: CallInfo | None) -> v1.ServerMessage | None:
        request, args = self._requests.answered(message.request_id, v1.CallReducer)
        outcome, is_quiet = message.result, request.flags == v1.NO_SUCCESS_NOTIFY
        if isinstance(outcome, common.ReducerInternalError) and is_refusal(outcome.message):
            text = completed(outcome.message, "reducer", request.reducer, self._manners.complains_as_before_2)
            return self.refusal(request.reducer, text, message.timestamp)
        call = known or CallInfo(
            request.reducer, args, request.request_id, self._identity, self._connection_id, message.timestamp
        )
        if not self._manners.keeps_request_ids and isinstance(
            outcome, (common.ReducerErr, common.ReducerInternalError)
        ):
            call = replace(call, request_id=0)
        if isinstance(outcome, (common.ReducerOk, common.ReducerOkEmpty)):
            update = outcome.transaction_update if isinstance(outcome, common.ReducerOk) else common.TransactionUpdate()
            if is_quiet:
                return self._news(update, call)
            return self._transaction(v1.Committed(self._updates.changed(update)), call)
        if is_quiet:
            return None
        if isinstance(outcome, common.ReducerErr):
            return self._transaction(v1.Failed(outcome.text), call)
        status = v1.OutOfEnergy() if outcome.message == OUT_OF_ENERGY else v1.Failed(outcome.message)
        return self._transaction(status, call)

    def _news(self, message: common.TransactionUpdate, call: CallInfo | None) -> v1.ServerMessage | None:
        update = self._updates.changed(message)
        if not update.tables:
            return None
        if call is None or self._is_light:
            return v1.TransactionUpdateLight(0 if call is None else call.request_id, update)
        return self._transaction(v1.Committed(update), call)

    def _transaction(
        self, status: v1.Committed | v1.Failed | v1.OutOfEnergy, call: CallInfo, args: v1.Single | None = None
    ) -> v1.TransactionUpdate:
        if args is None:
            args = self._codec.write_args(call.reducer, call.args)
        number = v1.NO_REDUCER if self._schema is None else self._schema.reducer_id(call.reducer)
        return v1.TransactionUpdate(
            status,
            call.timestamp,
            call.caller_identity,
            call.caller_connection_id,
            v1.ReducerCallInfo(call.reducer, number, args, call.request_id),
            call.energy,
            call.duration,
        )

    def _procedure(self, message: common.ProcedureResult, _: CallInfo | None) -> v1.ServerMessage:
        request, _args = self._requests.answered(message.request_id, v1.CallProcedure)
        status: v1.Returned | v1.InternalError
        if isinstance(message.status, common.ProcedureReturned):
            status = v1.Returned(self._codec.write_returned(request.procedure, message.status.value))
        else:
            status = v1.InternalError(message.status.message)
        took = message.total_host_execution_duration
        return v1.ProcedureResult(status, message.timestamp, took, message.request_id)

    # Queries

    def _subscribed(self, message: common.SubscribeApplied, _: CallInfo | None) -> v1.ServerMessage:
        request, _args = self._requests.answered(message.request_id, *_SUBSCRIBING)
        number, request_id = message.query_set_id, message.request_id
        if isinstance(request, v1.SubscribeSingle):
            tables = self._updates.start(number, message.rows)
            return v1.SubscribeApplied(request_id, 0, number, self._single(message.rows.queries[0], tables))
        if isinstance(request, v1.Subscribe):
            while self._legacy_sets[0] != number:
                self._updates.end(self._legacy_sets.pop(0), None)
            update = v1.DatabaseUpdate(self._updates.start(number, message.rows))
            return v1.InitialSubscription(update, request_id, _NO_TIME)
        update = v1.DatabaseUpdate(self._updates.start(number, message.rows))
        return v1.SubscribeMultiApplied(request_id, 0, number, update)

    def _unsubscribed(self, message: common.UnsubscribeApplied, _: CallInfo | None) -> v1.ServerMessage:
        number, request_id = message.query_set_id, message.request_id
        tables = self._updates.end(number, message.rows)
        request, _args = self._requests.answered(request_id, *_UNSUBSCRIBING)
        if isinstance(request, v1.Unsubscribe):
            ended = () if message.rows is None else message.rows.queries
            if len(ended) != 1:
                # The set has ended, but there is no way to tell of several tables, or of none.
                return v1.SubscriptionError(0, request_id, number, None, NOT_ONE_QUERY)
            return v1.UnsubscribeApplied(request_id, 0, number, self._single(ended[0], tables))
        return v1.UnsubscribeMultiApplied(request_id, 0, number, v1.DatabaseUpdate(tables))

    def _single(self, name: str, tables: tuple[v1.TableUpdate, ...]) -> v1.SubscribeRows:
        """Return the rows of the one table that a query is about, which is named even if it has none."""
        updates = [update for table in tables for update in table.updates]
        if not updates and self._manners.sends_empty_updates:
            updates = [self._updates.page(name, EMPTY, EMPTY)]
        rows = self._updates.table(name, updates)
        return v1.SubscribeRows(rows.table_id, name, rows)

    def _subscription_failed(self, message: common.SubscriptionError, _: CallInfo | None) -> v1.ServerMessage:
        if message.request_id is None:
            # There is no word for the end of one set.
            self._updates.end_all()
            return v1.SubscriptionError(0, None, None, None, message.error)
        request, _args = self._requests.answered(message.request_id, *_SUBSCRIBING, *_UNSUBSCRIBING)
        is_legacy = isinstance(request, v1.Subscribe)
        if is_legacy:
            self._legacy_sets.remove(message.query_set_id)
        if not self._manners.names_failed_sets and (is_legacy or is_taken_set(message.error)):
            reason, told, _query = message.error.partition(", executing: ")
            # Each error on the way is told with what caused it.
            causes = [reason, *reason.split(_WRAPPED)[1:]] if told else []
            return self.refusal(NO_REDUCER_NAME, ": ".join([message.error, *causes]))
        number = None if is_legacy else message.query_set_id
        return v1.SubscriptionError(0, message.request_id, number, None, message.error)

    def _queried(self, message: common.OneOffQueryResult, _: CallInfo | None) -> v1.ServerMessage:
        message_id = self._queries.pop(message.request_id)
        if isinstance(message.result, str):
            return v1.OneOffQueryResponse(message_id, message.result, (), _NO_TIME)
        return v1.OneOffQueryResponse(message_id, None, self._updates.one_off(message.result), _NO_TIME)


_WRITERS: Final[dict[type, Callable[[Answers, Any, CallInfo | None], v1.ServerMessage | None]]] = {
    common.InitialConnection: Answers._introduction,
    common.SubscribeApplied: Answers._subscribed,
    common.UnsubscribeApplied: Answers._unsubscribed,
    common.SubscriptionError: Answers._subscription_failed,
    common.TransactionUpdate: Answers._news,
    common.OneOffQueryResult: Answers._queried,
    common.ReducerResult: Answers._result,
    common.ProcedureResult: Answers._procedure,
}
