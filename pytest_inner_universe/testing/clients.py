"""Inner Universe clients of a universe, with ids that repeat when the seed does."""

from __future__ import annotations

import random
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from .errors import NotInnerUniverse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pytest_inner_universe.persistence.config import InnerUniverseConfig
    from pytest_inner_universe.persistence.controller import InnerUniverseController
    from pytest_inner_universe.persistence.inner_universe import InnerUniverseClient
    from pytest_inner_universe.sats import Identity
    from pytest_inner_universe.testing.actor import Actor
    from pytest_inner_universe.testing.universe import Universe


NEEDED_TABLES = ("entity", "relation", "event_log", "state_version", "delta_record")
"""What a client of Inner Universe reads and watches."""


def require_inner_universe(universe: Universe) -> None:
    """Check that a universe holds the Inner Universe module, or one that has its tables.

    Raises:
        NotInnerUniverse: It does not.
    """
    tables = universe.schema.tables
    missing = [name for name in NEEDED_TABLES if name not in tables]
    if missing:
        raise NotInnerUniverse(universe.name, missing, list(tables))


def seeded_ids(seed: int, purpose: str) -> Callable[[], str]:
    """A maker of UUIDs that follow from a seed.

    Args:
        seed: where they start.
        purpose: keeps the ids of several makers with one seed apart.

    Example:
        >>> seeded_ids(1, "docs")() == seeded_ids(1, "docs")()
        True
    """
    source = random.Random(f"{purpose} {seed}")
    return lambda: str(uuid.UUID(int=source.getrandbits(128), version=4))


def inner_universe_client(universe: Universe, identity: Identity | Actor | None = None) -> InnerUniverseClient:
    """A client of a universe that holds the Inner Universe module, not yet connected.

    Args:
        universe: where it connects to.
        identity: who it is; somebody new unless given.

    Returns:
        The client, to be used in an `async with` statement, or with `connect` and `disconnect`.

    Raises:
        NotInnerUniverse: The universe holds another module.
    """
    from pytest_inner_universe.persistence.inner_universe import InnerUniverseClient

    require_inner_universe(universe)

    return InnerUniverseClient(
        _config(universe),
        transport=universe.transport(identity),
        definition=universe.schema,
        new_id=seeded_ids(universe.seed, "universe_client"),
    )


def _config(universe: Universe) -> InnerUniverseConfig:
    from pytest_inner_universe.persistence.config import InnerUniverseConfig

    return InnerUniverseConfig(database=universe.name)


@asynccontextmanager
async def started_controller(universe: Universe) -> AsyncIterator[InnerUniverseController]:
    """A controller whose server is a universe, started, with a connected client; stopped at the end.

    Whoever opened the universe closes it.

    Args:
        universe: a universe that holds the Inner Universe module.
    """
    from pytest_inner_universe.persistence.controller import InnerUniverseController
    from pytest_inner_universe.persistence.inner_universe import InnerUniverseClient
    from pytest_inner_universe.persistence.running import RunningServer

    config = _config(universe)

    class UniverseServer(RunningServer):
        async def connect(self) -> InnerUniverseClient:
            client = InnerUniverseClient(config, transport=universe.transport(), definition=universe.schema)
            await client.connect_or_raise()
            return client

    async def start(_: InnerUniverseConfig) -> RunningServer:
        return UniverseServer()

    controller = InnerUniverseController(config, starter=start)
    try:
        await controller.start_server_mode()
        yield controller
    finally:
        await controller.stop()


class _OwnerConnection:
    """A connection whose calls are done at once, on the caller's thread, as the owner of a universe."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self.identity = universe.identity

    @property
    def is_open(self) -> bool:
        return not self._universe.closed

    async def call(self, reducer: str, *args: Any) -> None:
        self._universe.call(reducer, *args)

    async def query(self, sql: str) -> list[dict[str, Any]]:
        return self._universe.sql(sql)

    async def subscribe(self, *queries: str, **callbacks: Any) -> Any:
        raise NotImplementedError(f"{', '.join(queries)}: subscriptions need a loop; connect a client for {callbacks}")

    async def close(self) -> None:
        pass


def owner_client(universe: Universe) -> InnerUniverseClient:
    """A client that acts as the owner of a universe and never waits: its coroutines end in one step, without a loop."""
    from pytest_inner_universe.persistence.inner_universe import InnerUniverseClient

    ids = seeded_ids(universe.seed, "owner_client")
    return InnerUniverseClient.over(_OwnerConnection(universe), new_id=ids)
