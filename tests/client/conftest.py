from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support.fake_server import MODULE, FakeServer

from pytest_inner_universe.client import Connection, MemoryTransport


@pytest.fixture
def server() -> FakeServer:
    """A server that does what the test says."""
    return FakeServer()


@pytest.fixture
def transport(server: FakeServer) -> MemoryTransport:
    """The way to that server."""
    return MemoryTransport(server)


@pytest_asyncio.fixture
async def connection(transport: MemoryTransport) -> AsyncIterator[Connection]:
    """A connection to that server."""
    async with await Connection.open(transport, MODULE) as connection:
        yield connection
