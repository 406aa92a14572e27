"""A definition as its module wrote it, with references between types kept, but with all names settled."""

from __future__ import annotations

from typing import Any

from .cursor import Cursor
from .definition import ModuleDef, decode_definition
from .definition_v9 import Parts, read_parts
from .naming import camel_case, pascal_case, snake_case
from .raw import LIFECYCLES, RawConstraint, RawIndex, RawSequence
from .sections import Sections
from .types import AlgebraicType, Array, Element, Product, Sum, SumVariant, special

_FORM_9 = 1


class Settled:
    """A definition in the parts of form 9, whatever form the module wrote, sorted by name as servers print it.

    Args:
        data: BSATN of the definition, with the tag of its form in front.

    Raises:
        DecodeError: The bytes are no definition.
        DefinitionError: The definition contradicts itself.
    """

    def __init__(self, data: bytes) -> None:
        self.definition: ModuleDef = decode_definition(data)
        """What the parts come to."""

        cursor = Cursor(data)
        parts = read_parts(cursor) if cursor.tag(3, "module definition") == _FORM_9 else self._of_sections(cursor)
        self.parts = parts._replace(
            tables=sorted(map(self._table, parts.tables), key=lambda table: str(table["name"])),
            types=sorted(parts.types, key=lambda one: one.parts),
            exports=sorted(parts.exports, key=lambda one: (one[0], one[1])),
        )
        """The parts."""

    def _table(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Give the parts of a table the names that the definition has settled."""
        table = self.definition.table(raw["name"])
        indexes = [
            RawIndex(one.name, one.columns, one.algorithm, given.accessor)
            for one, given in zip(table.indexes, raw["indexes"])
        ]
        return {
            **raw,
            "name": table.name,
            "indexes": sorted(indexes),
            "constraints": sorted(RawConstraint(*one) for one in table.constraints),
            "sequences": [RawSequence(*one) for one in table.sequences],
            "schedule": table.schedule,
        }

    def _of_sections(self, cursor: Cursor) -> Parts:
        sections = Sections(cursor)
        sections.read()
        found, definition = sections.found, self.definition
        types = [_converted(type_) if sections.converts else type_ for type_ in found["typespace"]]
        named = [one._replace(parts=tuple(map(pascal_case, one.parts))) for one in found["types"]]
        exports: list[tuple[int, str, tuple[Any, ...]]] = [
            (0, table.name, default)
            for table in definition.tables.values()
            for default in sorted(table.defaults.items())
        ]
        for raw, procedure in zip(found["procedures"], definition.procedures.values()):
            exports.append((1, procedure.name, (_renamed(raw["params"], procedure.params), raw["returns"])))
        for raw, view in zip(found["views"], definition.views.values()):
            kind = (view.index, view.is_public, view.is_anonymous)
            exports.append((2, view.name, (*kind, _renamed(raw["params"], view.params), raw["returns"])))
        return Parts(
            types,
            found["tables"],
            [
                (
                    reducer.name,
                    _renamed(raw["params"], reducer.params),
                    None if reducer.lifecycle is None else LIFECYCLES.index(reducer.lifecycle),
                )
                for raw, reducer in zip(found["reducers"], definition.reducers.values())
            ],
            named if sections.converts else found["types"],
            exports,
            definition.row_level_security,
        )


def _renamed(params: Product, settled: Product) -> Product:
    """Return parameters with the names that were settled, and their own types, which may be references."""
    return Product(tuple(Element(after.name, before.type) for before, after in zip(params.elements, settled.elements)))


def _converted(type_: AlgebraicType) -> AlgebraicType:
    """Return a type of the typespace with the names of its fields and variants converted."""
    if type(type_) is Array:
        return Array(_converted(type_.element))
    if special(type_) is not None:
        return type_  # neither its own names nor those of nameless types in it are the module's
    if type(type_) is Product:
        return Product(tuple(Element(name and snake_case(name), _converted(inner)) for name, inner in type_.elements))
    if type(type_) is Sum:
        return Sum(tuple(SumVariant(name and camel_case(name), _converted(inner)) for name, inner in type_.variants))
    return type_
