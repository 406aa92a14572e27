"""A database of a real server, as tests use it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from ..client.errors import ClientError, ConnectionLost, PublishRejected, QueryFailed, ServerUnreachable, UnknownTable
from ..engine.sql import SqlError, SqlResult
from ..engine.store.errors import MigrationRefused
from ..sats import ConnectionId, Identity
from .errors import MOST_LOG_LINES, ModuleRejected, NotOnThisBackend, ServerError
from .remote_answers import has_nan, is_the_hosts, reasons_of, record_of

if TYPE_CHECKING:
    from ..client.http_models import Published
    from ..client.link import Transport
    from ..engine.calls import CallOutcome
    from ..engine.logs import LogRecord
    from ..engine.module import Module
    from ..engine.outbound import Answering
    from ..engine.procedures import ProcedureOutcome
    from ..engine.schedule import Timer
    from ..sats import ModuleDef
    from .caller import Caller
    from .remote import RemoteServer, ResetStrategy

Result = TypeVar("Result")
_LINES_AT_A_PANIC = 50


class RemoteHandle:
    """A database of a real server; see `DatabaseHandle` for what each method promises.

    It is published when the handle is made, and deleted when it is closed.

    Args:
        server: Whose database it is.
        prefix: What its name tells a reader.
        module: The module.
        reset: How `reset` comes to a clean state; see `RemoteServer.database`.
        reset_reducer: The reducer that empties the tables, for the strategy ``reducer``.
    """

    def __init__(
        self, server: RemoteServer, prefix: str, module: Module, reset: ResetStrategy, reset_reducer: str
    ) -> None:
        self.server = server
        self.backend = server.backend
        self.module = module
        self.name = server.names.new(prefix)
        self.closed = False
        self._prefix = prefix
        self._reset_strategy = reset
        self._reset_reducer = reset_reducer
        self._callers: dict[str | None, Caller] = {}
        self._lock = threading.RLock()
        self.identity = self._publish_new(self.name)

    # Facts

    @property
    def definition(self) -> ModuleDef:
        """What the module declares."""
        return self.module.definition

    @property
    def url(self) -> str:
        """Address of the server."""
        return self.server.url

    def identity_of(self, actor: str | None) -> Identity:
        """Return who somebody is."""
        return self.server.credentials(actor).identity

    def token_of(self, actor: str | None) -> str:
        """Return a token with which other clients act as somebody."""
        return self.server.credentials(actor).token

    # Calls

    def call(self, actor: str | None, reducer: str, args: bytes) -> CallOutcome:
        """Run a reducer over the actor's connection."""
        outcome = self._run(self._caller(actor).call(reducer, args))
        if outcome.status == "crashed":
            outcome.panic = self._last_panic()
        return outcome

    def call_procedure(self, actor: str | None, procedure: str, args: bytes) -> ProcedureOutcome:
        """Run a procedure over the actor's connection."""
        outcome = self._run(self._caller(actor).call_procedure(procedure, args))
        if outcome.status == "crashed":
            outcome.panic = self._last_panic()
        return outcome

    def answer_http(self, answer: Answering | None) -> None:
        """Have a function answer the HTTP requests of procedures; a real server sends them itself."""
        raise NotOnThisBackend("answers to HTTP requests", f"the backend {self.backend}")

    def _caller(self, actor: str | None) -> Caller:
        with self._lock:
            caller = self._callers.get(actor)
            if caller is None or not caller.is_open:
                caller = self._callers[actor] = self.server.open_caller(self.name, actor)
        return caller

    def _last_panic(self) -> LogRecord | None:
        """Return the module's last words, which a caller is not told."""
        lines = self._run(self.server.api().logs(self.name, _LINES_AT_A_PANIC))
        panics = [line for line in lines if line.level == "panic"]
        return record_of(panics[-1]) if panics else None

    def disconnect(self, actor: str | None) -> None:
        """Close the connection that `call` opened."""
        with self._lock:
            caller = self._callers.pop(actor, None)
        if caller is not None and caller.is_open:
            self._run(caller.close())

    # Reading

    def sql(self, actor: str | None, text: str) -> SqlResult:
        """Run one SQL statement."""
        try:
            answer = self._run(self.server.api(actor).sql(self.name, text))
        except QueryFailed as error:
            raise SqlError(error.message, sql=text) from None
        names = [name for name, _ in answer.columns]
        rows = tuple(tuple(row[name] for name in names) for row in answer.rows)
        return SqlResult(answer.columns, rows, answer.inserted, answer.deleted, answer.updated)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table."""
        text = f"SELECT * FROM {self._table(table)}"  # noqa: S608  # a name that the module declares
        rows = self.sql(None, text).dicts()
        if any(has_nan(row) for row in rows):
            # In JSON an infinity is the same as no number at all. Rows over a connection are exact.
            rows = self.rows_over_connection(table)
        return rows

    def rows_over_connection(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table, asked for over the owner's connection: no hook of the module runs but the first time."""
        text = f"SELECT * FROM {self._table(table)}"  # noqa: S608  # a name that the module declares
        read = self.definition.table(table).row_codec.decode
        return [read(row) for row in self._run(self._caller(None).query(text))]

    def has_client(self, connection_id: ConnectionId, *, by_sql: bool) -> bool:
        """Return whether the server still counts a connection among those of its clients; False where nobody can ask.

        Args:
            connection_id: The connection.
            by_sql: Whether a statement over HTTP may ask where the owner is not connected.
        """
        query = "SELECT * FROM st_client"
        caller = self._callers.get(None)
        if caller is not None and caller.is_open:
            return any(connection_id.to_bytes() in row for row in self._run(caller.query(query)))
        return by_sql and any(connection_id in row for row in self.sql(None, query).rows)

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        text = f"SELECT COUNT(*) AS number FROM {self._table(table)}"  # noqa: S608  # a name that the module declares
        ((number,),) = self.sql(None, text).rows
        return int(number)

    def _table(self, name: str) -> str:
        try:
            return f'"{self.definition.table(name).name}"'
        except KeyError:
            raise UnknownTable(name, self.definition.tables) from None

    def log(self) -> list[LogRecord]:
        """Return what the module logged."""
        lines = self._run(self.server.api().logs(self.name))
        return [record_of(line) for line in lines if not is_the_hosts(line)]

    def server_log(self, count: int) -> list[str]:
        """Return the last lines that the server wrote of itself."""
        return self.server.log_tail(count)

    # Clients

    def transport(self, who: str | Identity | None) -> Transport:
        """Return what a client's connection is opened over."""
        if isinstance(who, Identity):
            token = self.server.token_for(who)
            if token is None:
                raise NotOnThisBackend(f"a token of {who.hex()}", f"the backend {self.backend}")
        else:
            token = None if who is None else self.token_of(who)
        return self.server.transport(self.name, token)

    # States

    def reset(self) -> None:
        """Come to a clean state, in the way that was chosen.

        Raises:
            ForeignDatabase: The database is not of this run.
        """
        self.server.names.check_ours("reset", self.name)
        if self._reset_strategy == "reducer":
            self._reset_by_reducer()
            return
        self._disconnect_all()
        if self._reset_strategy == "clear":
            self._run(self.server.api().publish(self.module.data, self.name, clear=True))
            return
        old, self.name = self.name, self.server.names.new(self._prefix)
        self.identity = self._publish_new(self.name)
        self._run(self.server.api().delete(old))

    def _reset_by_reducer(self) -> None:
        from ..client.errors import ReducerFailed, UnknownReducer

        reducer = self.definition.reducers.get(self._reset_reducer)
        if reducer is None:
            raise UnknownReducer(self._reset_reducer, self.definition.reducers)
        outcome = self.call(None, reducer.name, reducer.encode_args())
        if not outcome.committed:
            raise ReducerFailed(reducer.name, outcome.message)

    def snapshot(self) -> object:
        """Return the present state; a real server has no such thing."""
        raise NotOnThisBackend("snapshots", f"the backend {self.backend}")

    def restore(self, snapshot: object) -> None:
        """Go back to a state; a real server cannot."""
        raise NotOnThisBackend("snapshots", f"the backend {self.backend}")

    def publish(self, module: Module) -> None:
        """Publish another version of the module over the data."""
        self.server.names.check_ours("publish over", self.name)
        try:
            self._run(self.server.api().publish(module.data, self.name))
        except PublishRejected as error:
            raise MigrationRefused(reasons_of(error.text)) from error
        self.module = module

    def _publish_new(self, name: str) -> Identity:
        try:
            published: Published = self._run(self.server.api().publish(self.module.data, name))
        except PublishRejected as error:
            server, log = f"the server at {self.server.url}", self.server.log_tail(MOST_LOG_LINES)
            raise ModuleRejected(name, error.text, self.module.name, server, log) from error
        return published.identity

    # Time

    def now(self) -> int:
        """Return the time of this machine, which is the server's as far as can be told."""
        return time.time_ns() // 1000

    def advance(self, micros: int) -> int:
        """Wait; how many scheduled calls ran meanwhile, a server does not tell."""
        if micros:
            time.sleep(micros / 1_000_000)
        return 0

    def pending(self) -> list[Timer]:
        """Return what is scheduled; a server does not tell when."""
        raise NotOnThisBackend("a list of what is scheduled", f"the backend {self.backend}")

    # End

    def close(self) -> None:
        """Delete the database."""
        if self.closed:
            return
        self.closed = True
        self.server.names.check_ours("delete", self.name)
        # A server that has gone took the database with it, or will be cleaned up by who runs it.
        with contextlib.suppress(ClientError, ServerError):
            self._disconnect_all()
            self._run(self.server.api().delete(self.name))

    def _disconnect_all(self) -> None:
        for actor in list(self._callers):
            self.disconnect(actor)

    def _run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        try:
            return self.server.run(coroutine)
        except (ServerUnreachable, ConnectionLost):
            # The server's own end says more than that nobody answers.
            self.server.check_running()
            raise

    def __repr__(self) -> str:
        return f"<RemoteHandle {self.name!r} on {self.backend}{', closed' if self.closed else ''}>"
