"""Calls of reducers and procedures that did not succeed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .base import ClientError, nearest, shortened

if TYPE_CHECKING:
    from ...sats import ModuleDef


class CallError(ClientError):
    """A reducer call did not succeed; nothing was changed by it.

    Args:
        reducer: Name of the reducer.
        message: The text that came back.
    """

    def __init__(self, reducer: str, message: str) -> None:
        self.reducer = reducer
        self.message = message
        super().__init__(reducer, message)

    def __str__(self) -> str:
        return f"reducer {self.reducer!r}: {self.message}"


class ReducerFailed(CallError):
    """The reducer returned an error; the message is its own."""

    def __str__(self) -> str:
        return f"reducer {self.reducer!r} failed: {self.message}"


class ReducerCrashed(CallError):
    """The reducer panicked or ran too long, or the server would not run it at all; the message is the server's."""

    def __str__(self) -> str:
        return f"reducer {self.reducer!r} was not run to its end: {self.message}"


class UnknownReducer(CallError):
    """The module has no reducer of this name.

    Args:
        reducer: The name that was asked for.
        known: The names that there are.
        is_procedure: Whether the module has a procedure of this name.
    """

    def __init__(self, reducer: str, known: Iterable[str], is_procedure: bool = False) -> None:
        self.known = tuple(known)
        self.is_procedure = is_procedure
        remedy = f": it is a procedure, use call_procedure({reducer!r}, ...)"
        found = remedy if is_procedure else nearest(reducer, self.known)
        super().__init__(reducer, f"the module has no reducer {reducer!r}{found}")
        self.args = (reducer, self.known, is_procedure)

    @classmethod
    def of(cls, definition: ModuleDef, reducer: str) -> UnknownReducer:
        """Return the error for a name that a module's definition does not have."""
        return cls(reducer, _callable(definition), reducer in definition.procedures)

    def __str__(self) -> str:
        return self.message


class ProcedureError(ClientError):
    """A call of a procedure gave no value; what the procedure had committed before stays.

    Args:
        procedure: Name of the procedure.
        message: The text that came back.
    """

    def __init__(self, procedure: str, message: str) -> None:
        self.procedure = procedure
        self.message = message
        super().__init__(procedure, message)


class ProcedureCrashed(ProcedureError):
    """The procedure panicked or ran too long, or the server would not run it at all; the message is the server's."""

    def __str__(self) -> str:
        return f"procedure {self.procedure!r} was not run to its end: {shortened(self.message)}"


class UnknownProcedure(ProcedureError):
    """The module has no procedure of this name.

    Args:
        procedure: The name that was asked for.
        known: The names that there are.
        is_reducer: Whether the module has a reducer of this name.
    """

    def __init__(self, procedure: str, known: Iterable[str], is_reducer: bool = False) -> None:
        self.known = tuple(known)
        self.is_reducer = is_reducer
        remedy = f": it is a reducer, use call({procedure!r}, ...)"
        found = remedy if is_reducer else nearest(procedure, self.known)
        super().__init__(procedure, f"the module has no procedure {procedure!r}{found}")
        self.args = (procedure, self.known, is_reducer)

    @classmethod
    def of(cls, definition: ModuleDef, procedure: str) -> UnknownProcedure:
        """Return the error for a name that a module's definition does not have."""
        return cls(procedure, definition.procedures, procedure in _callable(definition))

    def __str__(self) -> str:
        return self.message


def _callable(definition: ModuleDef) -> list[str]:
    """Return the reducers that clients may call: all but the hooks."""
    return [name for name, reducer in definition.reducers.items() if reducer.lifecycle is None]
