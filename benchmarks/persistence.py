"""What the persistence layer costs, on the embedded server and on a real one."""

from __future__ import annotations

import asyncio
import itertools
import socket
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.figures import Figure, Missing, median
from benchmarks.serving import DATABASE, embedded_server, real_server
from pytest_inner_universe.client import HttpApi
from pytest_inner_universe.persistence import (
    ClientPool,
    EntityBatch,
    InnerUniverseClient,
    InnerUniverseConfig,
    SpacetimeEventBus,
)
from pytest_inner_universe.persistence.bundled import bundled_module_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_inner_universe.server.process import ProcessServer

ENTITIES = 100_000
FOUND = 100
AT_ONCE = 50
CLIENTS = 4
WRITES_BEHIND = 1.0
"""Seconds after which release 1.2.0 has surely written what it confirmed."""


def measure(quick: bool) -> list[Figure]:
    """Writing, events, queries, cache and recovery."""
    module = bundled_module_path()
    with embedded_server(module) as url:
        figures = asyncio.run(_all(_config(url), "embedded server", quick))
    try:
        with real_server() as server:
            asyncio.run(_publish(server.url, module.read_bytes()))
            figures += asyncio.run(_all(_config(server.url), f"real {server.binary.version_text}", quick))
            figures.append(_recovery(module.read_bytes(), 3 if quick else 7))
    except Missing as error:
        print(f"not measured: persistence on a real server: {error}", file=sys.stderr)
    return figures


def _config(url: str) -> InnerUniverseConfig:
    place = urlsplit(url)
    return InnerUniverseConfig(
        address=place.hostname or "", port=place.port or 0, database=DATABASE, retry_attempts=100, retry_delay_ms=5
    )


async def _publish(url: str, module: bytes) -> None:
    async with HttpApi(url) as api:
        token = (await api.new_identity()).token
    async with HttpApi(url, token, timeout=60) as api:
        await api.publish(module, DATABASE)


async def _all(config: InnerUniverseConfig, where: str, quick: bool) -> list[Figure]:
    count = 300 if quick else 2_000
    async with InnerUniverseClient(config) as client:
        figures = await _writing(client, config, where, count)
        figures += [await _events(client, where, 1_000), *await _reading(client, where, 3 if quick else 15)]
    return figures


async def _writing(client: InnerUniverseClient, config: InnerUniverseConfig, where: str, count: int) -> list[Figure]:
    """The same entity written one by one, in batches, and by a pool."""

    def create() -> Awaitable[str]:
        return client.create_entity("Single", {"name": "n"})

    single = await _paced(create, count, at_once=1)
    async with EntityBatch(client, max_batch_size=500, max_wait_ms=2) as batch:
        batched = await _paced(lambda: batch.create_entity("Batched", {"name": "n"}), 10 * count, at_once=10 * count)
    async with ClientPool(config, min_size=CLIENTS, max_size=CLIENTS) as pool:

        async def pooled_create() -> str:
            async with pool.client() as one:
                id_: str = await one.create_entity("Pooled", {"name": "n"})
                return id_

        pooled = await _paced(pooled_create, 2 * count, at_once=AT_ONCE)
    least = 10 * single[0] if where.startswith("real") else None
    return [
        _rate(f"create_entity one by one, {where}", single, None, count),
        _rate(f"create_entity in batches, {where}", batched, least, 10 * count, f"{batched[0] / single[0]:.1f} times one by one; "),
        _rate(f"create_entity by {CLIENTS} clients of a pool, {where}", pooled, None, 2 * count, f"{pooled[0] / single[0]:.1f} times one by one; "),
    ]  # fmt: skip


async def _paced(
    action: Callable[[], Awaitable[Any]], count: int, *, at_once: int
) -> tuple[float, float, float, float]:
    """Do something so many times, some at once; return how many a second, and p50, p95 and p99 of the milliseconds of each."""
    gate, taken = asyncio.Semaphore(at_once), []

    async def one() -> None:
        async with gate:
            start = time.perf_counter()
            await action()
            taken.append(time.perf_counter() - start)

    await one()
    start = time.perf_counter()
    if at_once == 1:
        for _ in range(count):
            await one()
    else:
        await asyncio.gather(*(one() for _ in range(count)))
    seconds = time.perf_counter() - start
    taken.sort()
    p50, p95, p99 = (taken[int(len(taken) * part)] * 1000 for part in (0.5, 0.95, 0.99))
    return count / seconds, p50, p95, p99


