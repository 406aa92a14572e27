"""A client that speaks the first protocol, and what a server says to it of one row."""

from __future__ import annotations

from typing import Any

from pytest_inner_universe.sats import ConnectionId
from pytest_inner_universe.wire import (
    ClientMessage,
    InitialConnection,
    PersistentTableRows,
    QuerySetUpdate,
    RowList,
    Subscribe,
    TableUpdate,
    TransactionUpdate,
    v1,
    v1_json,
)
from pytest_inner_universe.wire.frames import Compression, pack
from pytest_inner_universe.wire.session import ClientSession
from pytest_inner_universe.wire.versions import V1, V1_JSON, WireVersion

from .first_protocol import ME, MINE, NO_TIME, NOW, ROW, schema

QUERY = "SELECT * FROM person"


class Client:
    """A client whose server is made of messages of the first protocol."""

    def __init__(self, version: WireVersion = V1) -> None:
        self.session = ClientSession(version, schema=schema("1.4"))
        assert self.hear(v1.IdentityToken(ME, "token", MINE)) == [InitialConnection(ME, MINE, "token")]

    def hear(self, message: v1.ServerMessage) -> list[Any]:
        if self.session.version is V1_JSON:
            return self.session.receive_data(v1_json.encode_server(message))
        return self.session.receive_data(pack(v1.encode_server(message), Compression.GZIP))

    def ask(self, message: ClientMessage) -> v1.ClientMessage:
        self.session.send(message)
        (frame,) = self.session.data_to_send()
        return v1_json.decode_client(frame) if isinstance(frame, str) else v1.decode_client(frame)

    def subscribe(self, number: int = 7, query: str = QUERY, rows: Any = None) -> list[Any]:
        self.ask(Subscribe(number, number, (query,)))
        return self.hear(v1.SubscribeMultiApplied(number, 0, number, update(inserts=rows) if rows else EMPTY))


EMPTY = v1.DatabaseUpdate()


def update(inserts: Any = None, deletes: Any = None) -> v1.DatabaseUpdate:
    none = () if isinstance(inserts or deletes, tuple) else RowList()
    change = v1.QueryUpdate(deletes or none, inserts or none)
    return v1.DatabaseUpdate((v1.TableUpdate(4098, "person", 1, (change,)),))


def transaction(
    status: Any, reducer: str = "add_person", request_id: int = 3, connection: ConnectionId = MINE, energy: int = 5
) -> v1.TransactionUpdate:
    call = v1.ReducerCallInfo(reducer, 0, b"", request_id)
    return v1.TransactionUpdate(status, NOW, ME, connection, call, energy, NO_TIME)


def inserted(query_set_id: int = 7, row: bytes = ROW) -> TransactionUpdate:
    rows = (PersistentTableRows(inserts=RowList([row])),)
    return TransactionUpdate((QuerySetUpdate(query_set_id, (TableUpdate("person", rows),)),))
