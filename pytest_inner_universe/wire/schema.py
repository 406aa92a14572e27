"""What the first protocol wants to know about a module, and the later ones do not: numbers of tables and types of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..sats.layout import fixed_width
from .v1_answers import NO_REDUCER

if TYPE_CHECKING:
    from ..sats.definition import ModuleDef, TableDef
    from ..sats.functions import ProcedureDef, ReducerDef
    from ..sats.types import Product

FIRST_TABLE_ID = 4096
"""The number that servers give to the first table of a module."""


class Schema:
    """A module as the first protocol sees it.

    Args:
        definition: What the module declares.
        table_id: Returns the number of a table. Clients make no use of these numbers, so by default tables and views are
            counted in the module's order.
        system_tables: Tables that the server adds, by name.
    """

    def __init__(
        self,
        definition: ModuleDef,
        table_id: Callable[[str], int] | None = None,
        system_tables: Mapping[str, TableDef] | None = None,
    ) -> None:
        self.definition = definition
        self._system_tables = system_tables or {}
        names = [*definition.tables, *definition.views]
        self._numbers = {name: number for number, name in enumerate(names, FIRST_TABLE_ID)}
        self.table_id = table_id or (lambda name: self._numbers.get(name, 0))
        """Returns the number of a table."""

    @property
    def hides_callers(self) -> bool:
        """Whether clients are not told who called what: servers tell it of modules with the older definition only."""
        return self.definition.version >= 10

    def name_of(self, table: str) -> str:
        """Return the name of a table or view as clients see it; an unknown one is returned as it is."""
        found = self._table(table)
        if found is not None:
            return found.name
        for view in self.definition.views.values():
            if table == view.source_name:
                return view.name
        return table

    def row_type(self, table: str) -> Product:
        """Return the type of the rows of a table or view.

        Raises:
            KeyError: There is none of this name.
        """
        found = self._table(table)
        if found is not None:
            return found.row_type
        return self.definition.views[table].row_type

    def has_fixed_rows(self, table: str) -> bool:
        """Return whether all rows of a table or view have the same size, whatever is in them."""
        return fixed_width(self.row_type(table)) is not None

    def is_view(self, table: str) -> bool:
        """Return whether a name is that of a view."""
        return table in self.definition.views

    def is_event(self, table: str) -> bool:
        """Return whether the rows of a table last no longer than a transaction."""
        found = self._table(table)
        return found is not None and found.is_event

    def reducer(self, name: str) -> ReducerDef | None:
        """Return a reducer, or None."""
        return self.definition.reducers.get(name)

    def reducer_id(self, name: str) -> int:
        """Return the number of a reducer."""
        found = self.reducer(name)
        return NO_REDUCER if found is None else found.id

    def procedure(self, name: str) -> ProcedureDef | None:
        """Return a procedure, or None."""
        return self.definition.procedures.get(name)

    def _table(self, name: str) -> TableDef | None:
        try:
            return self.definition.table(name)
        except KeyError:
            return self._system_tables.get(name)
