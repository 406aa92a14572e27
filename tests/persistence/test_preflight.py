"""The checklist before a deployment: each item alone, and all problems at once."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.programs import write_program
from support.sockets import unused_port

from pytest_inner_universe.persistence import (
    InnerUniverseConfig,
    InnerUniverseController,
    Preflight,
    PreflightError,
    check_deployment,
)
from pytest_inner_universe.persistence.bundled import bundled_module_path
from pytest_inner_universe.persistence.starting import Backend, StartOrAttach
from pytest_inner_universe.server.embedded_host import EmbeddedHost

pytestmark = pytest.mark.asyncio
NAMES = ["module", "server", "data", "port", "authentication", "backup", "monitoring", "configuration"]


@pytest.fixture
def config(tmp_path: Path) -> InnerUniverseConfig:
    """Settings without a problem."""
    return InnerUniverseConfig(
        port=0,
        db_path=str(tmp_path / "db"),
        backup_path=str(tmp_path / "backups"),
        features={"enable_metrics": True},
        retry_attempts=0,
    )


@pytest.fixture
def server() -> Iterator[EmbeddedHost]:
    with EmbeddedHost() as server:
        yield server


async def answers(config: InnerUniverseConfig, backend: Backend = "embedded") -> dict[str, str]:
    found = await check_deployment(config, StartOrAttach(backend))
    assert [check.name for check in found.checks] == NAMES
    return {check.name: f"{'+' if check.passed else '-'} {check.finding}" for check in found.checks}


async def test_without_a_problem(config: InnerUniverseConfig, tmp_path: Path) -> None:
    program = write_program(tmp_path / "spacetime")
    found = await InnerUniverseController(config, binary=program).preflight()
    module = bundled_module_path()
    assert str(found) == (
        f"ok      Module compiles to WASM: {module}, {module.stat().st_size} bytes\n"
        f"ok      SpacetimeDB is installed: {program} (1.2.0, --universe-binary)\n"
        f"ok      Database directory is writable: {tmp_path}/db will be made\n"
        "ok      Ports are free: any free one\n"
        "ok      Authentication is set up: the first deployment makes an owner, whose token it keeps in "
        f"{tmp_path}/db/owner-tokens.json\n"
        f"ok      Backups have a place: {tmp_path}/backups will be made\n"
        "ok      Monitoring is configured: the feature enable_metrics is on\n"
        "ok      Configuration is valid: every setting can be accepted"
    )
    assert found.is_ready
    found.raise_problems()
    assert not (tmp_path / "db").exists()


async def test_every_problem_at_once(
    config: InnerUniverseConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNER_UNIVERSE_BINARY", "/nothing/spacetime")
    (tmp_path / "file").write_text("", "utf-8")
    config.module_path = str(tmp_path / "file")
    config.db_path = str(tmp_path / "file" / "db")
    config.backup_path = None
    config.features = {}
    config.log_level = "loud"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config.port = listener.getsockname()[1]
        found: Preflight = await check_deployment(config, StartOrAttach())
    with pytest.raises(PreflightError) as caught:
        found.raise_problems()
    assert isinstance(caught.value, RuntimeError)
    assert caught.value.problems == tuple(str(check)[8:] for check in found.problems)
    assert str(caught.value) == (
        "7 of the checks before a deployment failed:\n"
        f"- Module compiles to WASM: {tmp_path}/file is no compiled SpacetimeDB module; build it for "
        "wasm32-unknown-unknown\n"
        "- SpacetimeDB is installed: /nothing/spacetime cannot be run as a SpacetimeDB server: there is no such file; "
        "named by INNER_UNIVERSE_BINARY; name a spacetimedb-standalone or spacetime program of this machine's kind, or "
        "leave the name out to have one looked for\n"
        f"- Database directory is writable: {tmp_path}/file is no folder; name another in db_path\n"
        f"- Ports are free: 127.0.0.1:{config.port}, address already in use; port 0 takes any free one\n"
        "- Backups have a place: none is set; name a folder in backup_path\n"
        "- Monitoring is configured: the feature enable_metrics is off; set it\n"
        "- Configuration is valid: log_level must be one of error, warn, info, debug, trace, not 'loud'; correct it"
    )


async def test_a_wrong_setting_does_not_hide_the_other_answers(config: InnerUniverseConfig) -> None:
    config.port = "many"  # type: ignore[assignment]
    config.db_path = ""
    found = await answers(config)
    assert found["port"] == "- cannot be told while port is wrong"
    assert found["data"] == "- cannot be told while db_path is wrong"
    assert found["module"].startswith("+ ")
    assert found["configuration"] == (
        "- port must be a whole number from 0 to 65535, not 'many'; db_path must be non-empty text, not ''"
    )


async def test_a_module_to_build(config: InnerUniverseConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.build_module = True
    config.module_dir = str(tmp_path)
    assert (await answers(config))["module"] == f"- there is no Cargo.toml in {tmp_path}"
    (tmp_path / "Cargo.toml").write_text("", "utf-8")
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("pytest_inner_universe.persistence.toolchain.find_linker", lambda: None)
    assert (await answers(config))["module"] == "- No Rust compiler for wasm32-unknown-unknown here."


async def test_a_module_that_is_not_there(config: InnerUniverseConfig, tmp_path: Path) -> None:
    config.module_path = str(tmp_path / "nothing.wasm")
    assert (await answers(config))["module"] == (f"- {tmp_path}/nothing.wasm cannot be read: No such file or directory")


async def test_a_server_that_answers(config: InnerUniverseConfig, server: EmbeddedHost) -> None:
    config.port = urlsplit(server.url).port or 0
    found = await answers(config, "process")
    assert found["server"] == found["port"] == f"+ a server answers at {server.url}"
    assert found["data"] == "+ nothing is kept here"
    assert found["authentication"] == "- auth_required is set and there is no token"
    config.auth_required = False
    assert (await answers(config))["authentication"].startswith("+ the first deployment makes an owner")
    config.token = "none.at.all"
    assert (await answers(config))["authentication"] == f"- {server.url} does not accept the token"
    config.attach = "never"
    assert (await answers(config))["port"] == f"- another server answers at {server.url}"


async def test_a_token_that_is_kept(config: InnerUniverseConfig, tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "owner-tokens.json").write_text(json.dumps({"own": "a.b.c"}), "utf-8")
    assert (await answers(config))["authentication"] == f"+ the owner's token is in {tmp_path}/db/owner-tokens.json"
    config.token = "a.b.c"
    assert (await answers(config))["authentication"] == "+ a token is configured"


async def test_nothing_to_attach_to(config: InnerUniverseConfig) -> None:
    config.attach = "always"
    config.port = 1
    found = await answers(config)
    reason = "no server could be reached at http://127.0.0.1:1: Connection refused"
    assert found["server"] == f"- attach is 'always', and {reason}"
    assert found["port"] == f"- nothing to attach to: {reason}"


async def test_a_port_that_is_free(config: InnerUniverseConfig) -> None:
    config.port = unused_port()
    assert (await answers(config))["port"] == f"+ 127.0.0.1:{config.port} is free"


async def test_tokens_do_not_travel_unprotected(config: InnerUniverseConfig) -> None:
    config.address = "db.example"
    assert (await answers(config))["authentication"] == "- tokens would travel unprotected to db.example"
    config.address = "10.0.0.1"
    assert (await answers(config))["authentication"].startswith("+ ")


async def test_the_newest_backup_is_named(config: InnerUniverseConfig, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    assert (await answers(config))["backup"] == f"+ {tmp_path}/backups"
    (tmp_path / "backups" / "one.tar.gz").write_text("", "utf-8")
    assert (await answers(config))["backup"] == f"+ {tmp_path}/backups, the newest is one.tar.gz"


async def test_an_engine_for_containers(config: InnerUniverseConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nothing/docker.sock")
    found = await answers(config, "docker")
    assert found["server"] == "- no server can be started in Docker: no engine answers"
