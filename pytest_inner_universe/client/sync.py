"""Clients for code that is not asynchronous: the same things, run on an event loop in a thread of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .connection import Connection
from .loop_thread import LoopThread as LoopThread
from .loop_thread import OnLoop
from .sync_http import SyncHttp as SyncHttp

if TYPE_CHECKING:
    from ..sats.definition import ModuleDef
    from ..sats.values import ConnectionId, Identity
    from .cache import Row, Tables
    from .link import Transport
    from .reconnect import Reconnect
    from .subscription import Subscription

Result = TypeVar("Result")


class SyncConnection(OnLoop):
    """A `Connection` for code that is not asynchronous; callbacks run on the loop's thread.

    Args:
        transport: The way to the server.
        definition: What the module declares.
        loop: A loop to share; one of its own unless given.
        timeout: The most seconds that each request may take, connecting among them.
        reconnect: How to come back when the connection is lost; None for not at all.

    Raises:
        ConnectionRejected: The server turned the client away.
        ServerUnreachable: No server answers.
        RequestTimeout: It took too long.

    Example:
        >>> with SyncConnection(transport, definition) as connection:  # doctest: +SKIP
        ...     connection.subscribe("SELECT * FROM person")
        ...     connection.call("add_person", "Ada", 1, 36)
        ...     connection.wait_for(lambda: connection.rows("person"), timeout=1)
    """

    def __init__(
        self,
        transport: Transport,
        definition: ModuleDef,
        *,
        loop: LoopThread | None = None,
        timeout: float = 30.0,
        reconnect: Reconnect | None = None,
    ) -> None:
        super().__init__(loop)
        try:
            opening = Connection.open(transport, definition, timeout=timeout, reconnect=reconnect)
            self._connection = self._loop.run(opening)
        except BaseException:
            if self._owns_loop:
                self._loop.close()
            raise

    @property
    def is_open(self) -> bool:
        """Whether calls can be made."""
        return self._connection.is_open

    @property
    def identity(self) -> Identity:
        """Who this client is."""
        return self._connection.identity

    @property
    def connection_id(self) -> ConnectionId:
        """Which of the identity's connections this is."""
        return self._connection.connection_id

    @property
    def token(self) -> str:
        """With it the same identity can connect again."""
        return self._connection.token

    def call(self, reducer: str, /, *args: Any, retry: bool = False, **kwargs: Any) -> None:
        """Call a reducer; see `Connection.call`."""
        self._loop.run(self._connection.call(reducer, *args, retry=retry, **kwargs))

    def call_procedure(self, procedure: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure and return its value; see `Connection.call_procedure`."""
        return self._loop.run(self._connection.call_procedure(procedure, *args, **kwargs))

    def query(self, sql: str) -> list[Row]:
        """Return the rows of one query, as they are now; see `Connection.query`."""
        return self._loop.run(self._connection.query(sql))

    def subscribe(self, *queries: str, **callbacks: Any) -> SyncSubscription:
        """Keep the rows of queries in the cache; see `Connection.subscribe`."""
        subscription = self._loop.run(self._connection.subscribe(*queries, **callbacks))
        return SyncSubscription(self._loop, subscription)

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a table that the subscriptions cover."""
        return self._loop.call(_rows, self._connection.tables, table)

    def find(self, table: str, key: Any) -> Row | None:
        """Return the row of a table with a primary key, or None, as far as the subscriptions cover it."""
        return self._loop.call(_find, self._connection.tables, table, key)

    def wait_for(self, condition: Callable[[Connection], Result], timeout: float | None = 30.0) -> Result:
        """Wait until a condition over the cached rows is true.

        Args:
            condition: A function of the connection, called on the loop's thread: ``lambda c: c.tables["person"].count == 3``.
            timeout: The most seconds to wait; None for as long as it takes.

        Returns:
            What the condition returned when it was true.

        Raises:
            WaitTimeout: The time was over first.
        """
        return self._loop.run(self._connection.wait_for(lambda: condition(self._connection), timeout))

    async def _end(self) -> None:
        await self._connection.close()

    def __repr__(self) -> str:
        return f"<Sync{repr(self._connection)[1:]}"


class SyncSubscription:
    """A `Subscription` for code that is not asynchronous; made by `SyncConnection.subscribe`."""

    def __init__(self, loop: LoopThread, subscription: Subscription) -> None:
        self._loop = loop
        self._subscription = subscription

    @property
    def is_active(self) -> bool:
        """Whether the server still sends changes."""
        return self._subscription.is_active

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a table that this subscription covers."""
        return self._loop.call(self._subscription.rows, table)

    def unsubscribe(self) -> None:
        """End the subscription; see `Subscription.unsubscribe`."""
        self._loop.run(self._subscription.unsubscribe())


def _rows(tables: Tables, table: str) -> list[Row]:
    return tables[table].rows()


def _find(tables: Tables, table: str, key: Any) -> Row | None:
    return tables[table].find(key)
