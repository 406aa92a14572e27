"""From an archive into a database: checked before the first write, verified after the last, put back when it fails in between."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from ..errors import AuthorizationError, BackupError, PersistenceError, RestoreError
from ..inner_universe import InnerUniverseClient
from .exporting import write_snapshot
from .filling import fill
from .folders import keep, temporary_folder
from .manifest import Archive
from .progress import ProgressCallback, Reporter
from .reading import ArchiveSource, checked
from .snapshots import Snapshot, is_owner, place, take_snapshot
from .tables import DATA_TABLES

_OWN_EVENTS = {
    "SYSTEM_INITIALIZED",
    "CLIENT_CONNECTED",
    "CLIENT_DISCONNECTED",
    "CONFIG_UPDATED",
    "PERMISSION_GRANTED",
    "PERMISSION_REVOKED",
    "ADMIN_GRANTED",
    "ADMIN_REVOKED",
}
"""Events that a database has though nobody has written data into it."""


async def import_archive(
    archive: ArchiveSource,
    client: InnerUniverseClient,
    *,
    replace: bool = False,
    progress: ProgressCallback | None = None,
) -> Archive:
    """Make a database hold exactly what an archive has. For the owner of the database.

    The archive is checked first: whole, unchanged, of a schema that the database has. What the database holds is then saved into a
    temporary archive, and put back if anything goes wrong later, a cancellation included. In the end all rows are read again and compared.
    Nobody else should write meanwhile. While it runs, connections write no events.

    An archive without configuration and grants leaves those of the database as they are.

    Args:
        archive: The archive, or its folder.
        client: A connected client of the database's owner.
        replace: Whether data that is there is given up for it.
        progress: Hears how far it is; phases ``check``, ``save``, ``import``, ``verify``, and ``undo`` where it fails.

    Returns:
        The archive.

    Raises:
        BackupError: The archive is not whole, was changed, or is of a newer schema; the database holds data. Nothing was written.
        AuthorizationError: The client does not own the database. Nothing was written.
        RestoreError: It failed later; says whether the database is as it was.

    Example:
        >>> await import_archive("backup", client)  # doctest: +SKIP
    """
    checked_archive = await checked(archive, progress)
    if not await is_owner(client):
        raise AuthorizationError(f"{place(client)}: only its owner can import, and this client is not")
    snapshot = await take_snapshot(client)
    _check_target(client, checked_archive, snapshot, replace)
    with temporary_folder() as folder:
        saved = await write_snapshot(client, snapshot, folder / "saved", "jsonl", None, (progress, "save", "save"))
        written: dict[str, int] = {}
        try:
            await fill(
                client, checked_archive, saved, written, Reporter(progress, "import"), Reporter(progress, "verify")
            )
        except (Exception, asyncio.CancelledError) as error:
            undo = Reporter(progress, "undo")
            failure = await _whatever_happens(fill(client, saved, saved, {}, undo, undo))
            if failure is not None:
                kept = keep(saved.folder)
                raise RestoreError(place(client), _text(error), False, written, kept) from error
            if isinstance(error, PersistenceError):
                raise RestoreError(place(client), _text(error), True, {}) from error
            raise
    return checked_archive


def _check_target(client: InnerUniverseClient, archive: Archive, snapshot: Snapshot, replace: bool) -> None:
    if archive.schema_version > snapshot.schema_version:
        reason = (
            f"it is of schema version {archive.schema_version}, {place(client)} has {snapshot.schema_version}; "
            "deploy the newer module first"
        )
        raise BackupError(str(archive.folder), reason)
    if replace:
        return
    counts = {name: len(snapshot.tables[name]) for name in DATA_TABLES}
    counts["event_log"] = sum(row["event_type"] not in _OWN_EVENTS for row in snapshot.tables["event_log"])
    there = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    if there:
        raise BackupError(place(client), f"it is not empty ({there}); say replace=True to give up what is in it")


async def _whatever_happens(work: Coroutine[Any, Any, None]) -> BaseException | None:
    """Do something to its end, also while this task is cancelled again, and return how it failed."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            continue
    return task.exception() if not task.cancelled() else asyncio.CancelledError()


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__
