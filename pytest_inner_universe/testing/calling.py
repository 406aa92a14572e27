"""Calls of reducers and procedures from tests: one caller, its connection, and what is remembered of its calls."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..client.errors import ReducerFailed, UnknownProcedure, UnknownReducer
from ..sats.bsatn import codec
from .errors import ProcedurePanicked, ReducerPanicked

if TYPE_CHECKING:
    from ..engine.calls import CallOutcome
    from ..engine.procedures import ProcedureOutcome
    from ..server.handle import DatabaseHandle

MOST_CALLS = 50
"""How many calls a universe remembers for the report of a failure."""


@dataclass
class Call:
    """One call, and what came of it.

    Args:
        reducer: Name of the reducer, or of the procedure.
        caller: Who called: ``owner``, the name of an actor, or a client.
        arguments: Makes the text of the arguments, as they would stand in a call; only asked when somebody looks. Takes how
            long one argument may be, 80 characters unless given.
        status: ``committed``, ``returned``, ``failed``, ``crashed`` or ``refused``; ``unanswered`` as long as nobody knows.
        reason: Why it did not commit; empty otherwise.
    """

    reducer: str
    caller: str
    arguments: Callable[..., str]
    status: str = "unanswered"
    reason: str = ""

    def __str__(self) -> str:
        end = f"{self.status}: {self.reason}" if self.reason else self.status
        return f"{self.caller}: {self.reducer}({self.arguments()}) -> {end}"


def arguments_text(args: Sequence[Any], kwargs: Mapping[str, Any], longest: int = 80) -> str:
    """Return arguments as they would stand in a call, long ones cut.

    Args:
        args: Those by position.
        kwargs: Those by name.
        longest: Characters of one argument.

    Example:
        >>> arguments_text(["Ada"], {"age": 36})
        "'Ada', age=36"
    """
    parts = [*(repr(arg) for arg in args), *(f"{name}={value!r}" for name, value in kwargs.items())]
    return ", ".join(part if len(part) <= longest else part[: longest - 3] + "..." for part in parts)


class Caller:
    """Somebody who calls reducers of a database.

    Args:
        handle: The database.
        actor: Who it is; None for the owner.
        calls: Where calls are remembered.
    """

    def __init__(self, handle: DatabaseHandle, actor: str | None, calls: deque[Call]) -> None:
        self._handle = handle
        self._actor = actor
        self._calls = calls

    def call(self, reducer: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Run a reducer and wait for its commit.

        Raises:
            UnknownReducer: The module has none of this name.
            ArgumentError: The arguments do not fit.
            ReducerFailed: The reducer returned an error.
            ReducerPanicked: It panicked or ran into a limit.
            ConnectionRejected: The module did not let the caller in.
        """
        definition = self._handle.definition.reducers.get(reducer)
        if definition is None:
            raise UnknownReducer.of(self._handle.definition, reducer)
        data = definition.encode_args(*args, **kwargs)
        call = Call(reducer, self._actor or "owner", partial(arguments_text, args, kwargs))
        self._calls.append(call)
        outcome = self._handle.call(self._actor, reducer, data)
        call.status = outcome.status
        if outcome.status != "committed":
            call.reason = outcome.panic.message if outcome.panic else outcome.detail or outcome.message
            raise call_error(reducer, outcome)

    def call_procedure(self, procedure: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a procedure and return its value.

        Raises:
            UnknownProcedure: The module has none of this name.
            ArgumentError: The arguments do not fit.
            ProcedurePanicked: It panicked or ran into a limit.
            ConnectionRejected: The module did not let the caller in.
        """
        definition = self._handle.definition.procedures.get(procedure)
        if definition is None:
            raise UnknownProcedure.of(self._handle.definition, procedure)
        data = definition.encode_args(*args, **kwargs)
        call = Call(procedure, self._actor or "owner", partial(arguments_text, args, kwargs))
        self._calls.append(call)
        outcome = self._handle.call_procedure(self._actor, procedure, data)
        call.status = outcome.status
        if not outcome.returned:
            call.reason = outcome.panic.message if outcome.panic else outcome.detail or outcome.message
            raise procedure_error(outcome)
        return codec(definition.return_type).decode(outcome.value)


def call_error(reducer: str, outcome: CallOutcome) -> Exception:
    """Return the error for a call that did not commit."""
    if outcome.status == "failed":
        return ReducerFailed(reducer, outcome.message)
    return ReducerPanicked(reducer, outcome.message, outcome.panic, outcome.detail, outcome.limit)


def procedure_error(outcome: ProcedureOutcome) -> ProcedurePanicked:
    """Return the error for a procedure that gave no value."""
    return ProcedurePanicked(outcome.procedure, outcome.message, outcome.panic, outcome.detail, outcome.limit)
