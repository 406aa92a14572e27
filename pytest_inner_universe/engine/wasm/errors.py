"""Errors of the wasm host.

The tree::

    EngineError
    ├── ModuleError                a file cannot be used as a module
    │   ├── ModuleFileMissing
    │   ├── ModuleEmpty
    │   ├── NotWasm                the bytes are something else
    │   ├── InvalidWasm            truncated, damaged, or beyond what the runtime knows
    │   ├── NotSpacetimeModule     wasm, but the exports of a SpacetimeDB module are missing or wrong
    │   ├── UnknownImports         it needs functions that no SpacetimeDB host offers, or a newer one
    │   ├── ModuleStartFailed      it trapped or refused before it could describe itself
    │   └── DefinitionUnreadable   its description does not decode
    ├── Trap                       the module stopped in the middle of a call
    │   ├── BadPointer             it handed the host memory that it does not have
    │   ├── TimedOut               it did not end within the limit
    │   └── OutOfMemory            it wanted more memory than an instance may have
    ├── BadMemoryLimit             the environment's limit for memory is no number
    ├── InstanceSpent              a call of an instance that trapped or was closed
    ├── HttpRequestFailed          a request of a procedure has no response
    └── HttpRequestUnreadable      what a procedure asked for is no request
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import EngineError
from .abi import SUPPORTED


class ModuleError(EngineError):
    """A file cannot be used as a module.

    Args:
        name: The file, as the user knows it.
    """

    def __init__(self, name: str, *details: object) -> None:
        self.name = name
        super().__init__(name, *details)

    def __str__(self) -> str:
        return f"{self.name} cannot be used as a module"


class ModuleFileMissing(ModuleError):
    """There is no readable file.

    Args:
        name: The path.
        reason: What the system says.
    """

    def __init__(self, name: str, reason: str) -> None:
        self.reason = reason
        super().__init__(name, reason)

    def __str__(self) -> str:
        return (
            f"cannot read the module {self.name}: {self.reason}\n"
            "  give the path of a compiled module (.wasm), as `spacetime build` or\n"
            "  `cargo build --release --target wasm32-unknown-unknown` writes it"
        )


class ModuleEmpty(ModuleError):
    """The file has no content."""

    def __str__(self) -> str:
        return f"the module {self.name} is empty (0 bytes)\n  build it again; a failed or interrupted build can leave an empty file"


class NotWasm(ModuleError):
    """The bytes are not WebAssembly.

    Args:
        name: The file.
        looks_like: What it seems to be instead.
        advice: What to do.
    """

    def __init__(self, name: str, looks_like: str, advice: str) -> None:
        self.looks_like = looks_like
        self.advice = advice
        super().__init__(name, looks_like, advice)

    def __str__(self) -> str:
        return f"the module {self.name} is not a WebAssembly file: it looks like {self.looks_like}\n  {self.advice}"


class InvalidWasm(ModuleError):
    """It starts like WebAssembly, but does not go on like it.

    Args:
        name: The file.
        reason: What the runtime found.
        size: Number of bytes.
    """

    def __init__(self, name: str, reason: str, size: int) -> None:
        self.reason = reason
        self.size = size
        super().__init__(name, reason, size)

    def __str__(self) -> str:
        return (
            f"the module {self.name} is not valid WebAssembly ({self.size} bytes): {self.reason}\n"
            "  it may have been cut off while it was copied or downloaded; build or fetch it again"
        )


class NotSpacetimeModule(ModuleError):
    """It is WebAssembly, but not a SpacetimeDB module.

    Args:
        name: The file.
        problems: One line for each export that is missing or wrong.
    """

    def __init__(self, name: str, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__(name, problems)

    def __str__(self) -> str:
        lines = "".join(f"\n  {problem}" for problem in self.problems[:5])
        return (
            f"the module {self.name} is WebAssembly, but not a SpacetimeDB module:{lines}\n"
            "  build a crate with crate-type `cdylib` that depends on `spacetimedb`"
        )


class UnknownImports(ModuleError):
    """The module imports functions that the engine does not offer.

    Args:
        name: The file.
        imports: Namespace and name of each.
        reason: Why they are not there.
        advice: What to do.
    """

    def __init__(self, name: str, imports: tuple[tuple[str, str], ...], reason: str, advice: str) -> None:
        self.imports = imports
        self.reason = reason
        self.advice = advice
        self.supported = SUPPORTED
        super().__init__(name, imports, reason, advice)

    def __str__(self) -> str:
        shown = ", ".join(f"{namespace}::{function}" for namespace, function in self.imports[:4])
        more = f" and {len(self.imports) - 4} more" if len(self.imports) > 4 else ""
        return (
            f"the module {self.name} {self.reason}\n"
            f"  imports: {shown}{more}\n"
            f"  this engine supports the module ABI {self.supported}\n"
            f"  {self.advice}"
        )


class ModuleStartFailed(ModuleError):
    """The module stopped before it had described itself.

    Args:
        name: The file.
        step: The export that was running.
        reason: The trap's text, or the module's own message.
    """

    def __init__(self, name: str, step: str, reason: str) -> None:
        self.step = step
        self.reason = reason
        super().__init__(name, step, reason)

    def __str__(self) -> str:
        return f"the module {self.name} failed in {self.step} while it started: {self.reason}"


class DefinitionUnreadable(ModuleError):
    """The module's description of itself does not decode.

    Args:
        name: The file.
        reason: What the decoder found.
    """

    def __init__(self, name: str, reason: str) -> None:
        self.reason = reason
        super().__init__(name, reason)

    def __str__(self) -> str:
        return (
            f"the module {self.name} describes itself in a way that this engine cannot read: {self.reason}\n"
            "  it reads definitions of the versions 9 and 10, as written by the bindings 1.0 and newer"
        )


class Panic(NamedTuple):
    """What a module logged when it panicked."""

    text: str
    file: str | None
    line: int | None

    def __str__(self) -> str:
        if self.file is None:
            return self.text
        return f"{self.text} ({self.file}:{self.line})" if self.line is not None else f"{self.text} ({self.file})"


class Trap(EngineError):
    """The module stopped in the middle of a call; its transaction has to be rolled back, its instance is spent.

    Args:
        reason: What stopped it.
        panic: The module's own record of the panic, if it wrote one.
        backtrace: Names of the wasm functions on the stack, innermost first, as far as the module carries names.
    """

    def __init__(self, reason: str, panic: Panic | None = None, backtrace: tuple[str, ...] = ()) -> None:
        self.reason = reason
        self.panic = panic
        self.backtrace = backtrace
        super().__init__(reason, panic, backtrace)

    def __str__(self) -> str:
        text = f"the module trapped: {self.reason}" if self.panic is None else f"the module panicked: {self.panic}"
        return text + self._stack()

    def _stack(self) -> str:
        return "".join(f"\n  in {name}" for name in self.backtrace[:5])


class BadPointer(Trap):
    """The module handed a host function a pointer that its memory does not have.

    Args:
        pointer: The address.
        length: Number of bytes from there.
        size: Size of the memory in bytes.
    """

    def __init__(self, pointer: int, length: int, size: int) -> None:
        self.pointer = pointer
        self.length = length
        self.size = size
        what = "a null pointer" if pointer == 0 else f"{length} bytes at {pointer}, beyond its memory of {size} bytes"
        super().__init__(f"it gave a host function {what}")


class TimedOut(Trap):
    """A call did not end within its limit and was stopped.

    Args:
        limit: The limit in seconds.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        super().__init__(f"it ran longer than the limit of {limit:g} s")

    def __str__(self) -> str:
        return f"the module was stopped because the call ran longer than the limit of {self.limit:g} s{self._stack()}"


