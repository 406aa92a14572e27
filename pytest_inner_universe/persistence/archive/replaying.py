"""The events of an archive or a database, once more and in order."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from ...sats import Timestamp
from ..errors import ValidationError
from ..event_bus import type_name
from ..inner_universe import InnerUniverseClient
from ..mapping import decode_row
from ..schema import EVENT_LOG
from ..types import Row
from .progress import STEP, ProgressCallback, Reporter
from .reading import ArchiveSource, checked, rows_in
from .rows import JsonRow, RowForm
from .snapshots import in_order
from .tables import DATA_TABLES


class EventPublisher(Protocol):
    """What is used of an event bus."""

    def publish(self, event_type: str, data: Any, source: str | None, /) -> object:
        """Publish an event; what comes back is awaited if it can be."""


EventHandler = Callable[[Row], "Awaitable[object] | object"]
"""Takes an event as `InnerUniverseClient.get_event` returns it."""

_TABLE = DATA_TABLES[EVENT_LOG.name]


async def replay_events(
    source: ArchiveSource | InnerUniverseClient,
    handler: EventHandler | EventPublisher,
    *,
    event_types: Collection[str | Enum] = (),
    since: Timestamp | datetime | None = None,
    until: Timestamp | datetime | None = None,
    progress: ProgressCallback | None = None,
) -> int:
    """Give the events of a log to a handler or a bus, oldest first, one after another.

    Events of the same microsecond come by id. What the handler raises ends the replay.

    Args:
        source: An archive, its folder, or a connected client.
        handler: A function, ordinary or asynchronous, which is given each event as a row; or a bus, which publishes type, data and source.
        event_types: The types that are wanted; all unless given.
        since: The earliest time, included.
        until: The latest time, included.
        progress: Hears how far it is; phase ``replay``, after ``check`` or ``read``.

    Returns:
        How many events were given.

    Raises:
        BackupError: The archive is not whole or was changed.

    Example:
        >>> await replay_events("backup", print, event_types=["ENTITY_CREATED"])  # doctest: +SKIP
        3
    """
    publish = getattr(handler, "publish", None)
    if publish is None and not callable(handler):
        raise ValidationError(f"a function or a bus with publish() is needed, got {handler!r}")
    wanted = {type_name(one) for one in event_types}
    first, last = _micros(since, "since"), _micros(until, "until")
    form = RowForm(_TABLE)
    report = Reporter(progress, "replay")
    given = 0
    async with _log(source, progress) as (total, rows):
        report(_TABLE.name, 0, total)
        for number, row in enumerate(rows, 1):
            at = row["timestamp"]
            if (
                (first is None or first <= at)
                and (last is None or at <= last)
                and (not wanted or row["event_type"] in wanted)
            ):
                event = decode_row(EVENT_LOG, form.unpacked(row))
                given += 1
                if publish is None:
                    outcome = handler(event)  # type: ignore[operator]
                else:
                    outcome = publish(event["event_type"], event["data"], event["source"])
                if inspect.isawaitable(outcome):
                    await outcome
            if number % STEP == 0 or number == total:
                report(_TABLE.name, number, total)
    return given


@asynccontextmanager
async def _log(
    source: ArchiveSource | InnerUniverseClient, progress: ProgressCallback | None
) -> AsyncIterator[tuple[int, Iterator[JsonRow]]]:
    if not isinstance(source, InnerUniverseClient):
        archive = await checked(source, progress)
        yield archive.tables[_TABLE.name].rows, rows_in(archive, _TABLE.name)
        return
    import json

    found = await source.read_tables([EVENT_LOG])
    async with in_order(_TABLE, found[EVENT_LOG.name], Reporter(progress, "read")) as (count, lines):
        yield count, map(json.loads, lines)


def _micros(moment: Timestamp | datetime | None, what: str) -> int | None:
    return None if moment is None else moment_of(moment, what).micros


def moment_of(moment: Timestamp | datetime, what: str = "moment") -> Timestamp:
    """Return a time as a `Timestamp`.

    Raises:
        ValidationError: It is none, or has no time zone.
    """
    if isinstance(moment, Timestamp):
        return moment
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        found: Timestamp = Timestamp.from_datetime(moment)
        return found
    raise ValidationError(f"{what}: a Timestamp or a datetime with time zone is needed, got {moment!r}")
