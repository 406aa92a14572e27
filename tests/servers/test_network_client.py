"""Our client on a real server."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from support.sockets import unused_port

from pytest_inner_universe.client import (
    CallRefused,
    Connection,
    ConnectionRejected,
    HttpApi,
    NoSuchDatabase,
    NoSuchRoute,
    NotAuthorized,
    PublishRejected,
    QueryFailed,
    Reconnect,
    ReducerCrashed,
    ReducerFailed,
    SubscriptionFailed,
    SyncConnection,
    SyncHttp,
    WebSocketTransport,
)
from pytest_inner_universe.sats import ModuleDef, decode_definition
from pytest_inner_universe.server.process import ProcessServer
from pytest_inner_universe.wire.frames import Compression

FIXTURES = Path(__file__).parents[2] / "fixtures"
WASM = (FIXTURES / "modules" / "every_type_1_4.wasm").read_bytes()
AT_ONCE = Reconnect(sleep=lambda delay: asyncio.sleep(0))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server for all tests here."""
    with ProcessServer() as server:
        yield server.url


@pytest_asyncio.fixture
async def owner(address: str) -> AsyncIterator[HttpApi]:
    """The HTTP side, as somebody who publishes."""
    async with HttpApi(address) as api:
        token = (await api.new_identity()).token
    async with HttpApi(address, token) as api:
        yield api


@pytest_asyncio.fixture
async def database(owner: HttpApi) -> AsyncIterator[str]:
    """A database of the test's own."""
    name = f"client-{secrets.token_hex(8)}"
    await owner.publish(WASM, name)
    yield name
    await owner.delete(name)


@pytest_asyncio.fixture
async def definition(owner: HttpApi, database: str) -> ModuleDef:
    return await owner.schema(database)


@pytest.mark.asyncio
class TestHttp:
    async def test_the_schema_is_that_of_the_module(self, definition: ModuleDef) -> None:
        described = decode_definition(bytes.fromhex((FIXTURES / "vectors" / "definition-bindings-1.4.hex").read_text()))
        assert definition.tables == described.tables
        assert definition.reducers == described.reducers
        assert definition.types == described.types

    async def test_publishing(self, owner: HttpApi, database: str) -> None:
        again = await owner.publish(WASM, database)
        assert (again.name, again.created) == (database, False)
        assert (await owner.info(database)).identity == again.identity
        assert await owner.names(again.identity.hex()) == [database]
        nameless = await owner.publish(WASM)
        assert (nameless.name, nameless.created) == (None, True)
        await owner.delete(nameless.identity.hex())
        with pytest.raises(PublishRejected):
            await owner.publish(b"no module", f"{database}-x")
        with pytest.raises(PublishRejected):
            await owner.publish(WASM, "no_name")

    async def test_others_may_not(self, address: str, owner: HttpApi, database: str) -> None:
        async with HttpApi(address) as somebody:
            for attempt in (somebody.publish(WASM, database), somebody.delete(database), somebody.logs(database)):
                with pytest.raises(NotAuthorized):
                    await attempt
            with pytest.raises(QueryFailed):
                await somebody.sql(database, "DELETE FROM person")
        async with HttpApi(address, "no token") as nobody:
            for request in (
                nobody.ping(),
                nobody.publish(WASM, database),
                nobody.sql(database, "SELECT * FROM person"),
            ):
                with pytest.raises(NotAuthorized):
                    await request
        assert await owner.names(database) == [database]

    async def test_calls_and_statements(self, owner: HttpApi, database: str) -> None:
        await owner.call(database, "add_person", ["Ann", 1, 30])
        await owner.call(database, "add_person", {"name": "Bob", "team": 2, "age": 40})
        found = await owner.sql(database, "SELECT name, age FROM person WHERE team = 2")
        assert found.rows == ({"name": "Bob", "age": 40},)
        assert (await owner.sql(database, "UPDATE person SET age = 50")).updated == 2
        assert (await owner.sql(database, "DELETE FROM person WHERE name = 'Ann'")).deleted == 1
        with pytest.raises(ReducerFailed) as failed:
            await owner.call(database, "fails", ["why ✗"])
        assert failed.value.message == "why ✗"
        with pytest.raises(ReducerCrashed):
            await owner.call(database, "panics")
        for reducer, args in (("nonsense", []), ("add_person", [1]), ("init", [])):
            with pytest.raises(CallRefused):
                await owner.call(database, reducer, args)
        with pytest.raises(QueryFailed):
            await owner.sql(database, "SELECT * FROM nothing")
        lines = await owner.logs(database)
        assert [line for line in lines if line.level == "panic"]
        assert len(await owner.logs(database, 2)) == 2

    async def test_resetting_and_renaming(self, owner: HttpApi, database: str) -> None:
        await owner.call(database, "add_person", ["Ann", 1, 30])
        await owner.reset(database, WASM)
        assert (await owner.sql(database, "SELECT * FROM person")).rows == ()
        await owner.set_names(database, [f"{database}-2"])
        with pytest.raises(NoSuchDatabase):
            await owner.info(database)
        await owner.delete(f"{database}-2")
        with pytest.raises((NoSuchDatabase, NoSuchRoute)):  # servers before 1.4 cannot tell
            await owner.pre_publish(f"{database}-2", WASM)
        await owner.delete(f"{database}-3")

    async def test_tokens(self, address: str, owner: HttpApi) -> None:
        async with HttpApi(address, await owner.websocket_token()) as api:
            await api.ping()


