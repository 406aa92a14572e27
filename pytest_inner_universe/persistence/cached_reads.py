"""Entities that are read often: kept, and kept up to date by the server."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from functools import partial
from typing import Any

from . import checks
from .cache import Cache, size_of
from .config import InnerUniverseConfig
from .errors import EntityNotFoundError
from .operations import Operations
from .schema import ENTITY
from .sql import select_by_key
from .types import Row

_MIB = 1024 * 1024


class _Watched:
    """An entity with the subscription that keeps it as it is."""

    def __init__(self) -> None:
        self.row: dict[str, Any] | None = None
        self.subscription: Any = None

    def __sizeof__(self) -> int:
        return size_of(self.row)

    def inserted(self, row: dict[str, Any]) -> None:
        self.row = row

    def updated(self, _: dict[str, Any], row: dict[str, Any]) -> None:
        self.row = row


class CachedReads(Operations):
    """Reading entities through a cache, which the feature ``enable_caching`` switches and ``cache_size_mb`` bounds.

    The server tells of every change of an entity in it, whoever makes it. So what is read is as fresh as what a subscription has
    told, and what a call of this client has changed is seen when the call has returned.
    """

    def __init__(self, config: InnerUniverseConfig, *arguments: Any) -> None:
        super().__init__(config, *arguments)
        self.cache = Cache(max_bytes=config.cache_size_mb * _MIB, dropped=self._forgotten)
        """What is kept, by ``entity:`` and id."""
        self._ending: set[asyncio.Task[None]] = set()

    async def get_entity_with_cache(self, entity_id: str) -> Row:
        """Read an entity, from the cache if it is there; the row is the caller's own.

        Args:
            entity_id: Its id.

        Raises:
            EntityNotFoundError: There is none with this id.
            CorruptDataError: It does not hold what it should.
        """
        id_ = checks.name_text(entity_id, "entity_id")
        connection = self._connected("get_entity_with_cache")
        if not self.config.feature("enable_caching"):
            found = await self._find(ENTITY, id_, "get_entity_with_cache")
        else:
            key = f"entity:{id_}"
            if key in self.cache:
                self.logger.debug("%s: found in the cache", key)
            watched: _Watched = await self.cache.get_or_compute(key, partial(self._watch_entity, connection, id_))
            found = None if watched.row is None else self._decoded(ENTITY, watched.row)
            if self.cache.peek(key) is not watched:
                self._end(watched)
        if found is None:
            raise EntityNotFoundError(id_)
        return found

    async def _watch_entity(self, connection: Any, id_: str) -> _Watched:
        watched = _Watched()
        forget = partial(self.cache.invalidate, f"entity:{id_}")
        try:
            watched.subscription = await connection.subscribe(
                select_by_key(ENTITY, id_),
                on_insert=watched.inserted,
                on_update=watched.updated,
                on_delete=lambda _: forget(),
                on_error=lambda _: forget(),
                replay=True,
            )
        except Exception as error:
            raise self._translated("get_entity_with_cache", error) from error
        if watched.row is None:
            self._end(watched)
            raise EntityNotFoundError(id_)
        return watched

    def _forgotten(self, _: Hashable, watched: _Watched) -> None:
        self._end(watched)

    def _end(self, watched: _Watched) -> None:
        subscription, watched.subscription = watched.subscription, None
        if subscription is not None and self.is_connected:
            task = asyncio.get_running_loop().create_task(self._unsubscribe(subscription))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _unsubscribe(self, subscription: Any) -> None:
        try:
            await subscription.unsubscribe()
        except Exception as error:  # noqa: BLE001  # nobody waits for it
            self.logger.debug("unsubscribing from an entity: %s", error)

    async def _end_cache(self) -> None:
        self.cache.clear()
        while self._ending:
            await asyncio.wait(set(self._ending))
