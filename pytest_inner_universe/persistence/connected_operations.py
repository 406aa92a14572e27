"""What a controller does with the client that it has connected."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from enum import Enum
from typing import Any

from . import deployment
from .config import InnerUniverseConfig
from .errors import NotConnectedError, PersistenceError
from .inner_universe import InnerUniverseClient
from .maintenance import Maintenance
from .nerv_bridge import NervBridge, NervBus
from .running import RunningServer
from .starting import ServerStarter
from .temporal_store import SpacetimeTemporalStore
from .types import SystemStatus


class ConnectedOperations(Maintenance):
    """Base of the controller.

    Args:
        config: Settings.
        starter: Brings a server up.
        logger: Takes what is done.
    """

    def __init__(self, config: InnerUniverseConfig, starter: ServerStarter, logger: logging.Logger) -> None:
        super().__init__(config, starter)
        self.logger = logger
        self.client: InnerUniverseClient | None = None
        self._joined: list[NervBridge | SpacetimeTemporalStore] = []

    async def apply_configuration(
        self, settings: Mapping[str, Any] | Iterable[Mapping[str, Any]] | None = None
    ) -> None:
        """Write settings into the database, as its owner.

        Args:
            settings: As `InnerUniverseClient.apply_configuration` takes them; unless given, what the configuration says.

        Raises:
            NotConnectedError: There is no client yet.
            AuthorizationError: This controller did not deploy the module, and has no token of the owner.
        """
        if self.client is None or self._server is None:
            raise NotConnectedError("apply_configuration", "await start_server_mode() first")
        await self._configure(self._server, settings)

    async def register_event_handlers(
        self,
        event_bus: NervBus,
        event_types: Iterable[str | Enum] = (),
        *,
        handle_requests: bool = False,
        temporal_store: SpacetimeTemporalStore | None = None,
    ) -> NervBridge:
        """Join a bus of NERV's kind and the event log until the client is disconnected.

        Args:
            event_bus: The bus; what the log tells of entities, relations, versions and whatever else, it hears.
            event_types: The types of events that are carried from the bus to the log.
            handle_requests: Whether to create entities that are asked for on the bus.
            temporal_store: A store that is told of the versions that anybody commits; see `SpacetimeTemporalStore.follow`.

        Returns:
            The bridge, which is at work; see `NervBridge`.

        Raises:
            NotConnectedError: A `RuntimeError`: there is no client yet.
        """
        if self.client is None:
            raise NotConnectedError("register_event_handlers", "await start_server_mode() first")
        bridge = NervBridge(self.client, event_bus, event_types, handle_requests=handle_requests)
        async with AsyncExitStack() as undo:
            await bridge.start()
            undo.push_async_callback(bridge.close)
            joined: list[NervBridge | SpacetimeTemporalStore] = [bridge]
            if temporal_store is not None:
                await temporal_store.follow()
                joined.append(temporal_store)
            undo.pop_all()
        self._joined += joined
        return bridge

    async def persist_version(self, parent_version_id: str | None, description: str, data_hash: str) -> str:
        """Store a version of a state that is kept elsewhere; see `InnerUniverseClient.commit_state_version`.

        Args:
            parent_version_id: The version that it follows; None for the first.
            description: What changed.
            data_hash: Hash of the state.

        Returns:
            The id of the version, for both sides.

        Raises:
            NotConnectedError: There is no client yet.
        """
        if self.client is None:
            raise NotConnectedError("persist_version", "await start_server_mode() first")
        return await self.client.commit_state_version(parent_version_id, description, data_hash)

    async def get_system_status(self) -> SystemStatus:
        """Read the state of the system, with the time that a server of this controller has been running.

        Raises:
            NotConnectedError: There is no client yet.
            ConnectionError: The server does not answer any more.
        """
        if self.client is None or self._server is None:
            raise NotConnectedError("get_system_status", "await start_server_mode() first")
        status = await self.client.get_system_status()
        return replace(status, process_uptime_seconds=self._server.uptime_seconds())

    async def _configure(
        self, server: RunningServer, settings: Mapping[str, Any] | Iterable[Mapping[str, Any]] | None
    ) -> None:
        assert self.client is not None
        if settings is None:
            settings = deployment.settings_of(self.config, (await self.client.get_system_status()).version)
        await self.client.apply_configuration(settings)
        self.logger.info("configured the database at %s", server.url)

    async def _disconnect(self) -> None:
        client, self.client = self.client, None
        joined, self._joined = self._joined, []
        try:
            for one in joined:
                try:
                    await one.close()
                except PersistenceError:
                    self.logger.exception("closing what was joined to the event log failed")
        finally:
            if client is not None:
                await client.disconnect()
