"""Building a module, with a cargo that is none."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from pytest_inner_universe.persistence import InnerUniverseConfig, InnerUniverseController, ModuleBuildError
from pytest_inner_universe.persistence.module_build import build_module

pytestmark = pytest.mark.asyncio
FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "modules" / "inner_universe_module.wasm"


class Cargo:
    """A rustc and a cargo at the beginning of the path, and a project for them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs = folder / "programs"
        self.project = folder / "module"
        library = folder / "lib"
        for made in (self.programs, self.project, library):
            made.mkdir()
        (library / "libstd-1.rlib").write_text("", "utf-8")
        (self.project / "Cargo.toml").write_text("[package]\n", "utf-8")
        self.write("rustc", f"echo {library}")
        monkeypatch.setenv("PATH", f"{self.programs}:{os.environ['PATH']}")
        monkeypatch.setenv("RUSTFLAGS", "-C target-cpu=native")

    def write(self, name: str, *lines: str) -> None:
        path = self.programs / name
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]), "utf-8")
        path.chmod(0o755)

    def makes(self, *files: Path) -> None:
        """Have cargo say what cargo says, and note how it was called."""
        messages = [json.dumps({"reason": "compiler-artifact", "filenames": [str(file)]}) for file in files]
        (self.programs / "messages").write_text("\n".join(["no json", *messages, ""]), "utf-8")
        self.write(
            "cargo",
            f'echo "$PWD $* flags=$RUSTFLAGS document=$INNER_UNIVERSE_CONFIG" > {self.programs}/called',
            f'[ -n "$INNER_UNIVERSE_CONFIG" ] && cp "$INNER_UNIVERSE_CONFIG" {self.programs}/document',
            "echo '   Compiling inner-universe' >&2",
            f"cat {self.programs}/messages",
        )


@pytest.fixture
def cargo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cargo:
    return Cargo(tmp_path, monkeypatch)


async def test_cargo_builds_for_wasm_and_says_where(cargo: Cargo, tmp_path: Path) -> None:
    cargo.makes(tmp_path / "libdependency.rlib", tmp_path / "module.wasm")
    assert await build_module(cargo.project) == tmp_path / "module.wasm"
    assert (cargo.programs / "called").read_text("utf-8") == (
        f"{cargo.project} build --release --message-format=json-render-diagnostics --target wasm32-unknown-unknown "
        "flags= document=\n"
    )


async def test_a_module_that_does_not_compile(cargo: Cargo) -> None:
    cargo.write("cargo", "for n in 1 2 3 4 5 6; do echo error $n >&2; done", "exit 101")
    with pytest.raises(RuntimeError) as caught:
        await build_module(cargo.project)
    assert isinstance(caught.value, ModuleBuildError)
    assert str(caught.value) == (
        f"the module in {cargo.project} cannot be built: cargo ended with code 101\n"
        "    error 2\n    error 3\n    error 4\n    error 5\n    error 6"
    )
    assert caught.value.stderr.splitlines() == [f"error {number}" for number in range(1, 7)]


async def test_a_project_that_makes_no_wasm(cargo: Cargo, tmp_path: Path) -> None:
    cargo.makes(tmp_path / "libmodule.rlib")
    with pytest.raises(ModuleBuildError) as caught:
        await build_module(cargo.project)
    assert caught.value.reason == "cargo made no .wasm file; its library needs the crate-type cdylib"


async def test_a_folder_without_a_project(tmp_path: Path) -> None:
    with pytest.raises(ModuleBuildError) as caught:
        await build_module(tmp_path)
    assert str(caught.value) == f"the module in {tmp_path} cannot be built: there is no Cargo.toml"


async def test_without_a_compiler(cargo: Cargo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("pytest_inner_universe.persistence.toolchain.find_linker", lambda: None)
    with pytest.raises(ModuleBuildError) as caught:
        await build_module(cargo.project)
    assert str(caught.value) == (
        f"the module in {cargo.project} cannot be built: No Rust compiler for wasm32-unknown-unknown here.\n"
        "With rustup: rustup target add wasm32-unknown-unknown\n"
        "On Debian:   apt-get install --no-install-recommends rustc-web cargo-web rust-web-src lld"
    )


async def test_a_cancelled_build_ends_with_everything_that_it_started(cargo: Cargo) -> None:
    pipe = cargo.programs / "pipe"
    os.mkfifo(pipe)
    cargo.write("cargo", f"( echo started; exec sleep 1000 ) > {pipe}")
    building = asyncio.ensure_future(build_module(cargo.project))
    stream = await asyncio.to_thread(pipe.open, encoding="utf-8")
    with stream:
        assert await asyncio.to_thread(stream.readline) == "started\n"
        building.cancel()
        with pytest.raises(asyncio.CancelledError):
            await building
        assert await asyncio.to_thread(stream.read) == ""  # the end of who wrote


async def test_a_build_that_is_cancelled_while_it_starts_ends_as_well(
    cargo: Cargo, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = cargo.programs / "pipe"
    os.mkfifo(pipe)
    cargo.write("cargo", f"( echo started; exec sleep 1000 ) > {pipe}")
    runs, noticed, start = asyncio.Event(), asyncio.Event(), asyncio.create_subprocess_exec

    async def start_slowly(*args: Any, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*args, **options)
        runs.set()
        await noticed.wait()
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_slowly)
    building = asyncio.ensure_future(build_module(cargo.project))
    stream = await asyncio.to_thread(pipe.open, encoding="utf-8")
    with stream:
        assert await asyncio.to_thread(stream.readline) == "started\n"
        await runs.wait()
        building.cancel()
        await asyncio.sleep(0)
        noticed.set()
        with pytest.raises(asyncio.CancelledError):
            await building
        assert await asyncio.to_thread(stream.read) == ""


async def test_a_deployment_builds_and_publishes_what_came_out(cargo: Cargo, tmp_path: Path) -> None:
    cargo.makes(FIXTURE)
    config = InnerUniverseConfig(
        port=0, db_path=str(tmp_path / "db"), build_module=True, module_dir=str(cargo.project), log_level="debug"
    )
    async with InnerUniverseController(config, backend="embedded") as controller:
        done = await controller.deploy()
    told = done["stdout"].splitlines()
    assert told[0] == f"built {FIXTURE}"
    assert told[1].startswith("published inner-universe (new, ")
    document = json.loads((cargo.programs / "document").read_text("utf-8"))
    assert document == config.to_dict()
    named = (cargo.programs / "called").read_text("utf-8").rpartition("document=")[2].strip()
    assert not Path(named).exists()  # noqa: ASYNC240  # nothing else runs in this loop


async def test_a_deployment_whose_build_fails_starts_nothing(
    cargo: Cargo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    cargo.write("cargo", "exit 1")
    config = InnerUniverseConfig(port=0, build_module=True, module_dir=str(cargo.project))
    controller = InnerUniverseController(config, backend="embedded")
    with pytest.raises(ModuleBuildError):
        await controller.deploy()
    assert controller.process is None
    assert os.listdir(tmp_path / "temporary") == []


async def test_building_needs_a_folder(tmp_path: Path) -> None:
    config = InnerUniverseConfig(port=0, db_path=str(tmp_path / "db"), build_module=True)
    async with InnerUniverseController(config, backend="embedded") as controller:
        assert "built" not in (await controller.deploy())["stdout"]


async def test_the_controllers_own_build(cargo: Cargo, tmp_path: Path) -> None:
    cargo.makes(tmp_path / "module.wasm")
    controller = InnerUniverseController(InnerUniverseConfig(module_dir=str(cargo.project)))
    assert await controller._build_module() == tmp_path / "module.wasm"
