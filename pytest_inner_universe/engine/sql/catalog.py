"""Finds the tables that a query names, for the one who asks."""

from __future__ import annotations

from ...sats.definition import TableDef, ViewDef
from .errors import SqlError, nearest
from .stored import Schema


class Catalog:
    """The tables of a database as one caller sees them.

    Args:
        schema: The datastore.
        is_owner: Whether the caller owns the database, and so sees private tables.
    """

    def __init__(self, schema: Schema, is_owner: bool) -> None:
        self.schema = schema
        self.is_owner = is_owner

    def table(self, name: str, position: int) -> TableDef:
        """Return the definition of a table, or of the table behind a view.

        Raises:
            SqlError: There is none, or the caller may not see it; a real server does not tell these apart.
        """
        release = self.schema.release
        if "." in name and not release.reads_dotted_names:
            raise SqlError(f"Multi-part names are not supported: {name}", position)
        try:
            definition = self.schema.table(name).definition
        except KeyError:
            hint = nearest(name, self._visible())
        else:
            if definition.is_public or self.is_owner:
                return definition
            hint = f"`{name}` is private: only the owner sees it."  # for a test's eyes; clients get the reason alone
        raise SqlError(release.no_such_table.format(name), position, hint=hint)

    def _visible(self) -> list[str]:
        definition = self.schema.definition
        found: list[TableDef | ViewDef] = [*definition.tables.values(), *definition.views.values()]
        return [table.name for table in found if table.is_public or self.is_owner]
