"""A server that is killed while clients write, and started again on its data.

Release 1.2.0 answers before a transaction is written, though not long before, so what was confirmed at the last moment may
be gone. What has to hold is that nothing is torn, that nothing survives without what came before it, and that clients learn
what there is now.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.on_disk import wait_until_written
from support.sockets import unused_port

from pytest_inner_universe.client import (
    Connection,
    ConnectionLost,
    HttpApi,
    NotConnected,
    OutcomeUnknown,
    Reconnect,
    WebSocketTransport,
)
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.leftovers import Run
from pytest_inner_universe.server.process import ProcessServer
from pytest_inner_universe.server.remote_handle import RemoteHandle

pytestmark = pytest.mark.asyncio
WRITERS = 4
PERSISTENT = Reconnect(first_delay=0.02, factor=1.0)
STEP = 5
"""By how many rows a large transaction is larger than the one before."""


@pytest.fixture
def server(run: Run, tmp_path: Path) -> Iterator[ProcessServer]:
    """A server with its data on disk and a port that it keeps."""
    with ProcessServer(run=run, data_dir=tmp_path / "data", in_memory=False, port=unused_port()) as server:
        yield server


@pytest_asyncio.fixture
async def database(server: ProcessServer, module: Module, tmp_path: Path) -> AsyncIterator[RemoteHandle]:
    """A database that is on disk, with one row in it."""
    handle = await asyncio.to_thread(server.database, "killed", module)
    async with HttpApi(server.url, server.credentials(None).token) as api:
        await api.call(handle.name, "add_person", ["the first", 1, 30])
    data = tmp_path / "data"
    await asyncio.to_thread(wait_until_written, server, data, module, "the first")
    yield handle


class Client:
    """A client that comes back when it was thrown out, and remembers what it heard."""

    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        self.connection = connection
        self.confirmed: list[str] = []
        self.unknown: list[str] = []
        self.heard: dict[str, None] = {}
        self.came_back = asyncio.Event()
        connection.on_restored(self.came_back.set)

    async def follow(self) -> None:
        """Subscribe to what there is."""
        await self.connection.subscribe(
            "SELECT * FROM person", on_insert=self._inserted, on_delete=self._deleted, replay=True
        )
        await self.connection.subscribe("SELECT * FROM seen")

    def _inserted(self, row: Any) -> None:
        assert row["name"] not in self.heard
        self.heard[row["name"]] = None

    def _deleted(self, row: Any) -> None:
        del self.heard[row["name"]]

    async def write(self, stop: asyncio.Event) -> None:
        """Add people one after the other."""
        number = 0
        while not stop.is_set():
            name, number = f"{self.name}-{number}", number + 1
            try:
                await self.connection.call("add_person", name, 1, 30)
            except OutcomeUnknown:
                self.unknown.append(name)
            else:
                self.confirmed.append(name)

    async def write_much(self, stop: asyncio.Event) -> None:
        """Add rows, some more in every transaction."""
        number = 0
        while not stop.is_set():
            number += STEP
            # The same rows again are no other rows, so this may run twice.
            await self.connection.call("many", number, retry=True)


@pytest_asyncio.fixture
async def clients(server: ProcessServer, database: RemoteHandle, module: Module) -> AsyncIterator[list[Client]]:
    """One that only listens, some that write, one that writes much."""
    clients: list[Client] = []
    for number in range(WRITERS + 2):
        transport = WebSocketTransport(server.url, database.name)
        connection = await Connection.open(transport, module.definition, reconnect=PERSISTENT)
        clients.append(Client(f"client-{number}", connection))
        await clients[-1].follow()
    yield clients
    await asyncio.gather(*(client.connection.close() for client in clients))


async def crash(server: ProcessServer, clients: list[Client]) -> None:
    """Kill the server, start it on its data, and return when all clients are back."""
    pid = server.pid
    os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    await asyncio.to_thread(server.start)
    assert server.pid != pid
    await asyncio.wait_for(asyncio.gather(*(client.came_back.wait() for client in clients)), 30)


@pytest.mark.parametrize("confirmed_before", [1, 50, 500])
async def test_what_survives_is_what_came_first_and_whole(
    server: ProcessServer, database: RemoteHandle, clients: list[Client], confirmed_before: int
) -> None:
    listener, *writers = clients
    stop = asyncio.Event()
    tasks = [asyncio.ensure_future(client.write(stop)) for client in writers[1:]]
    tasks.append(asyncio.ensure_future(writers[0].write_much(stop)))
    await listener.connection.wait_for(lambda: len(listener.heard) > confirmed_before)
    lost = asyncio.get_running_loop().create_future()

    def keep_what_was_heard(_: object) -> None:
        if not lost.done():  # whoever comes back too early is thrown out again
            lost.set_result(list(listener.heard))

    listener.connection.on_lost(keep_what_was_heard)

    await crash(server, clients)
    before: list[str] = await lost
    stop.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 30)

    async with HttpApi(server.url, server.credentials(None).token) as api:
        rows = (await api.sql(database.name, "SELECT * FROM person")).rows
        seen = (await api.sql(database.name, "SELECT * FROM seen")).rows
    names = [row["name"] for row in rows]
    assert len(names) == len(set(names)) == len({row["id"] for row in rows})
    survived = set(names)
    asked_for = {name for client in writers for name in client.confirmed + client.unknown} | {"the first"}
    assert survived <= asked_for
    # Nothing without what was before it.
    kept = [name in survived for name in before]
    assert kept == sorted(kept, reverse=True)
    assert kept[0]
    # Nothing torn.
    large = [row for row in seen if re.match("row number", row["what"])]
    assert len(large) % STEP == 0
    # All know the same, and those who listened heard of each change once.
    for client in clients:
        await asyncio.wait_for(agree(client, survived), 30)


async def agree(client: Client, names: set[str]) -> None:
    await client.connection.wait_for(lambda: set(client.heard) == names)
    assert {row["name"] for row in client.connection.tables["person"].rows()} == names


async def test_whoever_waits_for_a_server_that_stays_away_is_told(
    server: ProcessServer, database: RemoteHandle, module: Module
) -> None:
    gone = asyncio.Event()

    async def until_it_is_gone(_: float) -> None:
        await gone.wait()  # a process that is being killed may still take connections

    transport, policy = WebSocketTransport(server.url, database.name), Reconnect(attempts=3, sleep=until_it_is_gone)
    async with await Connection.open(transport, module.definition, reconnect=policy) as connection:
        await connection.subscribe("SELECT * FROM person")
        waits = [
            asyncio.ensure_future(connection.call("add_person", "nobody", 1, 1, retry=True)),
            asyncio.ensure_future(connection.wait_for(lambda: False)),
        ]
        pid = server.pid
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        gone.set()
        await asyncio.wait_for(connection.wait_closed(), 30)
        *waited, late = await asyncio.gather(*waits, connection.call("nothing"), return_exceptions=True)
        assert isinstance(late, NotConnected)
        for error in waited:
            if error is not None:  # the call may have been answered in time
                assert isinstance(error, ConnectionLost)
                assert error.reason.endswith(
                    f"; reconnecting was given up after attempt 3: no server could be reached at {transport.url}: "
                    "Connection refused"
                )
        assert next(row["name"] for row in connection.tables["person"].rows()) == "the first"
