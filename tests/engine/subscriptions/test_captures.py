"""Query sets as a real server kept them: the recorded conversation about queries, with the same data."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.sql_store import Store

from pytest_inner_universe.engine.sql import SqlError
from pytest_inner_universe.engine.store.errors import UniqueViolation
from pytest_inner_universe.engine.subscriptions import NoSuchQuerySet, QuerySetExists, Subscriptions
from pytest_inner_universe.sats import ConnectionId, Identity, decode_definition
from pytest_inner_universe.wire import v2
from pytest_inner_universe.wire.messages import (
    CallReducer,
    InitialConnection,
    OneOffQuery,
    OneOffQueryResult,
    QueryRows,
    ReducerOk,
    ReducerResult,
    Subscribe,
    SubscribeApplied,
    SubscriptionError,
    TransactionUpdate,
    Unsubscribe,
    UnsubscribeApplied,
)

VECTORS = Path(__file__).parents[3] / "fixtures" / "vectors"


class _Client:
    """One side of the recording."""

    def __init__(self, hello: InitialConnection) -> None:
        self.identity: Identity = hello.identity
        self.connection_id: ConnectionId = hello.connection_id


class _Replay:
    """Answers the recorded requests from a store that is changed as the recorded reducers changed it."""

    def __init__(self, definition: str) -> None:
        data = bytes.fromhex((VECTORS / definition).read_text())
        self.store = Store(definition=decode_definition(data))
        self.subscriptions = Subscriptions(self.store.datastore)

    def replies(self, client: _Client, request: Any) -> dict[Any, Any]:
        """Return what each client is told."""
        caller, number = client.identity, request.request_id
        try:
            if isinstance(request, Subscribe):
                queries = list(request.query_strings)
                rows = self.subscriptions.add(client, caller, False, request.query_set_id, queries)
                return {client: SubscribeApplied(number, request.query_set_id, rows)}
            if isinstance(request, Unsubscribe):
                rows = self.subscriptions.remove(client, request.query_set_id)
                dropped = rows if request.flags else None
                return {client: UnsubscribeApplied(number, request.query_set_id, dropped)}
        except (SqlError, QuerySetExists, NoSuchQuerySet) as error:
            return {client: SubscriptionError(number, request.query_set_id, error.server_text)}
        if isinstance(request, OneOffQuery):
            return {client: OneOffQueryResult(number, self._one_off(caller, request.query_string))}
        assert isinstance(request, CallReducer)
        args = self.store.datastore.definition.reducers[request.reducer].decode_args(request.args)
        try:
            changes = self._changes(request.reducer, args, caller)
        except UniqueViolation:
            return {client: None}
        return {client: TransactionUpdate() if changes else None, **self.subscriptions.deltas(changes)}

    def _one_off(self, caller: Identity, query: str) -> QueryRows | str:
        try:
            return self.subscriptions.one_off(caller, False, query)
        except SqlError as error:
            return error.reason

    def _changes(self, name: str, args: dict[str, Any], caller: Identity) -> Any:
        store, person = self.store, "SELECT * FROM person WHERE "
        if name == "add_person":
            tx = store.datastore.begin()
            try:
                tx.insert(store.datastore.table("person"), store.encode("person", 0, *args.values()))
            except UniqueViolation:
                tx.rollback()
                raise
            return tx.commit()
        if name == "own_team":
            return store.change({"team": [(args["id"], caller, args["title"])]})
        if name in ("set_age", "remove_person"):
            old = list(store.sql(f"{person} name = '{args['name']}'").rows)
            new = [(*row[:3], args["age"]) for row in old] if name == "set_age" else []
            return store.change({"person": new}, {"person": old})
        if name == "move_team":
            old = list(store.sql(f"{person} team = {args['from']}").rows)
            moved = [(*row[:2], args["to"], row[3]) for row in old]
            return store.change(
                {"person": moved, "seen": [(f"moved {args['from']} to {args['to']}",)]}, {"person": old}
            )
        if name == "cancels_out":
            store.datastore.next_value(store.datastore.table("person").sequences[0])
        return {}


def _comparable(message: Any) -> Any:
    """A message without what no server promises: the order of tables in an update, and of rows."""
    if isinstance(message, TransactionUpdate):
        return {
            query_set.query_set_id: Counter(
                (table.table_name, tuple(sorted(rows.inserts)), tuple(sorted(rows.deletes)))  # type: ignore[union-attr]
                for table in query_set.tables
                for rows in table.rows
            )
            for query_set in message.query_sets
        }
    rows = getattr(message, "rows", None) or getattr(message, "result", None)
    if isinstance(rows, QueryRows):
        return type(message), message.request_id, [(table.table, sorted(table.rows)) for table in rows.tables]
    return message


def _frames(scenario: str) -> list[tuple[str, Any]]:
    """The messages of a scenario: from whom or for whom, and what."""
    with gzip.open(VECTORS / "2.8.3-module-1.4" / "v2.bsatn.jsonl.gz", "rt", encoding="utf-8") as lines:
        frames = [json.loads(line) for line in lines]
    found = []
    for frame in frames:
        if frame["scenario"] == scenario and "hex" in frame:
            data = bytes.fromhex(frame["hex"])
            message = v2.decode_client(data) if frame["dir"] == "c2s" else v2.decode_server(data[1:])
            found.append((frame["conn"], message))
    return found


@pytest.mark.parametrize(("scenario", "count"), [("queries", 27), ("changes", 20)])
def test_every_recorded_reply_is_ours(scenario: str, count: int) -> None:
    replay = _Replay("definition-bindings-1.4.hex")
    frames = _frames(scenario)
    clients: dict[str, _Client] = {}
    waiting: dict[_Client, list[Any]] = {}
    firsts = [row for _, m in frames if isinstance(m, SubscribeApplied) for t in m.rows.tables for row in t.rows]
    first = next((row for row in firsts if row.endswith(b"\x05\0\0\0first")), None)
    if first is not None:
        replay.store.insert("team", first)
    compared = 0
    for name, message in frames:
        if isinstance(message, InitialConnection):
            clients[name] = _Client(message)
            continue
        client = clients[name]
        if isinstance(message, (Subscribe, Unsubscribe, OneOffQuery, CallReducer)):
            for other, reply in replay.replies(client, message).items():
                waiting.setdefault(other, []).append(reply)
            continue
        if isinstance(message, ReducerResult):
            message = message.result.transaction_update if isinstance(message.result, ReducerOk) else None
        ours = waiting[client].pop(0)
        assert _comparable(message or TransactionUpdate()) == _comparable(ours or TransactionUpdate())
        compared += 1
    assert compared == count
    assert not any(waiting.values())
