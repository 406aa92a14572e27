"""How a database was at an earlier moment."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ...sats import Timestamp
from ..errors import BackupError
from ..inner_universe import InnerUniverseClient
from ..threads import finished
from .exporting import export_database
from .folders import temporary_folder
from .importing import import_archive
from .manifest import Archive, ArchivedTable
from .progress import ProgressCallback, Reporter, chunked
from .reading import ArchiveSource, checked, read_archive, rows_in
from .rebuilding import REBUILT, LogGap, Rebuilding
from .replaying import moment_of
from .rows import JsonRow, line
from .tables import ARCHIVE_TABLES, ArchiveTable
from .writing import ArchiveWriter, Digest

_LOG = "event_log"


def rewind_archive(
    archive: ArchiveSource,
    folder: str | os.PathLike[str],
    moment: Timestamp | datetime,
    *,
    progress: ProgressCallback | None = None,
) -> Archive:
    """Make an archive of how a database was at an earlier moment, from a later archive of it.

    Entities, relations, admins and permissions are made anew by replaying the event log up to the moment. The log is then replayed to
    its end and has to lead to what the archive holds; so a log with gaps is noticed. State versions, deltas, stored states, events and
    metrics never change: those up to the moment are taken as they are. So is the configuration; keys that were set later,
    whose earlier value no event tells, keep their later value and are named in `Archive.uncertain`.

    Args:
        archive: The later archive, or its folder.
        folder: The folder to make.
        moment: The last moment whose changes count.
        progress: Hears how far it is; phases ``check``, ``replay`` and ``write``.

    Raises:
        BackupError: The archive is not whole or was changed, or its event log does not account for its rows, as where the audit log
            was off for a while.

    Example:
        >>> rewind_archive("backup", "earlier", datetime(2026, 1, 31, 12, tzinfo=timezone.utc))  # doctest: +SKIP
    """
    until = moment_of(moment).micros
    whole = read_archive(archive.folder if isinstance(archive, Archive) else archive, progress=progress)
    earlier = replace(
        whole,
        folder=Path(folder),
        made_at=Timestamp.from_seconds(time.time()),
        source=f"{whole.source} as it was at {Timestamp(until)}",
        tables={},
    )
    uncertain: list[str] = []
    with ArchiveWriter(earlier) as writer, Rebuilding() as state:
        write = Reporter(progress, "write")
        try:
            state.follow(_reported(whole, progress, last=until))
            for name, table in ARCHIVE_TABLES.items():
                if name not in whole.tables:
                    continue
                if name in REBUILT:
                    store = state.tables[name]
                    _write(writer, table, store.lines(), len(store), write)
                else:
                    kept = _up_to(rows_in(whole, name), table, until, uncertain)
                    _write(writer, table, map(line, kept), whole.tables[name].rows, write)
            state.follow(_reported(whole, progress, after=until))
        except LogGap as gap:
            reason = f"its event log cannot be replayed: {gap.table} {gap.key} at {Timestamp(gap.at)}: {gap.reason}"
            raise BackupError(str(whole.folder), reason) from gap
        for name in REBUILT:
            if name in whole.tables:
                _compare(whole, name, state.tables[name].lines())
        return writer.finish(uncertain=uncertain)


async def restore_until(
    source: ArchiveSource | InnerUniverseClient,
    client: InnerUniverseClient,
    moment: Timestamp | datetime,
    *,
    replace: bool = False,
    progress: ProgressCallback | None = None,
) -> Archive:
    """Make a database hold what it, or another one, held at an earlier moment: `rewind_archive`, then `import_archive`.

    Args:
        source: A later archive, its folder, or a connected client of the database itself.
        client: A connected client of the owner of the database to fill.
        moment: The last moment whose changes count.
        replace: Whether data that is there is given up for it.
        progress: Hears how far it is.

    Returns:
        What was imported; its folder is gone.

    Raises:
        BackupError: See both.
        RestoreError: See `import_archive`.
        AuthorizationError: The client does not own the database.
    """
    until = moment_of(moment)
    with temporary_folder() as folder:
        if isinstance(source, InnerUniverseClient):
            source = await export_database(source, folder / "now", progress=progress)
        whole = await checked(source)
        earlier = await finished(lambda: rewind_archive(whole, folder / "then", until))
        return await import_archive(earlier, client, replace=replace, progress=progress)


def _reported(
    archive: Archive, progress: ProgressCallback | None, *, last: int | None = None, after: int | None = None
) -> Iterator[JsonRow]:
    """Return the events up to some time, or those after it."""
    report = Reporter(progress, "replay")
    for chunk in report.chunks(_LOG, rows_in(archive, _LOG), archive.tables[_LOG].rows):
        for event in chunk:
            at = event["timestamp"]
            if last is not None and at > last:
                return
            if after is None or at > after:
                yield event


def _up_to(rows: Iterable[JsonRow], table: ArchiveTable, until: int, uncertain: list[str]) -> Iterator[JsonRow]:
    for row in rows:
        if row[table.schema.time_column] <= until:
            yield row
        elif not table.grows_only:
            uncertain.append(row[table.schema.primary_key])
            yield row


def _write(writer: ArchiveWriter, table: ArchiveTable, lines: Iterable[str], total: int, report: Reporter) -> None:
    with writer.table(table) as file:
        for chunk in report.chunks(table.name, lines, total):
            file.write(chunk)


def _compare(archive: Archive, name: str, lines: Iterable[str]) -> None:
    digest = Digest()
    for chunk in chunked(lines):
        digest.add(chunk)
    expected: ArchivedTable = archive.tables[name]
    if (digest.rows, digest.value) != (expected.rows, expected.digest):
        reason = (
            f"its event log does not account for table {name}: replayed, it leads to {digest.rows} rows, and "
            f"{expected.rows} are there, or they differ; was the audit log off for a while?"
        )
        raise BackupError(str(archive.folder), reason)
