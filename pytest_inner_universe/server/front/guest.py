"""Somebody who comes over HTTP: connected for the length of one request, with a connection id that nobody uses again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...sats import ConnectionId

if TYPE_CHECKING:
    from ...engine.calls import CallOutcome
    from ...engine.clients import Client
    from ...engine.database import Database
    from ...engine.procedures import ProcedureOutcome
    from ..tokens import Credentials


class Guest:
    """A connection for one request; enter it with the database's lock held.

    Args:
        database: The database.
        credentials: Who comes.

    Raises:
        ConnectRefused: On entering; the module's connect hook said no.
        DatabaseClosed: On entering.
    """

    def __init__(self, database: Database, credentials: Credentials) -> None:
        self.database = database
        self.credentials = credentials
        self._client: Client | None = None

    def __enter__(self) -> Guest:
        identity, claims = self.credentials.identity, self.credentials.claims
        self._client = self.database.connect(identity, ConnectionId.random(), _ignore, _ignore, claims)
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self.database.disconnect(self._client)

    def call(self, reducer: str, args: bytes) -> CallOutcome:
        """Call a reducer with its arguments as BSATN."""
        assert self._client is not None
        outcomes: list[CallOutcome] = []
        self.database.call(self._client, reducer, args, outcomes.append)
        return outcomes[0]

    def call_procedure(self, procedure: str, args: bytes) -> ProcedureOutcome:
        """Call a procedure with its arguments as BSATN."""
        assert self._client is not None
        outcomes: list[ProcedureOutcome] = []
        self.database.call_procedure(self._client, procedure, args, outcomes.append)
        return outcomes[0]


def _ignore(*_: object) -> None:
    pass
