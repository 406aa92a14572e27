"""The client of Inner Universe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import network
from .administration import AdministrationOperations
from .cached_reads import CachedReads
from .config import InnerUniverseConfig
from .encryption import Encryption
from .entities import EntityOperations
from .errors import ConnectionError, PersistenceError
from .events import EventOperations
from .imports import ImportOperations
from .operations import ConnectionLike, translate
from .relations import RelationOperations
from .schema import SYSTEM_INFO
from .sql import select
from .subscriptions import ChangeSubscriptions
from .versions import VersionOperations

if TYPE_CHECKING:
    from ..client.link import Transport
    from ..sats import Identity, ModuleDef


class InnerUniverseClient(
    CachedReads,
    EntityOperations,
    RelationOperations,
    VersionOperations,
    EventOperations,
    ChangeSubscriptions,
    AdministrationOperations,
    ImportOperations,
):
    """A client of one Inner Universe database.

    Any number of clients can live side by side; each belongs to the event loop that it was connected in. What an
    operation raises is a `PersistenceError`: `NotConnectedError` before `connect`, otherwise as the operation says.

    A connection over the network that is lost is made anew as often as the configuration says, with its subscriptions.

    Args:
        config: Settings; the defaults if not given.
        transport: How to reach the server, in place of the address in the configuration.
        definition: Definition of the module; the server is asked unless given, over a transport that knows no definition it
            is needed.
        new_id: Makes the ids of new rows; random UUIDs by default.
        encryption: Seals properties and stored states before they leave, and opens them; see `Encryption`.

    Example:
        >>> async with InnerUniverseClient(transport=transport) as client:  # doctest: +SKIP
        ...     alice = await client.create_entity("Person", EntityMetadata(name="Alice"))
        ...     await client.get_entity(alice)
    """

    def __init__(
        self,
        config: InnerUniverseConfig | None = None,
        *,
        transport: Transport | None = None,
        definition: ModuleDef | None = None,
        new_id: Callable[[], str] | None = None,
        encryption: Encryption | None = None,
    ) -> None:
        super().__init__(config or InnerUniverseConfig(), new_id, encryption)
        self._transport = transport
        self._definition = definition
        self._connecting = asyncio.Lock()

    @classmethod
    def over(
        cls, connection: ConnectionLike, config: InnerUniverseConfig | None = None, **options: Any
    ) -> InnerUniverseClient:
        """Return a client on a connection that is open already; `disconnect` closes it.

        Args:
            connection: The connection.
            config: Settings.
            options: Further arguments of the class.
        """
        client = cls(config, **options)
        client._connection = connection
        return client

    def __repr__(self) -> str:
        state = "connected" if self.is_connected else "not connected"
        return f"<InnerUniverseClient {self.config.database!r} {state}>"

    @property
    def connection(self) -> ConnectionLike:
        """The connection below, for calls and subscriptions that this class does not have.

        Raises:
            NotConnectedError: There is none.
        """
        return self._connected("connection")

    @property
    def identity(self) -> Identity:
        """Who this client is to the server.

        Raises:
            NotConnectedError: It is not connected.
        """
        identity: Identity = self._connected("identity").identity
        return identity

    async def connect(self) -> bool:
        """Connect; with success if connected already.

        Returns:
            Whether there is a connection now. The reason of a failure is logged; `connect_or_raise` raises it.
        """
        try:
            await self.connect_or_raise()
        except PersistenceError as error:
            self.logger.error("cannot connect to %s: %s", self._target, error)  # noqa: TRY400 (the text is enough)
            return False
        return True

    async def connect_or_raise(self) -> None:
        """Connect; without effect if connected already. Several that ask at once get one connection.

        Raises:
            ConnectionError: The server cannot be reached or refuses the client.
            SchemaVersionError: The database is older than this client, or lacks tables that it needs. A newer one is warned of.
            ValidationError: The configuration has mistakes.
        """
        async with self._connecting:
            if self.is_connected:
                return
            self.config.validate()
            await self.disconnect()
            self.logger.info("connecting to %s", self._target)
            try:
                self._connection = await self._checked(await self._open())
            except PersistenceError:
                raise
            except Exception as error:
                reason = translate("connect", error)
                raise (reason if isinstance(reason, ConnectionError) else ConnectionError(str(reason))) from error

    async def disconnect(self) -> None:
        """End every subscription and the connection; harmless when not connected."""
        if self._connection is None:
            return
        connection = self._connection
        try:
            await self._unsubscribe_all()
            await self._end_cache()
        finally:
            self._connection = None
            self.subscriptions.clear()
            await connection.close()
            self.logger.info("disconnected from %s", self._target)

    async def __aenter__(self) -> InnerUniverseClient:
        await self.connect_or_raise()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.disconnect()

    async def _checked(self, connection: ConnectionLike) -> ConnectionLike:
        """Return a connection whose database has what this client needs; one that has not is closed."""
        from .schema_check import check_schema

        try:
            definition: ModuleDef | None = getattr(connection, "definition", None)
            is_there = definition is None or SYSTEM_INFO.name in definition.tables
            rows = await connection.query(select(SYSTEM_INFO)) if is_there else []
            check_schema(self.config.database, definition, rows[0]["schema_version"] if rows else None)
        except BaseException:
            await connection.close()
            raise
        return connection

    @property
    def _target(self) -> str:
        return f"database {self.config.database!r} at {self._transport or self.config.url}"

    async def _open(self) -> ConnectionLike:
        if self._transport is None:
            return await network.connect(self.config, self._definition)
        from ..client.connection import Connection

        definition = self._definition or getattr(self._transport, "definition", None)
        if definition is None:
            raise ConnectionError(
                f"{self._transport!r} does not know the module's definition; give InnerUniverseClient(definition=...)"
            )
        opening = Connection.open(self._transport, definition, timeout=self.config.timeout_ms / 1000)
        try:
            return await asyncio.wait_for(opening, self.config.connect_timeout_ms / 1000)
        except asyncio.TimeoutError as error:
            raise ConnectionError(f"no answer within {self.config.connect_timeout_ms} ms") from error
