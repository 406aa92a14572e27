"""Linking through functions of wasmtime's C interface that the Python classes do not offer.

They pass parameters in memory without checking types, which makes host calls four and reducer calls six times as fast. The C
functions are documented, but the way to them, ctypes definitions inside wasmtime-py, is not. So this way is only taken when a
test at first use has shown that it works here; otherwise, and when ``INNER_UNIVERSE_NO_ACCELERATOR=1`` is set, `shims` serves.

An exception must not leave a ctypes callback: it would be printed, and the module would go on with a wrong answer. Callbacks
keep it and answer with a trap; the call raises it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, addressof, c_size_t, c_ubyte, c_uint64, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from .abi import Signature
from .linking import SLOT, Box, Call, Function, instantiate, layout
from .runtime import compile_text, own, wasmtime

if TYPE_CHECKING:
    import wasmtime as wt

_KEPT_VIEWS = 64
"""A host function keeps this many views of the places where its parameters were found; they recur."""
_FAILURE_TEXT = b"a host function failed"


class _Interface:
    """The C functions, with parameter types that cost nothing to convert."""

    def __init__(self) -> None:
        from wasmtime import _ffi as ffi

        self.ffi = ffi
        dll: Any = ffi.dll
        self.callback = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_void_p, c_size_t)
        self.new_function = dll["wasmtime_func_new_unchecked"]
        self.new_function.restype = None
        self.new_function.argtypes = [c_void_p, c_void_p, self.callback, c_void_p, c_void_p, c_void_p]
        self.call = dll["wasmtime_func_call_unchecked"]
        self.call.restype = c_void_p
        self.call.argtypes = [c_void_p, c_void_p, c_void_p, c_size_t, c_void_p]
        self.new_trap = dll["wasmtime_trap_new"]
        self.new_trap.restype = c_void_p
        self.new_trap.argtypes = [ctypes.c_char_p, c_size_t]
        self.export = dll["wasmtime_instance_export_get"]
        self.export.restype = ctypes.c_bool
        self.export.argtypes = [c_void_p, c_void_p, ctypes.c_char_p, c_size_t, c_void_p]


@cache
def _interface() -> _Interface:
    return _Interface()


@cache
def _function_type(signature: Signature) -> Any:
    runtime = wasmtime()
    kinds = {"i32": runtime.ValType.i32, "i64": runtime.ValType.i64}
    return own(runtime.FuncType([kinds[p]() for p in signature.params], [kinds[r]() for r in signature.results]))


class UncheckedLinked:
    """A module linked through the C interface.

    Args:
        store: Where.
        module: The compiled module.
        imports: The host functions in the order of the module's imports.
    """

    def __init__(self, store: wt.Store, module: wt.Module, imports: list[tuple[Function, Signature]]) -> None:
        runtime = wasmtime()
        api = _interface()
        self._store = store
        self._context = ctypes.cast(store._context(), c_void_p)
        box = self._box = Box()
        self._callbacks = []
        self._kept: list[Any] = []  # the calls hold addresses in these
        functions = []
        for function, signature in imports:
            callback = api.callback(_host_function(box, function, signature, api.new_trap))
            raw = api.ffi.wasmtime_func_t()
            kind = ctypes.cast(_function_type(signature).ptr(), c_void_p)
            api.new_function(self._context, kind, callback, None, None, addressof(raw))
            self._callbacks.append(callback)
            functions.append(runtime.Func._from_raw(raw))
        self._guest = instantiate(box, store, module, functions)
        self._buffer = (c_ubyte * (16 * SLOT))()
        self.arguments = memoryview(self._buffer).cast("B")

    def _export(self, name: str) -> Any:
        api = _interface()
        encoded = name.encode()
        item = api.ffi.wasmtime_extern_t()
        place = addressof(self._guest._instance)
        if not api.export(self._context, place, encoded, len(encoded), addressof(item)):
            raise KeyError(name)
        return item

    def memory(self) -> wt.Memory:
        """Return the module's memory."""
        memory: wt.Memory = wasmtime().Memory._from_raw(self._export("memory").of.memory)
        return memory

    def global_of(self, name: str) -> wt.Global:
        """Return an exported global."""
        return cast("wt.Global", self._guest.exports(self._store)[name])

    def call_of(self, name: str) -> Call:
        """Return the function that calls an export."""
        runtime, api, box = wasmtime(), _interface(), self._box
        item = self._export(name)
        function = addressof(item.of.func)
        context = self._context.value
        arguments = addressof(self._buffer)
        trap = c_uint64(0)
        trap_at = addressof(trap)
        call_unchecked = api.call
        self._kept.append(item)

        def call() -> None:
            error = call_unchecked(context, function, arguments, 16, trap_at)
            if error or trap.value:
                fail(error)

        def fail(error: int | None) -> None:
            raised: Exception
            if error:
                raised = runtime.WasmtimeError._from_ptr(ctypes.cast(error, POINTER(api.ffi.wasmtime_error_t)))
            else:
                raised = runtime.Trap._from_ptr(ctypes.cast(trap.value, POINTER(api.ffi.wasm_trap_t)))
            trap.value = 0
            failure, box.failure = box.failure, None
            if failure is not None:
                raise failure
            raise raised

        return call

    def close(self) -> None:
        """Free everything."""
        self._store.close()
        self._callbacks.clear()


