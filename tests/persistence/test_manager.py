"""Manager and controller: up, down, what stays when something fails, and the flows of the requirements."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from persistence.conftest import client_of

from pytest_inner_universe.persistence import ConnectionError as NoConnection
from pytest_inner_universe.persistence import (
    EntityMetadata,
    InnerUniverseClient,
    InnerUniverseConfig,
    InnerUniverseController,
    Message,
    PersistenceManager,
    RelationMetadata,
    ValidationError,
    initialize_persistence,
)
from pytest_inner_universe.persistence.running import RunningServer

if TYPE_CHECKING:
    from pytest_inner_universe.testing.universe import Universe

pytestmark = pytest.mark.asyncio


class Server(RunningServer):
    """One universe."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.stopped = 0

    async def connect(self) -> InnerUniverseClient:
        client = client_of(self.universe)
        await client.connect_or_raise()
        return client

    async def stop(self) -> None:
        self.stopped += 1


class Starter:
    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.servers: list[Server] = []

    async def __call__(self, config: InnerUniverseConfig) -> Server:
        self.servers.append(Server(self.universe))
        return self.servers[-1]


@pytest.fixture
def starter(universe: Universe) -> Starter:
    return Starter(universe)


@pytest.fixture
def manager(starter: Starter) -> PersistenceManager:
    return PersistenceManager(controller=InnerUniverseController(InnerUniverseConfig(), starter=starter))


async def test_a_new_manager_has_nothing_yet() -> None:
    manager = PersistenceManager()
    assert manager.config == InnerUniverseConfig()
    assert isinstance(manager.controller, InnerUniverseController)
    assert manager.logger.name == "persistence_manager"
    assert (manager.client, manager.event_bus, manager.temporal_store) == (None, None, None)
    assert manager.is_initialized() is False


@pytest.mark.parametrize("deploy", [False, True])
async def test_up_and_down(manager: PersistenceManager, starter: Starter, deploy: bool) -> None:
    assert await manager.initialize(deploy=deploy) is True
    assert await manager.initialize() is True
    assert manager.is_initialized() is True
    assert manager.event_bus is not None
    assert manager.temporal_store is not None
    await manager.create_entity("Person", {})
    await manager.shutdown()
    await manager.shutdown()
    left: list[Any] = [manager.client, manager.event_bus, manager.temporal_store]
    assert left == [None, None, None]
    assert manager.is_initialized() is False
    assert [server.stopped for server in starter.servers] == [1]
    assert starter.universe.count("client_connection") == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_up_again_after_down(manager: PersistenceManager, starter: Starter) -> None:
    async with manager:
        first = await manager.commit_version({"n": 1}, "first")
    async with manager:
        assert manager.temporal_store is not None
        assert manager.temporal_store.current_version_id == first
    assert [server.stopped for server in starter.servers] == [1, 1]


Break = Callable[[pytest.MonkeyPatch], None]


def broken(path: str) -> Break:
    async def fail(*args: Any, **kwargs: Any) -> None:
        raise NoConnection("broken on purpose")

    return lambda monkeypatch: monkeypatch.setattr(f"pytest_inner_universe.persistence.{path}", fail)


@pytest.mark.parametrize(
    "step",
    [
        "inner_universe.InnerUniverseClient._open",
        "event_bus.SpacetimeEventBus.subscribe_to_events",
        "temporal_store.SpacetimeTemporalStore.load_head",
    ],
)
async def test_a_step_that_fails_leaves_nothing_running(
    manager: PersistenceManager,
    starter: Starter,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    step: str,
) -> None:
    broken(step)(monkeypatch)
    assert await manager.initialize() is False
    assert manager.is_initialized() is False
    assert (manager.client, manager.event_bus, manager.temporal_store) == (None, None, None)
    assert [server.stopped for server in starter.servers] == [1]
    assert starter.universe.count("client_connection") == 0
    assert ("persistence_manager", "initialization failed") in [(r.name, r.message) for r in caplog.records]
    monkeypatch.undo()
    assert await manager.initialize() is True
    await manager.shutdown()


