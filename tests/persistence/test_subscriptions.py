"""Callbacks for changes: kinds of change, order, isolation, and the end of a subscription."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inner_universe.client.errors import ConnectionLost, SubscriptionFailed
from pytest_inner_universe.persistence import ConnectionError as PersistenceConnectionError
from pytest_inner_universe.persistence import InnerUniverseClient
from pytest_inner_universe.sats import Timestamp

if TYPE_CHECKING:
    from persistence.doubles import FakeConnection

pytestmark = pytest.mark.asyncio


def wire(id: str, at: int = 0, data: str = "{}") -> dict[str, Any]:
    return {"event_id": id, "event_type": "T", "source": None, "timestamp": Timestamp(at), "data": data}


async def test_changes_are_told_with_their_rows(client: InnerUniverseClient, connection: FakeConnection) -> None:
    heard: list[Any] = []
    await client.subscribe_event_log_changes(lambda kind, row: heard.append((kind, row["event_id"], row["data"])))
    connection.change("event_log", "insert", wire("1"))
    connection.change("event_log", "update", wire("1"), wire("1", data='{"a":1}'))
    connection.change("event_log", "delete", wire("1", data='{"a":1}'))
    assert heard == [("INSERTED", "1", {}), ("UPDATED", "1", {"a": 1}), ("DELETED", "1", {"a": 1})]


async def test_the_row_before_is_told_when_asked_for(client: InnerUniverseClient, connection: FakeConnection) -> None:
    heard: list[Any] = []
    await client.subscribe_event_log_changes(
        lambda kind, row, before: heard.append((kind, row["data"], before and before["data"])), with_before=True
    )
    connection.change("event_log", "insert", wire("1"))
    connection.change("event_log", "update", wire("1"), wire("1", data="[]"))
    connection.change("event_log", "delete", wire("1"))
    assert heard == [("INSERTED", {}, None), ("UPDATED", [], {}), ("DELETED", {}, {})]


@pytest.mark.parametrize("table", ["entity", "relation", "state_version", "event_log"])
async def test_each_table_can_be_watched(client: InnerUniverseClient, connection: FakeConnection, table: str) -> None:
    token = await getattr(client, f"subscribe_{table}_changes")(print)
    assert [subscription.table for subscription in connection.subscriptions] == [table]
    assert repr(token) == f"<ChangeSubscription {table} active>"
    await token.unsubscribe()
    await token.unsubscribe()
    assert connection.subscriptions == []
    assert repr(token) == f"<ChangeSubscription {table} ended>"


async def test_existing_rows_are_told_only_on_request(client: InnerUniverseClient, connection: FakeConnection) -> None:
    connection.tables["event_log"] = [wire("late", 9), wire("early", 1)]
    heard: list[str] = []
    await client.subscribe_event_log_changes(lambda kind, row: heard.append(f"quiet {kind}"))
    await client.subscribe_event_log_changes(lambda kind, row: heard.append(f"{kind} {row['event_id']}"), replay=True)
    assert heard == ["INSERTED early", "INSERTED late"]


async def test_a_failing_callback_is_logged_and_hurts_nobody(
    client: InnerUniverseClient, connection: FakeConnection, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def fail(kind: str, row: Any) -> None:
        raise ValueError("oh")

    async def fail_later(kind: str, row: Any) -> None:
        raise ValueError("oh dear")

    await client.subscribe_event_log_changes(fail)
    later = await client.subscribe_event_log_changes(fail_later)
    await client.subscribe_event_log_changes(lambda kind, row: heard.append(row["event_id"]))
    connection.change("event_log", "insert", wire("1"))
    await later.settle()
    connection.change("event_log", "insert", wire("2"))
    await later.settle()
    assert heard == ["1", "2"]
    assert caplog.messages == ["callback for changes of event_log failed"] * 4


async def test_an_async_callback_takes_one_change_after_the_other(
    client: InnerUniverseClient, connection: FakeConnection
) -> None:
    heard: list[str] = []
    gate = asyncio.Event()

    async def slow(kind: str, row: Any) -> None:
        heard.append(f"begin {row['event_id']}")
        await gate.wait()
        heard.append(f"end {row['event_id']}")

    token = await client.subscribe_event_log_changes(slow)
    for number in "12":
        connection.change("event_log", "insert", wire(number))
    await asyncio.sleep(0)
    assert heard == ["begin 1"]
    gate.set()
    await token.unsubscribe()
    assert heard == ["begin 1", "end 1", "begin 2", "end 2"]


async def test_a_callback_may_end_its_own_subscription(client: InnerUniverseClient, connection: FakeConnection) -> None:
    heard: list[str] = []

    async def once(kind: str, row: Any) -> None:
        heard.append(row["event_id"])
        await token.unsubscribe()

    token = await client.subscribe_event_log_changes(once)
    connection.change("event_log", "insert", wire("1"))
    await token.settle()
    connection.change("event_log", "insert", wire("2"))
    assert (heard, token.is_active) == (["1"], False)


async def test_a_callback_that_never_ends_is_cancelled_at_the_end(
    client: InnerUniverseClient,
    connection: FakeConnection,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pytest_inner_universe.persistence.subscriptions.SETTLE_SECONDS", 0.01)
    ended = asyncio.Event()

    async def forever(kind: str, row: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    await client.subscribe_event_log_changes(forever)
    connection.change("event_log", "insert", wire("1"))
    await asyncio.sleep(0)
    await client.disconnect()
    assert ended.is_set()
    assert caplog.messages == ["callback for changes of event_log did not finish within 0.01 s and was cancelled"]


async def test_a_row_that_cannot_be_read_is_logged_and_left_out(
    client: InnerUniverseClient, connection: FakeConnection, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []
    await client.subscribe_event_log_changes(lambda kind, row: heard.append(row["event_id"]))
    connection.change("event_log", "insert", wire("1", data="{"))
    connection.change("event_log", "insert", wire("2"))
    assert heard == ["2"]
    assert caplog.messages == [
        (
            "a change was not told: row 1 of event_log cannot be read: data: not JSON text: "
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
        )
    ]


async def test_a_subscription_that_the_server_gives_up_is_over(
    client: InnerUniverseClient, connection: FakeConnection, caplog: pytest.LogCaptureFixture
) -> None:
    token = await client.subscribe_event_log_changes(print)
    connection.subscriptions[0].callbacks["on_error"](SubscriptionFailed(("SELECT",), "too expensive"))
    assert (token.is_active, client.subscriptions) == (False, [])
    assert caplog.messages == [
        "subscription to event_log was given up: the subscription failed: too expensive\n  SELECT"
    ]


async def test_a_connection_that_breaks_while_unsubscribing(
    client: InnerUniverseClient, connection: FakeConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(self: Any) -> None:
        raise ConnectionLost("unsubscribing", "closed")

    monkeypatch.setattr("persistence.doubles.FakeSubscription.unsubscribe", fail)
    tokens = [await client.subscribe_event_log_changes(print) for _ in range(2)]
    with pytest.raises(PersistenceConnectionError):
        await tokens[0].unsubscribe()
    await client.disconnect()
    assert [token.is_active for token in tokens] == [False, False]
    assert client.subscriptions == []
