"""One database as the socket front serves it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ...engine.clients import MODULE_EXITED
from ...engine.scheduling import advance
from ...sats import ConnectionId, Identity, Timestamp
from ...wire.calls import CallInfo
from .worker import Worker

if TYPE_CHECKING:
    from ...engine.database import Database
    from .socket import Socket

_LONGEST_WAIT = 3600.0
_LOG = logging.getLogger(__name__)


class Entry:
    """A database, and the thread that works for it.

    Args:
        database: The database.
        is_live: Whether its schedules run by themselves when they are due.
    """

    def __init__(self, database: Database, is_live: bool) -> None:
        self.database = database
        self.is_live = is_live
        self.worker = Worker(f"database {database.name}", self._tick if is_live else None)
        self.sockets: set[Socket] = set()
        """Connections of clients."""
        self.request_id = 0
        """The caller's number of the call that is being made, 0 if none is; set and read with the database's lock held."""

    def start(self) -> None:
        """Begin to run schedules, if that is wanted."""
        if self.is_live:
            self.worker.give(_nothing)

    def stop(self) -> None:
        """Disconnect the clients and end the thread; the database goes on."""
        for socket in list(self.sockets):
            socket.closed(*MODULE_EXITED)
        self.worker.stop()

    def end(self) -> None:
        """End the database and its thread."""
        self.database.close()
        self.worker.stop()

    def call_info(self) -> CallInfo:
        """Return what led to the changes that are being delivered, as the first protocol tells it."""
        cause = self.database.cause
        caller, connection = Identity(cause.caller), ConnectionId(cause.connection)
        return CallInfo(cause.reducer, cause.args, self.request_id, caller, connection, Timestamp(cause.timestamp))

    def _tick(self) -> float | None:
        """Run the schedules that are due; return the seconds until the next one, None if there is none."""
        database = self.database
        with database.lock:
            if database.closed:
                return None
            if database.scheduler.next() is None:
                return None
            try:
                advance(database, 0)
            except Exception:  # noqa: BLE001 - whatever it is, clients would wait for ever for a thread that has ended
                _LOG.exception("a schedule of database %s could not run", database.name)
            timer = database.scheduler.next()
            if timer is None:
                return None
            return min(max(0, timer.due - database.clock.now()) / 1_000_000, _LONGEST_WAIT)


def _nothing() -> None:
    """The first job, after which the thread looks for schedules."""