def _host_function(
    box: Box, function: Function, signature: Signature, new_trap: Callable[[bytes, int], int]
) -> Callable[[int, int, int, int], int | None]:
    unpack = layout(signature.params).unpack_from
    pack = layout(signature.results).pack_into if signature.results else None
    size = SLOT * max(len(signature.params), len(signature.results), 1)
    shape = c_ubyte * size
    views: dict[int, memoryview] = {}

    def call(_environment: int, _caller: int, slots: int, _count: int) -> int | None:
        view = views.get(slots)
        try:
            if view is None:
                if len(views) >= _KEPT_VIEWS:
                    views.clear()
                view = views[slots] = memoryview(shape.from_address(slots)).cast("B")
            result = function(*unpack(view))
        except BaseException as error:  # noqa: BLE001 - see above
            number = box.settle(error)
            if number is None or view is None:
                return new_trap(_FAILURE_TEXT, len(_FAILURE_TEXT))
            result = number
        if pack is not None:
            pack(view, 0, result)
        return None

    return call


_TEST_MODULE = """(module
  (import "host" "mix" (func $mix (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "__call_view__") (param i32 i64 i64 i64 i64 i32 i32) (result i32)
    (i32.add (local.get 5) (call $mix (local.get 0) (local.get 4) (local.get 6)))))"""


@cache
def works() -> bool:
    """Try this way on a small module: values both ways, results, and exceptions that surface."""
    runtime = wasmtime()
    try:
        module = compile_text(_TEST_MODULE)
        seen = []

        def mix(*values: int) -> int:
            seen.append(values)
            if values[0] == 7:
                raise ZeroDivisionError
            return 0xFFFF_FFF0

        from .runtime import engine

        store = runtime.Store(engine())
        store.set_epoch_deadline(1 << 62)
        signature = Signature(("i32", "i64", "i32"), ("i32",))
        linked = UncheckedLinked(store, module, [(mix, signature)])
        call = linked.call_of("__call_view__")
        packing = layout(("i32", "i64", "i64", "i64", "i64", "i32", "i32"))
        packing.pack_into(linked.arguments, 0, 5, 1, 2, 3, 0xFEDC_BA98_7654_3210, 0x20, 0xFFFF_FFFF)
        call()
        (result,) = layout(("i32",)).unpack_from(linked.arguments)
        raised = False
        packing.pack_into(linked.arguments, 0, 7, 1, 2, 3, 4, 0, 0)
        try:
            call()
        except ZeroDivisionError:
            raised = True
        linked.close()
        return raised and result == 0x10 and seen[0] == (5, 0xFEDC_BA98_7654_3210, 0xFFFF_FFFF)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, there is the other way
        return False
