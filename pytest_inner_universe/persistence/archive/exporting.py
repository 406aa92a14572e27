"""From a database into an archive."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from ...sats import Timestamp
from ..errors import BackupError, ValidationError
from ..inner_universe import InnerUniverseClient
from ..mapping import decode_row, encode_row
from ..types import Row
from .manifest import ENCODINGS, Archive, Encoding
from .progress import Phase, ProgressCallback, Reporter
from .rows import JsonRow
from .snapshots import Change, Snapshot, in_order, place, take_snapshot
from .tables import ARCHIVE_TABLES, ArchiveTable
from .writing import ArchiveWriter

Transform = Callable[[str, Row], "Row | None"]
"""Takes the name of a table and a row as users see rows, returns the row to keep in its place; None for none."""


async def export_database(
    client: InnerUniverseClient,
    folder: str | os.PathLike[str],
    *,
    encoding: Encoding = "jsonl",
    transform: Transform | None = None,
    progress: ProgressCallback | None = None,
) -> Archive:
    """Write what a database holds, at one moment, into a new archive.

    What only the owner may read (configuration, admins, permissions) is in it where the client is the owner. Connections are not.
    Equal databases give equal files: rows are ordered by time, then by primary key. If it fails or is cancelled, nothing stays.

    Args:
        client: A connected client.
        folder: The folder to make; it may be there if it is empty.
        encoding: The form of its files: ``jsonl`` for JSON Lines, ``parquet`` for Parquet, which needs the extra of this name.
        transform: Makes other rows of the rows that are there, or leaves them out.
        progress: Hears how far it is; phases ``read`` and ``write``.

    Raises:
        BackupError: There is something in the folder, it cannot be written, or pyarrow is missing.
        ConnectionError: The connection was lost.

    Example:
        >>> archive = await export_database(client, "backup")  # doctest: +SKIP
        >>> archive.rows  # doctest: +SKIP
        100010
    """
    if encoding not in ENCODINGS:
        raise ValidationError(f"encoding must be one of {', '.join(ENCODINGS)}, got {encoding!r}")
    return await write_snapshot(
        client, await take_snapshot(client), folder, encoding, transform, (progress, "read", "write")
    )


async def write_snapshot(
    client: InnerUniverseClient,
    snapshot: Snapshot,
    folder: str | os.PathLike[str],
    encoding: Encoding,
    transform: Transform | None,
    telling: tuple[ProgressCallback | None, Phase, Phase],
) -> Archive:
    """Write what was read into a new archive; see `export_database`.

    Args:
        client: Whose database it was.
        snapshot: What was read; its tables are given up one by one.
        folder: The folder.
        encoding: The form.
        transform: Makes other rows.
        telling: Who hears how far it is, and the phases of reading and writing.
    """
    progress, reading, writing = telling
    read, wrote = Reporter(progress, reading), Reporter(progress, writing)
    archive = Archive(
        Path(folder),
        encoding,
        Timestamp.from_seconds(time.time()),
        place(client),
        snapshot.module_version,
        snapshot.schema_version,
        left_out=snapshot.left_out,
    )
    with ArchiveWriter(archive) as writer:
        for table in ARCHIVE_TABLES.values():
            if table.name not in snapshot.tables:
                continue
            change = None if transform is None else _change(table, transform)
            rows = snapshot.tables.pop(table.name)
            with writer.table(table) as file:
                async with in_order(table, rows, read, change) as (count, lines):
                    del rows
                    for chunk in wrote.chunks(table.name, lines, count):
                        file.write(chunk)
        return writer.finish()


def _change(table: ArchiveTable, transform: Transform) -> Change:
    schema = table.schema

    def change(row: JsonRow) -> JsonRow | None:
        changed = transform(table.name, decode_row(schema, row))
        if changed is None:
            return None
        try:
            return encode_row(schema, changed)
        except (LookupError, TypeError, ValidationError) as error:
            reason = f"what the transform made of row {row[schema.primary_key]!r} is no row: {error!r}"
            raise BackupError(f"table {table.name}", reason) from error

    return change
