"""Python values of the types that have a meaning of their own, and of sums."""

from __future__ import annotations

from typing import Any

from .identity import ConnectionId, Identity
from .moments import TimeDuration, Timestamp


class _Tagged:
    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    @property
    def value(self) -> Any:
        """What is inside."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and bool(other._value == self._value)

    def __hash__(self) -> int:
        return hash((type(self), self._value))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._value!r})"


class Some(_Tagged):
    """A present value of an option whose inner value may itself be None."""

    __slots__ = ()


class Ok(_Tagged):
    """The good outcome of a result."""

    __slots__ = ()


class Err(_Tagged):
    """The bad outcome of a result."""

    __slots__ = ()


class Variant:
    """A value of a sum: the name of the alternative and its payload.

    Args:
        name: Name of the variant.
        value: Its payload; the empty tuple when it has none.

    Example:
        >>> Variant("Circle", 2.5)
        Variant('Circle', 2.5)
        >>> Variant("Empty")
        Variant('Empty')
    """

    __slots__ = ("_name", "_value")
    __match_args__ = ("name", "value")

    def __init__(self, name: str, value: Any = ()) -> None:
        self._name = name
        self._value = value

    @property
    def name(self) -> str:
        """Name of the variant."""
        return self._name

    @property
    def value(self) -> Any:
        """Its payload; the empty tuple when it has none."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return type(other) is Variant and other._name == self._name and bool(other._value == self._value)

    def __hash__(self) -> int:
        return hash((self._name, self._value))

    def __repr__(self) -> str:
        return f"Variant({self._name!r})" if self._value == () else f"Variant({self._name!r}, {self._value!r})"

    def __str__(self) -> str:
        return self._name if self._value == () else f"{self._name}({self._value})"


__all__ = ["ConnectionId", "Err", "Identity", "Ok", "Some", "TimeDuration", "Timestamp", "Variant"]
