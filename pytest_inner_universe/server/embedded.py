"""A server inside the process: one module, any number of databases with it, and the door through which clients come."""

from __future__ import annotations

import itertools
import threading
from functools import cached_property
from typing import TYPE_CHECKING

from ..engine.database import CALL_LIMIT, Database, Snapshot
from ..engine.release import NEWEST, Release
from ..sats import Identity
from .embedded_handle import ISSUER, OWNER_SUBJECT, EmbeddedHandle

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..engine.clock import Clock
    from ..engine.module import Module
    from .endpoint import Endpoint
    from .front import Front
    from .tokens import TokenAuthority


class EmbeddedServer:
    """Serves databases of one module.

    The module is published once, when the first database is asked for; every database is a copy-on-write fork of that
    state, so what ``init`` wrote is there and a new database costs the same whatever it holds.

    Args:
        module: The compiled module.
        call_limit: Seconds that one reducer call may take.
        clock: Makes the clock of a new database; the machine's time unless given.
        release: The release of the server that is imitated.

    Example:
        >>> server = EmbeddedServer(Module.load_file("game.wasm"))  # doctest: +SKIP
        >>> database = server.database("first")  # doctest: +SKIP
    """

    def __init__(
        self,
        module: Module,
        call_limit: float = CALL_LIMIT,
        clock: Callable[[], Clock] | None = None,
        release: Release = NEWEST,
    ) -> None:
        self.module = module
        self.call_limit = call_limit
        self.release = release
        self.owner = Identity.derive(ISSUER, OWNER_SUBJECT)
        self._clock = clock
        self._lock = threading.Lock()
        self._published: Snapshot | None = None
        self._databases: dict[str, Database] = {}
        self._numbers = itertools.count(1)
        self._front: Front | None = None
        self._reachable: set[str] = set()

    def published(self) -> Snapshot:
        """Return the state right after publishing.

        Raises:
            AbiNotOffered: The module needs a newer release.
            PublishFailed: The module's ``init`` did not succeed.
        """
        with self._lock:
            if self._published is None:
                identity = Identity.derive(ISSUER, f"database {self.module.hash}")
                clock = self._clock() if self._clock else None
                database = Database.publish(
                    self.module, "published", self.owner, identity, clock, self.call_limit, self.release
                )
                self._published = database.snapshot(with_memory=True)
                database.close()
            return self._published

    def database(self, prefix: str = "universe", clock: Clock | None = None) -> Database:
        """Return a new database in the state right after publishing.

        Args:
            prefix: Start of its name; a number makes it unique on this server.
            clock: Its clock; one of the server's kind unless given.

        Raises:
            PublishFailed: The module's ``init`` did not succeed.
        """
        snapshot = self.published()
        name = f"{prefix}-{next(self._numbers)}"
        database = Database(snapshot, name, clock or (self._clock() if self._clock else None), self.call_limit)
        self._databases[name] = database
        return database

    def handle(self, prefix: str = "universe", clock: Clock | None = None) -> EmbeddedHandle:
        """Return a new database as tests use it; arguments and errors as `database`."""
        return EmbeddedHandle(self, self.database(prefix, clock))

    def endpoint(self, database: Database) -> Endpoint:
        """Return the door through which clients reach a database in memory."""
        from .endpoint import Endpoint

        return Endpoint(database)

    @cached_property
    def authority(self) -> TokenAuthority:
        """Makes and checks the tokens of this server."""
        from .tokens import TokenAuthority

        return TokenAuthority()

    def address(self, database: Database) -> str:
        """Return where other programs reach a database over HTTP and WebSocket, on loopback; listens from now on.

        Raises:
            CannotListen: No loopback port is to be had.
        """
        with self._lock:
            if self._front is None:
                from .front import Front
                from .registry import Registry

                self._front = Front(Registry(self.authority, self.release))
            if database.name not in self._reachable:
                self._front.registry.add(database)
                self._reachable.add(database.name)
            return self._front.start()

    @property
    def is_listening(self) -> bool:
        """Whether databases can be reached over a socket, which somebody has asked for."""
        return self._front is not None

    def forget(self, database: Database) -> None:
        """Close a database and drop it."""
        if self._front is not None and database.name in self._reachable:
            self._front.registry.remove(database)
            self._reachable.discard(database.name)
        database.close()
        if self._databases.get(database.name) is database:
            del self._databases[database.name]

    def close(self) -> None:
        """Close every database, and listen no more."""
        for database in list(self._databases.values()):
            self.forget(database)
        front, self._front = self._front, None
        if front is not None:
            front.stop()
            front.registry.close()
