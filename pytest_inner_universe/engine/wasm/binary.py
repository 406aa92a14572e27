"""Reads what the host has to know about a wasm file and wasmtime does not tell."""

from __future__ import annotations

from collections.abc import Iterator

MAGIC = b"\0asm"
CORE_VERSION = b"\1\0\0\0"

_GLOBAL_SECTION = 6
_END = 0x0B
_WITH_HEAP_TYPE = frozenset({0x63, 0x64})
_LEB_OPERANDS = frozenset({0x41, 0x42, 0x23, 0xD0, 0xD2})  # i32.const, i64.const, global.get, ref.null, ref.func
_FIXED_OPERANDS = {0x43: 4, 0x44: 8}  # f32.const, f64.const


def what_else(data: bytes) -> tuple[str, str] | None:
    """Tell what bytes look like that are not a core wasm module.

    Returns:
        What they look like and what to do, None if they start as a wasm module does.
    """
    if data.startswith(MAGIC):
        if data[4:8] in {CORE_VERSION, b""} or len(data) < 8:
            return None
        if data[6:8] == b"\1\0":
            return "a WebAssembly component", "build it for wasm32-unknown-unknown; SpacetimeDB runs core modules"
        return "WebAssembly of another version", "build it with a released toolchain"
    for start, title, advice in _BEGINNINGS:
        if data.startswith(start):
            return title, advice
    text = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, title, advice in _TEXTS:
        if text.startswith(start):
            return title, advice
    if any(word in data[:4096] for word in (b"use spacetimedb", b"#[reducer", b"#[table", b"#[spacetimedb")):
        return "Rust source", _BUILD
    if b"SpacetimeDB." in data[:4096] and b"using " in data[:4096]:
        return "C# source", _BUILD
    shown = data[:8].hex(" ")
    return f"something else, it begins with the bytes {shown}", _PATH


_BUILD = "give the compiled file; `spacetime build` makes it"
_UNPACK = "unpack it and give the .wasm file inside"
_PATH = "give the path of a compiled module (.wasm)"
_BEGINNINGS = (
    (b"\x1f\x8b", "a gzip file", _UNPACK),
    (b"PK\3\4", "a zip file", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd file", _UNPACK),
    (b"\x7fELF", "a native program or library (ELF)", "build it with `--target wasm32-unknown-unknown`"),
    (b"MZ", "a Windows program or library", "build it with `--target wasm32-unknown-unknown`"),
    (b"\xcf\xfa\xed\xfe", "a macOS program or library", "build it with `--target wasm32-unknown-unknown`"),
)
_TEXTS = (
    (b"(module", "WebAssembly text (WAT)", "assemble it first, with `wat2wasm` or wasmtime.wat2wasm"),
    (b"<!doctype", "an HTML page", "the download went wrong: fetch the file again"),
    (b"<html", "an HTML page", "the download went wrong: fetch the file again"),
    (b"version https://git-lfs", "a Git LFS pointer", "run `git lfs pull` to get the file itself"),
    (b"{", "JSON text", _PATH),
)


def hidden_mutable_globals(data: bytes, exported: int) -> int:
    """Count the globals of a valid module that can change and are not exported.

    Args:
        data: The module.
        exported: How many of its changeable globals are exported.
    """
    at = dict(sections(data)).get(_GLOBAL_SECTION)
    return 0 if at is None else _mutable_globals(data, at) - exported


def _mutable_globals(data: bytes, at: int) -> int:
    count, at = leb(data, at)
    mutable = 0
    for _ in range(count):
        at = after_value_type(data, at)
        mutable += data[at] & 1
        at += 1
        while data[at] != _END:
            code = data[at]
            at += 1
            if code in _LEB_OPERANDS:
                _, at = leb(data, at)
            else:
                at += _FIXED_OPERANDS.get(code, 0)
        at += 1
    return mutable


def sections(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the number of each section of a valid module and where its content starts."""
    at = 8
    while at < len(data):
        section = data[at]
        size, at = leb(data, at + 1)
        yield section, at
        at += size


def after_value_type(data: bytes, at: int) -> int:
    """Return where a value type ends; those of references may have a heap type behind them."""
    return leb(data, at + 1)[1] if data[at] in _WITH_HEAP_TYPE else at + 1


def leb(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of variable length; its sign does not matter here."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if byte < 0x80:
            return value, at
