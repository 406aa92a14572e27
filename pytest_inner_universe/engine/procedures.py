"""Runs procedures: functions that are no transaction, but may open some, sleep, and ask the world outside.

Each run has an instance of the module to itself. The database's lock is held all the time, so nothing of other clients comes
between; but while a procedure sleeps or waits for an answer, and has no transaction open, the thread that runs it may use the
database: schedules that become due run then, and so do calls that the function makes that answers HTTP requests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..sats import DecodeError
from ..sats.bsatn import codec
from ..wire.v1_outcomes import PROCEDURE_CRASHED
from .calls import bad_arguments
from .clients import NO_CAUSE
from .errors import ViewFailed
from .hosting import DatabaseHost
from .logs import LogRecord
from .outbound import read_request, send
from .wasm.errors import TimedOut, Trap

if TYPE_CHECKING:
    from ..sats import ProcedureDef
    from .clients import Client
    from .core import DatabaseCore
    from .wasm.host import Procedure

UNKNOWN = "No such procedure"


@dataclass
class ProcedureOutcome:
    """One run of a procedure and its end.

    Args:
        procedure: Name of the procedure.
        status: ``returned``; ``crashed`` by a panic, a limit or a result that is none; ``refused`` before it ran, for an
            unknown name or unfit arguments.
        message: The text that a client receives; empty when it has returned.
        value: BSATN of what it returned.
        timestamp: When it began, in microseconds since the Unix epoch.
        duration: How long it ran on the database's clock, in microseconds.
        panic: The module's last words, where it panicked.
        detail: What the engine knows beyond the message, for people.
        limit: The seconds that it was allowed to run, where it was stopped for running longer.
    """

    procedure: str
    status: Literal["returned", "crashed", "refused"]
    message: str = ""
    value: bytes = b""
    timestamp: int = 0
    duration: int = 0
    panic: LogRecord | None = None
    detail: str = ""
    limit: float | None = None

    @property
    def returned(self) -> bool:
        """Whether there is a value."""
        return self.status == "returned"


class ProcedureHost(DatabaseHost):
    """Serves the host functions of one run.

    Args:
        database: The database.
        name: Name of the procedure.
        timestamp: When it began.
        is_scheduled: Whether a schedule has started it; other schedules wait for such a one, asleep or not.
    """

    def __init__(self, database: DatabaseCore, name: str, timestamp: int, is_scheduled: bool) -> None:
        super().__init__(database.host.identity, database.log, database.scheduler)
        self.procedure: Procedure | None = self
        self.immediate = database.host.immediate
        self.claims = database.host.claims
        self.begin(None, name, timestamp)
        self._database = database
        self._is_scheduled = is_scheduled

    def begin_tx(self) -> int:
        """Begin a transaction and return its time."""
        database = self._database
        self.datastore, self.scheduler = database.datastore, database.scheduler
        self.tx = database.datastore.begin()
        self.timestamp = database.next_timestamp()
        return self.timestamp

    def commit_tx(self) -> None:
        """Commit the transaction and tell everybody, the caller too."""
        tx, self.tx = self.tx, None
        assert tx is not None
        database = self._database
        database.cause = NO_CAUSE._replace(caller=self.identity, timestamp=self.timestamp)
        try:
            database.commit(tx, None)
        except ViewFailed as failure:
            raise Trap(str(failure)) from failure

    def abort_tx(self) -> None:
        """Drop the transaction."""
        tx, self.tx = self.tx, None
        assert tx is not None
        tx.rollback()

    def sleep_until(self, micros: int) -> int:
        """Move the clock instead of sleeping; without a transaction, what becomes due on the way runs."""
        from .scheduling import advance

        clock = self._database.clock
        ahead = micros - clock.now()
        if micros >= 0 and ahead > 0:
            if self.tx is None and not self._is_scheduled:
                advance(self._database, ahead)
            else:
                clock.move_to(micros)
        return clock.now()

    def prepare_http(self, request: bytes, body: bytes) -> Callable[[], tuple[bytes, bytes]]:
        """Read a request, and return what has it answered by the user's function."""
        found = read_request(request, body)
        return lambda: send(found, self._database.http)

    def finish(self) -> None:
        """End the run: a transaction that is still open is dropped, which is a mistake of the module."""
        if self.tx is not None:
            self.abort_tx()
            text = f"aborting dangling anonymous transaction in procedure {self.function}"
            self.log.add(LogRecord("error", text, self.timestamp, self.function))
        self.end()
        self.procedure = None  # which ends the circle of references


