"""Building a module from its cargo project."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from .errors import ModuleBuildError
from .threads import finished
from .toolchain import ToolchainMissing, find_toolchain


async def build_module(folder: str | os.PathLike[str], variables: Mapping[str, str] | None = None) -> Path:
    """Build the module of a folder for wasm, optimised, and return the file that came out.

    Cargo decides where that is: the project's ``target`` folder unless ``CARGO_TARGET_DIR`` says otherwise.

    Args:
        folder: The cargo project.
        variables: Environment variables beside those of this process.

    Raises:
        ModuleBuildError: There is no project, no compiler, or it does not compile; ``.stderr`` has what cargo wrote.
    """
    project = Path(folder)
    if not (project / "Cargo.toml").is_file():
        raise ModuleBuildError(str(folder), "there is no Cargo.toml")
    try:
        toolchain = await finished(find_toolchain)
    except ToolchainMissing as error:
        raise ModuleBuildError(str(folder), str(error)) from None
    # The messages for people go to the error output, those with the names of files to the other.
    command = toolchain.build_command("--message-format=json-render-diagnostics")
    environment = toolchain.environment({**os.environ, **(variables or {})})
    try:
        code, output, stderr = await _run(command, project, environment)
    except OSError as error:
        raise ModuleBuildError(str(folder), f"{command[0]} cannot be run: {error.strerror}") from error
    if code != 0:
        raise ModuleBuildError(str(folder), f"cargo ended with code {code}", stderr)
    made = _wasm_files(output)
    if not made:
        raise ModuleBuildError(str(folder), "cargo made no .wasm file; its library needs the crate-type cdylib", stderr)
    return made[-1]


async def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
    process = await _start(command, folder, environment)
    try:
        output, stderr = await process.communicate()
    except BaseException:
        await _end(process)
        raise
    assert process.returncode is not None
    return process.returncode, output.decode("utf-8", "replace"), stderr.decode("utf-8", "replace")


async def _start(command: list[str], folder: Path, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Cargo's compilers end with it only if they are told as well.
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Cancelled itself, the start would end cargo alone, which may have started compilers by now.
        with contextlib.suppress(OSError):
            await _end(await starting)
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    _kill_group(process.pid)
    await asyncio.shield(process.wait())


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            os.kill(pid, signal.SIGTERM)
        else:
            os.killpg(pid, signal.SIGKILL)


def _wasm_files(output: str) -> list[Path]:
    files: list[Path] = []
    for line in output.splitlines():
        with contextlib.suppress(ValueError, AttributeError):
            message = json.loads(line)
            if message.get("reason") == "compiler-artifact":
                files += [Path(name) for name in message.get("filenames", ()) if name.endswith(".wasm")]
    return files
