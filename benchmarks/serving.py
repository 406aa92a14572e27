"""A server in a process of its own, and connections to it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Missing
from pytest_inner_universe.client import Connection, WebSocketTransport
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.errors import BinaryMissing, BinaryUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_inner_universe.server.process import ProcessServer

MODULE = Path(__file__).parents[1] / "fixtures" / "modules" / "every_type_1_4.wasm"
DATABASE = "bench"


@contextmanager
def embedded_server(module: Path = MODULE) -> Iterator[str]:
    """Run the embedded server with a module, as a user starts it from a shell, and give its address."""
    command = [
        sys.executable,
        "-m",
        "pytest_inner_universe.cli",
        "serve",
        "--module",
        str(module),
        "--database",
        DATABASE,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)


@contextmanager
def real_server() -> Iterator[ProcessServer]:
    """Start a real server.

    Raises:
        Missing: There is none on this machine.
    """
    from pytest_inner_universe.server.process import ProcessServer

    try:
        with ProcessServer() as server:
            yield server
    except (BinaryMissing, BinaryUnusable):
        raise Missing("there is no real server on this machine: python tools/install_server.py builds one") from None


async def connect(url: str, database: str, module: Module) -> Connection:
    """Open a connection, as somebody new."""
    return await Connection.open(WebSocketTransport(url, database), module.definition)


async def calls_in_flight(connection: Connection, names: Iterator[str], count: int) -> float:
    """Make so many calls with one insert each at once, and return the calls per second."""
    start = time.perf_counter()
    await asyncio.gather(*(connection.call("add_person", next(names), 1, 36) for _ in range(count)))
    return count / (time.perf_counter() - start)


async def calls_in_order(connection: Connection, names: Iterator[str], count: int) -> float:
    """Do the same, and see that they end in their order."""
    order: list[int] = []

    async def call(number: int) -> None:
        await connection.call("add_person", next(names), 1, 36)
        order.append(number)

    start = time.perf_counter()
    await asyncio.gather(*map(call, range(count)))
    taken = time.perf_counter() - start
    assert order == list(range(count)), "calls ended out of order"
    return count / taken


async def seconds_of_round_trip(url: str, database: str, module: Module, name: str) -> tuple[float, float]:
    """Connect, subscribe, call and see the update; return the seconds of all that, and of the call alone."""
    seen: list[object] = []
    start = time.perf_counter()
    async with await connect(url, database, module) as connection:
        await connection.subscribe("SELECT * FROM person WHERE team = 7", on_insert=seen.append)
        before = time.perf_counter()
        await connection.call("add_person", name, 7, 36)
        now = time.perf_counter()
        assert len(seen) == 1
        await connection.call("remove_person", name)
    return now - start, now - before
