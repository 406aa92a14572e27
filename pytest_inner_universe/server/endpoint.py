"""Where a client's messages meet a database, whatever carried them here."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ..client.errors import ConnectionRejected
from ..engine.errors import ConnectRefused
from ..engine.sql import SqlError
from ..engine.subscriptions.errors import NoSuchQuerySet, QuerySetExists
from ..sats import STRING, ConnectionId, Identity, TimeDuration, Timestamp, codec
from ..wire import messages

if TYPE_CHECKING:
    from ..engine.calls import CallOutcome
    from ..engine.clients import Client, Closed, Deliver
    from ..engine.database import Database
    from ..engine.procedures import ProcedureOutcome

_NO_CHANGES = messages.TransactionUpdate(())


class Endpoint:
    """The door to one database.

    Args:
        database: Whose door it is.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def attach(self, identity_or_token: Identity | str | None, deliver: Deliver, closed: Closed) -> ServerEnd:
        """Let a client in and greet it.

        Args:
            identity_or_token: Who it is; somebody new unless given.
            deliver: Takes every message for the client, from any thread, with the database's lock held.
            closed: Told close code and reason when the database ends the connection.

        Raises:
            ConnectionRejected: The module's connect hook said no, or a token was given where none are checked.
        """
        if isinstance(identity_or_token, str):
            raise ConnectionRejected("tokens are not checked in memory, connect with an identity")
        who = identity_or_token or Identity.derive("localhost", str(uuid.uuid4()))
        database = self.database
        with database.lock:
            try:
                client = database.connect(who, ConnectionId.random(), deliver, closed)
            except ConnectRefused as error:
                raise ConnectionRejected(error.reason) from error
            deliver(messages.InitialConnection(who, client.connection_id, ""))
        return ServerEnd(database, client)


class ServerEnd:
    """The server's side of one connection.

    Args:
        database: The database.
        client: The connection as the database knows it.
    """

    def __init__(self, database: Database, client: Client) -> None:
        self.database = database
        self.client = client
        self._handlers = {
            messages.CallReducer: self._call,
            messages.Subscribe: self._subscribe,
            messages.Unsubscribe: self._unsubscribe,
            messages.OneOffQuery: self._one_off,
            messages.CallProcedure: self._procedure,
        }

    def handle(self, message: messages.ClientMessage) -> None:
        """Do what a message asks for; the answers are delivered before this returns.

        Raises:
            DatabaseClosed: The database is gone.
        """
        with self.database.lock:
            self._handlers[type(message)](message)  # type: ignore[operator]

    def close(self) -> None:
        """End the connection from the client's side."""
        self.database.disconnect(self.client)

    def _call(self, message: messages.CallReducer) -> None:
        def answer(outcome: CallOutcome) -> None:
            result = messages.ReducerResult(message.request_id, Timestamp(outcome.timestamp), reducer_outcome(outcome))
            self.client.deliver(result)

        self.database.call(self.client, message.reducer, message.args, answer)

    def _subscribe(self, message: messages.Subscribe) -> None:
        request, number = message.request_id, message.query_set_id
        try:
            rows = self.database.subscribe(self.client, number, list(message.query_strings), message.counting)
        except (SqlError, QuerySetExists) as error:
            self.client.deliver(messages.SubscriptionError(request, number, error.server_text))
        else:
            for replaced in self.client.query_sets.keys() & message.replaced:
                self.database.unsubscribe(self.client, replaced)
            self.client.deliver(messages.SubscribeApplied(request, number, rows))

    def _unsubscribe(self, message: messages.Unsubscribe) -> None:
        request, number = message.request_id, message.query_set_id
        try:
            rows = self.database.unsubscribe(self.client, number)
        except NoSuchQuerySet as error:
            self.client.deliver(messages.SubscriptionError(request, number, error.server_text))
            return
        wanted = message.flags == messages.UNSUBSCRIBE_SEND_DROPPED_ROWS
        self.client.deliver(messages.UnsubscribeApplied(request, number, rows if wanted else None))

    def _one_off(self, message: messages.OneOffQuery) -> None:
        result: messages.QueryRows | str
        try:
            result = self.database.one_off(self.client, message.query_string)
        except SqlError as error:
            result = error.reason
        self.client.deliver(messages.OneOffQueryResult(message.request_id, result))

    def _procedure(self, message: messages.CallProcedure) -> None:
        def answer(outcome: ProcedureOutcome) -> None:
            self.client.deliver(procedure_result(outcome, message.request_id))

        self.database.call_procedure(self.client, message.procedure, message.args, answer)


def reducer_outcome(outcome: CallOutcome) -> messages.ReducerOutcome:
    """Return what a client is told of a call."""
    if outcome.status == "committed":
        return messages.ReducerOk(b"", outcome.update or _NO_CHANGES)
    if outcome.status == "failed":
        return messages.ReducerErr(codec(STRING).encode(outcome.message))
    return messages.ReducerInternalError(outcome.message)


def procedure_result(outcome: ProcedureOutcome, request_id: int) -> messages.ProcedureResult:
    """Return what a client is told of a procedure; of one that failed neither when nor how long."""
    if not outcome.returned:
        failed = messages.ProcedureInternalError(outcome.message)
        return messages.ProcedureResult(failed, Timestamp(0), TimeDuration(0), request_id)
    returned = messages.ProcedureReturned(outcome.value)
    return messages.ProcedureResult(returned, Timestamp(outcome.timestamp), TimeDuration(outcome.duration), request_id)
