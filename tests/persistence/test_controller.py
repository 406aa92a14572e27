"""The controller over the embedded backend: what it brings up, what it says, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from pytest_inner_universe.persistence import (
    AuthorizationError,
    ControllerError,
    DeploymentError,
    InnerUniverseConfig,
    InnerUniverseController,
    Message,
    NoClientError,
    NotConnectedError,
    ServerStartError,
    SpacetimeTemporalStore,
    ValidationError,
)
from pytest_inner_universe.persistence.network import http_api
from pytest_inner_universe.server.readiness import ping

pytestmark = pytest.mark.asyncio
MODULES = Path(__file__).resolve().parents[2] / "fixtures" / "modules"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InnerUniverseConfig:
    """Settings for a free port, with a folder for data and one for temporary files, which stays empty."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return InnerUniverseConfig(port=0, db_path=str(tmp_path / "db"), retry_attempts=0)


@pytest_asyncio.fixture
async def controller(config: InnerUniverseConfig) -> AsyncIterator[InnerUniverseController]:
    async with InnerUniverseController(config, backend="embedded") as made:
        yield made


def at_address_of(controller: InnerUniverseController, tmp_path: Path) -> InnerUniverseConfig:
    """Settings of somebody else for the same server."""
    port = urlsplit(str(controller.url)).port
    assert port is not None
    return InnerUniverseConfig(port=port, db_path=str(tmp_path / "other"), retry_attempts=0)


async def rows(controller: InnerUniverseController, table: str) -> dict[str, str]:
    """The configuration of the database as its owner sees it."""
    assert controller.client is not None
    async with http_api(controller.client.config) as api:
        found = await api.sql("inner-universe", f"SELECT * FROM {table}")
    return {row["key"]: row["value"] for row in found.rows}


async def test_a_new_controller_has_nothing_yet() -> None:
    controller = InnerUniverseController()
    assert controller.config == InnerUniverseConfig()
    assert (controller.client, controller.process, controller.url, controller.is_attached) == (None, None, None, False)
    assert controller.log_tail(5) == []
    assert controller.logger.name == "inner_universe_controller"
    assert await controller.stop() == {"status": "stopped"}


async def test_a_deployment_leaves_a_configured_database_a_server_and_a_client(
    controller: InnerUniverseController, tmp_path: Path
) -> None:
    controller.config.features = {"enable_audit_log": False, "enable_metrics": True}
    done = await controller.start_deployment_mode()
    assert controller.client is not None
    async with http_api(controller.client.config) as api:
        identity = (await api.info("inner-universe")).identity
    told = f"published inner-universe (new, {identity.hex()}) at {controller.url}"
    assert done == {"status": "deployed", "stdout": told}
    assert controller.process is not None
    assert (controller.process.backend, controller.is_attached) == ("embedded", False)
    settings = await rows(controller, "config")
    assert (settings["feature_enable_audit_log"], settings["feature_enable_metrics"]) == ("false", "true")
    assert settings["log_level"] == "info"
    assert json.loads(settings["module_config"]) == {
        "name": "inner-universe",
        "version": settings["module_version"],
        "cache_size_mb": 256,
        "log_level": "Info",
        "features": ["EnableMetrics"],
    }
    await controller.client.create_entity("Person", {})
    # The embedded server keeps nothing.
    assert os.listdir(tmp_path) == ["temporary"]
    assert os.listdir(tmp_path / "temporary") == []


async def test_serving_after_a_deployment_is_the_same_client(controller: InnerUniverseController) -> None:
    await controller.deploy()
    assert await controller.start_server() is controller.client
    assert await controller.start_server_mode() is controller.client


async def test_serving_what_was_never_deployed(controller: InnerUniverseController) -> None:
    with pytest.raises(RuntimeError) as caught:
        await controller.start_server_mode()
    assert isinstance(caught.value, NoClientError)
    assert isinstance(caught.value, ConnectionError)
    url = caught.value.url
    assert str(caught.value) == (
        f"no client for database 'inner-universe' at {url}: there is no database 'inner-universe' at {url}; "
        "deploy the module first"
    )
    assert (controller.client, controller.process) == (None, None)
    assert ping(url) is not None


