"""Compiled modules on disk, so that only the first process ever compiles a module.

An artefact is machine code, so it is only used when it is the user's own file and its hash is the one noted beside it; anything
else, an unwritable directory included, means that the module is compiled again, without a word.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wasmtime import Module as CompiledModule

DIRECTORY_VARIABLE = "INNER_UNIVERSE_CACHE_DIR"
KEPT_SECONDS = 30 * 24 * 3600
"""Artefacts that were not used for so long are removed when a new one is written."""
_TOUCH_SECONDS = 24 * 3600
_TRUSTED_OWNERS = {0}


def cache_directory() -> Path | None:
    """Return the directory for artefacts, None where no place is known."""
    chosen = os.environ.get(DIRECTORY_VARIABLE)
    if chosen:
        return Path(chosen) / "modules"
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "inner-universe" / "modules"


@cache
def _suffix() -> str:
    from .runtime import SETTINGS, wasmtime

    # The version stands in the name of the folder beside the package; importlib.metadata takes 2 ms to say the same.
    package = Path(str(wasmtime().__file__)).parent
    found = [
        name for name in os.listdir(package.parent) if name.startswith("wasmtime-") and name.endswith(".dist-info")
    ]
    version = found[0][len("wasmtime-") : -len(".dist-info")] if len(found) == 1 else "unknown"
    return f"{version}-{sys.platform}-{platform.machine()}-{SETTINGS}"


def load_or_make(key: str, wasm: Callable[[], bytes]) -> CompiledModule:
    """Load an artefact from the cache; compile the module and write it there when that fails.

    Args:
        key: Hash of the source.
        wasm: Gives the bytes to compile, when they are needed.

    Raises:
        wasmtime.WasmtimeError: The bytes are not valid wasm.
    """
    from .runtime import engine, wasmtime

    directory = cache_directory()
    path = directory / f"{key[:32]}-{_suffix()}.cwasm" if directory is not None else None
    if path is not None:
        found = _load(path)
        if found is not None:
            return found
    compiled: CompiledModule = wasmtime().Module(engine(), wasm())
    if path is not None:
        with contextlib.suppress(OSError):
            _write(path, bytes(compiled.serialize()))
    return compiled


def _checksum(path: Path) -> Path:
    return path.with_suffix(".sum")


def _load(path: Path) -> CompiledModule | None:
    from .runtime import digest, engine, wasmtime

    runtime = wasmtime()
    try:
        status = path.stat()
        if hasattr(os, "geteuid") and status.st_uid not in {os.geteuid(), *_TRUSTED_OWNERS}:
            return None
        if _checksum(path).read_text("ascii") != digest(path.read_bytes()):
            return None
        if time.time() - status.st_mtime > _TOUCH_SECONDS:
            with contextlib.suppress(OSError):
                os.utime(path)
                os.utime(_checksum(path))
        compiled: CompiledModule = runtime.Module.deserialize_file(engine(), str(path))
    except (OSError, ValueError, runtime.WasmtimeError):
        return None
    return compiled


def _write(path: Path, artefact: bytes) -> None:
    from .runtime import digest

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _replace(path, artefact)
    _replace(_checksum(path), digest(artefact).encode("ascii"))
    oldest = time.time() - KEPT_SECONDS
    for other in path.parent.iterdir():
        with contextlib.suppress(OSError):
            if other.suffix in {".cwasm", ".sum", ".part"} and other.stat().st_mtime < oldest:
                other.unlink()


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that others see either the old content or all of the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