CONNECTIONS: list[dict[str, Any]] = [
    {},
    {"compression": Compression.GZIP},
    {"protocols": ["v1.bsatn.spacetimedb"]},
    {"protocols": ["v1.json.spacetimedb"]},
]


@pytest.mark.asyncio
class TestConnections:
    @pytest.mark.parametrize("options", CONNECTIONS, ids=["default", "gzip", "v1.bsatn", "v1.json"])
    async def test_a_conversation(
        self, address: str, database: str, definition: ModuleDef, options: dict[str, Any]
    ) -> None:
        transport = WebSocketTransport(address, database, definition=definition, **options)
        async with await Connection.open(transport, definition, timeout=30) as connection:
            changes: list[Any] = []
            subscription = await connection.subscribe(
                "SELECT * FROM person",
                on_insert=changes.append,
                on_update=lambda old, new: changes.append((old["age"], new["age"])),
                on_delete=lambda row: changes.append(row["name"]),
            )
            await connection.call("add_person", "Ann", team=1, age=30)
            await connection.call("set_age", "Ann", 31)
            await connection.call("remove_person", "Ann")
            assert [change if isinstance(change, (tuple, str)) else change["name"] for change in changes] == [
                "Ann",
                (30, 31),
                "Ann",
            ]
            for reducer, args, kind in (("fails", ["why"], ReducerFailed), ("panics", [], ReducerCrashed)):
                with pytest.raises(kind):
                    await connection.call(reducer, *args)
            with pytest.raises(QueryFailed):
                await connection.query("SELECT * FROM nothing")
            with pytest.raises(SubscriptionFailed):
                await connection.subscribe("SELECT * FROM nothing")
            await connection.call("many", 3000)
            second = await connection.subscribe("SELECT * FROM seen", "SELECT * FROM team")
            assert len(second.rows("seen")) == 3000
            assert [row["title"] for row in await connection.query("SELECT * FROM team")] == ["first"]
            await subscription.unsubscribe()
            await connection.call("add_person", "Bob", 1, 30)
            assert connection.tables["person"].rows() == []

    async def test_the_same_token_is_the_same_person(self, address: str, database: str, definition: ModuleDef) -> None:
        async with await Connection.open(WebSocketTransport(address, database), definition, timeout=30) as first:
            token, identity = first.token, first.identity
        async with await Connection.open(WebSocketTransport(address, database, token), definition, timeout=30) as again:
            assert again.identity == identity

    async def test_refusals(self, address: str, owner: HttpApi, database: str, definition: ModuleDef) -> None:
        await owner.call(database, "close_door")
        for transport, status in (
            (WebSocketTransport(address, database, "no token"), 401),
            (WebSocketTransport(address, "no-such-database"), 404),
            (WebSocketTransport(address, database), None),
        ):
            with pytest.raises(ConnectionRejected) as caught:
                await Connection.open(transport, definition, timeout=30)
            assert caught.value.status == status

    async def test_two_clients_hear_of_each_other(self, address: str, database: str, definition: ModuleDef) -> None:
        async with (
            await Connection.open(WebSocketTransport(address, database), definition, timeout=30) as writer,
            await Connection.open(WebSocketTransport(address, database), definition, timeout=30) as reader,
        ):
            await reader.subscribe("SELECT * FROM person WHERE team = 1")
            await writer.call("add_person", "Ann", 1, 30)
            await writer.call("add_person", "Bob", 2, 30)
            await writer.call("move_team", 2, 1)
            await reader.wait_for(lambda: reader.tables["person"].count == 2, timeout=30)
            assert sorted(row["name"] for row in reader.tables["person"].rows()) == ["Ann", "Bob"]

    async def test_many_calls_at_once_keep_their_order(
        self, address: str, database: str, definition: ModuleDef
    ) -> None:
        transport = WebSocketTransport(address, database)
        async with await Connection.open(transport, definition, timeout=50) as connection:
            await connection.subscribe("SELECT * FROM person")
            await asyncio.gather(*(connection.call("add_person", f"p{i}", 1, 1) for i in range(10_000)))
            rows = sorted(connection.tables["person"].rows(), key=lambda row: row["id"])
            assert [row["name"] for row in rows] == [f"p{i}" for i in range(10_000)]

    async def test_a_deleted_database_closes_its_connections(
        self, address: str, owner: HttpApi, database: str, definition: ModuleDef
    ) -> None:
        async with await Connection.open(WebSocketTransport(address, database), definition, timeout=30) as connection:
            await owner.delete(database)
            await connection.wait_closed()
            assert not connection.is_open