async def test_a_cancelled_start_leaves_nothing_running(
    manager: PersistenceManager, starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()

    async def hang(*args: Any, **kwargs: Any) -> None:
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("pytest_inner_universe.persistence.event_bus.SpacetimeEventBus.subscribe_to_events", hang)
    task = asyncio.ensure_future(manager.initialize())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [server.stopped for server in starter.servers] == [1]
    assert starter.universe.count("client_connection") == 0
    assert manager.is_initialized() is False


async def test_without_a_server_program(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNER_UNIVERSE_BINARY", str(tmp_path / "nothing"))
    manager = PersistenceManager(InnerUniverseConfig(port=0, db_path=str(tmp_path / "db")))
    assert await manager.initialize() is False
    assert manager.is_initialized() is False
    with pytest.raises(RuntimeError) as caught:
        await manager.initialize_or_raise(deploy=True)
    assert str(caught.value) == (
        f"no server at http://127.0.0.1:0: {tmp_path}/nothing cannot be run as a SpacetimeDB server: there is no such file\n"
        "  named by INNER_UNIVERSE_BINARY\n"
        "  name a spacetimedb-standalone or spacetime program of this machine's kind, or leave the name out to have one "
        "looked for"
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("create_entity", ("Person", {})),
        ("get_entity", ("e",)),
        ("update_entity", ("e", {})),
        ("delete_entity", ("e",)),
        ("create_relation", ("a", "b", "R", {})),
        ("commit_version", ({}, "d")),
        ("publish_event", ("T", {})),
    ],
)
async def test_operations_need_initialization(name: str, arguments: Any) -> None:
    with pytest.raises(RuntimeError) as caught:
        await getattr(PersistenceManager(), name)(*arguments)
    assert str(caught.value) == f"{name}: not connected; await initialize() first"


async def test_a_manager_over_a_client_leaves_it_connected(live: InnerUniverseClient) -> None:
    manager = PersistenceManager.over(live)
    assert manager.config is live.config
    assert await manager.initialize(deploy=True) is True
    assert manager.client is live
    await manager.shutdown()
    assert live.is_connected
    await live.create_entity("Person", {})


async def test_a_manager_over_a_client_that_cannot_connect() -> None:
    nowhere = InnerUniverseConfig(port=1, retry_attempts=0)
    manager = PersistenceManager.over(InnerUniverseClient(nowhere))
    assert await manager.initialize() is False


async def test_initialize_persistence(starter: Starter) -> None:
    controller, bus, store = await initialize_persistence(
        controller=InnerUniverseController(InnerUniverseConfig(), starter=starter)
    )
    heard: list[str] = []
    bus.register_handler("T", lambda message: heard.append(message.id))
    id_ = await bus.publish("T", {})
    await store.commit_version({}, "d")
    assert heard == [id_]
    await bus.close()
    assert await controller.stop() == {"status": "stopped"}
    assert [server.stopped for server in starter.servers] == [1]


async def test_the_controllers_results(starter: Starter) -> None:
    controller = InnerUniverseController(InnerUniverseConfig(), starter=starter)
    assert await controller.start_deployment_mode() == {"status": "deployed", "stdout": ""}
    client = await controller.start_server_mode()
    assert client is controller.client
    assert len(starter.servers) == 1
    assert await controller.stop() == {"status": "stopped"}
    assert await controller.stop() == {"status": "stopped"}
    assert client.is_connected is False


async def test_versions_switched_off(universe: Universe) -> None:
    client = client_of(universe)
    client.config.features["enable_state_versioning"] = False
    async with client, PersistenceManager.over(client) as manager:
        with pytest.raises(RuntimeError) as caught:
            await manager.commit_version({}, "d")
    assert str(caught.value) == (
        "commit_state_version: the feature flag enable_state_versioning is off; set it in InnerUniverseConfig.features"
    )


async def test_entity_flow(live: InnerUniverseClient) -> None:
    """IMP-105, and with metadata objects IMP-117."""
    manager = PersistenceManager.over(live)
    assert await manager.initialize(deploy=False)
    try:
        person = await manager.create_entity(
            "Person",
            {
                "name": "John Doe",
                "description": "A test person",
                "tags": ["test", "person"],
                "properties": {"age": 30, "email": "john@example.com"},
            },
        )
        found = await manager.get_entity(person)
        assert found["metadata"]["properties"] == {"age": 30, "email": "john@example.com"}
        assert await manager.update_entity(person, {**found["metadata"], "properties": {"age": 31}}) is True
        company = await manager.create_entity("Company", EntityMetadata(name="Acme"))
        metadata = {
            "description": "works there",
            "strength": 0.9,
            "bidirectional": False,
            "tags": ["employment"],
            "properties": {"position": "Engineer", "start_year": 2020},
        }
        relation = await manager.create_relation(person, company, "WORKS_FOR", metadata)
        assert (await live.get_relation(relation))["metadata"] == metadata
        await manager.create_relation(company, person, "EMPLOYS", RelationMetadata(strength=0.75))
        assert (await manager.get_entity(person))["metadata"]["properties"] == {"age": 31}
        assert await manager.delete_entity(await manager.create_entity("Nobody", {})) is True
    finally:
        await manager.shutdown()


async def test_versioning_flow(live: InnerUniverseClient) -> None:
    """IMP-106."""
    async with PersistenceManager.over(live) as manager:
        first = await manager.commit_version({"data": {"items": [1, 2, 3], "count": 3}}, "Initial state")
        assert manager.temporal_store is not None
        await manager.temporal_store.record_delta(
            version_id=first,
            operations=[
                {"type": "insert", "path": "data.items", "index": 3, "value": 4},
                {"type": "set", "path": "data.count", "value": 4},
            ],
            description="Add an item",
        )
        second = await manager.commit_version({"data": {"items": [1, 2, 3, 4], "count": 4}}, "Updated state")
        current = await manager.temporal_store.get_current_version()
        assert current is not None
        assert (current["version_id"], current["parent_version_id"]) == (second, first)


async def test_event_flow(live: InnerUniverseClient) -> None:
    """IMP-107."""
    async with PersistenceManager.over(live) as manager:
        heard: list[Message] = []
        assert manager.event_bus is not None
        manager.event_bus.register_handler("USER_ACTION", heard.append)
        id_ = await manager.publish_event("USER_ACTION", {"action": "login"}, source="web_client")
        (message,) = heard
        assert (message.id, message.type, message.source) == (id_, "USER_ACTION", "web_client")
        assert message.data == {"action": "login"}
        assert message.timestamp > 1_600_000_000


async def test_swapped_arguments_are_caught(live: InnerUniverseClient) -> None:
    async with PersistenceManager.over(live) as manager:
        with pytest.raises(ValidationError):
            await manager.publish_event("USER_ACTION", "web_client", {"action": "login"})  # type: ignore[arg-type]


async def test_a_thousand_events_at_once_are_stored_and_handled_once_in_order(universe: Universe) -> None:
    async with client_of(universe) as writer, client_of(universe) as reader:
        async with PersistenceManager.over(reader) as manager:
            heard: list[str] = []
            late: list[str] = []

            async def slowly(message: Message) -> None:
                await asyncio.sleep(0)
                late.append(message.id)

            assert manager.event_bus is not None
            manager.event_bus.register_handler("LOAD", lambda message: heard.append(message.id))
            manager.event_bus.register_handler("LOAD", slowly)
            limit = asyncio.Semaphore(50)

            async def publish(number: int) -> str:
                async with limit:
                    return await writer.publish_event("LOAD", None, {"number": number})

            ids = await asyncio.gather(*(publish(number) for number in range(1000)))
            stored = await reader.query_events("LOAD", limit=None)
            await manager.event_bus.settle()
        assert len(set(ids)) == 1000
        assert sorted(row["event_id"] for row in stored) == sorted(heard) == sorted(ids)
        assert late == heard
