"""The embedded engine beside a server of 2.x, where whoever sends a statement over HTTP is connected for as long as it takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...client.errors import ConnectionRejected
from ...engine.errors import ConnectRefused
from ...sats import ConnectionId
from ...server.embedded_handle import EmbeddedHandle

if TYPE_CHECKING:
    from ...engine.sql import SqlResult


class VisitedHandle(EmbeddedHandle):
    """A database whose hooks run around statements, as they do on the other side."""

    def sql(self, actor: str | None, text: str) -> SqlResult:
        """Run one SQL statement."""
        with self._visit(actor):
            return super().sql(actor, text)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table."""
        with self._visit(None):
            return super().rows(table)

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        with self._visit(None):
            return super().count(table)

    def rows_over_connection(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table without a visit; see `RemoteHandle.rows_over_connection`."""
        self._client(None)
        return super().rows(table)

    @contextmanager
    def _visit(self, actor: str | None) -> Iterator[None]:
        database = self.database
        with database.lock:
            try:
                guest = database.connect(self.identity_of(actor), ConnectionId.random(), _ignore, _ignore)
            except ConnectRefused as error:
                raise ConnectionRejected(error.reason) from None
            try:
                yield
            finally:
                database.disconnect(guest)


def _ignore(*_: object) -> None:
    pass
