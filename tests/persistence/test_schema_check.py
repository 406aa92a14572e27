"""Clients and databases of different versions: who may work with whom."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from persistence.doubles import FakeConnection

from pytest_inner_universe.persistence import InnerUniverseClient, SchemaVersionError, errors, network
from pytest_inner_universe.persistence.schema_check import differences
from pytest_inner_universe.sats import U32, ColumnDef, ModuleDef
from pytest_inner_universe.testing.universe import Universe

pytestmark = pytest.mark.asyncio


class Described(FakeConnection):
    """A connection to a database of some version."""

    def __init__(self, definition: ModuleDef, version: int) -> None:
        super().__init__()
        self.definition = definition
        self.tables["system_info"][0]["schema_version"] = version


def client_of(connection: FakeConnection, monkeypatch: pytest.MonkeyPatch) -> InnerUniverseClient:
    async def connect(*_: Any) -> FakeConnection:
        return connection

    monkeypatch.setattr(network, "connect", connect)
    return InnerUniverseClient()


def with_column(definition: ModuleDef, table: str, name: str) -> ModuleDef:
    known = definition.tables[table]
    more = ColumnDef(len(known.columns), name, name, U32)
    changed = replace(known, columns=(*known.columns, more))
    return replace(definition, tables={**definition.tables, table: changed})


async def test_the_module_of_this_package_has_all_that_is_needed(universe: Universe) -> None:
    assert differences(universe.schema) == []


async def test_a_newer_database_is_warned_of(
    universe: Universe, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    newer = with_column(universe.schema, "entity", "extra")
    async with client_of(Described(newer, 2), monkeypatch) as client:
        assert client.is_connected
    assert caplog.messages == [
        "database 'inner-universe' has schema version 2, this client knows 1: what is newer is not seen"
    ]


async def test_an_older_database_is_refused(universe: Universe, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Described(universe.schema, 0)
    client = client_of(connection, monkeypatch)
    with pytest.raises(SchemaVersionError) as caught:
        await client.connect_or_raise()
    assert str(caught.value) == (
        "database 'inner-universe' has schema version 0, this client needs 1; deploy the module of this package to it first"
    )
    assert isinstance(caught.value, errors.ConnectionError)
    assert (client.is_connected, connection.is_open) == (False, False)
    assert await client.connect() is False


async def test_a_newer_database_without_what_is_needed_is_refused(
    universe: Universe, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = dict(universe.schema.tables)
    del tables["relation"]
    entity = tables["entity"]
    columns = [column for column in entity.columns if column.name != "updated_at"]
    columns[0] = columns[0]._replace(type=U32)
    tables["entity"] = replace(entity, columns=tuple(columns))
    client = client_of(Described(replace(universe.schema, tables=tables), 3), monkeypatch)
    with pytest.raises(SchemaVersionError) as caught:
        await client.connect_or_raise()
    assert str(caught.value) == (
        "database 'inner-universe' has schema version 3, this client needs 1; use a newer version of this package\n"
        "- column id of table entity has another type\n"
        "- table entity has no column updated_at\n"
        "- there is no table relation"
    )


async def test_another_module_altogether(monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(Described(ModuleDef(version=9, tables={}, reducers={}), 1), monkeypatch)
    with pytest.raises(SchemaVersionError) as caught:
        await client.connect_or_raise()
    first, *others = str(caught.value).splitlines()
    assert first == (
        "database 'inner-universe' tells no schema version, this client needs 1; deploy the module of this package to it first"
    )
    assert (len(others), others[-1]) == (8, "- and 2 more")


async def test_who_gives_up_while_it_is_checked_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = FakeConnection()
    asked = asyncio.Event()

    async def query(sql: str) -> list[Any]:
        asked.set()
        return await asyncio.Future()

    connection.query = query  # type: ignore[method-assign]
    client = client_of(connection, monkeypatch)
    task = asyncio.create_task(client.connect_or_raise())
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (client.is_connected, connection.is_open) == (False, False)
