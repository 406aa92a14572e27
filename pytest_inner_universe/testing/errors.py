"""What can go wrong in the test kit itself.

- `SettingError`: an option, a marker argument or a factory argument that cannot be used (`ValueError`)
    - `InvalidSetting`: a value that the option does not allow
    - `InvalidMarker`: a `universe` marker with arguments that it does not take
- `UnusableModule`: the chosen module cannot be run (`RuntimeError`)
- `BackendFailed`: the server of the chosen backend could not be started (`RuntimeError`)
- `NotInnerUniverse`: a client of Inner Universe asked for where another module runs (`RuntimeError`)
- `WrongKindOfTest`: an asynchronous fixture asked for by a test that runs on another kind of loop (`RuntimeError`)
- `UniverseClosed`: use of a universe after its end (`RuntimeError`)
- `ReducerPanicked`: a reducer that did not end by itself, with the module's last words (`ReducerCrashed`)
- `ProcedurePanicked`: the same of a procedure (`ProcedureCrashed`)
- `NotEntered`: use of a connection outside of the `async with` that opens it (`TypeError`)
- `InvalidSpan`: a time that a clock cannot move by (`ValueError`)
- `UnknownSnapshot`: a state that nobody remembered (`LookupError`)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..client.errors.base import shortened
from ..client.errors.calls import ProcedureCrashed, ReducerCrashed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine.logs import LogRecord


class SettingError(ValueError):
    """A setting of the plugin that cannot be used."""


class InvalidSetting(SettingError):
    """A value that its option does not allow.

    Attributes:
        place: where the value was given, as the user wrote it.
        allowed: what the option takes instead.
        near: the allowed value that was probably meant, if there is one.
    """

    def __init__(self, place: str, allowed: str, near: str | None = None) -> None:
        self.place = place
        self.allowed = allowed
        self.near = near
        super().__init__(place, allowed, near)

    def __str__(self) -> str:
        hint = f" Did you mean {self.near!r}?" if self.near else ""
        return f"{self.place} cannot be used: it takes {self.allowed}.{hint}"


class InvalidMarker(SettingError):
    """A `universe` marker with arguments that it does not take.

    Attributes:
        marker: the marker as written.
        test: the id of the test that carries it.
        reason: what is wrong with it.
    """

    def __init__(self, marker: str, test: str, reason: str) -> None:
        self.marker = marker
        self.test = test
        self.reason = reason
        super().__init__(marker, test, reason)

    def __str__(self) -> str:
        return f"{self.marker} on {self.test}: {self.reason}"


class UnusableModule(RuntimeError):
    """The chosen module cannot be run.

    Attributes:
        reason: the engine's error.
        place: where the module was chosen.
    """

    def __init__(self, reason: Exception, place: str) -> None:
        self.reason = reason
        self.place = place
        super().__init__(reason, place)

    def __str__(self) -> str:
        return f"{self.reason}\n  chosen by {self.place}"


class NotInnerUniverse(RuntimeError):
    """A client of Inner Universe was asked for where another module runs.

    Attributes:
        universe: name of the universe.
        missing: the tables that such a client needs and the module does not have.
        tables: the tables that it has.
    """

    def __init__(self, universe: str, missing: Sequence[str], tables: Sequence[str]) -> None:
        self.universe = universe
        self.missing = tuple(missing)
        self.tables = tuple(tables)
        super().__init__(universe, self.missing, self.tables)

    def __str__(self) -> str:
        return (
            f"the module of {self.universe!r} is not Inner Universe, whose client needs {', '.join(self.missing)}.\n"
            f"  its tables: {', '.join(self.tables) or 'none'}\n"
            "  for clients of any module, take the fixture 'universe_connect' (without pytest: Universe.connect)"
        )


class WrongKindOfTest(RuntimeError):
    """An asynchronous fixture was asked for by a test that it cannot serve.

    Attributes:
        fixture: the name of the fixture.
        test: the id of the test.
        reason: what does not fit.
        remedy: what to write instead.
    """

    def __init__(self, fixture: str, test: str, reason: str, remedy: str) -> None:
        self.fixture = fixture
        self.test = test
        self.reason = reason
        self.remedy = remedy
        super().__init__(fixture, test, reason, remedy)

    def __str__(self) -> str:
        return f"the fixture {self.fixture!r} cannot serve {self.test}: {self.reason}\n  {self.remedy}"


class UniverseClosed(RuntimeError):
    """A universe was used after it had been closed.

    Attributes:
        universe: its name.
    """

    def __init__(self, universe: str) -> None:
        self.universe = universe
        super().__init__(universe)

    def __str__(self) -> str:
        return (
            f"the universe {self.universe!r} is closed.\n"
            "A universe lives as long as its fixture or its `with` block; open another one for what comes after."
        )


class NotEntered(TypeError):
    """What `connect` gives was used in another way than by `async with`.

    Attributes:
        use: what was tried: ``with``, ``await``, or an attribute with its dot.
    """

    def __init__(self, use: str) -> None:
        self.use = use
        super().__init__(use)

    def __str__(self) -> str:
        return (
            f"a client's connection is opened by `async with`, there is no {self.use!r} before:\n"
            "  async with universe.connect() as connection:  # with the fixture: universe_connect()\n"
            "      await connection.call(...)\n"
            "Without a loop, universe.call and universe.actor(...).call do the same."
        )


class InvalidSpan(ValueError):
    """A clock was to move by something that is no time, or backwards.

    Attributes:
        span: what was given.
    """

    def __init__(self, span: object) -> None:
        self.span = span
        super().__init__(span)

    def __str__(self) -> str:
        return f"a clock advances by seconds from 0 on, or by a timedelta, and never back: got {self.span!r}"


class UnknownSnapshot(LookupError):
    """A universe was to go back to a state that nobody remembered.

    Attributes:
        name: the name that was asked for.
        known: the names that there are.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(name, self.known)

    def __str__(self) -> str:
        there = f"there are {', '.join(map(repr, self.known))}" if self.known else "none was taken"
        return f"no snapshot {self.name!r}: {there}.\nTake one first with universe.snapshot({self.name!r})."


