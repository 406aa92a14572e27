"""From one database to another."""

from __future__ import annotations

from ..inner_universe import InnerUniverseClient
from .exporting import Transform, export_database
from .folders import temporary_folder
from .importing import import_archive
from .manifest import Archive
from .progress import ProgressCallback


async def copy_database(
    source: InnerUniverseClient,
    target: InnerUniverseClient,
    *,
    transform: Transform | None = None,
    replace: bool = False,
    progress: ProgressCallback | None = None,
) -> Archive:
    """Make a database hold what another one holds, over a temporary archive: all that is said of export and import holds.

    Args:
        source: A connected client of the database to copy.
        target: A connected client of the owner of the database to fill.
        transform: Takes the name of a table and each of its rows as users see rows; returns the row to write in its place, None for none.
        replace: Whether data that is there is given up for it.
        progress: Hears how far it is.

    Returns:
        What was copied; its folder is gone.

    Raises:
        BackupError: The target holds data, or rows were made that cannot be written.
        AuthorizationError: The target's client does not own its database.
        RestoreError: See `import_archive`.

    Example:
        >>> def upper(table, row):
        ...     return row | {"entity_type": row["entity_type"].upper()} if table == "entity" else row
        >>> await copy_database(source, target, transform=upper)  # doctest: +SKIP
    """
    with temporary_folder() as folder:
        archive = await export_database(source, folder / "copy", transform=transform, progress=progress)
        return await import_archive(archive, target, replace=replace, progress=progress)