async def test_stopping_twice(controller: InnerUniverseController) -> None:
    await controller.deploy()
    url = str(controller.url)
    client = controller.client
    assert client is not None
    assert await controller.stop() == {"status": "stopped"}
    assert await controller.stop() == {"status": "stopped"}
    assert not client.is_connected
    assert (controller.client, controller.process, controller.url) == (None, None, None)
    assert ping(url) is not None
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_deploying_again_keeps_the_data(controller: InnerUniverseController) -> None:
    await controller.deploy()
    assert controller.client is not None
    id_ = await controller.client.create_entity("Person", {"name": "Ada"})
    done = await controller.deploy()
    assert done["stdout"].startswith("published inner-universe (updated, ")
    assert (await controller.client.get_entity(id_))["metadata"]["name"] == "Ada"


async def test_a_refused_deployment_leaves_what_ran_before(controller: InnerUniverseController) -> None:
    await controller.deploy()
    client = controller.client
    assert client is not None
    controller.config.module_path = str(MODULES / "every_type_1_4.wasm")
    with pytest.raises(DeploymentError) as caught:
        await controller.deploy()
    assert str(caught.value).splitlines()[0] == (
        f"cannot deploy to database 'inner-universe' at {controller.url}: the server refused the module"
    )
    assert "table" in caught.value.stderr.lower()
    assert await client.create_entity("Person", {})


async def test_a_first_deployment_that_is_refused_leaves_nothing(
    controller: InnerUniverseController, tmp_path: Path
) -> None:
    controller.config.module_path = str(tmp_path / "module.wasm")
    (tmp_path / "module.wasm").write_bytes(b"no module")
    with pytest.raises(DeploymentError) as caught:
        await controller.deploy()
    assert ping(caught.value.url) is not None
    assert (controller.client, controller.process) == (None, None)
    assert os.listdir(tmp_path / "temporary") == []


async def test_a_module_that_is_not_there(controller: InnerUniverseController, tmp_path: Path) -> None:
    controller.config.module_path = str(tmp_path / "nothing.wasm")
    with pytest.raises(DeploymentError) as caught:
        await controller.deploy()
    assert str(caught.value) == (
        "cannot deploy to database 'inner-universe' at http://127.0.0.1:0: "
        f"the module {tmp_path}/nothing.wasm cannot be read: No such file or directory"
    )


async def test_mistakes_are_found_before_anything_starts(controller: InnerUniverseController, tmp_path: Path) -> None:
    controller.config.log_level = "loud"
    controller.config.database = "inner_universe"
    for start in (controller.deploy, controller.start_server, controller.initialize_schema):
        with pytest.raises(ValidationError) as caught:
            await start()
        assert len(caught.value.problems) == 2
    assert controller.process is None
    assert os.listdir(tmp_path / "temporary") == []


async def test_a_dict_is_a_configuration_too(tmp_path: Path) -> None:
    controller = InnerUniverseController({"db_path": str(tmp_path), "port": 3789, "enable_metrics": True})
    assert (controller.config.db_path, controller.config.port) == (str(tmp_path), 3789)
    assert controller.config.feature("enable_metrics")


async def test_an_unknown_backend() -> None:
    with pytest.raises(ValueError, match=r"^unknown backend 'podman', there are process, docker, embedded$"):
        InnerUniverseController(backend="podman")  # type: ignore[arg-type]


async def test_the_document_of_the_configuration(controller: InnerUniverseController, tmp_path: Path) -> None:
    controller.config.token = "very-secret"
    path = controller._create_temp_config()
    assert path.endswith(".json")
    assert Path(path).parent == tmp_path / "temporary"
    text = Path(path).read_text("utf-8")  # noqa: ASYNC240  # nothing else runs in this loop
    assert json.loads(text) == controller.config.to_dict()
    assert "very-secret" not in text
    assert os.stat(path).st_mode & 0o077 == 0
    os.unlink(path)


# Servers of others


async def test_who_attaches_leaves_the_server_alone(controller: InnerUniverseController, tmp_path: Path) -> None:
    await controller.deploy()
    async with InnerUniverseController(at_address_of(controller, tmp_path)) as other:
        client = await other.start_server_mode()
        id_ = await client.create_entity("Person", {})
        assert (other.is_attached, other.process, other.url) == (True, None, controller.url)
        assert (await other.get_system_status()).process_uptime_seconds is None
        with pytest.raises(AuthorizationError) as caught:
            await other.apply_configuration()
        assert str(caught.value) == "Unauthorized: Owner privileges required"
        assert await other.stop() == {"status": "stopped"}
    assert controller.client is not None
    assert (await controller.client.get_entity(id_))["id"] == id_
    assert not (tmp_path / "other").exists()


