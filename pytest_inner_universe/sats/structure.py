"""What all kinds of types share: they are immutable, and equal when they have the same structure.

The classes are written out because types are compared and looked up by hash all the time: each computes its hash once, and
knows how deep and how large it is, so that hostile definitions are refused before anything walks over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_set = object.__setattr__


class Structure:
    """Base of the kinds of types, each of which has one attribute of its own."""

    __slots__ = ("_hash", "depth", "has_refs", "parts")

    depth: int
    """Levels of types inside of this one."""
    parts: int
    """Number of types in it, itself included and references not followed."""
    has_refs: bool
    """Whether it contains a reference."""

    def describe(self, content: Any, inner: Sequence[Structure]) -> None:
        """Set the one attribute, and what follows from the types inside."""
        depth, parts, has_refs = -1, 1, False
        for type_ in inner:
            depth = max(depth, type_.depth)
            parts += type_.parts
            has_refs = has_refs or type_.has_refs
        _set(self, self.__slots__[0], content)
        _set(self, "depth", depth + 1)
        _set(self, "parts", parts)
        _set(self, "has_refs", has_refs)

    @property
    def _content(self) -> Any:
        return getattr(self, self.__slots__[0])

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(other) is not type(self):
            return NotImplemented
        return hash(self) == hash(other) and bool(self._content == other._content)

    def __hash__(self) -> int:
        try:
            return self._hash  # type: ignore[no-any-return, attr-defined]
        except AttributeError:
            _set(self, "_hash", hash((type(self), self._content)))
            return hash(self)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._content,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._content!r})"
