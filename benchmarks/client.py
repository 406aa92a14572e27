"""What a client in memory costs: from connecting to seeing one's own change."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, median
from pytest_inner_universe.testing.universe import Universe

MODULE = Path(__file__).parents[1] / "fixtures" / "modules" / "every_type_1_4.wasm"


def measure(quick: bool) -> list[Figure]:
    """Connect, subscribe, call, see the update."""
    return [asyncio.run(_round_trip(50 if quick else 300))]


async def _round_trip(count: int) -> Figure:
    whole, calls = [], []
    with Universe.embedded(MODULE) as universe:
        for number in range(count + 1):
            seen: list[dict[str, Any]] = []
            start = time.perf_counter()
            async with universe.connect() as connection:
                await connection.subscribe("SELECT * FROM person", on_insert=seen.append)
                before = time.perf_counter()
                await connection.call("add_person", f"person {number}", 1, 36)
                assert len(seen) == 1
                now = time.perf_counter()
            universe.call("remove_person", f"person {number}")
            if number:
                whole.append(now - start)
                calls.append(now - before)
    note = f"of these, the call until the update is seen: {median(calls) * 1000:.3g} ms"
    return Figure("connect, subscribe, call, see the update, in memory", median(whole) * 1000, "ms", 0.5, count, note)
