"""Events between NERV's bus and the log: both ways, once, in order, without loops."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest
from persistence.conftest import client_of

from pytest_inner_universe.persistence import InnerUniverseClient, Message, NervBridge, NERVPersistenceError
from pytest_inner_universe.testing.universe import Universe

pytestmark = pytest.mark.asyncio


class Kind(Enum):
    USER_ACTION = "USER_ACTION"
    ENTITY_CREATED = "ENTITY_CREATED"


@dataclass
class Event:
    type: Any
    data: Any = None
    source: str | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Bus:
    """A bus with the interface of NERV's: synchronous, locked, types as enum members or text, handlers' errors swallowed."""

    def __init__(self) -> None:
        self.handlers: dict[Any, list[Callable[[Any], Any]]] = {}
        self.history: list[Event] = []
        self.lock = threading.RLock()

    def subscribe(self, event_type: Any, handler: Callable[[Any], Any]) -> Callable[[], None]:
        self.handlers.setdefault(event_type, []).append(handler)
        return lambda: self.handlers[event_type].remove(handler)

    def publish(self, event_type: Any, data: Any = None, source: str | None = None) -> str:
        with self.lock:
            event = Event(event_type, data, source)
            self.history.append(event)
            for handler in list(self.handlers.get(event_type, ())):
                handler(event)
            return event.id


class NotifiedBus(Bus):
    """A bus that tells subscribers without publishing, asynchronously."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Message] = []

    async def notify_subscribers(self, message: Message) -> None:
        await asyncio.sleep(0)
        self.told.append(message)


class FullBus(Bus):
    """A bus that takes one handler and no more."""

    def subscribe(self, event_type: Any, handler: Callable[[Any], Any]) -> Callable[[], None]:
        if any(self.handlers.values()):
            raise RuntimeError("no more handlers")
        return super().subscribe(event_type, handler)


@pytest.fixture
def bus() -> Bus:
    return Bus()


def ours(bus: Bus) -> list[Event]:
    """What is on the bus besides connections."""
    return [event for event in bus.history if not str(event.type).startswith("CLIENT_")]


async def stored(client: InnerUniverseClient, kind: str) -> list[dict[str, Any]]:
    return await client.query_events(kind, limit=None)


async def test_an_event_of_the_bus_is_stored_under_its_id(live: InnerUniverseClient, bus: Bus) -> None:
    async with NervBridge(live, bus, [Kind.USER_ACTION]) as bridge:
        id_ = bus.publish(Kind.USER_ACTION, {"action": "login"}, "web")
        bus.publish("OTHER", {})
        await bridge.settle()
        (row,) = await stored(live, "USER_ACTION")
        assert (row["event_id"], row["source"], row["data"]) == (id_, "web", {"action": "login"})
        assert [event.id for event in ours(bus) if event.type is Kind.USER_ACTION] == [id_]
        assert await stored(live, "OTHER") == []
    assert bus.handlers == {Kind.USER_ACTION: []}


async def test_an_event_of_the_log_is_heard_on_the_bus_and_not_stored_again(
    live: InnerUniverseClient, bus: Bus, universe: Universe
) -> None:
    async with NervBridge(live, bus, [Kind.USER_ACTION]) as bridge, client_of(universe) as other:
        id_ = await other.publish_event("USER_ACTION", "web", {"n": 1})
        await stored(live, "USER_ACTION")
        await bridge.settle()
        (event,) = ours(bus)
        assert (event.type, event.data, event.source) == (Kind.USER_ACTION, {"n": 1}, "web")
        assert [row["event_id"] for row in await stored(live, "USER_ACTION")] == [id_]


async def test_what_happens_to_every_table_is_heard_on_the_bus(live: InnerUniverseClient, bus: Bus) -> None:
    async with NervBridge(live, bus) as bridge:
        ada, bob = [await live.create_entity("Person", {"name": name}) for name in ("Ada", "Bob")]
        await live.create_relation(ada, bob, "KNOWS", {})
        await live.update_entity(ada, {"name": "Countess"})
        version = await live.commit_state_version(None, "first", "h")
        await live.record_delta(version, [], {"description": "d"})
        await live.delete_entity(ada, cascade=True)
        await bridge.settle()
    assert [event.type for event in ours(bus)] == [
        "ENTITY_CREATED",
        "ENTITY_CREATED",
        "RELATION_CREATED",
        "ENTITY_UPDATED",
        "STATE_VERSION_COMMITTED",
        "DELTA_RECORDED",
        "RELATION_DELETED",
        "ENTITY_DELETED",
    ]


async def test_a_bus_that_can_be_notified_gets_the_message(live: InnerUniverseClient) -> None:
    bus = NotifiedBus()
    async with NervBridge(live, bus) as bridge:
        ids = [await live.publish_event("TICK", None, {"n": n}) for n in range(3)]
        await bridge.settle()
        assert [(message.id, message.type, message.data) for message in bus.told] == [
            (id_, "TICK", {"n": n}) for n, id_ in enumerate(ids)
        ]
        assert all(message.timestamp > 1_600_000_000 for message in bus.told)
    assert bus.history == []


async def test_publishing_through_the_bridge_gives_the_buss_id(live: InnerUniverseClient, bus: Bus) -> None:
    async with NervBridge(live, bus, [Kind.USER_ACTION]) as bridge:
        id_ = await bridge.publish_event(Kind.USER_ACTION, {"action": "login"}, "web")
        await bridge.settle()
        assert [event.id for event in ours(bus)] == [id_]
        assert [row["event_id"] for row in await stored(live, "USER_ACTION")] == [id_]


