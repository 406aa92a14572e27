"""Modules written by hand: definitions and bodies of reducers that no compiler would make."""

from __future__ import annotations

import wasmtime

EMPTY_DEFINITION = b"\x01" + bytes(24)
"""A definition of version 9 with six empty lists."""

START_OF_DEFINITION = 64


def puppet(
    body: str = "(i32.const 0)",
    *,
    imports: str = "",
    extra: str = "",
    memory: str = "1",
    describe: str | None = None,
    definition: bytes = EMPTY_DEFINITION,
) -> bytes:
    """Assemble a module whose one reducer has the given body.

    The body sees the parameters ``$id``, ``$args`` and ``$err``; ``$write`` and ``$log`` are imported already.

    Args:
        body: Instructions that leave an i32.
        imports: Further imports.
        extra: Further functions, exports and data; the memory is free from 8192 on.
        memory: Limits of the memory.
        describe: Body of ``__describe_module__`` where it should not describe.
        definition: What it describes itself with.
    """
    data = "".join(f"\\{byte:02x}" for byte in definition)
    length = "".join(f"\\{byte:02x}" for byte in len(definition).to_bytes(4, "little"))
    default = f"(drop (call $write (local.get 0) (i32.const {START_OF_DEFINITION}) (i32.const 32)))"
    limbs = " ".join(["i64"] * 7)
    text = f"""(module
      (import "spacetime_10.0" "bytes_sink_write" (func $write (param i32 i32 i32) (result i32)))
      (import "spacetime_10.0" "console_log" (func $log (param i32 i32 i32 i32 i32 i32 i32 i32)))
      {imports}
      (memory (export "memory") {memory})
      (data (i32.const 32) "{length}")
      (data (i32.const {START_OF_DEFINITION}) "{data}")
      (func (export "__describe_module__") (param i32) {default if describe is None else describe})
      (func (export "__call_reducer__") (param $id i32) (param {limbs}) (param $args i32) (param $err i32) (result i32)
        {body})
      {extra})"""
    return bytes(wasmtime.wat2wasm(text))
