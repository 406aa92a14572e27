"""Users of a universe, and the rows that their statements give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .calling import Caller

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from ..client.connection import Connection
    from ..sats import Identity
    from .universe import Universe


class Rows(list[dict[str, Any]]):
    """The rows of a statement, each a dict by column name, and what a changing statement did.

    Args:
        rows: The rows.
        inserted: How many rows were inserted.
        deleted: How many were deleted.
        updated: How many were updated.
    """

    def __init__(self, rows: list[dict[str, Any]], inserted: int = 0, deleted: int = 0, updated: int = 0) -> None:
        super().__init__(rows)
        self.inserted = inserted
        self.deleted = deleted
        self.updated = updated


def run_sql(universe: Universe, actor: str | None, text: str) -> Rows:
    """Run a statement as somebody and return its rows as dicts."""
    from ..engine.sql import SqlError

    if not isinstance(text, str):
        raise SqlError(f"a statement is a str, got {text!r}")
    try:
        result = universe.handle.sql(actor, text)
    except SqlError as error:
        if universe.witness is not None:
            universe.witness.refused(actor, text, error)
        raise
    rows = Rows(result.dicts(), result.inserted, result.deleted, result.updated)
    if universe.witness is not None:
        universe.witness.answered(actor, text, rows)
    return rows


class Actor:
    """A user of a universe, with a stable identity.

    Args:
        universe: Where it acts.
        name: Its name, from which its identity follows.
    """

    def __init__(self, universe: Universe, name: str) -> None:
        self.universe = universe
        self.name = name
        self._caller = Caller(universe.handle, name, universe.calls)

    @property
    def identity(self) -> Identity:
        """Who the module sees."""
        return self.universe.handle.identity_of(self.name)

    @property
    def token(self) -> str:
        """A token with which other clients act as this user."""
        return self.universe.handle.token_of(self.name)

    def call(self, reducer: str, *args: Any, **kwargs: Any) -> None:
        """Call a reducer as this user; arguments and errors as `Universe.call`."""
        self.universe.check_open()
        self._caller.call(reducer, args, kwargs)

    def call_procedure(self, procedure: str, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure as this user; arguments, value and errors as `Universe.call_procedure`."""
        self.universe.check_open()
        return self._caller.call_procedure(procedure, args, kwargs)

    def sql(self, text: str) -> Rows:
        """Run one SQL statement as this user; see `Universe.sql`."""
        self.universe.check_open()
        return run_sql(self.universe, self.name, text)

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        """Open a connection of this user; see `Universe.connect`."""
        return self.universe.connect(self)

    def disconnect(self) -> None:
        """Close the connection that `call` opened; a real server runs the module's hook for that a moment later."""
        self.universe.handle.disconnect(self.name)

    def __repr__(self) -> str:
        return f"<Actor {self.name!r} of {self.universe.name!r}>"