async def test_somebody_elses_database_is_not_deployed_to(controller: InnerUniverseController, tmp_path: Path) -> None:
    await controller.deploy()
    other = InnerUniverseController(at_address_of(controller, tmp_path))
    with pytest.raises(DeploymentError) as caught:
        await other.deploy()
    assert str(caught.value).splitlines()[0] == (
        f"cannot deploy to database 'inner-universe' at {controller.url}: it belongs to somebody else; put its owner's "
        "token into the configuration"
    )
    assert "authorized" in caught.value.stderr
    assert ping(str(controller.url)) is None


async def test_who_deploys_to_a_server_of_others_stays_the_owner(
    controller: InnerUniverseController, tmp_path: Path
) -> None:
    await controller.deploy()
    theirs = at_address_of(controller, tmp_path)
    theirs.database = "theirs"
    for state in ("new", "updated"):
        async with InnerUniverseController(theirs) as other:
            assert (await other.deploy())["stdout"].startswith(f"published theirs ({state}, ")
    assert (tmp_path / "other" / "owner-tokens.json").stat().st_mode & 0o077 == 0


async def test_a_token_that_the_server_does_not_know_any_more_is_replaced(
    controller: InnerUniverseController, tmp_path: Path
) -> None:
    await controller.deploy()
    theirs = at_address_of(controller, tmp_path)
    theirs.database = "theirs"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "owner-tokens.json").write_text(json.dumps({theirs.url: "from.another.life"}), "utf-8")
    async with InnerUniverseController(theirs) as other:
        await other.deploy()
    kept = json.loads((tmp_path / "other" / "owner-tokens.json").read_text("utf-8"))
    assert kept[theirs.url].count(".") == 2
    assert kept[theirs.url] != "from.another.life"


async def test_the_owners_token_can_be_brought_along(controller: InnerUniverseController, tmp_path: Path) -> None:
    await controller.deploy()
    assert controller.client is not None
    theirs = at_address_of(controller, tmp_path)
    theirs.token = controller.client.config.token
    async with InnerUniverseController(theirs) as other:
        assert (await other.deploy())["stdout"].startswith("published inner-universe (updated, ")
        await other.apply_configuration({"motto": "ours"})
        assert (await rows(other, "config"))["motto"] == "ours"
    assert not (tmp_path / "other").exists()


async def test_attaching_only(config: InnerUniverseConfig) -> None:
    config.attach = "always"
    with pytest.raises(ServerStartError) as caught:
        await InnerUniverseController(config).deploy()
    assert str(caught.value) == "no server at http://127.0.0.1:0: attach is 'always', and port 0 is nobody's address"
    config.port = 1
    with pytest.raises(ServerStartError) as caught:
        await InnerUniverseController(config).start_server()
    assert str(caught.value) == (
        "no server at http://127.0.0.1:1: attach is 'always', and no server could be reached at http://127.0.0.1:1: "
        "Connection refused"
    )


async def test_never_attaching(controller: InnerUniverseController, tmp_path: Path) -> None:
    await controller.deploy()
    config = at_address_of(controller, tmp_path)
    config.attach = "never"
    with pytest.raises(ServerStartError) as caught:
        await InnerUniverseController(config, backend="embedded").start_server()
    assert str(caught.value) == (
        f"no server at {config.url}: cannot listen on 127.0.0.1:{config.port}: Address already in use\n"
        "  port 0 takes any free one"
    )


async def test_a_server_of_ones_own_has_no_tls(config: InnerUniverseConfig) -> None:
    config.scheme = "https"
    with pytest.raises(ServerStartError) as caught:
        await InnerUniverseController(config, backend="embedded").start_server()
    assert str(caught.value) == (
        "no server at https://127.0.0.1:0: a server of one's own has no TLS; use http, or attach to a proxy that adds it"
    )


# Steps


async def test_the_schema_is_the_module(controller: InnerUniverseController) -> None:
    await controller.initialize_schema()
    client = await controller.start_server_mode()
    await client.create_entity("Person", {})
    await controller.initialize_schema()
    assert (await controller.get_system_status()).entity_count == 1


async def test_clearing(controller: InnerUniverseController) -> None:
    await controller.deploy()
    assert controller.client is not None
    await controller.client.create_entity("Person", {})
    await controller.initialize_schema(clear=True)
    await controller.client.disconnect()
    client = await controller.start_server_mode()
    assert (await client.get_system_status()).entity_count == 0


async def test_settings_of_ones_own(controller: InnerUniverseController) -> None:
    await controller.deploy()
    await controller.apply_configuration([{"key": "motto", "value": "one", "description": "A motto"}])
    await controller.apply_configuration({"motto": "two"})
    assert (await rows(controller, "config"))["motto"] == "two"


