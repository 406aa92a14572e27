"""The functions that a module declares: reducers, procedures and views."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .bsatn import Codec, codec
from .errors import ArgumentError, EncodeError
from .types import UNIT, AlgebraicType, Array, Product, Sum


@dataclass(frozen=True)
class _Function:
    """What reducers and procedures share."""

    id: int
    name: str
    source_name: str
    params: Product
    is_private: bool = False

    @cached_property
    def signature(self) -> str:
        """The declaration as text, ``add_person(name: String, team: U32)``."""
        return f"{self.name}{self.params}" if self.params.elements else f"{self.name}()"

    @cached_property
    def params_codec(self) -> Codec:
        """The codec of the arguments."""
        return codec(self.params)

    def encode_args(self, *args: Any, **kwargs: Any) -> bytes:
        """Write arguments, by position, by name, or both.

        Raises:
            ArgumentError: Count, names or types do not fit; the text shows the signature.

        Example:
            >>> from pytest_inner_universe.sats import STRING, U8, ReducerDef, product
            >>> add = ReducerDef(0, "add_person", "add_person", product(name=STRING, age=U8))
            >>> add.encode_args("Ada", age=36).hex()
            '0300000041646124'
        """
        elements = self.params.elements
        values = list(args)
        if kwargs or len(args) != len(elements):
            values = self._bind(args, kwargs)
        try:
            return self.params_codec.encode(values)
        except EncodeError as error:
            path, reason = error.path, error.reason
            raise ArgumentError(self.name, self.signature, f"{path}: {reason}" if path else reason) from None

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        names = [element.name or str(i) for i, element in enumerate(self.params.elements)]
        if len(args) > len(names):
            given = len(args) + len(kwargs)
            raise ArgumentError(self.name, self.signature, f"takes {_count(len(names))}, got {given}")
        bound = dict(zip(names, args))
        for name, value in kwargs.items():
            if name not in names:
                raise ArgumentError(self.name, self.signature, f"has no argument {name!r}")
            if name in bound:
                raise ArgumentError(self.name, self.signature, f"got argument {name!r} twice")
            bound[name] = value
        missing = [name for name in names if name not in bound]
        if missing:
            text = ", ".join(repr(name) for name in missing)
            raise ArgumentError(
                self.name, self.signature, f"takes {_count(len(names))}, got {len(bound)}: missing {text}"
            )
        return [bound[name] for name in names]

    def decode_args(self, data: bytes) -> dict[str, Any]:
        """Read arguments into a dict by parameter name.

        Raises:
            DecodeError: The bytes are not the arguments of this function.
        """
        values = self.params_codec.decode(data)
        if isinstance(values, dict):
            return values
        return {element.name or str(i): value for i, (element, value) in enumerate(zip(self.params.elements, values))}


def _count(number: int) -> str:
    return "1 argument" if number == 1 else f"{number} arguments" if number else "no arguments"


@dataclass(frozen=True)
class ReducerDef(_Function):
    """One reducer; ``id`` is its place in the module's list, ``lifecycle`` the hook that it serves."""

    lifecycle: str | None = None


@dataclass(frozen=True)
class ProcedureDef(_Function):
    """One procedure of a 2.x module."""

    return_type: AlgebraicType = UNIT


@dataclass(frozen=True)
class ViewDef:
    """One view of a 2.x module; ``index`` is its number among the views of its kind."""

    name: str
    source_name: str
    index: int
    is_public: bool
    is_anonymous: bool
    params: Product
    return_type: AlgebraicType
    primary_key: tuple[str, ...] = ()

    @cached_property
    def row_type(self) -> Product:
        """The type of its rows: it returns an array or an option of them, or a query."""
        returned = self.return_type
        if isinstance(returned, Array):
            returned = returned.element
        elif isinstance(returned, Sum):
            returned = returned.variants[0].type
        elif isinstance(returned, Product) and [element.name for element in returned.elements] == ["__query__"]:
            returned = returned.elements[0].type
        assert isinstance(returned, Product), "definitions with views that return no rows are refused"
        return returned
