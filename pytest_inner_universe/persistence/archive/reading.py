"""Reading an archive: what has to hold before anything is done with it, and its rows."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import BackupError
from ..threads import finished
from .encodings import read_rows
from .manifest import MANIFEST, Archive, read_manifest
from .progress import Progress, ProgressCallback, Reporter
from .rows import JsonRow
from .tables import ARCHIVE_TABLES

_CHUNK = 1 << 20

ArchiveSource = Archive | str | os.PathLike[str]
"""An archive, or its folder."""


def read_archive(folder: str | os.PathLike[str], *, progress: ProgressCallback | None = None) -> Archive:
    """Check that an archive is whole and unchanged, and return what it holds.

    Args:
        folder: Where it is.
        progress: Hears how far it is; phase ``check``.

    Raises:
        BackupError: It was never finished, files are missing or not what they were, or it is of a newer format or schema.

    Example:
        >>> read_archive("backup").tables["entity"].rows  # doctest: +SKIP
        100000
    """
    archive = read_manifest(folder)
    report = Reporter(progress, "check")
    known = {MANIFEST, *(table.file for table in archive.tables.values())}
    try:
        foreign = sorted(entry.name for entry in archive.folder.iterdir() if entry.name not in known)
        if foreign:
            raise BackupError(str(archive.folder), f"it has something that no archive has: {foreign[0]}")
        for name, table in archive.tables.items():
            report(name, 0, table.rows)
            size, sha256 = _facts_of(archive.folder / table.file)
            if (size, sha256) != (table.size, table.sha256):
                what = f"it has {size} bytes instead of {table.size}" if size != table.size else "its hash is another"
                raise BackupError(str(archive.folder), f"{table.file} is not what it was: {what}")
            report(name, table.rows, table.rows)
    except FileNotFoundError as error:
        raise BackupError(str(archive.folder), f"{Path(error.filename).name} is missing") from error
    except OSError as error:
        raise BackupError(str(archive.folder), f"it cannot be read: {error.strerror or error}") from error
    return archive


async def checked(source: ArchiveSource, progress: ProgressCallback | None = None) -> Archive:
    """Do what `read_archive` does, in a thread."""
    folder = source.folder if isinstance(source, Archive) else source
    loop = asyncio.get_running_loop()

    def tell(step: Progress) -> None:
        if progress is not None:
            loop.call_soon_threadsafe(progress, step)

    return await finished(lambda: read_archive(folder, progress=tell))


def rows_in(archive: Archive, table: str) -> Iterator[JsonRow]:
    """Return the rows of a table of an archive, in their order; none where the archive does not have the table.

    Raises:
        BackupError: A row is none.
    """
    if table in archive.tables:
        yield from read_rows(archive.encoding, archive.folder / archive.tables[table].file, ARCHIVE_TABLES[table])


def _facts_of(path: Path) -> tuple[int, str]:
    sha256, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            sha256.update(chunk)
            size += len(chunk)
    return size, sha256.hexdigest()