async def test_the_status_tells_both_uptimes(controller: InnerUniverseController) -> None:
    await controller.deploy()
    status = await controller.get_system_status()
    assert (status.version, status.entity_count, status.connected_clients) == ("0.1.0", 0, 1)
    assert status.process_uptime_seconds is not None
    assert status.process_uptime_seconds >= 0
    assert status.uptime_seconds >= 0


async def test_a_bus_is_joined_to_the_log_until_the_end(controller: InnerUniverseController) -> None:
    await controller.deploy()
    bus = FakeBus()
    bridge = await controller.register_event_handlers(bus, ["TICK"])
    assert controller.client is not None
    id_ = await controller.client.publish_event("TOCK", None, {"n": 1})
    await bridge.settle()
    assert [message.id for message in bus.told if message.type == "TOCK"] == [id_]
    (handler,) = bus.handlers
    handler(Message(id="e-1", type="TICK", data={"n": 2}))
    await controller.stop()
    assert bus.handlers == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_temporal_store_is_told_of_versions_until_the_end(controller: InnerUniverseController) -> None:
    await controller.deploy()
    assert controller.client is not None
    store = SpacetimeTemporalStore(controller.client)
    await controller.register_event_handlers(FakeBus(), temporal_store=store)
    version = await controller.persist_version(None, "first", "hash")
    assert store.current_version_id == version
    row = await store.get_current_version()
    assert row is not None
    assert (row["description"], row["data_hash"]) == ("first", "hash")
    await controller.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_handlers_that_cannot_be_registered_leave_nothing(controller: InnerUniverseController) -> None:
    await controller.deploy()
    assert controller.client is not None
    bus, store = FakeBus(), SpacetimeTemporalStore(controller.client)
    await store.follow()
    with pytest.raises(ValidationError) as caught:
        await controller.register_event_handlers(bus, ["TICK"], temporal_store=store)
    assert str(caught.value) == "this temporal store follows already; close it first"
    assert bus.handlers == []
    await store.close()
    assert controller.client.subscriptions == []


class FakeBus:
    def __init__(self) -> None:
        self.handlers: list[Any] = []
        self.told: list[Message] = []

    def subscribe(self, event_type: Any, handler: Any) -> Any:
        self.handlers.append(handler)
        return lambda: self.handlers.remove(handler)

    def publish(self, event_type: Any, data: Any = None, source: str | None = None) -> str:
        raise AssertionError("it is notified instead")

    def notify_subscribers(self, message: Message) -> None:
        self.told.append(message)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("apply_configuration", ()),
        ("get_system_status", ()),
        ("register_event_handlers", (FakeBus(),)),
        ("persist_version", (None, "first", "hash")),
    ],
)
async def test_what_needs_a_client_says_so(
    controller: InnerUniverseController, operation: str, arguments: tuple[Any, ...]
) -> None:
    with pytest.raises(NotConnectedError) as caught:
        await getattr(controller, operation)(*arguments)
    assert isinstance(caught.value, RuntimeError)
    assert str(caught.value) == f"{operation}: not connected; await start_server_mode() first"


async def test_a_cancelled_deployment_leaves_nothing(
    controller: InnerUniverseController, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reached: asyncio.Queue[str] = asyncio.Queue()

    async def hang(config: InnerUniverseConfig, *_: object, **__: object) -> None:
        await reached.put(config.url)
        await asyncio.Event().wait()

    monkeypatch.setattr("pytest_inner_universe.persistence.deployment.publish", hang)
    task = asyncio.ensure_future(controller.deploy())
    url = await reached.get()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ping(url) is not None
    assert (controller.client, controller.process) == (None, None)
    assert os.listdir(tmp_path / "temporary") == []


async def test_what_it_does_is_logged(controller: InnerUniverseController, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "inner_universe_controller")
    await controller.deploy()
    url = controller.url
    await controller.stop()
    told = [record.message for record in caplog.records if record.name == "inner_universe_controller"]
    assert told == [f"started {url}", f"configured the database at {url}", f"stopped {url}"]


async def test_tokens_that_cannot_be_read(controller: InnerUniverseController, tmp_path: Path) -> None:
    await controller.deploy()
    config = at_address_of(controller, tmp_path)
    (tmp_path / "other").mkdir()
    file = tmp_path / "other" / "owner-tokens.json"
    file.write_text("[]", "utf-8")
    with pytest.raises(ControllerError) as caught:
        await InnerUniverseController(config).start_server()
    assert str(caught.value) == f"the owners' tokens in {file} cannot be read: it holds no JSON object"
