"""The sections of which definitions of form 10 consist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .cursor import Cursor
from .errors import DecodeError, DefinitionError
from .meta import read_product, read_type
from .raw import LIFECYCLES, read_named_types, read_table_body
from .types import STRING, UNIT, AlgebraicType

_SECTIONS = (
    "typespace types tables reducers procedures views schedules lifecycles filters policy names http_handlers http_routes"
    " view_keys submodules environment outboxes"
).split()
_UNSUPPORTED = {"submodules": "submodules", "environment": "environment values", "outboxes": "outboxes"}


class Sections:
    """Reads the sections, in whatever order they come.

    After `read`, ``found`` has a list for each section and ``converts`` tells whether names are converted.
    """

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.found: dict[str, Any] = {name: [] for name in _SECTIONS}
        self.seen: set[str] = set()
        self.converts = True

    def read(self) -> None:
        """Read all of them.

        Raises:
            DecodeError: The bytes are no sections.
            DefinitionError: A section stands for something that is not supported.
        """
        self.cursor.array(self._section, "sections")

    def _section(self) -> None:
        cursor = self.cursor
        tag = cursor.unsigned(1, "tag of section")
        if tag >= len(_SECTIONS):
            raise DecodeError(
                f"unknown section {tag} of the module definition, {len(_SECTIONS)} are known", cursor.offset - 1
            )
        name = _SECTIONS[tag]
        if name in self.seen:
            raise DecodeError(f"the section {name!r} of the module definition stands twice", cursor.offset - 1)
        self.seen.add(name)
        if name in _UNSUPPORTED:
            raise DefinitionError(f"the module uses {_UNSUPPORTED[name]}, which this engine does not support")
        if name == "policy":
            self.converts = cursor.tag(2, "case conversion policy") == 1
            return
        if name == "types":
            self.found[name] = read_named_types(cursor)
            return
        one: Callable[[], Any] = getattr(self, f"_{name}")
        self.found[name] = cursor.array(one, name)

    def _typespace(self) -> AlgebraicType:
        return read_type(self.cursor)

    def _tables(self) -> dict[str, Any]:
        cursor = self.cursor
        return {
            "name": cursor.string("table name"),
            **read_table_body(cursor),
            "is_system": cursor.tag(2, "table type") == 0,
            "is_public": cursor.tag(2, "table access") == 0,
            "defaults": cursor.array(lambda: (cursor.unsigned(2, "column"), cursor.blob())),
            "is_event": cursor.boolean("event flag"),
        }

    def _reducers(self) -> dict[str, Any]:
        cursor = self.cursor
        name, params, private = cursor.string("reducer name"), read_product(cursor), cursor.tag(2, "visibility") == 0
        outcome = (read_type(cursor), read_type(cursor))
        if outcome != (UNIT, STRING):
            raise DefinitionError(f"reducer {name!r} returns {outcome[0]} or {outcome[1]} instead of () or String")
        return {"name": name, "params": params, "private": private}

    def _procedures(self) -> dict[str, Any]:
        cursor = self.cursor
        return {
            "name": cursor.string("procedure name"),
            "params": read_product(cursor),
            "returns": read_type(cursor),
            "private": cursor.tag(2, "visibility") == 0,
        }

    def _views(self) -> dict[str, Any]:
        cursor = self.cursor
        return {
            "name": cursor.string("view name"),
            "index": cursor.unsigned(4),
            "is_public": cursor.boolean(),
            "is_anonymous": cursor.boolean(),
            "params": read_product(cursor),
            "returns": read_type(cursor),
        }

    def _schedules(self) -> tuple[str | None, str, int, str]:
        cursor = self.cursor
        return cursor.option(cursor.string), cursor.string(), cursor.unsigned(2, "column"), cursor.string()

    def _lifecycles(self) -> tuple[str, str]:
        hook = LIFECYCLES[self.cursor.tag(3, "lifecycle")]
        return self.cursor.string(), hook

    def _filters(self) -> str:
        return self.cursor.string("row level security")

    def _names(self) -> tuple[int, str, str]:
        tag = self.cursor.tag(4, "explicit name")
        return tag, self.cursor.string(), self.cursor.string()

    def _http_handlers(self) -> str:
        return self.cursor.string("handler name")

    def _http_routes(self) -> None:
        cursor = self.cursor
        cursor.string("handler name")
        if cursor.tag(2, "method") == 1 and cursor.tag(10, "method") == 9:
            cursor.string("method")
        cursor.string("path")

    def _view_keys(self) -> tuple[str, tuple[str, ...]]:
        return self.cursor.string("view name"), tuple(self.cursor.array(self.cursor.string))
