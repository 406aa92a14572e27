"""A universe's state as files that a person can read: what stays behind of a test when `keep` asks for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_inner_universe.engine.logs import LogRecord
    from pytest_inner_universe.testing.universe import Universe

KEPT_LINES = 1_000
"""Lines of a server's log that are kept."""


def keep(universe: Universe, folder: Path, test: str) -> Path:
    """Write rows, log and calls of a universe.

    Args:
        universe: an open universe.
        folder: where to; made when it is missing, and what it held is replaced.
        test: id of the test, for the record.

    Returns:
        The folder, with `about.json`, `rows.json`, `log.txt` and `calls.txt` in it, and `server.txt` where a server writes one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about = {"test": test, "universe": universe.name, "identity": str(universe.identity), "kept": not universe.closed}
    if not universe.closed:
        try:
            rows = {name: universe.rows(name) for name in universe.schema.tables}
            _write(folder / "rows.json", json.dumps(rows, indent=2, default=str, ensure_ascii=False))
        except Exception as error:  # noqa: BLE001  # the server may be what has failed
            about |= {"kept": False, "unreadable": str(error)}
    _write(folder / "about.json", json.dumps(about, indent=2))
    logs, failure = log_of(universe)
    _write(folder / "log.txt", "\n".join([*map(str, logs), *failure]))
    _write(folder / "calls.txt", "\n".join(str(call) for call in universe.calls))
    if server_log := universe.handle.server_log(KEPT_LINES):
        _write(folder / "server.txt", "\n".join(server_log))
    return folder


def log_of(universe: Universe) -> tuple[list[LogRecord], list[str]]:
    """Return the module's log; where that cannot be read, for instance because the server is gone, nothing and why not."""
    try:
        return universe.logs, []
    except Exception as error:  # noqa: BLE001  # a report of a failure must not fail itself
        return [], [f"(cannot be read: {str(error).splitlines()[0]})"]


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8")
