"""Definitions of form 10, which bindings from 2.0 on emit: a list of sections, and names that are converted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .build import add_once, build_table, named_types
from .cursor import Cursor
from .definition import ColumnDef, ModuleDef, TableDef
from .errors import DefinitionError
from .functions import ProcedureDef, ReducerDef, ViewDef
from .naming import pascal_case, snake_case
from .sections import Sections
from .types import Element, Product
from .typespace import Typespace
from .validate import check_definition


def read(cursor: Cursor) -> Callable[[], ModuleDef]:
    """Read a definition of form 10, without the tag in front.

    Returns:
        What puts the definition together; nothing of it was checked so far.
    """
    sections = Sections(cursor)
    sections.read()
    return lambda: _Builder(sections.found, sections.converts).build()


class _Builder:
    """Settles the names and puts the definition together."""

    def __init__(self, found: dict[str, Any], converts: bool) -> None:
        self.found = found
        self.converts = converts
        self.typespace = Typespace(found["typespace"], converts)
        self.explicit: list[dict[str, str]] = [{}, {}, {}, {}]
        for tag, source, canonical in found["names"]:
            self.explicit[tag][source] = canonical

    def name(self, source: str, kind: int | None = None) -> str:
        """Return the name that counts: kind 0 is a table, 1 a function, None a column or parameter."""
        if kind is not None and source in self.explicit[kind]:
            return self.explicit[kind][source]
        return snake_case(source) if self.converts else source

    def params(self, params: Product) -> Product:
        resolved = self.typespace.resolve_product(params)
        return Product(tuple(Element(e.name and self.name(e.name), e.type) for e in resolved.elements))

    def build(self) -> ModuleDef:
        schedules = self._schedules()
        tables: dict[str, TableDef] = {}
        for raw in self.found["tables"]:
            table = self._table(raw, schedules.pop(self.name(raw["name"], 0), None))
            add_once(tables, table.name, "table", table)
        for name in schedules:
            raise DefinitionError(f"there is a schedule for table {name!r}, which the module does not have")
        scheduled = {table.schedule.function for table in tables.values() if table.schedule}
        reducers = self._reducers(scheduled)
        procedures: dict[str, ProcedureDef] = {}
        for i, raw in enumerate(self.found["procedures"]):
            name, private = self.name(raw["name"], 1), raw["private"]
            params, returns = self.params(raw["params"]), self.typespace.resolve(raw["returns"])
            procedure = ProcedureDef(i, name, raw["name"], params, private or name in scheduled, returns)
            add_once(procedures, name, "procedure", procedure)
        types = [
            one._replace(parts=tuple(pascal_case(part) for part in one.parts)) if self.converts else one
            for one in self.found["types"]
        ]
        definition = ModuleDef(
            version=10,
            tables=tables,
            reducers=reducers,
            procedures=procedures,
            views=self._views(tables),
            types=named_types(self.typespace, types),
            row_level_security=tuple(self.found["filters"]),
        )
        check_definition(definition)
        return definition

    def _schedules(self) -> dict[str, tuple[str | None, str, int]]:
        schedules: dict[str, tuple[str | None, str, int]] = {}
        for name, table, column, function in self.found["schedules"]:
            add_once(schedules, self.name(table, 0), "the schedule of table", (name, self.name(function, 1), column))
        return schedules

    def _reducers(self, scheduled: set[str]) -> dict[str, ReducerDef]:
        hooks: dict[str, str] = {}
        for function, hook in self.found["lifecycles"]:
            add_once(hooks, self.name(function, 1), "the hook of reducer", hook)
        reducers: dict[str, ReducerDef] = {}
        for i, raw in enumerate(self.found["reducers"]):
            name = self.name(raw["name"], 1)
            hook = hooks.pop(name, None)
            # Servers call these themselves, whatever the module says of their visibility.
            private = raw["private"] or hook is not None or name in scheduled
            reducer = ReducerDef(i, name, raw["name"], self.params(raw["params"]), private, hook)
            add_once(reducers, name, "reducer", reducer)
        for name, hook in hooks.items():
            raise DefinitionError(f"the hook {hook} is {name!r}, which the module does not have")
        return reducers

    def _table(self, raw: dict[str, Any], schedule: tuple[str | None, str, int] | None) -> TableDef:
        name = self.name(raw["name"], 0)
        row = self.typespace.row_type(raw["row"], name)
        sources = self.typespace.source_names(raw["row"])
        columns = tuple(
            ColumnDef(i, self.name(source), source, element.type)
            for i, (source, element) in enumerate(zip(sources, row.elements))
        )
        defaults = dict(raw["defaults"])
        if len(defaults) != len(raw["defaults"]):
            raise DefinitionError(f"a column of table {name!r} has more than one default")
        return build_table(raw, name, columns, schedule=schedule, defaults=defaults, index_names=self.explicit[2])

    def _views(self, tables: dict[str, TableDef]) -> dict[str, ViewDef]:
        keys: dict[str, tuple[str, ...]] = {}
        for source, columns in self.found["view_keys"]:
            add_once(keys, source, "the primary key of view", columns)
        table_keys: dict[int, set[str]] = {}
        for raw in self.found["tables"]:
            table = tables[self.name(raw["name"], 0)]
            if table.primary_key is not None:
                table_keys.setdefault(raw["row"], set()).add(table.columns[table.primary_key].name)
        views: dict[str, ViewDef] = {}
        for raw in self.found["views"]:
            name = self.name(raw["name"], 1)
            index, is_query = self.typespace.view_row(raw["returns"], name)
            self.typespace.row_type(index, name)
            key = keys.pop(raw["name"], ())
            if len(key) > 1 or any(column not in self.typespace.source_names(index) for column in key):
                raise DefinitionError(f"the primary key of view {name!r} is not one of its columns: {', '.join(key)}")
            key = tuple(self.name(column) for column in key)
            if is_query and not key and len(table_keys.get(index, ())) == 1:
                key = tuple(table_keys[index])  # a query returns rows of a table, with the table's key
            view = ViewDef(
                name,
                raw["name"],
                raw["index"],
                raw["is_public"],
                raw["is_anonymous"],
                self.params(raw["params"]),
                self.typespace.resolve(raw["returns"]),
                key,
            )
            add_once(views, name, "view", view)
        for name in keys:
            raise DefinitionError(f"there is a primary key for view {name!r}, which the module does not have")
        return views
