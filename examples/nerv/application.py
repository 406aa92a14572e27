"""How the examples come to their persistence manager: over the server that is there, or over one of their own."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pytest_inner_universe.persistence import InnerUniverseConfig, InnerUniverseController, PersistenceManager


@asynccontextmanager
async def persistence() -> AsyncIterator[PersistenceManager]:
    """Give a manager for what the environment says (`INNER_UNIVERSE_PORT` and so on), and take it down at the end.

    A server that answers there is used, and left running. Where none does, an embedded one is started, into which `--deploy` on the
    command line brings the module first; leave `backend` out to start a real one.
    """
    config = InnerUniverseConfig.from_env()
    manager = PersistenceManager(config, controller=InnerUniverseController(config, backend="embedded"))
    if not await manager.initialize(deploy="--deploy" in sys.argv):
        sys.exit("there is no Inner Universe; --deploy brings it up")
    try:
        yield manager
    finally:
        await manager.shutdown()
