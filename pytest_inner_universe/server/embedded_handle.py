"""A database of the embedded server, as tests use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..client.errors import ConnectionRejected, UnknownTable
from ..engine.database import Snapshot
from ..engine.errors import ConnectRefused
from ..engine.scheduling import advance
from ..sats import ConnectionId, Identity

if TYPE_CHECKING:
    from ..client.link import Transport
    from ..engine.calls import CallOutcome
    from ..engine.clients import Client
    from ..engine.database import Database
    from ..engine.logs import LogRecord
    from ..engine.module import Module
    from ..engine.outbound import Answering
    from ..engine.procedures import ProcedureOutcome
    from ..engine.schedule import Timer
    from ..engine.sql import SqlResult
    from ..sats import ModuleDef, TableDef
    from .embedded import EmbeddedServer

ISSUER = "inner-universe"
"""Issuer of the identities that the server makes up."""
OWNER_SUBJECT = "owner"
ACTOR_ISSUER = "inner-universe-actor"
"""Issuer of the identities of actors; the subject is the actor's name."""


class EmbeddedHandle:
    """A database of the embedded server; see `DatabaseHandle` for what each method promises.

    Args:
        server: Whose database it is.
        database: The engine's database.
    """

    backend = "embedded"

    def __init__(self, server: EmbeddedServer, database: Database) -> None:
        self.server = server
        self.database = database
        self.name = database.name
        self._clients: dict[str | None, Client] = {}

    @property
    def definition(self) -> ModuleDef:
        """What the module declares."""
        return self.database.module.definition

    @property
    def identity(self) -> Identity:
        """Identity of the database."""
        return self.database.identity

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self.database.closed

    @property
    def url(self) -> str:
        """Address under which other programs reach the database; the server listens from the first look at it."""
        return self.server.address(self.database)

    def identity_of(self, actor: str | None) -> Identity:
        """Return who somebody is."""
        return self.database.owner if actor is None else Identity.derive(ACTOR_ISSUER, actor)

    def token_of(self, actor: str | None) -> str:
        """Return a token with which other clients act as somebody."""
        issuer, subject = (ISSUER, OWNER_SUBJECT) if actor is None else (ACTOR_ISSUER, actor)
        return self.server.authority.mint(issuer, subject).token

    # Calls

    def call(self, actor: str | None, reducer: str, args: bytes) -> CallOutcome:
        """Run a reducer over the actor's connection."""
        outcomes: list[CallOutcome] = []
        self.database.call(self._client(actor), reducer, args, outcomes.append)
        return outcomes[0]

    def call_procedure(self, actor: str | None, procedure: str, args: bytes) -> ProcedureOutcome:
        """Run a procedure over the actor's connection."""
        outcomes: list[ProcedureOutcome] = []
        self.database.call_procedure(self._client(actor), procedure, args, outcomes.append)
        return outcomes[0]

    def answer_http(self, answer: Answering | None) -> None:
        """Have a function answer the HTTP requests of procedures."""
        self.database.http = answer

    def _client(self, actor: str | None) -> Client:
        client = self._clients.get(actor)
        if client is None or not client.is_open:
            client = self._clients[actor] = self._connect(actor)
        return client

    def _connect(self, actor: str | None) -> Client:
        try:
            return self.database.connect(self.identity_of(actor), ConnectionId.random(), _ignore, _ignore)
        except ConnectRefused as error:
            raise ConnectionRejected(error.reason) from None  # its text says everything

    def disconnect(self, actor: str | None) -> None:
        """Close the connection that `call` opened."""
        client = self._clients.pop(actor, None)
        if client is not None:
            self.database.disconnect(client)

    # Reading

    def sql(self, actor: str | None, text: str) -> SqlResult:
        """Run one SQL statement."""
        return self.database.sql(text, self.identity_of(actor))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table."""
        database = self.database
        with database.lock:
            definition = self._table(table)
            decode = definition.row_codec.decode
            return [decode(row) for row in database.view().rows(database.datastore.table(definition.name))]

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        database = self.database
        with database.lock:
            return database.view().count(database.datastore.table(self._table(table).name))

    def _table(self, name: str) -> TableDef:
        try:
            return self.database.datastore.table(name).definition
        except KeyError:
            raise UnknownTable(name, self.definition.tables) from None

    def log(self) -> list[LogRecord]:
        """Return what the module logged."""
        return list(self.database.log)

    def server_log(self, count: int) -> list[str]:
        """Return what the server wrote of itself: nothing, it is a part of this process."""
        return []

    # Clients

    def transport(self, who: str | Identity | None) -> Transport:
        """Return what a client's connection is opened over."""
        from ..client.memory import MemoryTransport

        identity = self.identity_of(who) if isinstance(who, str) else who
        return MemoryTransport(self.server.endpoint(self.database), identity)

    # States

    def reset(self) -> None:
        """Go back to the state right after publishing."""
        self.database.restore(self.server.published())

    def snapshot(self) -> Snapshot:
        """Return the present state."""
        return self.database.snapshot()

    def restore(self, snapshot: object) -> None:
        """Go back to a state."""
        assert isinstance(snapshot, Snapshot)
        self.database.restore(snapshot)

    def publish(self, module: Module) -> None:
        """Publish another version of the module over the data."""
        self.database.update(module)

    # Time

    def now(self) -> int:
        """Return the time."""
        return self.database.clock.now()

    def advance(self, micros: int) -> int:
        """Move the clock and run what becomes due."""
        return advance(self.database, micros)

    def pending(self) -> list[Timer]:
        """Return what is scheduled."""
        with self.database.lock:
            return self.database.scheduler.pending()

    def close(self) -> None:
        """End the database."""
        self._clients.clear()
        self.server.forget(self.database)


def _ignore(*_: object) -> None:
    pass
