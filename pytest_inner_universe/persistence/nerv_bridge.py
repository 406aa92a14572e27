"""NERV's event bus and the event log, joined: what happens on one side is heard on the other, once.

An event has the same id on both sides. The bridge remembers the ids that it has carried, and carries none twice; what it publishes
on the bus itself is marked, so that its own handler on the bus knows it again even if the bus gives it an id of its own.

Events on the bus are of two kinds. A fact tells what has happened, and is stored. A request asks for something: with
`handle_requests`, an ``ENTITY_CREATED`` that names no entity yet has one created, and what the module then logs about it is the fact.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from enum import Enum
from threading import get_ident
from typing import Any, Protocol

from .delivery import SETTLE_SECONDS, Delivery
from .errors import NERVPersistenceError, ValidationError
from .event_bus import message_of, type_name
from .types import INSERTED, Message, Row

ENTITY_CREATED = "ENTITY_CREATED"
CONFIRMATION = "entity_created_confirmation"
"""Type of the event that answers a request for an entity."""

_is_ours: ContextVar[bool] = ContextVar("_is_ours", default=False)
"""Whether what happens on the bus is the bridge's own doing; tasks that a bus makes inherit it."""


class NervBus(Protocol):
    """What is used of NERV's event bus; its methods may be asynchronous as well.

    A bus that has ``notify_subscribers(message)`` gets events of the log by that, others by ``publish``.
    """

    @abstractmethod
    def subscribe(self, event_type: Any, handler: Callable[[Any], Any]) -> Any:
        """Call a handler for events of a type; return what takes it away again."""

    @abstractmethod
    def publish(self, event_type: Any, data: Any = None, source: str | None = None) -> Any:
        """Publish an event and return its id."""


class NervBridge:
    """Carries events between a bus of NERV's kind and the event log, both ways, in order.

    Args:
        client: A connected `InnerUniverseClient`.
        bus: The bus.
        event_types: The types that are carried from the bus to the log, as text or as members of an enum; the members are used
            towards the bus as well.
        handle_requests: Whether to create the entities that are asked for on the bus, and to answer with ``CONFIRMATION``.
        remembered: How many ids are remembered.
        message_factory: Makes what ``notify_subscribers`` gets, from the keywords of `Message`.

    Example:
        >>> async with NervBridge(client, bus, ["USER_ACTION"]) as bridge:  # doctest: +SKIP
        ...     bus.publish("USER_ACTION", {"action": "login"})  # is stored
        ...     await client.publish_event("OTHER", None, {})  # is heard on the bus
    """

    def __init__(
        self,
        client: Any,
        bus: NervBus,
        event_types: Iterable[str | Enum] = (),
        *,
        handle_requests: bool = False,
        remembered: int = 10_000,
        message_factory: Callable[..., Any] = Message,
    ) -> None:
        self.client = client
        self.bus = bus
        self.failures = 0
        """How many events could not be stored; each is logged."""
        self._types: dict[str, Any] = {type_name(one): one for one in event_types}
        self._handle_requests = handle_requests
        self._remembered = remembered
        self._message_factory = message_factory
        self._carried: OrderedDict[str, None] = OrderedDict()
        self._unsubscribe: list[Any] = []
        self._token: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self.logger = logging.getLogger("nerv_bridge")
        self._to_log = Delivery(self._store, self.logger, "storing an event of the bus")
        self._to_bus = Delivery(self._tell, self.logger, "telling the bus of an event")

    async def start(self) -> None:
        """Begin to carry; without effect the second time. Where the bus refuses, nothing is carried either way."""
        if self._token is not None:
            return
        self._loop, self._thread = asyncio.get_running_loop(), get_ident()
        self._token = await self.client.subscribe_event_log_changes(self._on_row)
        asked = {ENTITY_CREATED: ENTITY_CREATED} if self._handle_requests else {}
        try:
            for wanted in {**asked, **self._types}.values():
                self._unsubscribe.append(await _awaited(self.bus.subscribe(wanted, self._on_event)))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop carrying, and wait until what has come is carried; harmless the second time."""
        unsubscribe, self._unsubscribe = self._unsubscribe, []
        token, self._token = self._token, None
        for leave in unsubscribe:
            if callable(leave):
                await _awaited(leave())
        try:
            await self._to_log.settle(SETTLE_SECONDS)
        finally:
            if token is not None:
                await token.unsubscribe()
            await self._to_bus.settle(SETTLE_SECONDS)

    async def settle(self) -> None:
        """Wait until what has come from the bus is stored, and what has come from the log is told."""
        await self._to_log.settle()
        await self._to_bus.settle()

    async def __aenter__(self) -> NervBridge:
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def publish_event(
        self, event_type: str | Enum, data: Mapping[str, Any] | None = None, source: str | None = None
    ) -> str:
        """Publish an event on the bus, then store it under the same id.

        Returns:
            The id that the bus gave it.

        Raises:
            NERVPersistenceError: It was published and could not be stored.
        """
        name = type_name(event_type)
        mark = _is_ours.set(True)
        try:
            id_ = str(await _awaited(self.bus.publish(self._types.get(name, event_type), data, source)))
        finally:
            _is_ours.reset(mark)
        self._remember(id_)
        try:
            await self.client.publish_event(name, source, data, event_id=id_)
        except Exception as error:
            raise NERVPersistenceError(f"event {id_} of type {name} was published and not stored: {error}") from error
        return id_

    # From the bus to the log

    def _on_event(self, event: Any) -> None:
        """Take an event of the bus, in whatever thread it was published."""
        if _is_ours.get() or self._loop is None:
            return
        if get_ident() == self._thread:
            self._to_log(event)
        else:
            self._loop.call_soon_threadsafe(self._to_log, event)

    async def _store(self, event: Any) -> None:
        name, data = type_name(event.type), event.data
        id_, source = str(event.id), getattr(event, "source", None)
        if id_ in self._carried:
            return
        self._remember(id_)
        try:
            if data is not None and not isinstance(data, Mapping):
                raise ValidationError(f"event {id_} of type {name}: its data must be a dict to be stored, got {data!r}")
            if self._handle_requests and name == ENTITY_CREATED and "entity_id" not in (data or {}):
                await self._create(id_, data or {}, source)
            elif name in self._types:
                await self.client.publish_event(name, source, data, event_id=id_)
        except Exception:
            self.failures += 1
            self.logger.exception("event %s of type %s could not be stored", id_, name)

    async def _create(self, request: str, data: Mapping[str, Any], source: str | None) -> None:
        entity = await self.client.create_entity(data.get("entity_type"), data.get("metadata") or {})
        answer = {"entity_id": entity, "request_id": request}
        mark = _is_ours.set(True)
        try:
            await _awaited(self.bus.publish(self._types.get(CONFIRMATION, CONFIRMATION), answer, source))
        finally:
            _is_ours.reset(mark)

    # From the log to the bus

    def _on_row(self, change_type: str, row: Row) -> None:
        if change_type == INSERTED and row["event_id"] not in self._carried:
            self._remember(row["event_id"])
            self._to_bus(row)

    def _tell(self, row: Row) -> Any:
        mark = _is_ours.set(True)
        try:
            notify = getattr(self.bus, "notify_subscribers", None)
            if notify is None:
                name = row["event_type"]
                return self.bus.publish(self._types.get(name, name), row["data"], row["source"])
            return notify(message_of(row, self._message_factory))
        finally:
            _is_ours.reset(mark)

    def _remember(self, id_: str) -> None:
        self._carried[id_] = None
        while len(self._carried) > self._remembered:
            self._carried.popitem(last=False)


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
