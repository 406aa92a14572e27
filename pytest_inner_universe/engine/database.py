"""One database: a published module with its data, its clients, its schedules and its log.

Everything that touches the data holds the database's lock, because a database has one writer: reducers run one after the
other, and what a client is told is told in the order of the transactions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..sats import ConnectionId, Identity
from ..wire.counting import Counting
from .calls import CallOutcome, refusal_of
from .clients import NO_CAUSE, Client, Closed, Deliver
from .clock import Clock
from .connections import admit, forget, forget_all
from .core import CALL_LIMIT as CALL_LIMIT
from .core import NO_CONNECTION, DatabaseCore
from .errors import PublishFailed, ViewFailed
from .release import NEWEST, Release
from .snapshot import Snapshot as Snapshot
from .store import Datastore

if TYPE_CHECKING:
    from ..wire.messages import QueryRows
    from .module import Module
    from .procedures import ProcedureOutcome
    from .sql import SqlResult
    from .store.migrate import MigrationPlan


class Database(DatabaseCore):
    """A database: a new one comes from `publish`, one with data from the `Snapshot` of another.

    Args:
        snapshot: What it starts from.
        name: The name that clients use.
        clock: What time it is.
        call_limit: Seconds that one reducer call may take.

    Attributes:
        http: Answers the HTTP requests of procedures; without it, each of them fails with a text that says so.
    """

    @classmethod
    def publish(
        cls,
        module: Module,
        name: str,
        owner: Identity,
        identity: Identity,
        clock: Clock | None = None,
        call_limit: float = CALL_LIMIT,
        release: Release = NEWEST,
    ) -> Database:
        """Make a database of a module: create its tables and run its ``init``, in one transaction.

        Args:
            module: The module.
            name: The name that clients use.
            owner: Who publishes.
            identity: The database's identity.
            clock: What time it is.
            call_limit: Seconds that one reducer call may take.
            release: The release of the server that is imitated.

        Raises:
            AbiNotOffered: The module needs a newer release.
            PublishFailed: ``init`` returned an error or panicked; nothing is left behind.
        """
        from .versions import check_abi

        check_abi(module, release)
        datastore = Datastore.create(module.definition, release)
        datastore.set_module_row(identity.to_bytes(), owner.to_bytes(), module.hash, module.data)
        database = cls(Snapshot(module, datastore, identity, owner), name, clock, call_limit)
        hook = module.definition.lifecycle.get("init")
        if hook is not None:
            outcome = database.transact(hook, b"", owner.to_bytes(), NO_CONNECTION, None)
            if not outcome.committed:
                database.close()
                raise PublishFailed(name, outcome.message, outcome.panic, outcome.detail)
            database.run_immediate()
        return database

    # Reading

    def sql(self, text: str, caller: Identity | None = None) -> SqlResult:
        """Run one SQL statement, as the owner unless another caller is given.

        Raises:
            SqlError: A server would refuse the statement.
        """
        from .sql import SqlError, execute

        with self.lock:
            self.check_open()
            who = caller or self.owner
            tx = self.datastore.begin()
            try:
                materialize = partial(self.views.use, tx) if self.views is not None else None
                result = execute(tx, text, who, who == self.owner, materialize)
            except BaseException:
                self.roll_back(tx)
                raise
            self.cause = NO_CAUSE._replace(caller=who.to_bytes(), timestamp=self.next_timestamp())
            try:
                self.commit(tx, None)
            except ViewFailed as failure:
                reason = f"The module instance encountered a fatal error: {failure.reason}"
                raise SqlError(reason, sql=text) from failure
            self.run_immediate()
            return result

    # Calling

    def call(self, client: Client, name: str, args: bytes, answer: Callable[[CallOutcome], None]) -> None:
        """Run a reducer for a connected client.

        Args:
            client: The caller.
            name: Name of the reducer.
            args: Its arguments as BSATN.
            answer: Given the outcome with the lock held, before any later transaction is seen by anybody.
        """
        with self.lock:
            self.check_open()
            reducer = self.module.definition.reducers.get(name)
            refusal = refusal_of(reducer, args, client.identity == self.owner)
            if refusal is not None or reducer is None:
                answer(CallOutcome(name, "refused", refusal or "", self.next_timestamp()))
                return
            answer(self.transact(reducer, args, client.identity_bytes, client.connection_bytes, client))
            self.run_immediate()

    def call_procedure(
        self, client: Client, name: str, args: bytes, answer: Callable[[ProcedureOutcome], None]
    ) -> None:
        """Run a procedure for a connected client.

        It does not really sleep: the clock moves, and what becomes due on the way runs.

        Args:
            client: The caller; it is told what the procedure commits like everybody else.
            name: Name of the procedure.
            args: Its arguments as BSATN.
            answer: Given the outcome with the lock held.
        """
        from . import procedures

        with self.lock:
            self.check_open()
            answer(procedures.call(self, client, name, args))
            self.run_immediate()

    # Clients

    def connect(
        self,
        identity: Identity,
        connection_id: ConnectionId,
        deliver: Deliver,
        closed: Closed,
        claims: bytes | None = None,
    ) -> Client:
        """Let a client in.

        Args:
            identity: Who it is.
            connection_id: Which of its connections; not one that is in use.
            deliver: Takes the messages that it did not ask for.
            closed: Told when the database ends the connection.
            claims: The claims of its token as JSON, for modules that look at them.

        Raises:
            ConnectRefused: The module's hook said no.
        """
        with self.lock:
            self.check_open()
            client = Client(identity, connection_id, deliver, closed)
            admit(self, client, claims)
            self.clients[identity, connection_id] = client
            self.run_immediate()
            return client

    def disconnect(self, client: Client) -> None:
        """Let a client go; does nothing when it has gone already."""
        with self.lock:
            if not client.is_open:
                return
            client.is_open = False
            self.clients.pop((client.identity, client.connection_id), None)
            if self._subscriptions is not None:
                self._subscriptions.drop_client(client)
            if not self.closed:
                forget(self, client.identity_bytes, client.connection_bytes)
                self.run_immediate()
            self.host.claims.pop(client.connection_bytes, None)

    # Queries of clients

    def subscribe(
        self, client: Client, query_set_id: int, queries: list[str], counting: Counting = Counting.PER_SET
    ) -> QueryRows:
        """Add a query set of a client and return its rows.

        Raises:
            SqlError: A query is not one that can be subscribed to.
            QuerySetExists: The client has a live set with this id.
        """
        with self.lock:
            self.check_open()
            is_owner = client.identity == self.owner
            rows = self.subscriptions.add(client, client.identity, is_owner, query_set_id, queries, counting)
            client.query_sets[query_set_id] = queries, counting
            return rows

    def unsubscribe(self, client: Client, query_set_id: int) -> QueryRows:
        """Remove a query set of a client and return the rows that it had.

        Raises:
            NoSuchQuerySet: The client has none with this id.
        """
        with self.lock:
            self.check_open()
            rows = self.subscriptions.remove(client, query_set_id)
            del client.query_sets[query_set_id]
            return rows

    def one_off(self, client: Client, text: str) -> QueryRows:
        """Answer one query of a client.

        Raises:
            SqlError: The query is not in the grammar of subscriptions.
        """
        with self.lock:
            self.check_open()
            return self.subscriptions.one_off(client.identity, client.identity == self.owner, text)

    # Versions

    def plan_update(self, module: Module) -> MigrationPlan:
        """Return what publishing another version would change, and what forbids it; nothing is done.

        Raises:
            AbiNotOffered: The module needs a newer release.
        """
        with self.lock:
            self.check_open()
            from .versions import plan_of

            return plan_of(self, module)

    def update(self, module: Module, break_clients: bool = True) -> MigrationPlan:
        """Publish another version of the module over the data, as far as that is possible automatically.

        Neither ``init`` nor any other hook runs. Clients stay connected with their subscriptions, unless the change breaks
        what they know, which disconnects them.

        Args:
            module: The new version; the same program again changes nothing.
            break_clients: Whether a change that breaks clients is wanted.

        Raises:
            AbiNotOffered: The module needs a newer release.
            MigrationRefused: The change is not automatic, or breaks clients and that is not wanted; all is as it was.
        """
        with self.lock:
            self.check_open()
            from .versions import replace

            return replace(self, module, break_clients)

    # Whole states

    def snapshot(self, with_memory: bool = False) -> Snapshot:
        """Return the present state; the cost does not depend on the amount of data.

        Args:
            with_memory: Whether what the module itself remembers is part of it, which a restart of a server would lose.
        """
        with self.lock:
            self.check_open()
            state = self.executor.module_state() if with_memory else None
            return Snapshot(self.module, self.datastore.fork(), self.identity, self.owner, state)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a state, as after a restart of the server: every client is disconnected.

        Clients that were connected when the snapshot was taken get their disconnect hook. The clock goes on, schedules are
        armed anew, and the log is kept.
        """
        with self.lock:
            self.check_open()
            self.drop_clients()
            self.executor.release()
            self.load(snapshot.module, snapshot.datastore.fork(), snapshot.module_state)
            forget_all(self)

    def close(self) -> None:
        """End the database: clients are disconnected, the instance goes back. Does nothing the second time."""
        with self.lock:
            if self.closed:
                return
            self.drop_clients()
            self.closed = True
            self.executor.release()
            self.scheduler.close()