class Wire:
    """Lies between client and server, and can be cut."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._writers: set[asyncio.StreamWriter] = set()
        self.connections = 0

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        there, back = await asyncio.open_connection(*self._target)
        self._writers |= {writer, back}
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        self._writers -= {writer, back}
        for one in (writer, back):
            with suppress(OSError):
                await one.wait_closed()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        server.close()
        self.cut()
        await server.wait_closed()


@pytest.mark.asyncio
class TestComingBack:
    async def test_a_wire_that_is_cut_again_and_again(
        self, address: str, owner: HttpApi, database: str, definition: ModuleDef
    ) -> None:
        told: dict[int, str] = {}

        def inserted(row: dict[str, Any]) -> None:
            assert row["id"] not in told
            told[row["id"]] = row["name"]

        wire = Wire(address)
        async with wire.open() as url:
            transport = WebSocketTransport(url, database)
            async with await Connection.open(transport, definition, timeout=30, reconnect=AT_ONCE) as connection:
                identity = connection.identity
                for query in ("SELECT * FROM person", "SELECT * FROM person WHERE team = 1"):
                    await connection.subscribe(query)
                table = connection.tables["person"]
                table.on_insert(inserted)
                table.on_delete(lambda row: told.pop(row["id"]))
                for i in range(30):
                    await owner.call(database, "add_person", [f"p{i}", i % 2, 1])
                    if i % 3 == 0:
                        wire.cut()
                    if i % 5 == 4:
                        await owner.call(database, "remove_person", [f"p{i - 1}"])
                    if i % 7 == 0:
                        await connection.call("nothing", retry=True)
                there = (await owner.sql(database, "SELECT * FROM person")).rows
                await connection.wait_for(lambda: table.count == len(there), timeout=30)
                assert sorted(table.rows(), key=lambda row: row["id"]) == sorted(there, key=lambda row: row["id"])
                assert told == {row["id"]: row["name"] for row in there}
                assert connection.identity == identity
                assert connection.callback_errors == ()
        assert wire.connections > 5

    async def test_a_server_that_is_started_again(self, tmp_path: Path) -> None:
        data = tmp_path / "data"
        token = await lasting_database(data)
        port = unused_port()
        with ProcessServer(data_dir=data, in_memory=False, port=port) as server:
            url = server.url
            async with HttpApi(url, token) as api:
                definition = await api.schema("lasting")
            policy = Reconnect(first_delay=0.02, longest_delay=0.1)
            connection = await Connection.open(
                WebSocketTransport(url, "lasting"), definition, timeout=30, reconnect=policy
            )
            await connection.subscribe("SELECT * FROM person")
            await connection.call("add_person", "Ann", 1, 30)
        with ProcessServer(data_dir=data, in_memory=False, port=port):
            await connection.call("add_person", "Bob", 1, 30, retry=True)
            rows = connection.tables["person"].rows()
            await connection.close()
            async with HttpApi(url, token) as api:
                assert (await api.sql("lasting", "SELECT * FROM person")).rows == tuple(rows)
            assert rows[-1]["name"] == "Bob"


async def lasting_database(data: Path) -> str:
    """Publish a database that outlives its server, and return its owner's token.

    A server that is ended right after publishing may forget the database, so it is looked for and published again.
    """
    token = None
    while True:
        with ProcessServer(data_dir=data, in_memory=False) as server:
            async with HttpApi(server.url) as api:
                token = token or (await api.new_identity()).token
            async with HttpApi(server.url, token) as api:
                with suppress(NoSuchDatabase):
                    await api.schema("lasting")
                    return token
                await api.publish(WASM, "lasting")


def test_synchronous_code(address: str) -> None:
    with SyncHttp(address) as api:
        token = api.new_identity().token
    with SyncHttp(address, token) as api:
        name = f"sync-{secrets.token_hex(8)}"
        api.publish(WASM, name)
        with SyncConnection(WebSocketTransport(address, name), api.schema(name)) as connection:
            connection.subscribe("SELECT * FROM person")
            api.call(name, "add_person", ["Ann", 1, 30])
            connection.call("add_person", "Bob", 1, 30)
            assert connection.wait_for(lambda c: c.tables["person"].count == 2, timeout=30)
            assert sorted(row["name"] for row in connection.rows("person")) == ["Ann", "Bob"]
        api.delete(name)
