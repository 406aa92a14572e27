"""All that a client may read of a database, at one moment, and in the order of an archive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import AuthorizationError, BackupError
from ..inner_universe import InnerUniverseClient
from ..schema import EVENT_LOG, SYSTEM_INFO
from .progress import Reporter
from .rows import JsonRow, RowForm, line
from .store import RowStore
from .tables import ARCHIVE_TABLES, OWNER_TABLES, ArchiveTable

if TYPE_CHECKING:
    from ...client.subscription import FrozenRows

Change = Callable[[JsonRow], "JsonRow | None"]
"""Makes another row of a row of the wire; None leaves it out."""


@dataclass(frozen=True)
class Snapshot:
    """What a database held at one moment.

    Args:
        module_version: Version of its module.
        schema_version: Version of its tables.
        tables: Rows, by table.
        left_out: Tables that this client may not read.
    """

    module_version: str
    schema_version: int
    tables: dict[str, FrozenRows]
    left_out: tuple[str, ...]


async def take_snapshot(client: InnerUniverseClient) -> Snapshot:
    """Read all that archives have.

    Raises:
        BackupError: The database has no Inner Universe in it.
    """
    left_out = () if await is_owner(client) else tuple(OWNER_TABLES)
    wanted = [table.schema for table in ARCHIVE_TABLES.values() if table.name not in left_out]
    # What is read first is in memory while the rest arrives, and a message takes as much again: the largest table leads.
    wanted.sort(key=lambda schema: schema is not EVENT_LOG)
    found = await client.read_tables([*wanted, SYSTEM_INFO])
    info = next(iter(found.pop(SYSTEM_INFO.name)), None)
    if info is None:
        raise BackupError(place(client), "table system_info is empty; was the module initialised?")
    return Snapshot(info["module_version"], info["schema_version"], found, left_out)


async def is_owner(client: InnerUniverseClient) -> bool:
    """Tell whether a client owns its database, which an import of nothing shows."""
    try:
        await client.import_rows("import_events", [])
    except AuthorizationError:
        return False
    return True


def place(client: InnerUniverseClient) -> str:
    """Return what errors call a database."""
    return f"database {client.config.database!r}"


@asynccontextmanager
async def in_order(
    table: ArchiveTable, rows: FrozenRows, report: Reporter, change: Change | None = None
) -> AsyncIterator[tuple[int, Iterator[str]]]:
    """Bring the rows of a table into the order of an archive; gives their number and their lines.

    Args:
        table: The table.
        rows: Its rows.
        report: Hears how far it is.
        change: Makes other rows of them.

    Raises:
        BackupError: A row cannot be written, or two have the same primary key.
    """
    form = RowForm(table)

    def entry(row: JsonRow) -> tuple[tuple[int, str], str]:
        try:
            return form.place(row), line(form.packed(row))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"row {row.get(table.schema.primary_key)!r} cannot be written: {error}"
            raise BackupError(f"table {table.name}", reason) from error

    with RowStore() as store:
        for chunk in report.chunks(table.name, rows, len(rows)):
            changed: list[Any] = chunk if change is None else [new for row in chunk if (new := change(row)) is not None]
            try:
                store.add(map(entry, changed))
            except KeyError as error:
                raise BackupError(f"table {table.name}", f"two rows have the key {error.args[0]!r}") from None
            await asyncio.sleep(0)
        yield len(store), store.lines()
