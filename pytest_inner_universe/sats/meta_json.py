"""Types as values in SATS-JSON: reading and writing algebraic types, and the options and sums that surround them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .errors import JsonError
from .meta import PRIMITIVE_NAMES
from .types import MAX_DEPTH, AlgebraicType, Array, Element, Primitive, Product, Ref, Sum, SumVariant

T = TypeVar("T")


def option_json(value: Any) -> Any:
    """Write a value that may be absent."""
    return {"none": []} if value is None else {"some": value}


def type_json(type_: AlgebraicType) -> Any:
    """Write a type."""
    if type(type_) is Primitive:
        return {type_.kind: []}
    if type(type_) is Ref:
        return {"Ref": type_.index}
    if type(type_) is Array:
        return {"Array": type_json(type_.element)}
    if type(type_) is Sum:
        return {"Sum": {"variants": [_part_json(part) for part in type_.variants]}}
    assert type(type_) is Product
    return {"Product": product_json(type_)}


def product_json(type_: Product) -> Any:
    """Write a product type that stands without a tag, as parameters do."""
    return {"elements": [_part_json(part) for part in type_.elements]}


def _part_json(part: Element | SumVariant) -> Any:
    return {"name": option_json(part.name), "algebraic_type": type_json(part.type)}


class Json:
    """A place in a JSON value.

    Every method raises `JsonError` with the path where the value has another form.

    Args:
        value: What is there.
        path: Where it is.
    """

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str = "") -> None:
        self.value = value
        self.path = path

    def field(self, name: str) -> Json:
        """Return a field of an object."""
        path = f"{self.path}.{name}" if self.path else name
        if not isinstance(self.value, dict):
            raise JsonError(f"expected an object, got {self.value!r:.40}", self.path)
        if name not in self.value:
            raise JsonError("the field is missing", path)
        return Json(self.value[name], path)

    def items(self, read: Callable[[Json], T]) -> list[T]:
        """Return what ``read`` gives for each element of an array."""
        if not isinstance(self.value, list):
            raise JsonError(f"expected an array, got {self.value!r:.40}", self.path)
        return [read(Json(value, f"{self.path}[{i}]")) for i, value in enumerate(self.value)]

    def variant(self) -> tuple[str, Json]:
        """Return the name and the payload of a sum."""
        if not isinstance(self.value, dict) or len(self.value) != 1:
            raise JsonError(f"expected an object with one field, got {self.value!r:.40}", self.path)
        ((name, value),) = self.value.items()
        return name, Json(value, f"{self.path}.{name}" if self.path else name)

    def one_of(self, names: tuple[str, ...]) -> tuple[int, Json]:
        """Return the position among these names and the payload of a sum."""
        name, payload = self.variant()
        if name not in names:
            raise JsonError(f"expected one of {', '.join(names)}, got {name!r:.40}", self.path)
        return names.index(name), payload

    def option(self, read: Callable[[Json], T]) -> T | None:
        """Return what ``read`` gives, or None where the value is absent."""
        tag, payload = self.one_of(("some", "none"))
        return read(payload) if tag == 0 else None

    def text(self) -> str:
        """Return a text."""
        if not isinstance(self.value, str):
            raise JsonError(f"expected a text, got {self.value!r:.40}", self.path)
        return self.value

    def number(self) -> int:
        """Return a whole number."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise JsonError(f"expected a whole number, got {self.value!r:.40}", self.path)
        return self.value

    def position(self) -> int:
        """Return a whole number that is not negative."""
        if self.number() < 0:
            raise JsonError(f"expected a number of 0 or more, got {self.value}", self.path)
        return self.number()

    def truth(self) -> bool:
        """Return a truth value."""
        if not isinstance(self.value, bool):
            raise JsonError(f"expected true or false, got {self.value!r:.40}", self.path)
        return self.value

    def blob(self) -> bytes:
        """Return bytes, which are a hexadecimal text."""
        try:
            return bytes.fromhex(self.text())
        except ValueError:
            raise JsonError(f"expected hexadecimal digits, got {self.value!r:.40}", self.path) from None

    def type(self, depth: int = 0) -> AlgebraicType:
        """Return a type."""
        kind, content = self.variant()
        if kind in PRIMITIVE_NAMES:
            return Primitive(kind)
        if depth == MAX_DEPTH:
            raise JsonError(f"type nests deeper than {MAX_DEPTH} levels", self.path)
        if kind == "Ref":
            return Ref(content.position())
        if kind == "Array":
            return Array(content.type(depth + 1))
        if kind == "Sum":
            return Sum(tuple(SumVariant(*part) for part in content.field("variants").items(lambda x: x._part(depth))))
        if kind == "Product":
            return content.product(depth)
        raise JsonError(f"unknown kind of type {kind!r:.40}", self.path)

    def product(self, depth: int = 0) -> Product:
        """Return a product type that stands without a tag."""
        return Product(tuple(Element(*part) for part in self.field("elements").items(lambda x: x._part(depth))))

    def _part(self, depth: int) -> tuple[str | None, AlgebraicType]:
        return self.field("name").option(Json.text), self.field("algebraic_type").type(depth + 1)
