"""Our client beside the official TypeScript client, in turn, on one embedded server that runs in a process of its own."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, Missing, median
from benchmarks.serving import DATABASE, MODULE, calls_in_flight, connect, embedded_server
from pytest_inner_universe.client import HttpApi
from pytest_inner_universe.engine.module import Module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_inner_universe.client import Connection

HERE = Path(__file__).parent
BINDINGS = HERE.parent / "tests" / "typescript"
INSTALL = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--omit=optional"]
INSTALL_SECONDS = 180
CALLS = 5_000
ROWS = 20_000
ROWS_DATABASE = "bench-rows"


def measure(quick: bool) -> list[Figure]:
    """Calls in flight, and an initial subscription."""
    rounds = 4 if quick else 12
    with embedded_server() as url, _their_client(url) as theirs:
        return asyncio.run(_side_by_side(url, theirs, rounds))


async def _side_by_side(url: str, theirs: Callable[[str, str, int], float], rounds: int) -> list[Figure]:
    module = Module.load_file(str(MODULE))
    await _fill(url, module)
    names = (f"python {number}" for number in itertools.count())
    async with await connect(url, DATABASE, module) as caller, await connect(url, ROWS_DATABASE, module) as reader:
        calls: tuple[list[float], list[float]] = ([], [])
        rows: tuple[list[float], list[float]] = ([], [])
        read = []
        for number in range(rounds + 2):
            ours = await calls_in_flight(caller, names, CALLS), CALLS / theirs("calls", DATABASE, CALLS)
            seconds, with_values = await _subscribe(reader)
            counted = ROWS / seconds, ROWS / theirs("rows", ROWS_DATABASE, ROWS)
            if number >= 2:  # the first rounds are for compilers
                for times, value in zip((*calls, *rows), (*ours, *counted), strict=True):
                    times.append(value)
                read.append(ROWS / with_values)
    call_note = f"ours {median(calls[0]):.0f}/s, theirs {median(calls[1]):.0f}/s, {CALLS} in flight"
    row_note = (
        f"ours {median(rows[0]):.0f}/s, theirs {median(rows[1]):.0f}/s; ours with every row read: {median(read):.0f}/s"
    )
    return [
        Figure("calls per second, TypeScript client over ours", _ratio(calls), "x", 1, rounds, call_note),
        Figure("rows per second of a subscription, TypeScript over ours", _ratio(rows), "x", 1, rounds, row_note),
    ]


def _ratio(pair: tuple[list[float], list[float]]) -> float:
    """Median of theirs over ours, round by round, so that a slow moment of the machine meets both."""
    return median([theirs / ours for ours, theirs in zip(*pair, strict=True)])


async def _fill(url: str, module: Module) -> None:
    """Publish a second database, with rows of different sizes, 1.5 MB in all."""
    async with HttpApi(url) as anybody:
        token = (await anybody.new_identity()).token
    async with HttpApi(url, token) as api:
        await api.publish(module.data, ROWS_DATABASE)
        for start in range(0, ROWS, 500):
            rows = ", ".join(f"(0, '{'n' * (35 + i % 40)} {i:05}', {i % 100}, 36)" for i in range(start, start + 500))
            await api.sql(ROWS_DATABASE, f"INSERT INTO person (id, name, team, age) VALUES {rows}")


async def _subscribe(connection: Connection) -> tuple[float, float]:
    """Return the seconds until the rows are there, and until each has been made a value."""
    start = time.perf_counter()
    subscription = await connection.subscribe("SELECT * FROM person")
    there = time.perf_counter() - start
    assert len(connection.tables["person"].rows()) == ROWS
    read = time.perf_counter() - start
    await subscription.unsubscribe()
    return there, read


@contextmanager
def _their_client(url: str) -> Iterator[Callable[[str, str, int], float]]:
    """Install and start the TypeScript client, and give what makes it work and returns its seconds."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Missing("there is no node and npm on this machine: https://nodejs.org has them, any version from 18 on")
    with tempfile.TemporaryDirectory(prefix="inner-universe-bench-") as folder:
        for file in (BINDINGS / "package.json", BINDINGS / "bindings.mjs", HERE / "typescript.mjs"):
            shutil.copy(file, folder)
        done = subprocess.run(INSTALL, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        if done.returncode:
            raise Missing(f"npm could not install the TypeScript client: {(done.stderr.splitlines() or ['?'])[0]}")
        command = ["node", "typescript.mjs", url]
        with subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        ) as process:

            def ask(what: str, database: str, count: int) -> float:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(f"{what} {database} {count}\n")
                return float(process.stdout.readline())

            try:
                yield ask
            finally:
                process.kill()
