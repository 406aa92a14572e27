"""The controller over server programs that misbehave; real ones are in `tests/servers`."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.programs import write_program

from pytest_inner_universe.persistence import InnerUniverseConfig, InnerUniverseController, ServerStartError
from pytest_inner_universe.persistence.starting import StartOrAttach
from pytest_inner_universe.server.process import ProcessServer
from pytest_inner_universe.server.processes import started_at

pytestmark = pytest.mark.asyncio
MakeController = Callable[..., InnerUniverseController]


@pytest.fixture
def make_controller(tmp_path: Path) -> MakeController:
    """Make a controller whose server program behaves in some way."""

    def make(behaviour: str, version: str = "1.2.0", **options: Any) -> InnerUniverseController:
        config = InnerUniverseConfig(port=0, db_path=str(tmp_path / "db"), retry_attempts=0)
        return InnerUniverseController(
            config, binary=write_program(tmp_path / behaviour, behaviour, version), **options
        )

    return make


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[ProcessServer]:
    """The servers that are started."""
    found: list[ProcessServer] = []
    launch = ProcessServer._launch

    def note(server: ProcessServer, *arguments: object) -> None:
        found.append(server)
        launch(server, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ProcessServer, "_launch", note)
    return found


async def test_the_command_line(make_controller: MakeController, tmp_path: Path) -> None:
    controller = make_controller("good")
    with pytest.raises(RuntimeError):  # it answers pings and nothing else
        await controller.start_server_mode()
    data = tmp_path / "db"
    expected = f"start --data-dir {data} --listen-addr 127.0.0.1:0 --jwt-pub-key-path {data}/id.pub "
    expected += f"--jwt-priv-key-path {data}/id"
    assert (data / "arguments").read_text("utf-8").split("\n") == expected.split()
    assert (data / "config.toml").read_text("utf-8").startswith('[logs]\nlevel = "info"\n')


async def test_the_command_line_of_2_x(make_controller: MakeController, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        await make_controller("good", "2.8.3").start_server_mode()
    assert (tmp_path / "db" / "arguments").read_text("utf-8").endswith("\n--non-interactive")


async def test_a_server_that_dies_at_its_start(make_controller: MakeController, tmp_path: Path) -> None:
    controller = make_controller("dies")
    for start in (controller.start_server_mode, controller.start_deployment_mode):
        with pytest.raises(RuntimeError) as caught:
            await start()
        assert isinstance(caught.value, ServerStartError)
        data = tmp_path / "db"
        command = [str(tmp_path / "dies"), "start", "--data-dir", str(data), "--listen-addr", "127.0.0.1:0"]
        command += ["--jwt-pub-key-path", f"{data}/id.pub", "--jwt-priv-key-path", f"{data}/id"]
        assert str(caught.value) == (
            "no server at http://127.0.0.1:0: the SpacetimeDB server did not start: it ended with code 3: "
            "No space left on device (os error 28)\n"
            f"  started: {shlex.join(command)}\n"
            f"  the disk with {data} is full: make room there, or name another folder\n"
            "  the last that it wrote:\n"
            "    WARN starting\n"
            "    Error: No space left on device (os error 28)"
        )
        assert caught.value.stderr == "WARN starting\nError: No space left on device (os error 28)"
        assert (controller.client, controller.process) == (None, None)


async def test_a_server_that_never_answers(make_controller: MakeController, started: list[ProcessServer]) -> None:
    controller = make_controller("silent", start_timeout=0.3)
    with pytest.raises(ServerStartError) as caught:
        await controller.start_server_mode()
    assert "not ready within 0.3 s; it did not say where it listens" in str(caught.value)
    assert not started[0].is_running


async def test_a_start_that_is_cancelled_ends_its_server_at_once(
    make_controller: MakeController, started: list[ProcessServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = make_controller("silent", start_timeout=60)
    loop, said = asyncio.get_running_loop(), asyncio.Event()
    monkeypatch.setattr(StartOrAttach, "_log", lambda *_: loop.call_soon_threadsafe(said.set))
    task = asyncio.ensure_future(controller.start_server_mode())
    await said.wait()
    pid = started[0].pid
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert started_at(pid) is None
    assert (controller.client, controller.process) == (None, None)
    assert await controller.stop() == {"status": "stopped"}


async def test_a_server_that_does_not_end_when_asked_is_killed(
    make_controller: MakeController, started: list[ProcessServer]
) -> None:
    controller = make_controller("stubborn", stop_timeout=0.2)
    with pytest.raises(RuntimeError):
        await controller.start_server_mode()
    assert not started[0].is_running
    assert started[0]._end == "it did not end within 0.2 s and was killed"


async def test_a_flood_of_output_goes_to_the_logger_and_stops_nobody(
    make_controller: MakeController, caplog: pytest.LogCaptureFixture, started: list[ProcessServer]
) -> None:
    caplog.set_level(logging.DEBUG, "inner_universe_controller.server")
    with pytest.raises(RuntimeError) as caught:
        await make_controller("floods").start_server_mode()
    told = [(record.levelname, record.message) for record in caplog.records if record.name.endswith(".server")]
    assert told[0] == ("WARNING", "WARN starting")
    assert told[1][0] == "DEBUG"
    assert ("DEBUG", "a line of output") in told
    assert "a line of output" in caught.value.stderr  # type: ignore[attr-defined]
    assert len(started[0].log_tail(1_000_000)) <= 2_000


async def test_a_folder_for_the_data_that_cannot_be_made(make_controller: MakeController, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", "utf-8")
    controller = make_controller("good")
    controller.config.db_path = str(tmp_path / "taken" / "db")
    with pytest.raises(ServerStartError) as caught:
        await controller.start_server_mode()
    assert f"Not a directory: {tmp_path}/taken/db" in str(caught.value)


async def test_a_program_that_is_none(make_controller: MakeController, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello", "utf-8")
    os.chmod(tmp_path / "text", 0o755)
    controller = InnerUniverseController(
        InnerUniverseConfig(port=0, db_path=str(tmp_path / "db")), binary=tmp_path / "text"
    )
    with pytest.raises(ServerStartError) as caught:
        await controller.start_server_mode()
    assert str(caught.value).startswith(
        f"no server at http://127.0.0.1:0: {tmp_path}/text cannot be run as a SpacetimeDB server: "
    )
