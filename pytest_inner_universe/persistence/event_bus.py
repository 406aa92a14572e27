"""The event log as an event bus."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Protocol

from ..sats import Timestamp
from .delivery import SETTLE_SECONDS, Delivery
from .errors import ValidationError
from .types import INSERTED, Message, Row

Handler = Callable[[Any], Any]
"""Called with a message; plain or async."""


class EventClient(Protocol):
    """What the bus needs of `InnerUniverseClient`."""

    @abstractmethod
    async def publish_event(
        self, event_type: str, source: str | None, data: Mapping[str, Any] | None, *, event_id: str | None = None
    ) -> str:
        """Append an event."""

    @abstractmethod
    async def subscribe_event_log_changes(self, callback: Callable[..., Any], *, replay: bool = False) -> Any:
        """Watch the event log."""


class SpacetimeEventBus:
    """Publishes to the event log and hands what others publish to handlers.

    Each handler gets the events of its type in the order of the log. Handlers do not wait for one another, and what one
    raises is logged and reaches nobody else; `Delivery` says how plain and async handlers are called.

    Args:
        client: A connected client.
        message_factory: Makes what handlers get, from the keywords of `Message`.

    Example:
        >>> bus = SpacetimeEventBus(client)  # doctest: +SKIP
        >>> bus.register_handler("USER_ACTION", lambda message: print(message.data))  # doctest: +SKIP
        >>> await bus.subscribe_to_events()  # doctest: +SKIP
        >>> await bus.publish("USER_ACTION", {"action": "login"}, source="web")  # doctest: +SKIP
    """

    def __init__(self, client: EventClient, *, message_factory: Callable[..., Any] = Message) -> None:
        self.client = client
        self._message_factory = message_factory
        self._handlers: dict[str, list[Delivery]] = {}
        self._retired: list[Delivery] = []
        self._token: Any = None
        self.logger = logging.getLogger("spacetime_event_bus")

    def register_handler(self, event_type: str | Enum, handler: Handler) -> Callable[[], None]:
        """Call a handler for every event of a type from now on.

        Args:
            event_type: The type; of an enum member, its value.
            handler: Plain or async function of one message.

        Returns:
            A function that takes the handler away again.

        Raises:
            ValidationError: The handler cannot be called, or the type is not text.
        """
        name = type_name(event_type)
        if not callable(handler):
            raise ValidationError(f"the handler for {name} must be callable, got {handler!r}")
        delivery = Delivery(handler, self.logger, f"handler {getattr(handler, '__name__', handler)!s} for {name}")
        registered = self._handlers.setdefault(name, [])
        registered.append(delivery)

        def unregister() -> None:
            if delivery in registered:
                registered.remove(delivery)
                if delivery.is_busy:
                    self._retired.append(delivery)

        return unregister

    async def publish(
        self,
        event_type: str | Enum,
        data: Mapping[str, Any] | None,
        source: str | None = None,
        *,
        event_id: str | None = None,
    ) -> str:
        """Append an event to the log; handlers hear of it as everybody does, through the log.

        The client's `publish_event` takes the source before the data; arguments in that order are refused here.

        Args:
            event_type: The type; of an enum member, its value.
            data: Payload; None for an empty one.
            source: Who publishes it.
            event_id: Its id; a new UUID if not given.

        Returns:
            The id of the stored event.
        """
        name = type_name(event_type)
        try:
            if not isinstance(data, (Mapping, type(None))) or not isinstance(source, (str, type(None))):
                raise ValidationError(
                    f"publish takes event type, data (dict), source (text or None), in this order; got data {data!r} "
                    f"and source {source!r}"
                )
            return await self.client.publish_event(name, source, data, event_id=event_id)
        except Exception:
            self.logger.exception("publishing %s failed", name)
            raise

    async def subscribe_to_events(self, *, replay: bool = False) -> None:
        """Begin to hand new events to handlers; without effect when that has begun already.

        Args:
            replay: Whether to hand over the events that are in the log already, oldest first.
        """
        if self._token is None:
            self._token = await self.client.subscribe_event_log_changes(self._on_event_change, replay=replay)

    async def settle(self, timeout: float | None = None) -> None:
        """Wait until async handlers have taken everything that has arrived.

        Args:
            timeout: Seconds that each handler gets before it is cancelled; None to wait as long as it takes.
        """
        for delivery in [d for registered in self._handlers.values() for d in registered] + self._retired:
            await delivery.settle(timeout)
        self._retired.clear()

    async def close(self) -> None:
        """Stop listening, and wait until what has arrived is handled; handlers stay registered."""
        token, self._token = self._token, None
        try:
            if token is not None:
                await token.unsubscribe()
        finally:
            await self.settle(SETTLE_SECONDS)

    def _on_event_change(self, change_type: str, row: Row) -> None:
        if change_type != INSERTED:
            return
        handlers = self._handlers.get(row.get("event_type", ""))
        if handlers:
            message = self.to_message(row)
            for deliver in tuple(handlers):
                deliver(message)

    def to_message(self, row: Row) -> Any:
        """Make the message of a row of the event log."""
        return message_of(row, self._message_factory)


def message_of(row: Row, factory: Callable[..., Any] = Message) -> Any:
    """Make the message of a row of the event log, by a function that takes the keywords of `Message`."""
    moment = row.get("timestamp")
    return factory(
        id=row.get("event_id", ""),
        type=row.get("event_type", ""),
        source=row.get("source"),
        timestamp=moment.to_seconds() if isinstance(moment, Timestamp) else 0.0,
        data=row.get("data", {}),
    )


def type_name(event_type: str | Enum) -> str:
    """Return an event type as text; of an enum member its value if that is text, else its name.

    Raises:
        ValidationError: It is neither text nor an enum member, or it is empty.
    """
    name: Any = event_type
    if isinstance(event_type, Enum):
        name = event_type.value if isinstance(event_type.value, str) else event_type.name
    if not isinstance(name, str) or not name.strip():
        raise ValidationError(f"event_type must be non-empty text or an enum member, got {event_type!r}")
    return str(name)
