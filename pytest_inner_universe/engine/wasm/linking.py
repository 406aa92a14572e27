"""What both ways of linking a module with its host functions have in common.

Calling through wasmtime's Python classes costs microseconds for each parameter, because every one becomes an object. Both ways
therefore pass parameters in memory, one in each 16 bytes, which is how wasmtime lays them out itself: `shims` with the public
interface only, `unchecked` with functions of the C interface that the Python classes do not offer. They behave alike.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from struct import Struct
from typing import TYPE_CHECKING, Any, Protocol

from ..store.errors import StoreError
from .abi import Signature
from .errors import TimedOut, Trap
from .runtime import wasmtime as wasmtime_runtime

if TYPE_CHECKING:
    import wasmtime

SLOT = 16
"""Bytes that a parameter or a result has."""

Function = Callable[..., int]
ImportKey = tuple[str, str]
Call = Callable[[], None]


class Linked(Protocol):
    """A module that is instantiated with its host functions.

    Attributes:
        arguments: Where the parameters of the next call go, and where its result is found; 16 bytes each.
    """

    arguments: memoryview

    def memory(self) -> wasmtime.Memory:
        """Return the module's memory."""

    def call_of(self, name: str) -> Call:
        """Return the function that calls an export with what is in `arguments`.

        It raises what a host function raised, as it is, or wasmtime's error.
        """

    def global_of(self, name: str) -> wasmtime.Global:
        """Return an exported global."""

    def close(self) -> None:
        """Free everything."""


class Linker(Protocol):
    """A way of linking."""

    def __call__(
        self, store: wasmtime.Store, module: wasmtime.Module, imports: list[tuple[Function, Signature]]
    ) -> Linked:
        """Instantiate a module.

        Args:
            store: Where.
            module: The compiled module.
            imports: The host functions in the order of the module's imports.
        """


@cache
def layout(types: tuple[str, ...]) -> Struct:
    """Return the packing of values in slots; signed or not does not matter to wasm, here they are unsigned."""
    codes = {"i32": "I12x", "i64": "Q8x"}
    return Struct("<" + "".join(codes[name] for name in types))


class Box:
    """What the Python functions of one instance share. They must not refer to its store, which they would keep alive.

    Attributes:
        failure: The exception that ended the present call.
        view: Where parameters are passed, if that is always the same place.
    """

    __slots__ = ("failure", "view")

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self.view = memoryview(b"")

    def settle(self, error: BaseException) -> int | None:
        """Return the number that the module gets for an exception of a host function, None if it ends the call."""
        if isinstance(error, StoreError):
            return error.errno
        self.failure = error
        return None


def instantiate(box: Box, store: wasmtime.Store, module: wasmtime.Module, imports: list[Any]) -> wasmtime.Instance:
    """Instantiate a module, which may run code of it that calls host functions."""
    runtime = wasmtime_runtime()
    try:
        instance: wasmtime.Instance = runtime.Instance(store, module, imports)
        return instance
    except (runtime.Trap, runtime.WasmtimeError):
        if box.failure is None:
            raise
    raise box.failure


ABORTED = "it aborted (wasm `unreachable`)"
_CAUSES = {
    "UNREACHABLE": ABORTED,
    "STACK_OVERFLOW": "the call stack is exhausted, perhaps by endless recursion",
    "MEMORY_OUT_OF_BOUNDS": "it accessed memory out of bounds",
    "TABLE_OUT_OF_BOUNDS": "it called a function beyond its table",
    "INDIRECT_CALL_TO_NULL": "it called a null function pointer",
    "BAD_SIGNATURE": "it called a function pointer of another type",
    "INTEGER_OVERFLOW": "an integer operation overflowed",
    "INTEGER_DIVISION_BY_ZERO": "it divided by zero",
    "BAD_CONVERSION_TO_INTEGER": "it converted a float that fits no integer",
}


def trap_of(error: Exception, limit: float | None) -> Trap:
    """Translate an error of wasmtime.

    Args:
        error: A `wasmtime.Trap` or `wasmtime.WasmtimeError`.
        limit: The limit that the call had.
    """
    code = getattr(error, "trap_code", None)
    names = _backtrace(error)
    if code is not None and code.name == "INTERRUPT" and limit is not None:
        timed_out = TimedOut(limit)
        timed_out.backtrace = names
        return timed_out
    if code is not None:
        return Trap(_CAUSES.get(code.name, code.name.lower().replace("_", " ")), None, names)
    return Trap(str(error).partition("\n")[0], None, names)


def _backtrace(error: Exception) -> tuple[str, ...]:
    names = (frame.func_name for frame in getattr(error, "frames", ()))
    return tuple(_plain(name) for name in names if name)


def _plain(name: str) -> str:
    """Make a Rust symbol readable: ``_ZN3foo3bar17h0123456789abcdefE`` is ``foo::bar``."""
    if not (name.startswith("_ZN") and name.endswith("E")):
        return name
    rest = name[3:-1]
    parts = []
    while rest:
        digits = len(rest) - len(rest.lstrip("0123456789"))
        if not digits:
            return name
        end = digits + int(rest[:digits])
        parts.append(rest[digits:end])
        rest = rest[end:]
    if parts and len(parts[-1]) == 17 and parts[-1].startswith("h"):
        parts.pop()
    return "::".join(parts)
