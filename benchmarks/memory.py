"""What an idle universe keeps of memory, in a process of its own, so that nothing else counts."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.figures import Figure

SCRIPT = """
import gc, json, sys
from pytest_inner_universe.testing.universe import Universe, load_module
from pytest_inner_universe.server.embedded import EmbeddedServer

def resident():
    gc.collect()
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024

server = EmbeddedServer(load_module(None))
def one():
    universe = Universe(server.handle())
    universe.call("publish_event", "e", "PING", None, "{}")
    return universe

held = [one() for _ in range(5)]  # what the first ones load is not theirs
before = resident()
held += [one() for _ in range(int(sys.argv[1]))]
print(json.dumps([before, resident()]))
"""


def measure(quick: bool) -> list[Figure]:
    """Resident memory per universe of Inner Universe that was used once and then left alone; Linux only."""
    if not sys.platform.startswith("linux"):
        return []
    count = 40 if quick else 200
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(count)], check=True, capture_output=True, text=True)
    before, after = json.loads(done.stdout)
    note = f"{count} universes with one call each: {before:.0f} to {after:.0f} MiB resident"
    return [Figure("memory per idle universe", (after - before) / count, "MiB", 2, count, note)]
