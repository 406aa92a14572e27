"""What goes into an archive: which tables, and which of their columns."""

from __future__ import annotations

from dataclasses import dataclass

from ...sats import Product
from ..schema import (
    ADMIN,
    CONFIG,
    DELTA_RECORD,
    ENTITY,
    EVENT_LOG,
    METRIC,
    PERMISSION,
    RELATION,
    STATE_SNAPSHOT,
    STATE_VERSION,
    TableSchema,
)


@dataclass(frozen=True)
class ArchiveTable:
    """A table of an archive.

    Args:
        schema: The table of the database.
        reducer: What imports its rows; None where grants are made anew.
        is_ordered_by_time: Whether its rows are ordered by time first; otherwise by primary key alone.
        left_out: Columns that no import could bring back.
        grows_only: Whether its rows neither change nor go, as long as the database is not emptied.
    """

    schema: TableSchema
    reducer: str | None
    is_ordered_by_time: bool = True
    left_out: tuple[str, ...] = ()
    grows_only: bool = False

    @property
    def name(self) -> str:
        """Name of the table."""
        return self.schema.name

    @property
    def row(self) -> Product:
        """The columns that are kept."""
        return Product(tuple(column for column in self.schema.row.elements if column.name not in self.left_out))


_GRANTED = ("granted_by", "granted_at")

DATA_TABLES = {
    table.name: table
    for table in (
        ArchiveTable(ENTITY, "import_entities"),
        ArchiveTable(RELATION, "import_relations"),
        ArchiveTable(STATE_VERSION, "import_state_versions", grows_only=True),
        ArchiveTable(DELTA_RECORD, "import_deltas", grows_only=True),
        ArchiveTable(STATE_SNAPSHOT, "import_snapshots", grows_only=True),
        ArchiveTable(EVENT_LOG, "import_events", grows_only=True),
        ArchiveTable(METRIC, "import_metrics", grows_only=True),
    )
}
"""What every client may read."""

OWNER_TABLES = {
    table.name: table
    for table in (
        ArchiveTable(CONFIG, "import_configuration"),
        ArchiveTable(ADMIN, None, is_ordered_by_time=False, left_out=_GRANTED),
        ArchiveTable(PERMISSION, None, is_ordered_by_time=False, left_out=_GRANTED),
    )
}
"""What only the owner may read."""

ARCHIVE_TABLES = {**DATA_TABLES, **OWNER_TABLES}
"""All of them, in the order in which they are imported."""