def call(database: DatabaseCore, client: Client, name: str, args: bytes) -> ProcedureOutcome:
    """Run a procedure for a connected client.

    Args:
        database: The database, whose lock is held.
        client: The caller.
        name: Name of the procedure.
        args: Its arguments as BSATN.
    """
    procedure = database.module.definition.procedures.get(name)
    if procedure is None or (procedure.is_private and client.identity != database.owner):
        text = f'External attempt to call nonexistent procedure "{name}" failed. Have you run `spacetime generate` recently?'
        return _refused(database, name, UNKNOWN, text)
    try:
        procedure.params_codec.read(args)  # bytes after the last argument are ignored, as servers do
    except DecodeError as error:
        text = (
            f'External attempt to call procedure "{name}" failed, invalid arguments.\n'
            "This is likely due to a mismatched client schema, have you run `spacetime generate` recently?"
        )
        return _refused(database, name, bad_arguments("procedure", procedure, args, error), text)
    return run(database, procedure, args, client.identity_bytes, client.connection_bytes, database.next_timestamp())


def _refused(database: DatabaseCore, name: str, message: str, logged: str) -> ProcedureOutcome:
    database.log.add(LogRecord("error", logged, database.clock.now(), name))
    return ProcedureOutcome(name, "refused", message)


def run(
    database: DatabaseCore,
    procedure: ProcedureDef,
    args: bytes,
    sender: bytes,
    connection: bytes,
    timestamp: int,
    is_scheduled: bool = False,
) -> ProcedureOutcome:
    """Run a procedure.

    Args:
        database: The database, whose lock is held and where no transaction is open.
        procedure: Which one.
        args: Its arguments as BSATN.
        sender: Identity of the caller, 32 bytes.
        connection: Connection id of the caller, 16 bytes, all zero for none.
        timestamp: When it begins.
        is_scheduled: Whether a schedule starts it.
    """
    outcome = ProcedureOutcome(procedure.name, "crashed", timestamp=timestamp)
    host = ProcedureHost(database, procedure.name, timestamp, is_scheduled)
    module = database.module
    instance = module.take_instance(host, call_limit=database.call_limit)
    try:
        code, data = instance.call_procedure(procedure.id, sender, connection, timestamp, args)
    except Trap as trap:
        outcome.panic = host.panic
        outcome.limit = trap.limit if isinstance(trap, TimedOut) else None
        outcome.detail = "" if outcome.limit is None and host.panic is not None else str(trap)
        outcome.message = PROCEDURE_CRASHED + _backtrace(trap)
        return _ended(database, outcome)
    finally:
        host.finish()
        module.give_back(instance)
    if code != 0:
        text = f"__call_procedure__ returned unexpected code {code}. Procedures should return code 0 or trap."
        outcome.message = PROCEDURE_CRASHED + text
        return _ended(database, outcome)
    try:
        _, end = codec(procedure.return_type).read(data, 0)
    except DecodeError as error:
        outcome.message = f"{PROCEDURE_CRASHED}{error}"
        return _ended(database, outcome)
    outcome.status, outcome.value = "returned", data[:end]
    return _ended(database, outcome)


def _ended(database: DatabaseCore, outcome: ProcedureOutcome) -> ProcedureOutcome:
    outcome.duration = max(0, database.clock.now() - outcome.timestamp)
    if outcome.detail:
        database.log.add(LogRecord("error", outcome.detail, outcome.timestamp, outcome.procedure))
    return outcome


def _backtrace(trap: Trap) -> str:
    """Return what a server says of a trap: the functions on the stack, as far as the module carries their names."""
    lines = (f"\n  {number:>3}: <unknown>!{name}" for number, name in enumerate(trap.backtrace))
    return "error while executing at wasm backtrace:" + "".join(lines)
