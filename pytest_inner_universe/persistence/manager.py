"""The persistence manager: one object with everything that NERV's core asks of persistence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from enum import Enum
from typing import Any

from .attached_controller import AttachedController, Controller
from .config import InnerUniverseConfig
from .controller import InnerUniverseController
from .errors import NotConnectedError
from .event_bus import SpacetimeEventBus
from .inner_universe import InnerUniverseClient
from .temporal_store import SpacetimeTemporalStore
from .types import EntityMetadata, RelationMetadata, Row


class PersistenceManager:
    """Brings client, event bus and temporal store up together, and takes them down.

    Args:
        config: Settings; the defaults if not given.
        controller: Starts the server and the client; one for these settings if not given.

    Example:
        >>> manager = PersistenceManager.over(client)  # doctest: +SKIP
        >>> await manager.initialize()  # doctest: +SKIP
        True
        >>> await manager.create_entity("Person", {"name": "Alice"})  # doctest: +SKIP
    """

    def __init__(self, config: InnerUniverseConfig | None = None, *, controller: Controller | None = None) -> None:
        self.config = config or InnerUniverseConfig()
        self.controller: Controller = controller or InnerUniverseController(self.config)
        self.client: InnerUniverseClient | None = None
        self.event_bus: SpacetimeEventBus | None = None
        self.temporal_store: SpacetimeTemporalStore | None = None
        self._initialized = False
        self._lock = asyncio.Lock()
        self.logger = logging.getLogger("persistence_manager")

    @classmethod
    def over(cls, client: InnerUniverseClient) -> PersistenceManager:
        """Return a manager over a client of somebody else's, which `shutdown` leaves connected."""
        return cls(client.config, controller=AttachedController(client))

    async def initialize(self, deploy: bool = False) -> bool:
        """Start, connect, and create both adapters, the event bus listening and the temporal store at the newest version.

        Args:
            deploy: Whether to publish the module first.

        Returns:
            Whether that succeeded. After a failure, which is logged, nothing is left running.
        """
        try:
            await self.initialize_or_raise(deploy)
        except Exception:
            self.logger.exception("initialization failed")
            return False
        return True

    async def initialize_or_raise(self, deploy: bool = False) -> None:
        """Do what `initialize` does, but raise what went wrong; nothing is left running then."""
        async with self._lock:
            if self._initialized:
                return
            try:
                if deploy:
                    await self.controller.start_deployment_mode()
                self.client = await self.controller.start_server_mode()
                self.event_bus = SpacetimeEventBus(self.client)
                self.temporal_store = SpacetimeTemporalStore(self.client)
                await self.event_bus.subscribe_to_events()
                if self.config.feature("enable_state_versioning"):
                    await self.temporal_store.load_head()
            except BaseException:
                await self._take_down()
                raise
            self._initialized = True

    async def shutdown(self) -> None:
        """Stop listening, stop what the controller started, drop client and adapters; harmless the second time."""
        async with self._lock:
            await self._take_down()

    def is_initialized(self) -> bool:
        """Tell whether operations can be made."""
        return self._initialized

    async def __aenter__(self) -> PersistenceManager:
        await self.initialize_or_raise()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.shutdown()

    async def create_entity(self, entity_type: str, metadata: EntityMetadata | Mapping[str, Any]) -> str:
        """Store a new entity and return its id; see `InnerUniverseClient.create_entity`."""
        return await self._client("create_entity").create_entity(entity_type, metadata)

    async def get_entity(self, entity_id: str) -> Row:
        """Read an entity; see `InnerUniverseClient.get_entity`."""
        return await self._client("get_entity").get_entity(entity_id)

    async def update_entity(self, entity_id: str, metadata: EntityMetadata | Mapping[str, Any]) -> bool:
        """Replace the metadata of an entity; see `InnerUniverseClient.update_entity`."""
        return await self._client("update_entity").update_entity(entity_id, metadata)

    async def delete_entity(self, entity_id: str) -> bool:
        """Delete an entity; see `InnerUniverseClient.delete_entity`."""
        return await self._client("delete_entity").delete_entity(entity_id)

    async def create_relation(
        self, from_entity: str, to_entity: str, relation_type: str, metadata: RelationMetadata | Mapping[str, Any]
    ) -> str:
        """Store a new relation and return its id; see `InnerUniverseClient.create_relation`."""
        client = self._client("create_relation")
        return await client.create_relation(from_entity, to_entity, relation_type, metadata)

    async def commit_version(self, state: Any, description: str) -> str:
        """Commit a state through the temporal store and return the id of its version.

        Args:
            state: The state, of whatever JSON can hold.
            description: What the version is about.

        Raises:
            RuntimeError: There is no temporal store yet.
        """
        if self.temporal_store is None:
            raise _not_initialized("commit_version")
        return await self.temporal_store.commit_version(state, description)

    async def publish_event(
        self, event_type: str | Enum, data: Mapping[str, Any] | None, source: str | None = None
    ) -> str:
        """Publish an event through the event bus and return its id.

        Args:
            event_type: Its type, a text or a member of an enum.
            data: What happened, as a dict that JSON can hold; None for nothing more.
            source: Who or what it comes from.

        Raises:
            RuntimeError: There is no event bus yet.
        """
        if self.event_bus is None:
            raise _not_initialized("publish_event")
        return await self.event_bus.publish(event_type, data, source)

    def _client(self, operation: str) -> InnerUniverseClient:
        if not self._initialized or self.client is None:
            raise _not_initialized(operation)
        return self.client

    async def _take_down(self) -> None:
        adapters = [adapter for adapter in (self.event_bus, self.temporal_store) if adapter is not None]
        self._initialized = False
        self.client = self.event_bus = self.temporal_store = None
        try:
            for adapter in adapters:
                try:
                    await adapter.close()
                except Exception:
                    self.logger.exception("closing %s failed", type(adapter).__name__)
        finally:
            await self.controller.stop()


async def initialize_persistence(
    config: InnerUniverseConfig | None = None, *, controller: Controller | None = None
) -> tuple[Controller, SpacetimeEventBus, SpacetimeTemporalStore]:
    """Bring everything up.

    Returns:
        The controller, the event bus, which is listening, and the temporal store.

    Raises:
        Exception: Whatever went wrong on the way; nothing is left running then.
    """
    manager = PersistenceManager(config, controller=controller)
    await manager.initialize_or_raise()
    assert manager.event_bus is not None
    assert manager.temporal_store is not None
    return manager.controller, manager.event_bus, manager.temporal_store


def _not_initialized(operation: str) -> NotConnectedError:
    return NotConnectedError(operation, "await initialize() first")
