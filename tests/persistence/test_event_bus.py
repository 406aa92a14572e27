"""The event bus: publishing, handlers by type, their order and isolation, and the end."""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inner_universe.persistence import InnerUniverseClient, Message, SpacetimeEventBus, ValidationError
from pytest_inner_universe.sats import Timestamp

if TYPE_CHECKING:
    from persistence.doubles import FakeConnection

pytestmark = pytest.mark.asyncio


def wire(id: str, kind: str = "T", at: int = 1_500_000, data: str = "{}") -> dict[str, Any]:
    return {"event_id": id, "event_type": kind, "source": "web", "timestamp": Timestamp(at), "data": data}


@pytest.fixture
def bus(client: InnerUniverseClient) -> SpacetimeEventBus:
    return SpacetimeEventBus(client)


class Kind(enum.Enum):
    TEXT = "T"
    NUMBER = 7


async def test_publish_takes_the_data_before_the_source(bus: SpacetimeEventBus, connection: FakeConnection) -> None:
    assert await bus.publish("T", {"a": 1}, "web") == "id-1"
    assert await bus.publish(Kind.TEXT, None, source=None, event_id="mine") == "mine"
    assert await bus.publish(Kind.NUMBER, {}) == "id-2"
    assert connection.calls == [
        ("publish_event", "id-1", "T", "web", '{"a":1}'),
        ("publish_event", "mine", "T", None, "{}"),
        ("publish_event", "id-2", "NUMBER", None, "{}"),
    ]


async def test_a_failed_publish_is_logged_and_raised(
    bus: SpacetimeEventBus, connection: FakeConnection, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ValidationError) as caught:
        await bus.publish("T", "web", {"a": 1})  # type: ignore[arg-type]
    assert str(caught.value) == (
        "publish takes event type, data (dict), source (text or None), in this order; got data 'web' and source {'a': 1}"
    )
    assert [(record.name, record.message) for record in caplog.records] == [
        ("spacetime_event_bus", "publishing T failed")
    ]
    assert connection.calls == []


async def test_handlers_get_messages_of_their_type(bus: SpacetimeEventBus, connection: FakeConnection) -> None:
    heard: list[Any] = []
    bus.register_handler("T", lambda message: heard.append(("first", message)))
    bus.register_handler(Kind.TEXT, lambda message: heard.append(("second", message.id)))
    bus.register_handler("U", lambda message: heard.append(("other", message.id)))
    await bus.subscribe_to_events()
    await bus.subscribe_to_events()
    connection.change("event_log", "insert", wire("1", data='{"a":1}'))
    connection.change("event_log", "update", wire("1"), wire("1"))
    connection.change("event_log", "delete", wire("1"))
    assert heard == [("first", Message("1", "T", {"a": 1}, 1.5, "web")), ("second", "1")]


async def test_a_row_without_columns_becomes_an_empty_message(bus: SpacetimeEventBus) -> None:
    assert bus.to_message({}) == Message(id="", type="", source=None, timestamp=0, data={})


async def test_messages_can_be_of_another_class(client: InnerUniverseClient, connection: FakeConnection) -> None:
    bus = SpacetimeEventBus(client, message_factory=dict)
    heard: list[Any] = []
    bus.register_handler("T", heard.append)
    await bus.subscribe_to_events()
    connection.change("event_log", "insert", wire("1"))
    assert heard == [{"id": "1", "type": "T", "source": "web", "timestamp": 1.5, "data": {}}]


async def test_a_failing_handler_is_logged_and_hurts_nobody(
    bus: SpacetimeEventBus, connection: FakeConnection, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def broken(message: Message) -> None:
        raise ValueError("oh")

    bus.register_handler("T", broken)
    bus.register_handler("T", lambda message: heard.append(message.id))
    await bus.subscribe_to_events()
    connection.change("event_log", "insert", wire("1"))
    connection.change("event_log", "insert", wire("2"))
    assert heard == ["1", "2"]
    assert [(record.name, record.message) for record in caplog.records] == [
        ("spacetime_event_bus", "handler broken for T failed")
    ] * 2


async def test_handlers_keep_their_order_and_do_not_wait_for_one_another(
    bus: SpacetimeEventBus, connection: FakeConnection
) -> None:
    slow: list[str] = []
    quick: list[str] = []
    gate = asyncio.Event()

    async def slow_handler(message: Message) -> None:
        await gate.wait()
        slow.append(message.id)

    async def quick_handler(message: Message) -> None:
        quick.append(message.id)

    bus.register_handler("T", slow_handler)
    bus.register_handler("T", quick_handler)
    await bus.subscribe_to_events()
    numbers = [str(number) for number in range(50)]
    for number in numbers:
        connection.change("event_log", "insert", wire(number))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (slow, quick) == ([], numbers)
    gate.set()
    await bus.settle()
    assert slow == numbers


async def test_a_handler_can_be_taken_away(bus: SpacetimeEventBus, connection: FakeConnection) -> None:
    heard: list[str] = []
    gate = asyncio.Event()

    async def handler(message: Message) -> None:
        await gate.wait()
        heard.append(message.id)

    remove = bus.register_handler("T", handler)
    await bus.subscribe_to_events()
    connection.change("event_log", "insert", wire("1"))
    remove()
    remove()
    connection.change("event_log", "insert", wire("2"))
    gate.set()
    await bus.close()
    assert heard == ["1"]


async def test_close_handles_what_has_arrived_and_nothing_more(
    bus: SpacetimeEventBus, connection: FakeConnection
) -> None:
    heard: list[str] = []

    async def handler(message: Message) -> None:
        await asyncio.sleep(0)
        heard.append(message.id)

    bus.register_handler("T", handler)
    await bus.subscribe_to_events()
    for number in "123":
        connection.change("event_log", "insert", wire(number))
    await bus.close()
    await bus.close()
    assert heard == ["1", "2", "3"]
    assert connection.subscriptions == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_replay_hands_over_the_log(bus: SpacetimeEventBus, connection: FakeConnection) -> None:
    connection.tables["event_log"] = [wire("2", at=2), wire("1", at=1)]
    heard: list[str] = []
    bus.register_handler("T", lambda message: heard.append(message.id))
    await bus.subscribe_to_events(replay=True)
    assert heard == ["1", "2"]


@pytest.mark.parametrize(
    ("event_type", "handler", "text"),
    [
        ("", print, "event_type must be non-empty text or an enum member, got ''"),
        (5, print, "event_type must be non-empty text or an enum member, got 5"),
        ("T", None, "the handler for T must be callable, got None"),
    ],
)
async def test_a_registration_that_makes_no_sense(
    bus: SpacetimeEventBus, event_type: Any, handler: Any, text: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        bus.register_handler(event_type, handler)
    assert str(caught.value) == text
