"""What a real server costs through this kit, beside what it costs by itself."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.figures import Figure, each, median
from benchmarks.serving import MODULE, calls_in_order, connect, real_server, seconds_of_round_trip
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.testing.modules import load_module

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_inner_universe.server.process import ProcessServer
    from pytest_inner_universe.server.remote import ResetStrategy

IN_FLIGHT = 10_000


def measure(quick: bool) -> list[Figure]:
    """Fresh databases, resets, calls."""
    with real_server() as server:
        module, bundled = Module.load_file(str(MODULE)), load_module(None)
        count = 10 if quick else 40
        resets = [_reset(server, bundled, strategy, count) for strategy in ("fresh", "clear")]
        figures = [_fresh(server, bundled, count), _reset_by_reducer(server, bundled, 5 * count), *resets]
        handle = server.database("calls", module)
        figures += asyncio.run(_calls(server.url, handle.name, module, quick))
        handle.close()
        return figures


def _fresh(server: ProcessServer, module: Module, count: int) -> Figure:
    """A new database by the kit, and by a bare request, in turn."""
    bare_request = _bare_publish(server, module)
    bare, ours = [], []
    for _ in range(count + 1):
        bare.append(_seconds(bare_request))
        start = time.perf_counter()
        handle = server.database("fresh", module)
        ours.append(time.perf_counter() - start)
        handle.close()
    own, taken = median(bare[1:]) * 1000, median(ours[1:]) * 1000
    note = f"{taken:.3g} ms over {own:.3g} ms of a bare request; server {server.binary.version_text}"
    return Figure("fresh database on a real server, over its own time", taken - own, "ms", 5, count, note)


def _bare_publish(server: ProcessServer, module: Module) -> Callable[[], None]:
    """Return what publishes over one kept connection, with nothing of the kit in between."""
    place = urlsplit(server.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port)
    token = server.credentials(None).token

    def publish() -> None:
        headers = {"Authorization": f"Bearer {token}"}
        connection.request("PUT", f"/v1/database/{server.names.new('bare')}", module.data, headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()

    return publish


def _reset_by_reducer(server: ProcessServer, module: Module, count: int) -> Figure:
    handle = server.database("reducer", module, reset="reducer")
    encode = module.definition.reducers["publish_event"].encode_args
    numbers = itertools.count()

    def write() -> None:
        for _ in range(10):
            handle.call(None, "publish_event", encode(f"e{next(numbers)}", "PING", None, "{}"))

    taken = each(handle.reset, count, before=write)
    handle.close()
    note = "after ten calls with one insert each; one call, one round trip"
    return Figure("reset by reducer on a real server", median(taken) * 1000, "ms", 1, count, note)


def _reset(server: ProcessServer, module: Module, strategy: ResetStrategy, count: int) -> Figure:
    handle = server.database(strategy, module, reset=strategy)
    taken = each(handle.reset, count)
    handle.close()
    note = {"fresh": "publishes a new database, deletes the old one", "clear": "publishes again over the old data"}
    return Figure(f"reset by {strategy} on a real server", median(taken) * 1000, "ms", None, count, note[strategy])


async def _calls(url: str, database: str, module: Module, quick: bool) -> list[Figure]:
    count = 200 if quick else 1000
    names = (f"flying {number}" for number in itertools.count())
    trips = [await seconds_of_round_trip(url, database, module, f"t{number}") for number in range(count // 10)][1:]
    async with await connect(url, database, module) as connection:
        one = []
        for _ in range(count):
            start = time.perf_counter()
            await connection.call("add_person", next(names), 1, 36)
            one.append(time.perf_counter() - start)
        flying = [await calls_in_order(connection, names, IN_FLIGHT) for _ in range(3)]
    best = f"{IN_FLIGHT} in flight on one connection, answered in order; best round {max(flying):.0f}/s"
    trip = median([first for first, _ in trips]) * 1000
    return [
        Figure("one call and its answer, real server", median(one) * 1000, "ms", 0.35, count, "an insert each"),
        Figure("calls per second, real server", median(flying), "/s", 10_000, 3, best, at_least=True),
        Figure("connect, subscribe, call, see the update, real server", trip, "ms", None, len(trips)),
    ]


def _seconds(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
