"""The types of a module, to which its definition refers by number."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import DefinitionError
from .naming import camel_case, snake_case
from .types import MAX_DEPTH, MAX_PARTS, AlgebraicType, Array, Element, Product, Ref, Sum, SumVariant, special


class RecursiveType(DefinitionError):
    """A type contains itself: it may be declared, but no table or function can use it."""


class Typespace:
    """Replaces references by what they refer to.

    Args:
        types: The types in order; they may refer to each other.
        converts: Whether the names of fields and variants in these types are converted, as 2.x modules want it.
    """

    def __init__(self, types: Sequence[AlgebraicType], converts: bool = False) -> None:
        self.types = tuple(types)
        self.converts = converts
        self._resolved: dict[int, AlgebraicType] = {}
        self._open: set[int] = set()

    def resolve(self, type_: AlgebraicType) -> AlgebraicType:
        """Return the type with every reference replaced; names are converted behind references only, as servers do.

        Raises:
            DefinitionError: A reference leads nowhere, or a type contains itself or is absurdly deep or large.
        """
        return self._resolve(type_, False, 0)

    def resolve_product(self, type_: Product) -> Product:
        """Return a product with every reference in it replaced."""
        resolved = self.resolve(type_)
        assert type(resolved) is Product
        return resolved

    def row_type(self, index: int, table: str) -> Product:
        """Return the row type of a table or view.

        Raises:
            DefinitionError: The type is no product, or one of its columns has no name.
        """
        row = self.resolve(Ref(index))
        if type(row) is not Product or any(element.name is None for element in row.elements):
            raise DefinitionError(f"the rows of table {table!r} are no product of named columns")
        return row

    def source_names(self, index: int) -> list[str]:
        """Return the names of a row's columns as they stand in the source."""
        row = self.types[index]
        while type(row) is Ref:
            row = self.types[row.index]
        assert type(row) is Product
        return [element.name or "" for element in row.elements]

    def view_row(self, returns: AlgebraicType, view: str) -> tuple[int, bool]:
        """Tell what rows a view returns.

        Returns:
            The number of their type, and whether the view is a query.

        Raises:
            DefinitionError: The type is none that a view can return.
        """
        if type(returns) is Array and type(returns.element) is Ref:
            return returns.element.index, False
        if type(returns) is Sum and special(returns) == "option" and type(returns.variants[0].type) is Ref:
            return returns.variants[0].type.index, False
        if type(returns) is Product and len(returns.elements) == 1 and returns.elements[0].name == "__query__":
            (query,) = returns.elements
            if type(query.type) is Ref:
                return query.type.index, True
        raise DefinitionError(f"view {view!r} returns neither an array nor an option of rows nor a query: {returns}")

    def _resolve(self, type_: AlgebraicType, converts: bool, level: int) -> AlgebraicType:
        if level > MAX_DEPTH:
            raise DefinitionError(f"a type nests deeper than {MAX_DEPTH} levels")
        found = type_
        if not (type_.has_refs or converts):
            pass
        elif type(type_) is Ref:
            found = self._at(type_.index, level + 1)
        elif type(type_) is Array:
            found = Array(self._resolve(type_.element, converts, level + 1))
        elif type(type_) is Product:
            converts = converts and special(type_) is None
            found = Product(
                tuple(
                    Element(snake_case(name) if converts and name else name, self._resolve(inner, converts, level + 1))
                    for name, inner in type_.elements
                )
            )
        elif type(type_) is Sum:
            converts = converts and special(type_) is None
            found = Sum(
                tuple(
                    SumVariant(
                        camel_case(name) if converts and name else name, self._resolve(inner, converts, level + 1)
                    )
                    for name, inner in type_.variants
                )
            )
        if found.depth > MAX_DEPTH:
            raise DefinitionError(f"a type nests deeper than {MAX_DEPTH} levels")
        if found.parts > MAX_PARTS:
            raise DefinitionError(f"a type consists of {found.parts} parts, {MAX_PARTS} are the most")
        return found

    def _at(self, index: int, level: int) -> AlgebraicType:
        if index >= len(self.types):
            raise DefinitionError(f"type reference {index} is outside of the typespace of {len(self.types)} types")
        found = self._resolved.get(index)
        if found is None:
            if index in self._open:
                raise RecursiveType(f"type {index} contains itself; a table or reducer cannot use a recursive type")
            self._open.add(index)
            try:
                found = self._resolved[index] = self._resolve(self.types[index], self.converts, level)
            finally:
                self._open.discard(index)
        return found
