"""Behaviour that holds on every backend, shown through the public interfaces alone.

Tests that ask for `connect` run once for every protocol that the backend speaks.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal

import pytest
import pytest_asyncio
from support import refusals
from support.backends import ANSWER_SECONDS, MEMORY, OWNER, Release, protocols, release_of, settings_of
from support.metadata import entity_metadata, relation_metadata

from pytest_inner_universe.client import Connection, HttpApi, WebSocketTransport
from pytest_inner_universe.client.link import Transport
from pytest_inner_universe.sats import ModuleDef
from pytest_inner_universe.testing.universe import Actor, Universe

Connect = Callable[..., AbstractAsyncContextManager[Connection]]
Says = Callable[[str, str], str]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "protocol" in metafunc.fixturenames:
        backend, spoken = settings_of(metafunc.config).backend, protocols(metafunc.config)
        metafunc.parametrize("protocol", spoken, ids=[f"{backend}-{name}" for name in spoken])


@pytest.fixture(scope="session")
def release(pytestconfig: pytest.Config) -> Release:
    """The release of the server, or the one that the embedded engine imitates."""
    return release_of(pytestconfig)


@pytest.fixture
def says(release: Release) -> Says:
    """Choose the words of the release: those of 1.x, or those of 2.x."""
    return lambda before, since: before if release < (2,) else since


@pytest.fixture
def connect(universe: Universe, protocol: str) -> Connect:
    """Connect clients over the protocol: as an actor, as the `OWNER` of the database, or as somebody new."""

    @asynccontextmanager
    async def connect(
        who: Actor | Literal["owner"] | None = None, schema: ModuleDef | None = None
    ) -> AsyncIterator[Connection]:
        definition = schema or universe.schema
        transport = _transport(universe, protocol, who, definition)
        async with await Connection.open(transport, definition, timeout=ANSWER_SECONDS) as connection:
            yield connection

    return connect


def _transport(universe: Universe, protocol: str, who: Actor | str | None, definition: ModuleDef) -> Transport:
    if protocol == MEMORY:
        return universe.transport(universe.identity if who == OWNER else who)  # type: ignore[arg-type]
    token = universe.token if who == OWNER else None if who is None else who.token  # type: ignore[union-attr]
    subprotocol = f"{protocol}.spacetimedb"
    return WebSocketTransport(universe.url, universe.name, token, protocols=[subprotocol], definition=definition)


@pytest_asyncio.fixture
async def http(universe: Universe) -> AsyncIterator[HttpApi]:
    """The HTTP side of the server, as the owner."""
    async with HttpApi(universe.url, universe.token) as api:
        yield api


@pytest_asyncio.fixture
async def stranger(universe: Universe) -> AsyncIterator[HttpApi]:
    """The HTTP side of the server, as somebody who owns nothing."""
    async with HttpApi(universe.url, universe.actor("stranger").token) as api:
        yield api


class Helper:
    """Short words for what these tests do again and again."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe

    def entity(self, id: str = "e1", type: str = "Person", **fields: Any) -> None:
        self.universe.call("create_entity", id, type, entity_metadata(**fields))

    def relation(self, id: str = "r1", source: str = "e1", target: str = "e2", **fields: Any) -> None:
        self.universe.call("create_relation", id, source, target, "KNOWS", relation_metadata(**fields))

    def version(self, id: str = "v1", parent: str | None = None, **fields: Any) -> None:
        self.universe.call("commit_state_version", id, parent, fields.get("description", ""), fields.get("hash", "h"))

    def row(self, table: str, **key: Any) -> dict[str, Any]:
        ((name, value),) = key.items()
        (found,) = [row for row in self.universe.rows(table) if row[name] == value]
        return dict(found)

    def events(self, type: str) -> list[dict[str, Any]]:
        found = [row for row in self.universe.rows("event_log") if row["event_type"] == type]
        # The order of rows means nothing; transactions have times.
        return [row | {"data": json.loads(row["data"])} for row in sorted(found, key=lambda row: row["timestamp"])]

    def refused(self, reducer: str, *args: Any, by: Actor | None = None) -> str:
        """Call something that must fail, see that nothing changed, and return its text."""
        return refusals.refused(self.universe, reducer, *args, by=by)


@pytest.fixture
def inner(universe: Universe) -> Helper:
    """The Inner Universe module with short words for its reducers."""
    return Helper(universe)
