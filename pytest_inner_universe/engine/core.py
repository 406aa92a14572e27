"""What stands under a database's surface: its parts, and how its transactions begin and end.

Whoever calls these methods holds the database's lock. Schedules, procedures, connections and new versions work on this
class, so that `Database` can stand on them.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ..sats import ConnectionId, Identity
from .calls import CallOutcome
from .clients import MODULE_EXITED, NO_CAUSE, Cause, Client
from .clock import Clock, WallClock
from .errors import DatabaseClosed, ViewFailed
from .executor import Executor
from .hosting import DatabaseHost
from .logs import LogRecord, ModuleLog
from .schedule import Scheduler
from .snapshot import Snapshot as Snapshot
from .store import Datastore

if TYPE_CHECKING:
    from ..sats import ReducerDef
    from ..wire.messages import TransactionUpdate
    from .module import Module
    from .outbound import Answering
    from .release import Release
    from .store import Changes, ReadView, Transaction
    from .subscriptions import Subscriptions
    from .views import Views
    from .wasm.instance import ModuleState

CALL_LIMIT = 10.0
"""Seconds that a reducer may run unless told otherwise."""

NO_CONNECTION = bytes(16)


class DatabaseCore:
    """What a database is made of, and its transactions; everybody but the engine itself uses a `Database`.

    Args:
        snapshot: What it starts from.
        name: The name that clients use.
        clock: What time it is.
        call_limit: Seconds that one reducer call may take.

    Attributes:
        http: Answers the HTTP requests of procedures; without it, each of them fails with a text that says so.
    """

    def __init__(
        self, snapshot: Snapshot, name: str, clock: Clock | None = None, call_limit: float = CALL_LIMIT
    ) -> None:
        self.name = name
        self.clock: Clock = clock or WallClock()
        self.identity = snapshot.identity
        self.owner = snapshot.owner
        self.lock = threading.RLock()
        self.log = ModuleLog()
        self.clients: dict[tuple[Identity, ConnectionId], Client] = {}
        self.closed = False
        self.call_limit = call_limit
        self.cause = NO_CAUSE
        self.http: Answering | None = None
        self._last_timestamp = 0
        self._subscriptions: Subscriptions | None = None
        self._scheduler: Scheduler | None = None
        self.load(snapshot.module, snapshot.datastore.fork(), snapshot.module_state)

    def load(
        self, module: Module, datastore: Datastore, state: ModuleState | None = None, keeps_views: bool = False
    ) -> None:
        """Take a module and its data, and make anew what depends on them.

        Args:
            module: The module.
            datastore: Its data.
            state: What the module remembers; None for nothing.
            keeps_views: Whether the rows of views that are there are those of this module.
        """
        self.module = module
        self.datastore = datastore
        if self._scheduler is not None:
            self._scheduler.close()
        self.scheduler = self._scheduler = Scheduler(lambda: self.datastore)
        self.scheduler.restart(self.clock.now())
        self.host = DatabaseHost(self.identity.to_bytes(), self.log, self.scheduler)
        self.host.datastore = datastore
        self.executor = Executor(module, self.host, self.call_limit, state)
        self._subscriptions = None
        self.views: Views | None = None
        if module.definition.views:
            from .views import Views

            self.views = Views(self.executor, datastore, self.clock.now)
            if not keeps_views:
                self.views.clear()

    @property
    def release(self) -> Release:
        """The release of the server that is imitated."""
        return self.datastore.release

    @property
    def subscriptions(self) -> Subscriptions:
        """The queries of all clients; made when first needed."""
        if self._subscriptions is None:
            from .subscriptions import Subscriptions

            self._subscriptions = Subscriptions(self.datastore, self.views)
        return self._subscriptions

    def view(self) -> ReadView:
        """Return the committed rows, to be read while the lock is held."""
        self.check_open()
        return self.datastore.view()

    def transact(
        self, reducer: ReducerDef, args: bytes, sender: bytes, connection: bytes, caller: Client | None
    ) -> CallOutcome:
        """Run a reducer in a transaction of its own, which is committed if the reducer says so.

        Args:
            reducer: The reducer.
            args: Its arguments as BSATN.
            sender: Identity of the caller, 32 bytes.
            connection: Its connection id, 16 bytes, all zero for none.
            caller: The client whose own update comes with the outcome; everybody else is told at once.
        """
        tx = self.datastore.begin()
        outcome = self.run_in(tx, reducer, args, sender, connection)
        if outcome.committed:
            try:
                outcome.changes, outcome.update = self.commit(tx, caller)
            except ViewFailed as failure:
                outcome.status, outcome.message = "crashed", failure.reason
                outcome.panic, outcome.detail = failure.panic, str(failure)
                self.note_failure(outcome)
        return outcome

    def run_in(
        self, tx: Transaction, reducer: ReducerDef, args: bytes, sender: bytes, connection: bytes
    ) -> CallOutcome:
        """Run a reducer in an open transaction. If it is to be committed, that is left to the caller; if not, it is over.

        Args:
            tx: The transaction; whatever ends the run early, an interrupt among it, drops it.
            reducer: The reducer.
            args: Its arguments as BSATN.
            sender: Identity of the caller, 32 bytes.
            connection: Its connection id, 16 bytes, all zero for none.
        """
        try:
            outcome = self.executor.run(reducer, args, sender, connection, self.next_timestamp(), tx)
        except BaseException:
            tx.rollback()
            raise
        if outcome.committed:
            self.cause = Cause(reducer.name, args, sender, connection, outcome.timestamp)
        else:
            tx.rollback()
            self.note_failure(outcome)
        return outcome

    def run_reducer(self, reducer: ReducerDef, args: bytes) -> CallOutcome:
        """Run a reducer on behalf of the database itself, as schedules do."""
        return self.transact(reducer, args, self.identity.to_bytes(), NO_CONNECTION, None)

    def run_immediate(self) -> None:
        """Run what the last transaction asked to be run at once."""
        queue = self.host.immediate
        while queue:
            name, args = queue.pop(0)
            reducer = self.module.definition.reducers.get(name)
            if reducer is not None:
                self.run_reducer(reducer, args)

    def note_failure(self, outcome: CallOutcome) -> None:
        """Log why a call did not succeed; where the module gives no reason, that it did not."""
        text = outcome.message if outcome.status == "failed" else outcome.detail
        if text or outcome.status == "failed":
            self.log.add(LogRecord("error", text, outcome.timestamp, outcome.reducer))

    def commit(self, tx: Transaction, caller: Client | None) -> tuple[Changes, TransactionUpdate | None]:
        """Commit, tell every other client what it subscribed to, and return what the caller subscribed to.

        Raises:
            ViewFailed: A view failed that reads what has changed; the transaction has been rolled back.
        """
        if self.views is not None:
            self.views.refresh(tx)
        changes = tx.commit()
        if self.views is not None:
            self.views.committed()
        subscriptions = self._subscriptions
        if not changes or subscriptions is None:
            return changes, None
        own = None
        for client, update in subscriptions.deltas(changes).items():
            if client is caller:
                own = update
            elif isinstance(client, Client):
                client.deliver(update)
        return changes, own

    def roll_back(self, tx: Transaction) -> None:
        """Drop a transaction, and what views were computed in it."""
        tx.rollback()
        if self.views is not None:
            self.views.rolled_back()

    def commit_own(self, tx: Transaction) -> bool:
        """Commit what the database does by itself; a view that fails is logged, and leaves everything as it was.

        Returns:
            Whether it was committed.
        """
        try:
            self.commit(tx, None)
        except ViewFailed as failure:
            self.log.add(LogRecord("error", str(failure), self.clock.now()))
            return False
        return True

    def next_timestamp(self) -> int:
        """Return the time of a new transaction, which is later than that of every one before.

        Modules seed their random numbers with it, so two transactions never share one.
        """
        now = self.clock.now()
        if now <= self._last_timestamp:
            now = self._last_timestamp + 1
            self.clock.move_to(now)
        self._last_timestamp = now
        return now

    def drop_clients(self) -> None:
        """End every connection without hooks, because the module under them goes away."""
        clients, self.clients = list(self.clients.values()), {}
        for client in clients:
            client.is_open = False
            client.closed(*MODULE_EXITED)

    def check_open(self) -> None:
        """Raise an error if the database has been closed."""
        if self.closed:
            raise DatabaseClosed(self.name)