class ReducerPanicked(ReducerCrashed):
    """A reducer panicked or was stopped; nothing was changed by it.

    A client only learns that there was a fatal error; this error adds what the module's log holds.

    Attributes:
        reducer: its name.
        message: what a client is told.
        panic: the record of the panic, None where there was none.
        detail: what the engine knows otherwise.
        limit: the seconds that it was allowed to run, where it was stopped for running longer.
    """

    def __init__(
        self, reducer: str, message: str, panic: LogRecord | None, detail: str = "", limit: float | None = None
    ) -> None:
        super().__init__(reducer, message)
        self.panic = panic
        self.detail = detail
        self.limit = limit
        self.args = (reducer, message, panic, detail, limit)

    def __str__(self) -> str:
        return _end_of(f"reducer {self.reducer!r}", self)


class ProcedurePanicked(ProcedureCrashed):
    """A procedure panicked or was stopped; what it had committed before stays.

    Attributes:
        procedure: its name.
        message: what a client is told.
        panic: the record of the panic, None where there was none.
        detail: what the engine knows otherwise.
        limit: the seconds that it was allowed to run, where it was stopped for running longer.
    """

    def __init__(
        self, procedure: str, message: str, panic: LogRecord | None, detail: str = "", limit: float | None = None
    ) -> None:
        super().__init__(procedure, message)
        self.panic = panic
        self.detail = detail
        self.limit = limit
        self.args = (procedure, message, panic, detail, limit)

    def __str__(self) -> str:
        return _end_of(f"procedure {self.procedure!r}", self)


def _end_of(what: str, error: ReducerPanicked | ProcedurePanicked) -> str:
    if error.limit is not None:
        return (
            f"{what} was not run to its end: {error.detail}\n"
            "  look for a loop that does not end, or allow more time: --universe-call-limit, or call_limit=... of "
            "Universe.embedded"
        )
    if error.panic is not None:
        place = f" at {error.panic.place}" if error.panic.place else ""
        return f"{what} panicked{place}: {error.panic.message}"
    return f"{what} was not run to its end: {shortened(error.detail or error.message)}"


class BackendFailed(RuntimeError):
    """The server of the chosen backend could not be started.

    Attributes:
        reason: the text of the server's own error.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)

    def __str__(self) -> str:
        return self.reason