async def test_published_and_not_stored(live: InnerUniverseClient, bus: Bus) -> None:
    bridge = NervBridge(live, bus)
    with pytest.raises(NERVPersistenceError) as caught:
        await bridge.publish_event("TICK", {"n": float("nan")})
    (event,) = bus.history
    assert str(caught.value).startswith(f"event {event.id} of type TICK was published and not stored: ")
    assert caught.value.__cause__ is not None


async def test_a_request_for_an_entity_is_answered_and_does_not_loop(live: InnerUniverseClient, bus: Bus) -> None:
    async with NervBridge(live, bus, ["ENTITY_CREATED"], handle_requests=True) as bridge:
        request = bus.publish("ENTITY_CREATED", {"entity_type": "Person", "metadata": {"name": "Ada"}}, "nerv")
        await bridge.settle()
        await live.query_entities()
        await bridge.settle()
        (entity,) = await live.query_entities("Person")
        (confirmation,) = [event for event in bus.history if event.type == "entity_created_confirmation"]
        assert confirmation.data == {"entity_id": entity["id"], "request_id": request}
        (fact,) = await stored(live, "ENTITY_CREATED")
        assert fact["data"]["entity_id"] == entity["id"]
        told = [event for event in bus.history if event.type == "ENTITY_CREATED"]
        assert [event.data.get("entity_id") for event in told] == [None, entity["id"]]


@pytest.mark.parametrize("data", ["text", {"n": float("inf")}])
async def test_an_event_that_cannot_be_stored_is_logged_and_stops_nothing(
    live: InnerUniverseClient, bus: Bus, data: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with NervBridge(live, bus, ["TICK"]) as bridge:
        bad = bus.publish("TICK", data)
        good = bus.publish("TICK", {"n": 1})
        await bridge.settle()
        assert bridge.failures == 1
        assert [row["event_id"] for row in await stored(live, "TICK")] == [good]
    assert f"event {bad} of type TICK could not be stored" in caplog.messages


async def test_events_of_other_threads_arrive_in_order(live: InnerUniverseClient, bus: Bus) -> None:
    def publish(start: int) -> None:
        for n in range(25):
            bus.publish("TICK", {"n": start + n})

    async with NervBridge(live, bus, ["TICK"]) as bridge:
        for start in range(0, 100, 25):
            await asyncio.to_thread(publish, start)
        await asyncio.sleep(0)
        await bridge.settle()
        assert [row["data"]["n"] for row in await stored(live, "TICK")] == list(range(100))


async def test_two_buses_over_one_log_hear_each_other_once(live: InnerUniverseClient, universe: Universe) -> None:
    one, other = Bus(), Bus()
    async with (
        client_of(universe) as second,
        NervBridge(live, one, ["TICK"]) as left,
        NervBridge(second, other, ["TICK"]) as right,
    ):
        for n in range(20):
            (one if n % 2 else other).publish("TICK", {"n": n})
            await left.settle()
            await right.settle()
        for _ in range(2):
            await stored(live, "TICK")
            await stored(second, "TICK")
            await left.settle()
            await right.settle()
        for bus in (one, other):
            assert sorted(event.data["n"] for event in ours(bus)) == list(range(20))
        assert len(await stored(live, "TICK")) == 20


async def test_a_thousand_events_at_concurrency_fifty_are_stored_and_heard_once_in_order(
    live: InnerUniverseClient, universe: Universe
) -> None:
    one, other = Bus(), Bus()
    limit = asyncio.Semaphore(50)

    async def publish(bridge: NervBridge, number: int) -> str:
        async with limit:
            return await bridge.publish_event("TICK", {"n": number})

    async with (
        client_of(universe) as second,
        NervBridge(live, one, ["TICK"]) as left,
        NervBridge(second, other, ["TICK"]) as right,
    ):
        committed: list[str] = []
        await second.subscribe_event_log_changes(lambda _, row: committed.append(row["data"]["n"]))
        ids = await asyncio.gather(*(publish(left, number) for number in range(1000)))
        rows = await stored(second, "TICK")
        await left.settle()
        await right.settle()
        assert sorted(row["event_id"] for row in rows) == sorted(ids) == sorted(event.id for event in one.history)
        assert [event.data["n"] for event in ours(other)] == committed
        assert len(committed) == len(set(ids)) == 1000


async def test_what_is_remembered_is_bounded(live: InnerUniverseClient, bus: Bus) -> None:
    async with NervBridge(live, bus, ["TICK"], remembered=5) as bridge:
        for n in range(20):
            bus.publish("TICK", {"n": n})
        await bridge.settle()
        assert len(bridge._carried) <= 5
        assert len(await stored(live, "TICK")) == 20


async def test_closing_carries_what_has_come(live: InnerUniverseClient, bus: Bus) -> None:
    before = asyncio.all_tasks()
    bridge = NervBridge(live, bus, ["TICK"])
    await bridge.start()
    await bridge.start()
    for n in range(10):
        bus.publish("TICK", {"n": n})
    await bridge.close()
    await bridge.close()
    assert len(await stored(live, "TICK")) == 10
    bus.publish("TICK", {"n": 11})
    assert len(await stored(live, "TICK")) == 10
    assert asyncio.all_tasks() == before


async def test_a_factory_makes_the_messages(live: InnerUniverseClient) -> None:
    bus = NotifiedBus()
    async with NervBridge(live, bus, message_factory=SimpleNamespace) as bridge:
        await live.publish_event("TICK", None, {})
        await bridge.settle()
    assert isinstance(bus.told[0], SimpleNamespace)


async def test_where_the_bus_refuses_nothing_is_left(live: InnerUniverseClient) -> None:
    bus = FullBus()
    bridge = NervBridge(live, bus, ["TICK", "TOCK"])
    with pytest.raises(RuntimeError, match=r"^no more handlers$"):
        await bridge.start()
    assert bus.handlers == {"TICK": []}
    assert live.subscriptions == []
