"""Linking with wasmtime's public Python interface only.

Two small generated modules stand around the real one. The first offers the imports: each function stores its parameters into
a memory of its own, calls a Python function that has neither parameters nor results, and returns what that one left there. The
second offers the exports without parameters: it loads these from the same memory. The Python side never raises through wasmtime;
it leaves a mark that makes the shim trap, because wasmtime-py keeps raised exceptions in one place for all threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from .abi import EXPORTS, Signature
from .linking import SLOT, Box, Call, Function, instantiate, layout
from .memory import view_of
from .runtime import compile_text, own, wasmtime

if TYPE_CHECKING:
    import wasmtime as wt

_FAILED = 512
"""Where in the shims' memory the mark of a failure is."""
_ARGUMENTS = 1024
"""Where the parameters of a call of an export are."""


def imports_text(signatures: Sequence[Signature]) -> str:
    """Return the module that offers imports with these signatures, in this order, as ``0``, ``1`` and so on."""
    lines = ["(module"]
    lines += [f'  (import "host" "{number}" (func $host{number}))' for number in range(len(signatures))]
    lines.append('  (memory (export "memory") 1 1)')
    for number, (params, results) in enumerate(signatures):
        lines.append(f'  (func (export "{number}") {_types("param", params)}{_types("result", results)}')
        for place, kind in enumerate(params):
            lines.append(f"    ({kind}.store (i32.const {place * SLOT}) (local.get {place}))")
        lines.append(f"    (call $host{number})")
        lines.append(f"    (if (i32.load (i32.const {_FAILED})) (then unreachable))")
        lines += [f"    ({kind}.load (i32.const 0))" for kind in results]
        lines.append("  )")
    lines.append(")")
    return "\n".join(lines)


def exports_text(exports: Sequence[tuple[str, Signature]]) -> str:
    """Return the module that offers exports of the real module without parameters and results."""
    lines = ["(module", '  (import "shim" "memory" (memory 1))']
    for name, (params, results) in exports:
        lines.append(f'  (import "guest" "{name}" (func ${name} {_types("param", params)}{_types("result", results)}))')
    for name, (params, results) in exports:
        loads = " ".join(f"({kind}.load (i32.const {_ARGUMENTS + n * SLOT}))" for n, kind in enumerate(params))
        call = f"(call ${name} {loads})"
        for kind in results:
            call = f"({kind}.store (i32.const {_ARGUMENTS}) {call})"
        lines.append(f'  (func (export "{name}") {call})')
    lines.append(")")
    return "\n".join(lines)


def _types(keyword: str, types: Sequence[str]) -> str:
    return f"({keyword} {' '.join(types)}) " if types else ""


@cache
def _no_arguments() -> wt.FuncType:
    return own(wasmtime().FuncType([], []))  # type: ignore[no-any-return]


class ShimLinked:
    """A module linked through shims.

    Args:
        store: Where.
        module: The compiled module.
        imports: The host functions in the order of the module's imports.
    """

    def __init__(self, store: wt.Store, module: wt.Module, imports: list[tuple[Function, Signature]]) -> None:
        runtime = wasmtime()
        self._store = store
        self._trouble = (runtime.Trap, runtime.WasmtimeError)
        shim = compile_text(imports_text([signature for _, signature in imports]))
        box = Box()
        functions = [
            runtime.Func(store, _no_arguments(), _host_function(box, function, signature))
            for function, signature in imports
        ]
        front = runtime.Instance(store, shim, functions).exports(store)
        whole = view_of(front["memory"], store)
        self.arguments = whole[_ARGUMENTS : _ARGUMENTS + 16 * SLOT]
        box.view = whole
        self._box = box
        guest = instantiate(box, store, module, [front[str(number)] for number in range(len(imports))])
        self._guest = guest.exports(store)
        known = [(name, signature) for name, signature in EXPORTS.items() if name in self._guest]
        back = compile_text(exports_text(known))
        self._back = runtime.Instance(
            store, back, [front["memory"], *(self._guest[name] for name, _ in known)]
        ).exports(store)

    def memory(self) -> wt.Memory:
        """Return the module's memory."""
        return cast("wt.Memory", self._guest["memory"])

    def global_of(self, name: str) -> wt.Global:
        """Return an exported global."""
        return cast("wt.Global", self._guest[name])

    def call_of(self, name: str) -> Call:
        """Return the function that calls an export."""
        function: Any = self._back[name] if name in EXPORTS else self._guest[name]
        store, trouble, box = self._store, self._trouble, self._box

        def call() -> None:
            try:
                function(store)
                return
            except trouble:
                failure, box.failure = box.failure, None
                if failure is None:
                    raise
            raise failure  # outside of the handler, so that it keeps its own context

        return call

    def close(self) -> None:
        """Free everything."""
        self.arguments = memoryview(bytearray(16 * SLOT))
        self._box.view = self.arguments
        self._store.close()


def _host_function(box: Box, function: Function, signature: Signature) -> Callable[[], None]:
    unpack = layout(signature.params).unpack_from
    pack = layout(signature.results).pack_into if signature.results else None

    def call() -> None:
        view = box.view
        try:
            result = function(*unpack(view))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it surfaces from the call, not from here
            number = box.settle(error)
            if number is None:
                view[_FAILED] = 1
                return
            result = number
        if pack is not None:
            pack(view, 0, result)

    return call
