"""What a test needs of a database, wherever it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..client.link import Transport
    from ..engine.calls import CallOutcome
    from ..engine.logs import LogRecord
    from ..engine.module import Module
    from ..engine.outbound import Answering
    from ..engine.procedures import ProcedureOutcome
    from ..engine.schedule import Timer
    from ..engine.sql import SqlResult
    from ..sats import Identity, ModuleDef

OWNER = None
"""Stands for the owner of the database where an actor's name is asked for."""


class DatabaseHandle(Protocol):
    """One database on one backend, used from synchronous code.

    People are named: an actor is a text, from which its identity follows, and `OWNER` is whoever published the database.
    What a backend cannot do raises `NotOnThisBackend`.
    """

    name: str
    """Name of the database on its server."""
    backend: str
    """Which backend this is, ``embedded`` or another."""

    @property
    def definition(self) -> ModuleDef:
        """What the module declares."""

    @property
    def identity(self) -> Identity:
        """Identity of the database."""

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""

    @property
    def url(self) -> str:
        """Address of the server, as ``http://127.0.0.1:3000``."""

    def identity_of(self, actor: str | None) -> Identity:
        """Return who somebody is."""

    def token_of(self, actor: str | None) -> str:
        """Return a token with which other clients act as somebody."""

    def call(self, actor: str | None, reducer: str, args: bytes) -> CallOutcome:
        """Run a reducer over the actor's connection, which the first call opens.

        Raises:
            ConnectionRejected: The module did not let the actor in.
        """

    def call_procedure(self, actor: str | None, procedure: str, args: bytes) -> ProcedureOutcome:
        """Run a procedure over the same connection.

        Raises:
            ConnectionRejected: The module did not let the actor in.
        """

    def answer_http(self, answer: Answering | None) -> None:
        """Have a function answer the HTTP requests of procedures, or nobody."""

    def disconnect(self, actor: str | None) -> None:
        """Close the connection that `call` opened, if there is one."""

    def sql(self, actor: str | None, text: str) -> SqlResult:
        """Run one SQL statement.

        Raises:
            SqlError: The server refused it.
        """

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table, as the owner."""

    def count(self, table: str) -> int:
        """Return how many rows a table has, as the owner."""

    def transport(self, who: str | Identity | None) -> Transport:
        """Return what a client's connection is opened over.

        Args:
            who: An actor's name, an identity where the backend can take anybody's word, or None for somebody new.
        """

    def log(self) -> list[LogRecord]:
        """Return what the module logged, oldest first."""

    def server_log(self, count: int) -> list[str]:
        """Return the last lines that the server wrote of itself; none where they cannot be seen, or there is no such log."""

    def reset(self) -> None:
        """Go back to the state right after publishing."""

    def snapshot(self) -> object:
        """Return the present state, for `restore`."""

    def restore(self, snapshot: object) -> None:
        """Go back to a state."""

    def publish(self, module: Module) -> None:
        """Publish another version of the module over the data.

        Raises:
            MigrationRefused: The change needs a migration that is not automatic.
        """

    def now(self) -> int:
        """Return the time, in microseconds since the Unix epoch."""

    def advance(self, micros: int) -> int:
        """Let time pass; return how many scheduled calls ran, as far as the backend can tell."""

    def pending(self) -> list[Timer]:
        """Return what is scheduled, the next first."""

    def close(self) -> None:
        """End the database; does nothing the second time."""
