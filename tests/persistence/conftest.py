"""What the tests of this folder share: clients on a recording connection, and clients of a universe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from persistence.doubles import FakeConnection

from pytest_inner_universe.persistence import InnerUniverseClient

if TYPE_CHECKING:
    from pytest_inner_universe.sats import Identity
    from pytest_inner_universe.testing.universe import Universe


@pytest.fixture
def connection() -> FakeConnection:
    """A connection that records calls and answers queries from rows that the test put there."""
    return FakeConnection()


@pytest.fixture
def client(connection: FakeConnection) -> InnerUniverseClient:
    """A client on that connection, whose ids count up from id-1."""
    numbers = iter(range(1, 10_000))
    return InnerUniverseClient.over(connection, new_id=lambda: f"id-{next(numbers)}")


def client_of(universe: Universe, identity: Identity | None = None) -> InnerUniverseClient:
    """A client of a universe, not yet connected."""
    return InnerUniverseClient(transport=universe.transport(identity), definition=universe.schema)


@pytest_asyncio.fixture
async def live(universe: Universe) -> AsyncIterator[InnerUniverseClient]:
    """A connected client of a universe."""
    async with client_of(universe) as connected:
        yield connected


@pytest_asyncio.fixture
async def owner(universe: Universe) -> AsyncIterator[InnerUniverseClient]:
    """A connected client that owns the database of the universe."""
    async with client_of(universe, universe.identity) as connected:
        yield connected