class OutOfMemory(Trap):
    """A module wanted more memory than an instance may have.

    Args:
        limit: The limit in bytes.
        size: How much it had, in bytes.
    """

    def __init__(self, limit: int, size: int) -> None:
        self.limit = limit
        self.size = size
        super().__init__(f"it wanted more memory than the limit of {_mebibytes(limit)}")

    def __str__(self) -> str:
        return (
            f"the module was stopped because it wanted more memory than the limit of {_mebibytes(self.limit)}, "
            f"it had {_mebibytes(self.size)}{self._stack()}\n"
            "  look for data without end, or allow more: INNER_UNIVERSE_MEMORY_LIMIT, in MiB"
        )


class BadMemoryLimit(EngineError):
    """The environment says how much memory an instance may have, but not with a number.

    Args:
        text: What it says.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text)

    def __str__(self) -> str:
        return f"INNER_UNIVERSE_MEMORY_LIMIT is {self.text!r}, it takes a number of MiB above 0"


def _mebibytes(size: int) -> str:
    return f"{size / (1 << 20):.4g} MiB"


class InstanceSpent(EngineError):
    """An instance was called after it had trapped or had been closed."""

    def __str__(self) -> str:
        return "this instance of the module trapped or was closed; take a new one"


class HttpRequestFailed(EngineError):
    """An HTTP request of a procedure got no response; the function that answers requests may raise it to play that.

    Args:
        reason: What the module is told.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)

    def __str__(self) -> str:
        return self.reason


class HttpRequestUnreadable(EngineError):
    """What a procedure handed over is not the BSATN of a request.

    Args:
        reason: What is wrong, and at which byte.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)

    def __str__(self) -> str:
        return f"the module asked for an HTTP request that cannot be read: {self.reason}"
