"""What the embedded server costs over loopback, from a process of its own."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from concurrent.futures import Future

from benchmarks.figures import Figure, median
from benchmarks.serving import DATABASE, MODULE, calls_in_order, connect, embedded_server, seconds_of_round_trip
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.testing.universe import Universe

IN_FLIGHT = 10_000
LONG = "x" * 2000


def measure(quick: bool) -> list[Figure]:
    """Round trips, calls in flight, and a client that does not read."""
    module = Module.load_file(str(MODULE))
    with embedded_server() as url:
        return [
            asyncio.run(_round_trip(url, module, 20 if quick else 100)),
            asyncio.run(_in_flight(url, module, 2 if quick else 5)),
            asyncio.run(_slow_reader(url, module, 300 if quick else 1000)),
        ]


async def _round_trip(url: str, module: Module, count: int) -> Figure:
    taken = [await seconds_of_round_trip(url, DATABASE, module, f"t{number}") for number in range(count + 1)][1:]
    whole, calls = [first for first, _ in taken], [second for _, second in taken]
    with Universe.embedded(MODULE) as universe:
        address, name = universe.url, universe.name
        inside = [await seconds_of_round_trip(address, name, module, f"t{number}") for number in range(count + 1)][1:]
    note = (
        f"of these, the call until the update is seen: {median(calls) * 1000:.3g} ms; "
        f"with the server in the client's own process: {median([first for first, _ in inside]) * 1000:.3g} ms"
    )
    name = "connect, subscribe, call, see the update, embedded over loopback"
    return Figure(name, median(whole) * 1000, "ms", 3, count, note)


async def _in_flight(url: str, module: Module, count: int) -> Figure:
    names = (f"flying {number}" for number in itertools.count())
    async with await connect(url, DATABASE, module) as connection:
        await calls_in_order(connection, names, 1000)
        taken = [await calls_in_order(connection, names, IN_FLIGHT) for _ in range(count)]
    note = f"{IN_FLIGHT} in flight on one connection, answered in order; best round {max(taken):.0f}/s"
    return Figure("calls per second, embedded over loopback", median(taken), "/s", 10_000, count, note, at_least=True)


async def _slow_reader(url: str, module: Module, count: int) -> Figure:
    """Time of one client's calls while another, which is sent each change, reads nothing; over the time without it."""
    names = (f"{LONG} {number}" for number in itertools.count())

    async def calls() -> float:
        taken = []
        for _ in range(count):
            start = time.perf_counter()
            await connection.call("add_person", next(names), 8, 36)
            taken.append(time.perf_counter() - start)
        return median(taken)

    async with await connect(url, DATABASE, module) as connection:
        await calls()
        without, beside = [], []
        for _ in range(3):
            without.append(await calls())
            reader = _Sleeper(url, module)
            beside.append(await calls())
            reader.wake()
    note = f"{median(beside) * 1000:.3g} ms over {median(without) * 1000:.3g} ms a call; {count * len(LONG) / 1e6:.1f} MB unread"
    return Figure("a call beside a client that does not read", median(beside) / median(without), "x", 1.5, count, note)


class _Sleeper:
    """A client that subscribes to everything and then stands still, in a thread of its own."""

    def __init__(self, url: str, module: Module) -> None:
        self._awake = threading.Event()
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live(url, module, ready)))
        self._thread.start()
        ready.result(10)

    async def _live(self, url: str, module: Module, ready: Future[None]) -> None:
        async with await connect(url, DATABASE, module) as connection:
            await connection.subscribe("SELECT * FROM person WHERE team = 8")
            ready.set_result(None)
            self._awake.wait()  # stops the whole loop, which is meant

    def wake(self) -> None:
        self._awake.set()
        self._thread.join()
