"""Events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ..sats import Timestamp
from . import checks, queries
from .errors import NotFoundError, ValidationError
from .operations import Operations
from .schema import EVENT_LOG
from .types import FilterOperator, NewEvent, QueryFilter, Row


class EventOperations(Operations):
    """Publishing events and reading the event log."""

    async def publish_event(
        self,
        event_type: str,
        source: str | None,
        data: Mapping[str, Any] | None,
        *,
        event_id: str | None = None,
    ) -> str:
        """Append an event to the event log.

        The event bus and the manager take the data before the source; arguments in that order are refused here.

        Args:
            event_type: Its type, as ``USER_ACTION``.
            source: Who publishes it; None if nobody in particular.
            data: Its payload; None for an empty one.
            event_id: Its id; a new UUID if not given. The same id with the same content again has no effect.

        Returns:
            The id.
        """
        event = self._event(NewEvent(event_type, {} if data is None else data, source, event_id))
        await self._call("publish_event", *event.values())
        return str(event["event_id"])

    async def publish_events(self, events: Iterable[NewEvent | Mapping[str, Any]]) -> list[str]:
        """Append several events in one transaction: all of them or none.

        Args:
            events: `NewEvent` objects, or dicts with its fields.

        Returns:
            Their ids, in order.

        Raises:
            BatchError: One of them cannot be stored; says which, and why.
        """
        wires = [self._event(checks.record(item, NewEvent, f"events[{i}]")) for i, item in enumerate(events)]
        await self._call("publish_events", wires)
        return [wire["event_id"] for wire in wires]

    async def get_event(self, event_id: str) -> Row:
        """Read an event.

        Raises:
            NotFoundError: There is none with this id.
        """
        row = await self._find(EVENT_LOG, event_id, "get_event")
        if row is None:
            raise NotFoundError(event_id, "event")
        return row

    async def query_events(
        self,
        event_type: str | None = None,
        source: str | None = None,
        limit: int | None = 100,
        offset: int = 0,
        *,
        filters: queries.Filters | None = None,
        newest_first: bool = False,
    ) -> list[Row]:
        """Find events, oldest first unless asked otherwise.

        Args:
            event_type: Type that they have; None for any.
            source: Source that they have; None for any.
            limit: Most rows to return; None for all.
            offset: How many rows to leave out first.
            filters: What else has to hold, as `query_entities` takes it.
            newest_first: Whether to start with the latest.
        """
        plan = self.plan_events(event_type, source, limit, offset, filters=filters, newest_first=newest_first)
        return await self._run(plan, "query_events")

    def plan_events(
        self,
        event_type: str | None = None,
        source: str | None = None,
        limit: int | None = 100,
        offset: int = 0,
        *,
        filters: queries.Filters | None = None,
        newest_first: bool = False,
    ) -> queries.QueryPlan:
        """Return how `query_events` answers the same arguments; see `QueryPlan.explain`."""
        equal = {"event_type": event_type, "source": source}
        return queries.plan(EVENT_LOG, filters, equal=equal, limit=limit, offset=offset, newest_first=newest_first)

    async def get_events(
        self,
        event_type: str | None = None,
        start_time: Timestamp | datetime | None = None,
        end_time: Timestamp | datetime | None = None,
        limit: int | None = 100,
    ) -> list[Row]:
        """Find events in a span of time, oldest first.

        Args:
            event_type: Type that they have; None for any.
            start_time: Earliest time, included.
            end_time: Latest time, included.
            limit: Most rows to return; None for all.
        """
        bounds = ((FilterOperator.GREATER_OR_EQUAL, start_time), (FilterOperator.LESS_OR_EQUAL, end_time))
        filters = [QueryFilter("timestamp", op, moment) for op, moment in bounds if moment is not None]
        return await self.query_events(event_type, limit=limit, filters=filters)

    def _event(self, event: NewEvent) -> dict[str, Any]:
        if not isinstance(event.data, Mapping) or not isinstance(event.source, (str, type(None))):
            raise ValidationError(
                f"publish_event takes event type, source (text or None), data (dict), in this order; got source "
                f"{event.source!r} and data {event.data!r}"
            )
        return {
            "event_id": self._id(event.id, "event_id"),
            "event_type": checks.name_text(event.event_type, "event_type"),
            "source": checks.optional_text(event.source, "source"),
            "data": checks.json_object(event.data, "data"),
        }
