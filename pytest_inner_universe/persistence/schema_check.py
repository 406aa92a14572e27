"""Whether a database has what a client of this version needs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .errors import SchemaVersionError
from .schema import SCHEMA_VERSION, TABLES

if TYPE_CHECKING:
    from ..sats import ModuleDef

_LOGGER = logging.getLogger("inner_universe")


def differences(definition: ModuleDef) -> list[str]:
    """Return what a module lacks of the tables that clients read, or has in another form.

    A newer version may have more: further tables, and further columns behind those that are known.

    Args:
        definition: What the module declares.
    """
    found = []
    for name, table in TABLES.items():
        declared = definition.tables.get(name)
        if declared is None:
            found.append(f"there is no table {name}")
            continue
        columns = {column.name: column.type for column in declared.columns}
        for column in table.row.elements:
            if column.name not in columns:
                found.append(f"table {name} has no column {column.name}")
            elif columns[column.name] != column.type:
                found.append(f"column {column.name} of table {name} has another type")
    return found


def check_schema(database: str, definition: ModuleDef | None, version: int | None) -> None:
    """Refuse a database that is older than this client, or lacks what it needs; warn of one that is newer.

    Args:
        database: Its name.
        definition: What its module declares, if known.
        version: Its schema version; None if it tells none.

    Raises:
        SchemaVersionError: This client cannot work with it.
    """
    missing = [] if definition is None else differences(definition)
    if missing or version is None or version < SCHEMA_VERSION:
        raise SchemaVersionError(database, version, SCHEMA_VERSION, missing)
    if version > SCHEMA_VERSION:
        _LOGGER.warning(
            "database %r has schema version %d, this client knows %d: what is newer is not seen",
            database,
            version,
            SCHEMA_VERSION,
        )
