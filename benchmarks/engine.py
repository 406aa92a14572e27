"""What a universe costs once it is there: resets and calls."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, batches, each, median
from pytest_inner_universe.sats import ConnectionId
from pytest_inner_universe.server.embedded import EmbeddedServer
from pytest_inner_universe.testing.modules import load_module
from pytest_inner_universe.testing.universe import Universe

if TYPE_CHECKING:
    from collections.abc import Callable

MODULE = Path(__file__).parents[1] / "fixtures" / "modules" / "every_type_1_4.wasm"
ROWS = 100_000


def measure(quick: bool) -> list[Figure]:
    """Resets of an empty and of a full universe, and calls inside and outside of the engine."""
    count = 20 if quick else 100
    return [_reset(0, count), _reset(ROWS, count), _engine_call(count), _universe_call(count)]


def _reset(rows: int, count: int) -> Figure:
    with Universe.embedded(MODULE) as universe:
        if rows:
            universe.call("many", rows)
        universe.snapshot("full")
        taken = each(universe.reset, count, before=lambda: universe.restore("full"))
        back = each(lambda: universe.restore("full"), count)
        note = f"going back to that state: {median(back) * 1000:.3g} ms"
        return Figure(f"reset with {rows} rows", median(taken) * 1000, "ms", 1, count, note)


def _engine_call(count: int) -> Figure:
    server = EmbeddedServer(load_module(MODULE))
    database = server.database()
    client = database.connect(server.owner, ConnectionId.random(), _ignore, _ignore)
    encode = server.module.definition.reducers["add_person"].encode_args
    arguments = iter([encode(f"person {number}", 1, 36) for number in range(200 * (count + 1))])
    taken = batches(lambda: database.call(client, "add_person", next(arguments), _ignore), 200, count)
    server.close()
    note = "transaction, wasm, host functions, four indexes, commit"
    return Figure("reducer with one insert, inside the engine", median(taken) * 1e6, "us", 20, count, note)


def _universe_call(count: int) -> Figure:
    with Universe.embedded(MODULE) as universe:
        number = itertools.count()

        def call() -> None:
            universe.call("add_person", f"person {next(number)}", 1, 36)

        taken = batches(call, 200, count)
        with Universe.embedded() as inner:
            event = batches(_publish(inner), 200, max(5, count // 5))
        note = f"publish_event of Inner Universe: {median(event) * 1e6:.3g} us"
        return Figure("universe.call with one insert, all included", median(taken) * 1e6, "us", 60, count, note)


def _publish(universe: Universe) -> Callable[[], None]:
    number = itertools.count()
    return lambda: universe.call("publish_event", f"e{next(number)}", "PING", None, "{}")


def _ignore(*_: object) -> None:
    pass
