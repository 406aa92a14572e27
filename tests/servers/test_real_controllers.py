"""The controller on real servers: deployment, data that stays, servers of others, ends."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.on_disk import wait_until_written
from support.sockets import unused_port

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.persistence import (
    BackupError,
    InnerUniverseConfig,
    InnerUniverseController,
    PersistenceManager,
    ServerStartError,
    write_copy,
)
from pytest_inner_universe.server.process import ProcessServer
from pytest_inner_universe.server.readiness import ping
from pytest_inner_universe.server.remote import RemoteServer

pytestmark = pytest.mark.asyncio
MakeController = Callable[..., InnerUniverseController]


@pytest.fixture(params=["process", "docker"])
def make_controller(request: pytest.FixtureRequest, tmp_path: Path) -> MakeController:
    """Make a controller whose data is in the test's folder."""
    options = {"backend": request.param}
    if request.param == "docker":
        options["image"] = request.getfixturevalue("image")

    def make(**settings: object) -> InnerUniverseController:
        config = InnerUniverseConfig(port=0, db_path=str(tmp_path / "db"), retry_attempts=0)
        return InnerUniverseController(replace(config, **settings), **options)  # type: ignore[arg-type]

    return make


async def written(controller: InnerUniverseController, module: Module, row: str) -> None:
    """Wait until a row is on disk, and the database that it is in; 1.2.0 confirms them before."""
    server = controller.process
    assert isinstance(server, RemoteServer)
    await asyncio.to_thread(wait_until_written, server, Path(controller.config.db_path), module, row)


async def test_data_and_owner_outlive_the_server(make_controller: MakeController, module: Module) -> None:
    async with make_controller() as controller:
        done = await controller.deploy()
        assert (done["status"], done["stdout"].split(",")[0]) == ("deployed", "published inner-universe (new")
        assert controller.client is not None
        id_ = await controller.client.create_entity("Person", {"name": "Ada"})
        assert (await controller.get_system_status()).process_uptime_seconds is not None
        await written(controller, module, "Ada")
        first = str(controller.url)
    assert ping(first) is not None
    async with make_controller(log_level="warn") as controller:
        client = await controller.start_server_mode()
        assert (await client.get_entity(id_))["metadata"]["name"] == "Ada"
        await controller.apply_configuration({"motto": "still ours"})
        assert (await controller.deploy())["stdout"].startswith("published inner-universe (updated, ")
        assert (await controller.get_system_status()).entity_count == 1


async def test_a_manager_deploys_and_serves(make_controller: MakeController, module: Module) -> None:
    controller = make_controller()
    manager = PersistenceManager(controller=controller)
    assert await manager.initialize(deploy=True) is True
    id_ = await manager.create_entity("Person", {"name": "Ada"})
    version = await manager.commit_version({"n": 1}, "the first of all")
    await written(controller, module, "the first of all")
    await manager.shutdown()
    manager = PersistenceManager(controller=make_controller())
    assert await manager.initialize() is True
    assert (await manager.get_entity(id_))["id"] == id_
    assert manager.temporal_store is not None
    assert manager.temporal_store.current_version_id == version
    await manager.shutdown()


async def test_a_manager_without_anything_deployed_leaves_nothing(make_controller: MakeController) -> None:
    controller = make_controller()
    manager = PersistenceManager(controller=controller)
    assert await manager.initialize() is False
    assert (controller.client, controller.process) == (None, None)


async def test_who_attaches_does_not_stop_it(make_controller: MakeController, tmp_path: Path) -> None:
    async with make_controller() as controller:
        await controller.deploy()
        port = urlsplit(str(controller.url)).port
        config = InnerUniverseConfig(port=port or 0, db_path=str(tmp_path / "other"))
        manager = PersistenceManager(config)
        assert await manager.initialize() is True
        id_ = await manager.create_entity("Person", {})
        await manager.shutdown()
        assert controller.client is not None
        assert (await controller.client.get_entity(id_))["id"] == id_


# Processes


@pytest.fixture
def config(tmp_path: Path) -> InnerUniverseConfig:
    return InnerUniverseConfig(port=0, db_path=str(tmp_path / "db"), retry_attempts=0)


async def test_a_port_in_use_is_named(config: InnerUniverseConfig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config.port = listener.getsockname()[1]
        config.attach = "never"
        with pytest.raises(ServerStartError) as caught:
            await InnerUniverseController(config).start_server_mode()
    lines = str(caught.value).splitlines()
    assert lines[0] == (
        f"no server at {config.url}: the SpacetimeDB server did not start: it ended with code 1: Address already in use "
        "(os error 98)"
    )
    assert lines[2] == f"  port {config.port} is taken: end what listens there, or use port 0 to get a free one"
    assert "Address already in use" in caught.value.stderr


async def test_the_configured_port_is_the_servers(config: InnerUniverseConfig) -> None:
    config.port = unused_port()
    async with InnerUniverseController(config) as controller:
        await controller.deploy()
        assert controller.url == config.url


async def test_a_server_that_died_is_started_anew_with_its_data(
    config: InnerUniverseConfig, module: Module, caplog: pytest.LogCaptureFixture
) -> None:
    async with InnerUniverseController(config) as controller:
        await controller.deploy()
        assert controller.client is not None
        await controller.client.create_entity("Person", {"name": "Ada"})
        await written(controller, module, "Ada")
        await controller.stop()
        await controller.start_server_mode()
        process = controller.process
        assert isinstance(process, ProcessServer)
        pid = process.pid
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        caplog.set_level(logging.WARNING, "inner_universe_controller")
        again = await controller.start_server_mode()
        assert (await again.get_system_status()).entity_count == 1
        assert controller.process is not process
    assert any(record.message.endswith("has ended by itself") for record in caplog.records)


async def test_nothing_but_data_keys_and_tokens_is_left(config: InnerUniverseConfig, tmp_path: Path) -> None:
    async with InnerUniverseController(config) as controller:
        await controller.deploy()
        process = controller.process
        assert isinstance(process, ProcessServer)
        pid = process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert os.listdir(tmp_path) == ["db"]
    assert {"id", "id.pub", "owner-tokens.json", "control-db"} <= set(os.listdir(tmp_path / "db"))


async def test_a_cold_copy_brings_everything_back(config: InnerUniverseConfig, module: Module, tmp_path: Path) -> None:
    config.backup_path = str(tmp_path / "backups")
    controller = InnerUniverseController(config)
    await controller.deploy()
    assert controller.client is not None
    id_ = await controller.client.create_entity("Person", {"name": "Ada"})
    with pytest.raises(BackupError) as caught:
        write_copy(config.db_path, tmp_path / "hot.tar.gz")
    assert str(caught.value) == f"{config.db_path}: a server runs on this folder; stop it first"
    await written(controller, module, "Ada")
    await controller.stop()
    made = await controller.back_up()
    client = await controller.start_server_mode()
    await client.delete_entity(id_)
    await controller.stop()
    await controller.restore(made.archive, replace=True)
    client = await controller.start_server_mode()
    assert (await client.get_entity(id_))["metadata"]["name"] == "Ada"
    await controller.apply_configuration({"motto": "still ours"})
    await controller.stop()


async def test_the_checklist_passes_where_a_deployment_does(config: InnerUniverseConfig, tmp_path: Path) -> None:
    config.backup_path = str(tmp_path / "backups")
    config.features["enable_metrics"] = True
    async with InnerUniverseController(config) as controller:
        (await controller.preflight()).raise_problems()
        await controller.deploy()
