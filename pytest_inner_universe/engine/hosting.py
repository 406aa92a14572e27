"""The database as its module sees it: what host functions reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .logs import LEVELS, LogRecord, ModuleLog
from .schedule import MAX_DELAY_MICROS, ScheduledRow, Scheduler, due_time
from .store.errors import ScheduleDelayTooLong

if TYPE_CHECKING:
    from .store import Datastore, Table, Transaction
    from .wasm.host import Procedure


class DatabaseHost:
    """Serves the host functions of one database.

    Args:
        identity: The database's identity, 32 little-endian bytes.
        log: Where the module's records go.
        scheduler: Which timers its rows arm.
    """

    def __init__(self, identity: bytes, log: ModuleLog, scheduler: Scheduler) -> None:
        self.identity = identity
        self.log = log
        self.scheduler = scheduler
        self.tx: Transaction | None = None
        self.procedure: Procedure | None = None
        self.datastore: Datastore
        self.function: str | None = None
        self.timestamp = 0
        self.panic: LogRecord | None = None
        self.immediate: list[tuple[str, bytes]] = []
        self.claims: dict[bytes, bytes] = {}
        self._rows: dict[int, ScheduledRow] = {}

    def begin(self, tx: Transaction | None, function: str, timestamp: int) -> None:
        """Note which call is running from now on."""
        self.tx = tx
        self.function = function
        self.timestamp = timestamp
        self.panic = None

    def end(self) -> None:
        """Note that the call is over: no transaction is open."""
        self.tx = None
        self.function = None

    def console_log(self, level: int, target: str | None, filename: str | None, line: int | None, message: str) -> None:
        """Append a record to the log and remember the last panic."""
        name = LEVELS.get(level, "debug")
        record = LogRecord(name, message, self.timestamp, self.function, target, filename, line)
        if name == "panic":
            self.panic = record
        self.log.add(record)

    def row_inserted(self, table: Table, row: bytes) -> None:
        """Arm the timer of a scheduled row, at once and whatever becomes of the transaction.

        Raises:
            ScheduleDelayTooLong: The row lies further ahead than a server accepts.
        """
        reader = self._rows.get(table.id)
        if reader is None or reader.table is not table:
            reader = self._rows[table.id] = ScheduledRow(table)
        key, at = reader.read(row)
        due = due_time(at, self.timestamp)
        if due - self.timestamp >= MAX_DELAY_MICROS:
            raise ScheduleDelayTooLong(table.name, due - self.timestamp, MAX_DELAY_MICROS)
        self.scheduler.arm(table.name, key, due)

    def schedule_immediate(self, name: str, args: bytes) -> None:
        """Queue a reducer that runs after the current call."""
        self.immediate.append((name, args))

    def jwt(self, connection: bytes) -> bytes | None:
        """Return the claims of the token that a connection came with, None where there was none."""
        return self.claims.get(connection)
