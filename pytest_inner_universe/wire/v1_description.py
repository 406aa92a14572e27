"""The messages of the first protocol, described once for both of its encodings.

`describe` is written in terms of `Kinds`, which say how a field of some kind, and a structure of such fields, is read and
written. The binary encoding and the JSON one each bring their own.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from . import v1_answers as a
from . import v1_requests as r

F = TypeVar("F")


class Kinds(Protocol[F]):
    """What an encoding brings: one form per kind of field, and what makes forms out of forms."""

    u32: F
    u64: F
    string: F
    blob: F
    identity: F
    connection_id: F
    timestamp: F
    duration: F
    energy: F
    """A product of one 128-bit number."""
    query_id: F
    """A product of one 32-bit number."""
    single: F
    """One value of a type that the message does not know."""
    rows: F
    """Many of thea."""

    def flags(self, count: int) -> F:
        """Return the form of one byte that has that many meanings."""

    def array(self, element: F) -> F:
        """Return the form of a sequence, a tuple in Python."""

    def option(self, some: F) -> F:
        """Return the form of a value that may be absent, which is None in Python."""

    def record(self, cls: type, **fields: F) -> F:
        """Return the form of a dataclass."""

    def wrapped(self, cls: type, field: str, form: F) -> F:
        """Return the form of a dataclass of one field that travels as the bare value."""

    def choice(self, what: str, *options: tuple[type, F]) -> F:
        """Return the form of a sum, told apart by the class of the value."""

    def packed(self, form: F) -> F:
        """Return the form of a value that may travel compressed, if the encoding knows such a thing."""


def describe(k: Kinds[F]) -> tuple[F, F]:
    """Return the forms of a client's and of a server's message."""
    strings = k.array(k.string)
    query_update = k.packed(k.record(a.QueryUpdate, deletes=k.rows, inserts=k.rows))
    table = k.record(a.TableUpdate, table_id=k.u32, table_name=k.string, num_rows=k.u64, updates=k.array(query_update))
    database = k.record(a.DatabaseUpdate, tables=k.array(table))
    subscribe_rows = k.record(a.SubscribeRows, table_id=k.u32, table_name=k.string, table_rows=table)
    request_and_query = {"request_id": k.u32, "query_id": k.query_id}
    applied = {"request_id": k.u32, "total_host_execution_duration_micros": k.u64, "query_id": k.query_id}
    call = {"args": k.single, "request_id": k.u32}

    client = k.choice(
        "client message",
        (r.CallReducer, k.record(r.CallReducer, reducer=k.string, **call, flags=k.flags(2))),
        (r.Subscribe, k.record(r.Subscribe, query_strings=strings, request_id=k.u32)),
        (r.OneOffQuery, k.record(r.OneOffQuery, message_id=k.blob, query_string=k.string)),
        (r.SubscribeSingle, k.record(r.SubscribeSingle, query=k.string, **request_and_query)),
        (r.SubscribeMulti, k.record(r.SubscribeMulti, query_strings=strings, **request_and_query)),
        (r.Unsubscribe, k.record(r.Unsubscribe, **request_and_query)),
        (r.UnsubscribeMulti, k.record(r.UnsubscribeMulti, **request_and_query)),
        (r.CallProcedure, k.record(r.CallProcedure, procedure=k.string, **call, flags=k.flags(1))),
    )

    update_status = k.choice(
        "update status",
        (a.Committed, k.wrapped(a.Committed, "update", database)),
        (a.Failed, k.wrapped(a.Failed, "message", k.string)),
        (a.OutOfEnergy, k.record(a.OutOfEnergy)),
    )
    procedure_status = k.choice(
        "procedure status",
        (a.Returned, k.wrapped(a.Returned, "value", k.single)),
        (a.OutOfEnergy, k.record(a.OutOfEnergy)),
        (a.InternalError, k.wrapped(a.InternalError, "message", k.string)),
    )
    reducer_call = k.record(a.ReducerCallInfo, reducer_name=k.string, reducer_id=k.u32, args=k.single, request_id=k.u32)
    one_off_table = k.record(a.OneOffTable, table_name=k.string, rows=k.rows)
    took = {"total_host_execution_duration": k.duration}

    server = k.choice(
        "server message",
        (
            a.InitialSubscription,
            k.record(a.InitialSubscription, database_update=database, request_id=k.u32, **took),
        ),
        (
            a.TransactionUpdate,
            k.record(
                a.TransactionUpdate,
                status=update_status,
                timestamp=k.timestamp,
                caller_identity=k.identity,
                caller_connection_id=k.connection_id,
                reducer_call=reducer_call,
                energy_quanta_used=k.energy,
                **took,
            ),
        ),
        (a.TransactionUpdateLight, k.record(a.TransactionUpdateLight, request_id=k.u32, update=database)),
        (
            a.IdentityToken,
            k.record(a.IdentityToken, identity=k.identity, token=k.string, connection_id=k.connection_id),
        ),
        (
            a.OneOffQueryResponse,
            k.record(
                a.OneOffQueryResponse,
                message_id=k.blob,
                error=k.option(k.string),
                tables=k.array(one_off_table),
                **took,
            ),
        ),
        (a.SubscribeApplied, k.record(a.SubscribeApplied, **applied, rows=subscribe_rows)),
        (a.UnsubscribeApplied, k.record(a.UnsubscribeApplied, **applied, rows=subscribe_rows)),
        (
            a.SubscriptionError,
            k.record(
                a.SubscriptionError,
                total_host_execution_duration_micros=k.u64,
                request_id=k.option(k.u32),
                query_id=k.option(k.u32),
                table_id=k.option(k.u32),
                error=k.string,
            ),
        ),
        (a.SubscribeMultiApplied, k.record(a.SubscribeMultiApplied, **applied, update=database)),
        (a.UnsubscribeMultiApplied, k.record(a.UnsubscribeMultiApplied, **applied, update=database)),
        (
            a.ProcedureResult,
            k.record(a.ProcedureResult, status=procedure_status, timestamp=k.timestamp, **took, request_id=k.u32),
        ),
    )
    return client, server
