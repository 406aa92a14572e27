"""Print every figure: `python -m benchmarks [--quick] [--json FILE] [GROUP ...]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks import archive, client, engine, loopback, memory, persistence, server, startup, typescript
from benchmarks.figures import Missing, document, machine, table

GROUPS = {
    "startup": startup.measure,
    "engine": engine.measure,
    "client": client.measure,
    "memory": memory.measure,
    "loopback": loopback.measure,
    "server": server.measure,
    "persistence": persistence.measure,
    "archive": archive.measure,
    "typescript": typescript.measure,
}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table and the JSON; a missed figure is shown, and is no error.

    Nor is a group that cannot be measured here, unless it was asked for by name.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}; all unless given")
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the JSON there instead of printing it")
    options = parser.parse_args(arguments)
    unknown = [group for group in options.groups if group not in GROUPS]
    if unknown:
        parser.error(f"unknown group {unknown[0]!r}; there are {', '.join(GROUPS)}")
    figures, missing = [], []
    for group in options.groups or GROUPS:
        print(f"measuring: {group}", file=sys.stderr)
        try:
            figures += GROUPS[group](options.quick)
        except Missing as error:
            missing.append(f"not measured: {group}: {error}")
    print(", ".join(f"{name} {value}" for name, value in machine().items()))
    print(table(figures))
    print(*missing, sep="\n", end="\n" if missing else "")
    text = json.dumps(document(figures), indent=2)
    if options.json is not None:
        options.json.write_text(text + "\n", encoding="utf-8")
    else:
        print(text)
    return 1 if missing and options.groups else 0


sys.exit(main())
