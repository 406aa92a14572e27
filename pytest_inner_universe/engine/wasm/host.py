"""What a running module needs from the database around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..store import Datastore, Table, Transaction


class Procedure(Protocol):
    """What a running procedure may do."""

    def begin_tx(self) -> int:
        """Begin a transaction, which is the host's `tx` from then on; return its time in microseconds since the Unix epoch."""

    def commit_tx(self) -> None:
        """Commit the open transaction and tell everybody.

        Raises:
            Trap: A view failed; the transaction was dropped.
        """

    def abort_tx(self) -> None:
        """Drop the open transaction."""

    def sleep_until(self, micros: int) -> int:
        """Let a time come, if it is ahead, and return the time that it is then."""

    def prepare_http(self, request: bytes, body: bytes) -> Callable[[], tuple[bytes, bytes]]:
        """Read a request.

        Args:
            request: BSATN of method, headers, time-out, address and version.
            body: What is sent along.

        Returns:
            What makes the request, and returns BSATN of the response, and its body.

        Raises:
            HttpRequestUnreadable: The bytes are no request.
            HttpRequestFailed: From the result: there is no response; the module sees errno 21 and the text.
        """


class Host(Protocol):
    """The database as its module sees it.

    The attributes are read at every host call, so a host changes them at will between calls.
    """

    tx: Transaction | None
    """The open transaction; without one every datastore function answers errno 2."""
    datastore: Datastore
    """Where names and ids of tables and indexes are looked up; only read while a transaction is open."""
    identity: bytes
    """The database's own identity, 32 little-endian bytes."""
    procedure: Procedure | None
    """What only procedures may do; None while anything else runs."""

    def console_log(self, level: int, target: str | None, filename: str | None, line: int | None, message: str) -> None:
        """Take one record of the module's log.

        Args:
            level: 0 error, 1 warn, 2 info, 3 debug, 4 trace, 101 panic.
            target: Rust module path or similar.
            filename: Source file, if the module knows it.
            line: Line in that file.
            message: The text.
        """

    def row_inserted(self, table: Table, row: bytes) -> None:
        """Arm a schedule: called after an insert or update of a row in a table that has one.

        Raises:
            ScheduleDelayTooLong: The row lies too far in the future; the module sees errno 13.
        """

    def schedule_immediate(self, name: str, args: bytes) -> None:
        """Queue a call of the reducer `name` with BSATN arguments; a rollback does not undo this."""

    def jwt(self, connection: bytes) -> bytes | None:
        """The claims (JSON text) of the token that the connection (16 little-endian bytes) came with, if any."""


class NoHost:
    """The host of a module that is only being looked at: no transaction, no data, log records are dropped."""

    tx: Transaction | None = None
    datastore: Datastore
    identity = bytes(32)
    procedure: Procedure | None = None

    def console_log(self, level: int, target: str | None, filename: str | None, line: int | None, message: str) -> None:
        """Drop the record."""

    def row_inserted(self, table: Table, row: bytes) -> None:
        """Do nothing; unreachable without a transaction."""

    def schedule_immediate(self, name: str, args: bytes) -> None:
        """Do nothing."""

    def jwt(self, connection: bytes) -> bytes | None:
        """Answer that nothing is known about the connection."""
        return None