def _rate(
    name: str, paced: tuple[float, float, float, float], limit: float | None, count: int, note: str = ""
) -> Figure:
    rate, p50, p95, p99 = paced
    latency = f"p50 {p50:.3g} ms, p95 {p95:.3g} ms, p99 {p99:.3g} ms"
    return Figure(name, rate, "/s", limit, count, note + latency, at_least=True)


async def _events(client: InnerUniverseClient, where: str, count: int) -> Figure:
    """Events published through the bus, until the last of them has come back to a handler."""
    bus, heard, done = SpacetimeEventBus(client), itertools.count(1), asyncio.Event()

    def hear(_message: Any) -> None:
        if next(heard) == count:
            done.set()

    bus.register_handler("TICK", hear)
    await bus.subscribe_to_events()
    gate = asyncio.Semaphore(AT_ONCE)

    async def publish(number: int) -> None:
        async with gate:
            await bus.publish("TICK", {"n": number})

    start = time.perf_counter()
    await asyncio.gather(*map(publish, range(count)))
    await done.wait()
    rate = count / (time.perf_counter() - start)
    await bus.close()
    return Figure(f"events through the bus, {where}", rate, "/s", None, count, f"{AT_ONCE} at once, all handled", True)


async def _reading(client: InnerUniverseClient, where: str, count: int) -> list[Figure]:
    """Some rows of many, found by the server and by the client, and one of the cache."""
    there = len(await client.query_entities(limit=None))
    numbers = itertools.count()
    while there < ENTITIES:
        rows = [{"entity_type": "Many", "metadata": {"name": f"e{next(numbers)}"}} for _ in range(1_000)]
        there += len(await client.create_entities(rows))
    rare = [{"entity_type": "Rare", "metadata": {"properties": {"rare": True}}} for _ in range(FOUND)]
    ids = await client.create_entities(rare)

    async def found(*question: Any) -> float:
        start = time.perf_counter()
        assert len(await client.query_entities(*question)) == FOUND
        return time.perf_counter() - start

    own = [{"field": "metadata.properties.rare", "operator": "EQUALS", "value": True}]
    pushed = median([await found("Rare") for _ in range(count)]) * 1000
    evaluated = median([await found(None, own) for _ in range(3)]) * 1000
    await client.get_entity_with_cache(ids[0])
    hits = []
    for _ in range(1_000):
        start = time.perf_counter()
        await client.get_entity_with_cache(ids[0])
        hits.append(time.perf_counter() - start)
    note = f"{evaluated / pushed:.0f} times as long where the client evaluates the filter ({evaluated:.4g} ms)"
    return [
        Figure(f"{FOUND} of {there:,} entities, {where}", pushed, "ms", None, count, note),
        Figure(f"cache hit, {where}", median(hits) * 1_000_000, "µs", None, len(hits), "a copy of the row"),
    ]


def _recovery(module: bytes, count: int) -> Figure:
    """A server that was killed and is started again on its data: from the start until a waiting client has its answer."""
    from pytest_inner_universe.server.process import ProcessServer

    with tempfile.TemporaryDirectory() as data, socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        held.close()
        with ProcessServer(data_dir=data, in_memory=False, port=port) as server:
            taken = asyncio.run(_killed(server, module, count))
    note = (
        f"of these, the server's own start {median([start for start, _ in taken]) * 1000:.3g} ms; release 1.2.0 on disk"
    )
    return Figure("recovery after a killed server", median([all_ for _, all_ in taken]) * 1000, "ms", None, count, note)


async def _killed(server: ProcessServer, module: bytes, count: int) -> list[tuple[float, float]]:
    await _publish(server.url, module)
    taken = []
    async with InnerUniverseClient(_config(server.url)) as client:
        id_ = await client.create_entity("Kept", {"name": "n"})
        await asyncio.sleep(WRITES_BEHIND)
        for _ in range(count):
            await asyncio.to_thread(server.kill)
            start = time.perf_counter()
            await asyncio.to_thread(server.start)
            started = time.perf_counter()
            while True:
                try:
                    await client.get_entity(id_)
                    break
                except ConnectionError:
                    await asyncio.sleep(0.001)
            taken.append((started - start, time.perf_counter() - start))
            await asyncio.sleep(WRITES_BEHIND)
    return taken
