"""A server that speaks the first protocol, and what it says of one row."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from pytest_inner_universe.sats import ConnectionId, Identity, TimeDuration, Timestamp, decode_definition
from pytest_inner_universe.wire import (
    InitialConnection,
    PersistentTableRows,
    QueryRows,
    QuerySetUpdate,
    RowList,
    ServerMessage,
    SingleTableRows,
    SubscribeApplied,
    TableUpdate,
    TransactionUpdate,
    v1,
    v1_json,
)
from pytest_inner_universe.wire.calls import CallInfo
from pytest_inner_universe.wire.frames import unpack
from pytest_inner_universe.wire.schema import Schema
from pytest_inner_universe.wire.session import ServerSession
from pytest_inner_universe.wire.v1_manners import NEWEST, V1Manners
from pytest_inner_universe.wire.versions import V1, WireVersion

VECTORS = Path(__file__).parents[2] / "fixtures" / "vectors"
ME, MINE = Identity(bytes(range(32))), ConnectionId.from_int(5)
NOW, NO_TIME = Timestamp(77), TimeDuration(0)
ROW = b"\1\0\0\0\0\0\0\0\3\0\0\0Ann\1\0\0\0\x1e"
PAGE, DELTA = '{"id":1,"name":"Ann","team":1,"age":30}', '[1,"Ann",1,30]'
CHANGE = TransactionUpdate(
    (QuerySetUpdate(7, (TableUpdate("person", (PersistentTableRows(inserts=RowList([ROW])),)),)),)
)
FATAL = "The instance encountered a fatal error."


@lru_cache
def schema(bindings: str) -> Schema:
    return Schema(decode_definition(bytes.fromhex((VECTORS / f"definition-bindings-{bindings}.hex").read_text())))


class Server:
    """A server whose client is made of frames."""

    def __init__(
        self,
        version: WireVersion = V1,
        bindings: str | None = "1.4",
        light: bool = False,
        manners: V1Manners = NEWEST,
    ) -> None:
        known = None if bindings is None else schema(bindings)
        self.session = ServerSession(version, schema=known, light=light, manners=manners)
        self.say(InitialConnection(ME, MINE, "token"))

    def hear(self, message: v1.ClientMessage, as_text: bool = False) -> list[Any]:
        text = v1_json.encode_client(message) if as_text else None
        return self.session.receive_data(text or v1.encode_client(message))

    def say(self, message: ServerMessage, call: CallInfo | None = None) -> list[v1.ServerMessage]:
        self.session.send(message, call)
        return self.sent()

    def sent(self) -> list[v1.ServerMessage]:
        frames = self.session.data_to_send()
        return [v1_json.decode_server(one) if isinstance(one, str) else v1.decode_server(unpack(one)) for one in frames]

    def subscribe(self, number: int = 7, query: str = "SELECT * FROM person", rows: tuple[bytes, ...] = ()) -> Any:
        self.hear(v1.SubscribeMulti((query,), number, number))
        found = QueryRows((SingleTableRows("person", RowList(rows)),) if rows else ())
        (answer,) = self.say(SubscribeApplied(number, number, found))
        return answer


def table_update(rows: Any, deletes: Any = None) -> v1.TableUpdate:
    empty: Any = RowList() if isinstance(rows, RowList) else ()
    return v1.TableUpdate(4098, "person", 1, (v1.QueryUpdate(empty if deletes is None else deletes, rows),))


def outcome(status: Any, name: str = "add_person", number: int = 0, args: Any = b"x", request_id: int = 3) -> Any:
    call = v1.ReducerCallInfo(name, number, args, request_id)
    return v1.TransactionUpdate(status, NOW, ME, MINE, call, 0, NO_TIME)
