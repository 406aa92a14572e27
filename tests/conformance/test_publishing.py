"""Publishing: new databases, new versions over data that are there, clearing, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from support.backends import ANSWER_SECONDS
from support.raw_definitions import constraint
from support.shops import FAILING, ITEM, KEYS, TRAPPING, shop

from pytest_inner_universe.client import (
    Connection,
    HttpApi,
    NoSuchDatabase,
    NotConnected,
    PublishRejected,
    ReducerFailed,
    WebSocketTransport,
)
from pytest_inner_universe.engine.store.errors import MigrationRefused
from pytest_inner_universe.sats import STRING, U32, U64, product

if TYPE_CHECKING:
    from conformance.conftest import Connect, Says

    from pytest_inner_universe.testing.universe import Universe

EVERY_TYPE = Path(__file__).parents[2] / "fixtures" / "modules" / "every_type_1_4.wasm"
every_type = pytest.mark.universe(module=str(EVERY_TYPE))
pytestmark = pytest.mark.asyncio
NO_MAGIC = (
    "magic header not detected: bad magic number - expected=[\n    0x0,\n    0x61,\n    0x73,\n    0x6d,\n] "
    "actual=[\n    0x6e,\n    0x6f,\n    0x74,\n    0x20,\n] (at offset 0x0)"
)
ROWS = "INSERT INTO item (id, price, name) VALUES (1, 5, 'x'), (2, 5, 'y')"
STORED = [{"id": 1, "price": 5, "name": "x"}, {"id": 2, "price": 5, "name": "y"}]


@pytest_asyncio.fixture
async def name(universe: Universe, http: HttpApi) -> AsyncIterator[str]:
    """A name for a database that is gone after the test."""
    name = f"{universe.name}-shop"
    yield name
    await http.delete(name)


async def items(http: HttpApi, name: str) -> list[Any]:
    return sorted(map(dict, (await http.sql(name, "SELECT * FROM item")).rows), key=lambda row: str(row["id"]))


@pytest_asyncio.fixture
async def first(http: HttpApi, name: str) -> str:
    """The first version, with two rows."""
    await http.publish(shop(), name)
    await http.sql(name, ROWS)
    return name


async def open_shop(http: HttpApi, name: str, protocol: str) -> Connection:
    protocols = ["v1.bsatn.spacetimedb" if protocol == "memory" else f"{protocol}.spacetimedb"]
    definition = await http.schema(name)
    transport = WebSocketTransport(http.url, name, protocols=protocols, definition=definition)
    return await Connection.open(transport, definition, timeout=ANSWER_SECONDS)


async def is_thrown_out(client: Connection) -> None:
    """Wait until the server has closed a connection, as it does when the module goes."""
    await client.wait_closed()
    with pytest.raises(NotConnected) as caught:
        await client.call("work")
    assert (caught.value.code, caught.value.reason, caught.value.closed_by) == (1001, "module exited", "server")
    await client.close()


# New databases


async def test_a_new_database(http: HttpApi, name: str, universe: Universe) -> None:
    with pytest.raises(NoSuchDatabase):
        await http.info(name)
    published = await http.publish(shop(), name)
    assert (published.name, published.created) == (name, True)
    info = await http.info(name)
    assert (info.identity, info.owner, info.host_type) == (published.identity, universe.identity, "Wasm")
    assert await http.names(published.identity.hex()) == [name]
    await http.call(name, "work")
    await http.call(published.identity.hex(), "work")


async def test_a_database_without_a_name(http: HttpApi) -> None:
    published = await http.publish(shop())
    try:
        assert (published.name, published.created) == (None, True)
        await http.call(published.identity.hex(), "work")
    finally:
        await http.delete(published.identity.hex())
    with pytest.raises(NoSuchDatabase):
        await http.info(published.identity.hex())


@every_type
async def test_what_a_module_declares_can_be_asked(universe: Universe, http: HttpApi) -> None:
    declared = await http.schema(universe.name)
    assert declared.tables == universe.schema.tables
    assert declared.reducers == universe.schema.reducers
    assert declared.lifecycle == universe.schema.lifecycle


async def test_a_deleted_name_keeps_its_identity(http: HttpApi, first: str) -> None:
    identity = (await http.info(first)).identity
    await http.delete(first)
    with pytest.raises(NoSuchDatabase) as caught:
        await http.info(first)
    assert (caught.value.status, caught.value.text) == (404, "No such database.")
    again = await http.publish(shop(), first)
    assert (again.identity, again.created) == (identity, True)
    assert await items(http, first) == []


@pytest.mark.parametrize(
    ("program", "text"),
    [
        (b"not wasm", NO_MAGIC),
        (b"", "unexpected end-of-file (at offset 0x0)"),
        (shop()[:100], "unexpected end-of-file (at offset 0x31)"),
    ],
    ids=["garbage", "empty", "truncated"],
)
async def test_what_is_no_module_is_refused(http: HttpApi, name: str, program: bytes, text: str) -> None:
    with pytest.raises(PublishRejected) as caught:
        await http.publish(program, name)
    assert (caught.value.status, caught.value.text) == (500, f"failed to parse WebAssembly module: {text}")
    with pytest.raises(NoSuchDatabase):
        await http.info(name)


async def test_an_init_that_returns_an_error(http: HttpApi, name: str) -> None:
    with pytest.raises(PublishRejected) as caught:
        await http.publish(FAILING, name)
    assert (caught.value.status, caught.value.text) == (500, "nope")
    with pytest.raises(NoSuchDatabase) as missing:
        await http.info(name)
    assert missing.value.text == "No such database."
    assert (await http.publish(shop(), name)).created


async def test_an_init_that_traps(http: HttpApi, name: str, says: Says) -> None:
    with pytest.raises(PublishRejected) as caught:
        await http.publish(TRAPPING, name)
    text = says("The Wasm instance encountered a fatal error.", "The instance encountered a fatal error.")
    assert (caught.value.status, caught.value.text) == (500, text)


@pytest.mark.parametrize(
    ("bad", "mistake"), [("Bad-Name", "characters"), ("a_b", "characters"), ("-a", "hyphen"), ("a--b", "hyphen")]
)
async def test_texts_that_are_no_names(http: HttpApi, bad: str, mistake: str) -> None:
    with pytest.raises(PublishRejected) as caught:
        await http.publish(shop(), bad)
    assert (caught.value.status, caught.value.text) == (400, f"Invalid URL: invalid {mistake} in database name")


# New versions


@pytest.mark.parametrize(
    "version",
    [
        shop(),
        shop(note=True),
        shop(reducers=("extra", "work")),
        shop(keys={**KEYS, "indexes": KEYS["indexes"][:1]}),
    ],
    ids=["same", "table", "reducer", "index"],
)
async def test_a_version_that_fits_keeps_data_clients_and_subscriptions(
    http: HttpApi, first: str, protocol: str, version: bytes
) -> None:
    async with await open_shop(http, first, protocol) as client:
        await client.subscribe("SELECT * FROM item")
        published = await http.publish(version, first)
        assert (published.created, published.identity) == (False, (await http.info(first)).identity)
        assert await items(http, first) == STORED
        await http.sql(first, "DELETE FROM item WHERE id = 1")
        await client.wait_for(lambda: client.tables["item"].rows() == STORED[1:], ANSWER_SECONDS)
        await client.call("work")


async def test_what_a_new_version_adds_is_there(http: HttpApi, first: str) -> None:
    await http.publish(shop(note=True, reducers=("extra", "work")), first)
    await http.call(first, "extra")
    await http.sql(first, "INSERT INTO note (text) VALUES ('here')")
    assert [dict(row) for row in (await http.sql(first, "SELECT * FROM note")).rows] == [{"text": "here"}]


@pytest.mark.parametrize(
    "version",
    [
        shop(item=None, note=True),
        shop(item=product(id=U32, price=U32)),
        shop(item=product(id=U32, price=U64, name=STRING)),
        shop(item=product(id=U32, price=U32, name=STRING, more=U32)),
        shop(item=product(id=U32, name=STRING, price=U32), keys={**KEYS, "indexes": KEYS["indexes"][:1]}),
        shop(item=product(id=U32, cost=U32, name=STRING)),
        shop(keys={**KEYS, "constraints": [*KEYS["constraints"], constraint([1], "item_price_key")]}),
    ],
    ids=["table gone", "column gone", "type", "column without default", "order", "name", "unique in spite of rows"],
)
async def test_a_version_that_does_not_fit_is_refused_and_all_is_as_it_was(
    http: HttpApi, first: str, protocol: str, version: bytes
) -> None:
    async with await open_shop(http, first, protocol) as client:
        await client.subscribe("SELECT * FROM item")
        with pytest.raises(PublishRejected) as caught:
            await http.publish(version, first)
        assert caught.value.status == 400
        # Which change it is that does not fit, everybody says in words of their own.
        assert caught.value.text.startswith("Database update rejected: ")
        assert await items(http, first) == STORED
        await http.sql(first, "DELETE FROM item WHERE id = 1")
        await client.wait_for(lambda: client.tables["item"].rows() == STORED[1:], ANSWER_SECONDS)
        await client.call("work")


@every_type
async def test_a_universe_refuses_a_version_that_does_not_fit(universe: Universe, connect: Connect) -> None:
    universe.call("add_person", "Ada", 1, 36)
    async with connect() as client:
        with pytest.raises(MigrationRefused) as caught:
            universe.publish(shop(item=ITEM))
        assert any("person" in reason for reason in caught.value.reasons)
        with pytest.raises(ReducerFailed):
            await client.call("fails", "still the old one")
    assert [row["name"] for row in universe.rows("person")] == ["Ada"]


@every_type
async def test_a_universe_takes_the_same_version_again(universe: Universe, connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe("SELECT * FROM person")
        await client.call("add_person", "Ada", 1, 36)
        universe.publish(EVERY_TYPE)
        await client.call("add_person", "Bob", 1, 17)
        assert client.tables["person"].count == universe.count("person") == 2


# Clearing and deleting


async def test_clearing_starts_from_the_beginning(http: HttpApi, first: str, protocol: str) -> None:
    client = await open_shop(http, first, protocol)
    identity = (await http.info(first)).identity
    published = await http.publish(shop(note=True), first, clear=True)
    assert (published.identity, published.created) == (identity, False)
    await is_thrown_out(client)
    assert await items(http, first) == []
    await http.sql(first, ROWS)


@every_type
async def test_clearing_runs_init_again(universe: Universe, http: HttpApi) -> None:
    universe.sql("DELETE FROM team")
    universe.disconnect_actors()
    await http.publish(EVERY_TYPE.read_bytes(), universe.name, clear=True)
    found = (await http.sql(universe.name, "SELECT title FROM team")).rows
    assert [dict(row) for row in found] == [{"title": "first"}]


async def test_deleting_closes_every_connection(http: HttpApi, first: str, protocol: str) -> None:
    clients = [await open_shop(http, first, protocol) for _ in range(2)]
    await http.delete(first)
    for client in clients:
        await is_thrown_out(client)
    await http.delete(first)
