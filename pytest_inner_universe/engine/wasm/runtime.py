"""The process's one wasmtime engine, and what turns bytes into compiled modules.

wasmtime is imported here when the first module is loaded, and nowhere else at import time: that import costs more than
everything else between the start of a test run and its first database.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import threading
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from . import artefacts
from .errors import BadMemoryLimit

if TYPE_CHECKING:
    from types import ModuleType

    from wasmtime import Engine
    from wasmtime import Module as CompiledModule

SETTINGS = "fixed-epoch-checked"
"""Names the engine's settings in the cache: change it whenever `_make_engine` changes."""

MIB = 1 << 20
MEMORY_LIMIT = 1024 * MIB
"""Bytes of memory that an instance may have unless the environment says otherwise. A module on a server may have four times as
much; here it is the machine of whoever runs the tests that would stand still."""

T = TypeVar("T")

_lock = threading.RLock()
_owned: WeakSet[Any] = WeakSet()


def own(item: T) -> T:
    """Note an object of wasmtime that may live until the end of the process, and return it.

    At the end Python clears modules before the objects that still need them, so the finalizers of wasmtime-py would print a
    traceback for each. Freeing them earlier is no way either, because a daemon thread may be in the middle of a call.
    So they are let go of, and the system takes the memory back.
    """
    _owned.add(item)
    return item


@atexit.register
def _let_go() -> None:
    for item in list(_owned):
        with contextlib.suppress(Exception):
            item._consume()


@cache
def wasmtime() -> ModuleType:
    """Import wasmtime.

    It defines some thousand ctypes functions and structures, which make the garbage collector run again and again over
    everything that pytest has made so far. Without collections the import takes a quarter less.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        import wasmtime as module
    finally:
        if was_enabled:
            gc.enable()
    return module


@cache
def _make_engine() -> Engine:
    runtime = wasmtime()
    config = runtime.Config()
    config.memory_may_move = False  # views of a memory have to stay valid when it grows
    config.epoch_interruption = True  # the watchdog can stop what does not end
    # Traps by signals would meet the handlers of whoever installed some later, such as the standard library's fault
    # handler, which ends the process; explicit checks cost next to nothing here. wasmtime-py knows the option since 45.
    config.signals_based_traps = False
    engine: Engine = own(runtime.Engine(config))
    return engine


def engine() -> Engine:
    """Return the engine that all modules of this process share."""
    with _lock:
        return _make_engine()


def digest(data: bytes) -> str:
    """Return the hash by which modules are told apart: BLAKE3, 64 hexadecimal digits."""
    from blake3 import blake3

    return blake3(data).hexdigest()


def compile_wasm(data: bytes, data_digest: str) -> CompiledModule:
    """Compile a module, or take it from the cache on disk.

    Args:
        data: The wasm.
        data_digest: Its hash.

    Raises:
        wasmtime.WasmtimeError: It is not valid.
    """
    with _lock:
        return own(artefacts.load_or_make(data_digest, lambda: data))


@cache
def compile_text(text: str) -> CompiledModule:
    """Compile wasm in its text form (the host's own shims), or take it from the cache on disk. Kept for the whole process."""

    def translate() -> bytes:
        return bytes(wasmtime().wat2wasm(text))

    with _lock:
        return own(artefacts.load_or_make(digest(text.encode()), translate))


def accelerator_is_wanted() -> bool:
    """Tell whether the environment allows the accelerator."""
    return os.environ.get("INNER_UNIVERSE_NO_ACCELERATOR", "") in {"", "0"}


def memory_limit() -> int:
    """Return how many bytes of memory an instance may have: `MEMORY_LIMIT`, unless the environment says otherwise, in MiB.

    Raises:
        BadMemoryLimit: The environment says something else.
    """
    text = os.environ.get("INNER_UNIVERSE_MEMORY_LIMIT")
    if not text:
        return MEMORY_LIMIT
    try:
        limit = int(float(text) * MIB)
    except (ValueError, OverflowError):
        limit = 0
    if limit <= 0:
        raise BadMemoryLimit(text)
    return limit
