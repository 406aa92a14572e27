"""Batches: what many callers write one by one goes to the server in few transactions, and each gets its own result."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from .errors import BatchError, ConnectionError, NotConnectedError, PersistenceError
from .event_bus import type_name
from .operations import random_id
from .types import EntityMetadata, NewEntity, NewEvent, NewRelation, RelationMetadata

Item = TypeVar("Item", NewEntity, NewRelation, NewEvent)


class BatchClient(Protocol):
    """What is used of `InnerUniverseClient`."""

    @abstractmethod
    async def create_entities(self, entities: Any) -> list[str]:
        """Store entities, all or none."""

    @abstractmethod
    async def create_relations(self, relations: Any) -> list[str]:
        """Store relations, all or none."""

    @abstractmethod
    async def publish_events(self, events: Any) -> list[str]:
        """Append events, all or none."""


@dataclass(eq=False)
class BatchOperation(Generic[Item]):
    """Something that waits for its batch.

    Args:
        item: What is to be written.
        future: Gets the id, or the error.
    """

    item: Item
    future: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class _Batch(Generic[Item]):
    """Collects operations and writes them in one transaction when there are enough, or when the first has waited enough.

    A batch that the server refuses is written again one by one, which is safe because ids decide; so each caller gets its own
    result. A batch that has begun is finished whatever becomes of its callers. Who is cancelled before is left out.

    Args:
        client: A connected client.
        max_batch_size: How many operations make a batch full.
        max_wait_ms: The most milliseconds that an operation waits for others.
    """

    def __init__(self, client: BatchClient, max_batch_size: int = 50, max_wait_ms: float = 100) -> None:
        if max_batch_size < 1 or max_wait_ms < 0:
            raise ValueError(
                f"a batch has at least one operation and waits no negative time: {max_batch_size}, {max_wait_ms}"
            )
        self.client = client
        self.max_batch_size = max_batch_size
        self.max_wait_ms = max_wait_ms
        self.batches = 0
        """How many batches have been written."""
        self._pending: list[BatchOperation[Item]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self.logger = logging.getLogger(self._name)

    _name = "batch"

    @abstractmethod
    async def _write(self, items: list[Item]) -> list[str]:
        """Write all of them, or none."""

    async def _add(self, item: Item) -> str:
        if self._is_closed:
            raise NotConnectedError(self._name, "it was closed")
        operation = BatchOperation(item)
        self._pending.append(operation)
        if len(self._pending) >= self.max_batch_size:
            self._begin()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.max_wait_ms / 1000, self._begin)
        return await operation.future

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._pending = self._pending, []
        if batch:
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def flush(self) -> None:
        """Write what waits now, and return when that and all that has begun is done."""
        self._begin()
        while self._running:
            await asyncio.wait(set(self._running))

    async def close(self) -> None:
        """Write what waits, and take nothing more; harmless the second time."""
        self._is_closed = True
        await self.flush()

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, batch: list[BatchOperation[Item]]) -> None:
        batch = [operation for operation in batch if not operation.future.done()]
        if not batch:
            return
        self.batches += 1
        try:
            ids = await self._write([operation.item for operation in batch])
        except ConnectionError as error:
            for operation in batch:
                _fail(operation, error)
        except PersistenceError as error:
            self.logger.debug("a batch of %d is written one by one: %s", len(batch), error)
            await asyncio.gather(*map(self._run_alone, batch))
        except BaseException as error:
            for operation in batch:
                _fail(operation, error)
            if not isinstance(error, Exception):
                raise
        else:
            for operation, id_ in zip(batch, ids):
                if not operation.future.done():
                    operation.future.set_result(id_)

    async def _run_alone(self, operation: BatchOperation[Item]) -> None:
        try:
            (id_,) = await self._write([operation.item])
        except BatchError as error:
            _fail(operation, error.reason)
        except Exception as error:  # noqa: BLE001  # it is the caller's
            _fail(operation, error)
        else:
            if not operation.future.done():
                operation.future.set_result(id_)


def _fail(operation: BatchOperation[Any], error: BaseException) -> None:
    if not operation.future.done():
        operation.future.set_exception(error)


class EntityBatch(_Batch[NewEntity]):
    """Batches of new entities.

    Args:
        client: A connected client.
        max_batch_size: How many entities make a batch full.
        max_wait_ms: The most milliseconds that an entity waits for others.

    Example:
        >>> async with EntityBatch(client) as batch:  # doctest: +SKIP
        ...     ids = await asyncio.gather(*(batch.create_entity("Person", {"name": name}) for name in names))
    """

    _name = "entity_batch"

    async def create_entity(
        self, entity_type: str, metadata: EntityMetadata | Mapping[str, Any], *, entity_id: str | None = None
    ) -> str:
        """Store a new entity with its batch, and return its id; see `InnerUniverseClient.create_entity`."""
        return await self._add(NewEntity(entity_type, metadata, entity_id or random_id()))

    async def _write(self, items: list[NewEntity]) -> list[str]:
        return await self.client.create_entities(items)


class RelationBatch(_Batch[NewRelation]):
    """Batches of new relations; arguments as for `EntityBatch`."""

    _name = "relation_batch"

    async def create_relation(
        self,
        from_entity: str,
        to_entity: str,
        relation_type: str,
        metadata: RelationMetadata | Mapping[str, Any],
        *,
        relation_id: str | None = None,
    ) -> str:
        """Store a new relation with its batch, and return its id; see `InnerUniverseClient.create_relation`."""
        return await self._add(NewRelation(from_entity, to_entity, relation_type, metadata, relation_id or random_id()))

    async def _write(self, items: list[NewRelation]) -> list[str]:
        return await self.client.create_relations(items)


class EventBatch(_Batch[NewEvent]):
    """Batches of events; arguments as for `EntityBatch`."""

    _name = "event_batch"

    async def publish_event(
        self,
        event_type: str | Enum,
        data: Mapping[str, Any] | None,
        source: str | None = None,
        *,
        event_id: str | None = None,
    ) -> str:
        """Append an event with its batch, and return its id; see `SpacetimeEventBus.publish`."""
        return await self._add(NewEvent(type_name(event_type), dict(data or {}), source, event_id or random_id()))

    async def _write(self, items: list[NewEvent]) -> list[str]:
        return await self.client.publish_events(items)
