"""SpacetimeDB inside the test process: a pytest plugin, a test kit, and a persistence layer.

The names below are loaded when they are first used, because pytest imports this package in every run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client.connection import Connection as Connection
    from .engine.module import Module as Module
    from .engine.outbound import HttpRequest as HttpRequest
    from .engine.outbound import HttpResponse as HttpResponse
    from .persistence.config import InnerUniverseConfig as InnerUniverseConfig
    from .persistence.inner_universe import InnerUniverseClient as InnerUniverseClient
    from .persistence.manager import PersistenceManager as PersistenceManager
    from .sats import ConnectionId as ConnectionId
    from .sats import Identity as Identity
    from .sats import TimeDuration as TimeDuration
    from .sats import Timestamp as Timestamp
    from .sats import Variant as Variant
    from .testing.fixtures import universe_fixture as universe_fixture
    from .testing.universe import Universe as Universe

_PLACES = {
    "Connection": "client.connection",
    "ConnectionId": "sats",
    "HttpRequest": "engine.outbound",
    "HttpResponse": "engine.outbound",
    "Identity": "sats",
    "InnerUniverseClient": "persistence.inner_universe",
    "InnerUniverseConfig": "persistence.config",
    "Module": "engine.module",
    "PersistenceManager": "persistence.manager",
    "TimeDuration": "sats",
    "Timestamp": "sats",
    "Universe": "testing.universe",
    "Variant": "sats",
    "universe_fixture": "testing.fixtures",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f".{_PLACES[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
