"""When a real server with its data on disk has written what it confirmed.

Release 1.2.0 answers up to half a second before it writes, its catalogue and the rows of each database apart, and cannot be
asked how far it is. Both are logs: who finds what was done last there knows that all before it is there too.
"""

from __future__ import annotations

from pathlib import Path

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.readiness import ping
from pytest_inner_universe.server.remote import RemoteServer

_A_DATABASE_LATER = "written-last"


def wait_until_written(server: RemoteServer, data: Path, module: Module, row: str) -> None:
    """Wait until the databases that were published so far and a row are on disk.

    A database is several entries of the catalogue, its name the first of them, so another database is published and its
    name is looked for.

    Args:
        server: The server, with its data in `data`.
        data: Its folder.
        module: Any module, published once more.
        row: A text of the last row that was written into a database, found in no other.
    """
    later = server.database(_A_DATABASE_LATER, module)
    while not (_is_written(data, "control-db/**/*", later.name) and _is_written(data, "replicas/*/clog/*", row)):
        ping(server.url)  # gives it the time that it needs
    later.close()


def _is_written(data: Path, files: str, text: str) -> bool:
    return any(text.encode() in _content(path) for path in data.glob(files) if path.is_file())


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # the server renames and removes files while it works
        return b""
