"""A mock client: no module, no server, but the real client's signatures, and a way to play the server.

Calls with wrong arguments fail as they would on the real client; what a call returns can be set as with any mock. Where
behaviour matters (what was stored is found again, errors, order), use a universe instead: it costs a test well under a
millisecond.
"""

from __future__ import annotations

import inspect
import time
import uuid
from typing import TYPE_CHECKING, Any
from unittest.mock import create_autospec

from pytest_inner_universe.persistence.config import InnerUniverseConfig
from pytest_inner_universe.persistence.inner_universe import InnerUniverseClient
from pytest_inner_universe.persistence.subscriptions import ChangeSubscription
from pytest_inner_universe.persistence.types import DELETED, INSERTED
from pytest_inner_universe.sats import Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_inner_universe.persistence.subscriptions import ChangeCallback
    from pytest_inner_universe.persistence.types import Row

WATCHED = ("entity", "relation", "state_version", "event_log")
IDS = {
    "create_entity": "mock-entity-id",
    "create_relation": "mock-relation-id",
    "commit_state_version": "mock-version-id",
    "record_delta": "mock-delta-id",
    "publish_event": "mock-event-id",
}
"""What the mock's creating methods return."""

_RETURNS: dict[str, Callable[[], Any]] = {
    "bool": lambda: True,
    "None": lambda: None,
    "Row": dict,
    "Row | None": lambda: None,
    "list[Row]": list,
    "list[str]": list,
}


class MockInnerUniverse(InnerUniverseClient):
    """What a mock client offers beyond the real one; `mock_inner_universe` makes mocks of this class."""

    async def simulate_event(self, event_type: str, data: dict[str, Any], source: str | None = None) -> Row:
        """Call the handlers given to `subscribe_event_log_changes` with a new row, as if a server had sent it.

        Args:
            event_type: the event's type.
            data: its payload.
            source: who published it.

        Returns:
            The row that the handlers got: `event_id`, `event_type`, `source`, `timestamp` and `data`.
        """
        raise NotImplementedError

    async def simulate_change(self, table: str, change: str, row: Row, before: Row | None = None) -> None:
        """Call the handlers of a table with a change.

        Args:
            table: `entity`, `relation`, `state_version` or `event_log`.
            change: `INSERTED`, `UPDATED` or `DELETED`.
            row: the new row, or the one that was there for `DELETED`.
            before: the row before an update, for handlers that asked for it.
        """
        raise NotImplementedError


def mock_inner_universe(config: InnerUniverseConfig | None = None) -> Any:
    """Make a mock client.

    Args:
        config: what its `config` is; the defaults unless given.

    Returns:
        A mock with the signatures of `InnerUniverseClient`, connected, whose methods can be awaited, set and asserted on
        like those of any `AsyncMock`.

    Example:
        >>> import asyncio
        >>> client = mock_inner_universe()
        >>> asyncio.run(client.create_entity("Person", {"name": "Alice"}))
        'mock-entity-id'
    """
    mock = create_autospec(MockInnerUniverse, instance=True)
    mock.config = config or InnerUniverseConfig()
    mock.is_connected = True
    mock.__aenter__.return_value = mock
    mock.__aexit__.return_value = None
    for name, method in inspect.getmembers(InnerUniverseClient, inspect.iscoroutinefunction):
        make = _RETURNS.get(str(method.__annotations__.get("return")))
        if make is not None and not name.startswith("_"):
            getattr(mock, name).return_value = make()
    for name, value in IDS.items():
        getattr(mock, name).return_value = value
    _play_server(mock)
    return mock


def _play_server(mock: Any) -> None:
    handlers: dict[str, list[tuple[ChangeCallback, bool]]] = {table: [] for table in WATCHED}

    def watch(table: str) -> Callable[..., Any]:
        async def subscribe(callback: ChangeCallback, *, replay: bool = False, with_before: bool = False) -> Any:
            del replay  # a mock holds no rows that could be reported again
            handlers[table].append((callback, with_before))
            token = create_autospec(ChangeSubscription, instance=True)
            token.table, token.is_active = table, True

            async def unsubscribe() -> None:
                if token.is_active:
                    token.is_active = False
                    handlers[table].remove((callback, with_before))

            token.unsubscribe.side_effect = unsubscribe
            return token

        return subscribe

    async def simulate_change(table: str, change: str, row: Row, before: Row | None = None) -> None:
        if table not in handlers:
            raise ValueError(f"unknown table {table!r}; there are {', '.join(handlers)}")
        old = row if change == DELETED else before
        for callback, with_before in list(handlers[table]):
            answer = callback(change, row, old) if with_before else callback(change, row)
            if inspect.isawaitable(answer):
                await answer

    async def simulate_event(event_type: str, data: dict[str, Any], source: str | None = None) -> Row:
        row = {
            "event_id": f"event-{uuid.uuid4()}",
            "event_type": event_type,
            "source": source,
            "timestamp": Timestamp(time.time_ns() // 1000),
            "data": data,
        }
        await simulate_change("event_log", INSERTED, row)
        return row

    for table in WATCHED:
        getattr(mock, f"subscribe_{table}_changes").side_effect = watch(table)
    mock.simulate_change.side_effect = simulate_change
    mock.simulate_event.side_effect = simulate_event
