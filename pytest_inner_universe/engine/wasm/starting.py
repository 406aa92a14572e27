"""How an instance comes to life: it is linked with its host functions, runs its initialisers, and describes itself."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING

from . import runtime
from .errors import ModuleStartFailed, Trap
from .linking import Call, Linked, Linker, trap_of

if TYPE_CHECKING:
    import wasmtime as wt

    from .handles import Bytes
    from .imports import Imports
    from .program import Program

_U32 = Struct("<I")


def link(
    program: Program,
    store: wt.Store,
    imports: Imports,
    accelerate: bool | None,
    trouble: tuple[type[Exception], ...],
    limit: float | None,
) -> Linked:
    """Instantiate a module with its host functions.

    Args:
        program: The module's code.
        store: Where.
        imports: The host functions.
        accelerate: Whether to link through the C interface where that works; None asks the environment.
        trouble: The exceptions of the runtime.
        limit: Seconds that the module's start function may take.

    Raises:
        ModuleStartFailed: Its start function trapped.
    """
    if accelerate is None:
        accelerate = runtime.accelerator_is_wanted()
    from . import unchecked

    functions = [(getattr(imports, key[1]), signature) for key, signature in program.imports]
    linker: Linker
    if accelerate and unchecked.works():
        linker = unchecked.UncheckedLinked
    else:
        from . import shims

        linker = shims.ShimLinked
    try:
        return linker(store, program.compiled, functions)
    except Trap as trap:
        raise _failed(program, "its start function", trap) from None
    except trouble as error:
        raise _failed(program, "its start function", trap_of(error, limit)) from None


def start(program: Program, linked: Linked, data: Bytes, run: Callable[[Call], None]) -> bytes:
    """Run the initialisers of a module and have it describe itself.

    Args:
        program: The module's code.
        linked: The module.
        data: Takes what it writes.
        run: Makes a call.

    Returns:
        BSATN of the module's definition.

    Raises:
        ModuleStartFailed: It trapped, or its setup refused.
    """
    for name in program.startup:
        _step(program, name, linked, run)
    if program.has_setup:
        sink = data.add_sink()
        _U32.pack_into(linked.arguments, 0, sink)
        _step(program, "__setup__", linked, run)
        (code,) = _U32.unpack_from(linked.arguments)
        if code:
            reason = bytes(data.sinks[sink]).decode("utf-8", "replace")
            raise ModuleStartFailed(program.name, "__setup__", reason or f"it returned the code {code}")
        data.clear()
    sink = data.add_sink()
    _U32.pack_into(linked.arguments, 0, sink)
    _step(program, "__describe_module__", linked, run)
    return bytes(data.sinks[sink])


def _step(program: Program, name: str, linked: Linked, run: Callable[[Call], None]) -> None:
    try:
        run(linked.call_of(name))
    except Trap as trap:
        raise _failed(program, name, trap) from None


def _failed(program: Program, step: str, trap: Trap) -> ModuleStartFailed:
    return ModuleStartFailed(program.name, step, str(trap))
