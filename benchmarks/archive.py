"""What it costs to back a large database up and to bring it back, in a client's process of its own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.figures import Figure, Missing
from benchmarks.serving import embedded_server, real_server

if TYPE_CHECKING:
    from collections.abc import Awaitable

_MOST_MEMORY = 200
_BATCH = 1000


def measure(quick: bool) -> list[Figure]:
    """Export, import and rewinding of 100,000 entities with the events of their making; Linux only."""
    if not sys.platform.startswith("linux"):
        return []
    count = 10_000 if quick else 100_000
    with embedded_server() as url:
        figures = _on(url, "embedded", count)
    try:
        with real_server() as server:
            figures += _on(server.url, "real server", count)
    except Missing as error:
        print(f"not measured: archive on a real server: {error}", file=sys.stderr)
    return figures


def _on(url: str, name: str, count: int) -> list[Figure]:
    code = "import sys; from benchmarks.archive import client; client(sys.argv[1], int(sys.argv[2]))"
    done = subprocess.run([sys.executable, "-c", code, url, str(count)], check=True, capture_output=True, text=True)
    figures = []
    for what, (seconds, grown, before, rows) in json.loads(done.stdout).items():
        note = f"{rows / seconds:.0f} rows/s, {rows} rows; {before:.0f} MiB before"
        figures += [
            Figure(f"{what}, {name}: time", seconds, "s", None, 1, note),
            Figure(f"{what}, {name}: peak memory of the client over what it had", grown, "MiB", _MOST_MEMORY, 1),
        ]
    return figures


def client(url: str, count: int) -> None:
    """Fill a database, export it, import it into another one, and print seconds, MiB and rows of each."""
    print(json.dumps(asyncio.run(_measured(url, count))))


async def _measured(url: str, count: int) -> dict[str, Any]:
    from pytest_inner_universe.client import HttpApi
    from pytest_inner_universe.persistence import (
        InnerUniverseClient,
        InnerUniverseConfig,
        NewEntity,
        export_database,
        import_archive,
        rewind_archive,
    )
    from pytest_inner_universe.persistence.bundled import bundled_module_path

    async with HttpApi(url) as api:
        token = (await api.new_identity()).token
    names = ("archive-source", "archive-target")
    async with HttpApi(url, token, timeout=120) as api:
        for name in names:
            await api.publish(bundled_module_path().read_bytes(), name)
    place = urlsplit(url)
    configs = [
        InnerUniverseConfig(
            address=str(place.hostname), port=place.port or 80, database=name, token=token, timeout_ms=120_000
        )
        for name in names
    ]
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with InnerUniverseClient(configs[0]) as source, InnerUniverseClient(configs[1]) as target:
            for start in range(0, count, _BATCH):
                numbers = range(start, min(start + _BATCH, count))
                await source.create_entities(
                    [NewEntity("Person", {"name": f"n{number}", "properties": {"age": number}}) for number in numbers]
                )
            for encoding in ("jsonl", "parquet"):
                work = export_database(source, Path(folder, encoding), encoding=encoding)
                archive = await _one(found, f"export of {count} entities, {encoding}", work)
            del archive
            await _one(found, f"import of {count} entities", import_archive(Path(folder, "jsonl"), target))
        whole = Path(folder, "jsonl")
        rewound = asyncio.to_thread(rewind_archive, whole, Path(folder, "then"), _far_ahead())
        await _one(found, f"rewinding of {count} entities", rewound)
    return found


def _far_ahead() -> Any:
    from pytest_inner_universe.sats import Timestamp

    return Timestamp(2**61)


async def _one(found: dict[str, Any], what: str, work: Awaitable[Any]) -> Any:
    _count_peak_from_here()
    before, start = _resident("VmRSS"), time.perf_counter()
    archive = await work
    found[what] = (time.perf_counter() - start, _resident("VmHWM") - before, before, archive.rows)
    return archive


def _resident(kind: str) -> float:
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(f"{kind}:")) / 1024


def _count_peak_from_here() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
