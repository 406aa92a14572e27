"""A pool of connected clients."""

from __future__ import annotations

import asyncio
import logging
import time
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

from .config import InnerUniverseConfig
from .errors import NotConnectedError, PersistenceError, PoolTimeoutError, ValidationError
from .inner_universe import InnerUniverseClient


class PooledClient(Protocol):
    """What is used of `InnerUniverseClient`."""

    @property
    @abstractmethod
    def is_connected(self) -> bool:
        """Whether operations can be made."""

    @abstractmethod
    async def connect_or_raise(self) -> None:
        """Connect."""

    @abstractmethod
    async def disconnect(self) -> None:
        """End the connection."""


@dataclass(frozen=True)
class PoolStatistics:
    """A pool at one moment.

    Args:
        free: Clients that nobody has.
        used: Clients that somebody has.
        opening: Clients that are being connected.
        waiting: Callers that wait for one.
        replaced: Clients given up so far because their connection was lost.
    """

    free: int
    used: int
    opening: int
    waiting: int
    replaced: int


class ClientPool:
    """Hands connected clients out, the first to ask being served first, and never has more than it may.

    A client whose connection was lost is replaced, when it is handed out and when it comes back.

    Args:
        config: Settings of the clients.
        min_size: Clients that `initialize` connects.
        max_size: The most clients.
        make_client: Makes a client for the settings, not yet connected.

    Raises:
        ValidationError: The sizes make no sense, or are more than the ``max_connections`` of the configuration.

    Example:
        >>> async with ClientPool(config, min_size=1, max_size=4) as pool:  # doctest: +SKIP
        ...     async with pool.client() as client:
        ...         await client.create_entity("Person", {"name": "Ada"})
    """

    def __init__(
        self,
        config: InnerUniverseConfig | None = None,
        min_size: int = 2,
        max_size: int = 10,
        *,
        make_client: Callable[[InnerUniverseConfig], Any] = InnerUniverseClient,
    ) -> None:
        self.config = config or InnerUniverseConfig()
        if not 0 <= min_size <= max_size or max_size < 1:
            raise ValidationError(
                f"a pool has 0 <= min_size <= max_size and 1 <= max_size, got {min_size} and {max_size}"
            )
        if max_size > self.config.max_connections:
            raise ValidationError(
                f"max_size {max_size} is more than max_connections {self.config.max_connections} of the configuration"
            )
        self.min_size = min_size
        self.max_size = max_size
        self.logger = logging.getLogger("client_pool")
        self._make_client = make_client
        self._free: deque[Any] = deque()
        self._used: dict[Any, float] = {}
        self._opening = 0
        # Who waits gets a client, or None for the right to connect one.
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._leaving: set[asyncio.Task[None]] = set()
        self._replaced = 0
        self._is_closed = False

    @property
    def statistics(self) -> PoolStatistics:
        """How many clients there are, in which state."""
        return PoolStatistics(len(self._free), len(self._used), self._opening, len(self._waiting), self._replaced)

    def seconds_out(self, client: PooledClient) -> float | None:
        """Return how long somebody has had a client; None if nobody has."""
        since = self._used.get(client)
        return None if since is None else time.monotonic() - since

    async def initialize(self) -> None:
        """Connect the first clients; without effect where they are connected.

        Raises:
            ConnectionError: One cannot be connected; none is left connected.
        """
        self._is_closed = False
        try:
            while len(self._free) + len(self._used) + self._opening < self.min_size:
                self._opening += 1
                self._pass_on(await self._connected())
        except BaseException:
            await self.shutdown()
            raise

    async def acquire(self, timeout: float | None = None) -> Any:
        """Return a client, which `release` takes back.

        Args:
            timeout: The most seconds to wait for one, connecting included; None for as long as it takes.

        Raises:
            PoolTimeoutError: All clients were in use all the time.
            NotConnectedError: The pool was shut down.
            ConnectionError: A new client cannot be connected.
        """
        try:
            return await asyncio.wait_for(self._acquire(), timeout)
        except asyncio.TimeoutError:
            raise PoolTimeoutError(timeout or 0.0, self.max_size) from None

    async def release(self, client: PooledClient) -> None:
        """Take a client back; one that is not out is only warned of."""
        if self._used.pop(client, None) is None:
            self.logger.warning("%r was released and is not out", client)
            return
        self._take_back(client)

    @asynccontextmanager
    async def client(self, timeout: float | None = None) -> AsyncIterator[Any]:
        """Give a client for the time of an ``async with`` statement; see `acquire`."""
        client = await self.acquire(timeout)
        try:
            yield client
        finally:
            await self.release(client)

    async def shutdown(self) -> None:
        """Disconnect all clients, those that are out among them; whoever waits gets an error. Harmless the second time."""
        self._is_closed = True
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(self._closed_error())
        for client in [*self._free, *self._used]:
            self._let_go(client)
        self._free.clear()
        self._used.clear()
        while self._leaving:
            await asyncio.wait(set(self._leaving))

    async def __aenter__(self) -> ClientPool:
        await self.initialize()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shutdown()

    async def _acquire(self) -> Any:
        if self._is_closed:
            raise self._closed_error()
        client = None
        if self._free and not self._waiting:
            client = self._free.popleft()
            self._used[client] = time.monotonic()
        elif len(self._free) + len(self._used) + self._opening < self.max_size:
            self._opening += 1
        else:
            client = await self._wait()
        if client is not None and not client.is_connected:
            self._replaced += 1
            self._opening += 1
            del self._used[client]
            client = await self._connected(client)
        elif client is None:
            client = await self._connected()
        self._used[client] = time.monotonic()
        return client

    async def _wait(self) -> Any:
        if not self._waiting:  # who comes next adds to the same shortage
            self.logger.warning("all %d clients are in use", self.max_size)
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                client = waiter.result()  # it came too late for this one
                self._used.pop(client, None)
                self._pass_on(client)
            raise
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    async def _connected(self, lost: Any = None) -> Any:
        """Connect a client, for which there is room already, in place of one whose connection was lost."""
        try:
            if lost is not None:
                self._let_go(lost)
            client = self._make_client(self.config)
            await client.connect_or_raise()
        except BaseException:
            self._pass_on(None)
            raise
        self._opening -= 1
        if self._is_closed:
            await asyncio.shield(self._let_go(client))
            raise self._closed_error()
        return client

    def _take_back(self, client: Any) -> None:
        if client.is_connected and not self._is_closed:
            self._pass_on(client)
            return
        self._replaced += not self._is_closed
        self._opening += 1
        self._pass_on(None)
        self._let_go(client)

    def _pass_on(self, client: Any) -> None:
        """Hand a client, or the room for one, to who waits first."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                if client is not None:
                    self._used[client] = time.monotonic()
                waiter.set_result(client)
                return
        if client is None:
            self._opening -= 1
        else:
            self._free.append(client)

    def _let_go(self, client: Any) -> asyncio.Task[None]:
        """Disconnect a client, whatever becomes of who asked for it; `shutdown` waits for the end."""
        task = asyncio.get_running_loop().create_task(self._disconnect(client))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        return task

    async def _disconnect(self, client: Any) -> None:
        try:
            await client.disconnect()
        except PersistenceError as error:
            self.logger.debug("disconnecting %r: %s", client, error)

    def _closed_error(self) -> NotConnectedError:
        return NotConnectedError("acquire", "the pool was shut down")
