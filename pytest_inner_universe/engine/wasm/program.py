"""A compiled module, checked against the ABI: what all its instances share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .abi import (
    EXPORTS,
    IMPORTS,
    INITIALIZER,
    MAJOR,
    MINORS,
    NO_ARGUMENTS,
    PREINIT_PREFIX,
    REQUIRED_EXPORTS,
    Signature,
)
from .binary import hidden_mutable_globals, what_else
from .errors import InvalidWasm, ModuleEmpty, NotSpacetimeModule, NotWasm, UnknownImports
from .image import Image
from .linking import ImportKey
from .outline import strange_functions
from .runtime import compile_wasm, digest, wasmtime

if TYPE_CHECKING:
    import wasmtime as wt

_NAMESPACE = re.compile(r"spacetime_(\d+)\.(\d+)")


class Program:
    """A module's code.

    Args:
        data: The wasm.
        name: The file, as the user knows it, for messages.

    Raises:
        ModuleError: It cannot be used.

    Attributes:
        imports: The host functions that it needs, in its order.
        abi: The ABI version that it needs, as ``10.4``.
        exports: Names of everything that it exports.
        startup: The exports to call at the start, in order.
        has_setup: Whether it has a ``__setup__`` to call after them.
        mutable_globals: Names of exported globals that can change.
        can_rewind: Whether the memory and the exported globals are all of its state. One hidden global that can change is
            the stack pointer of the toolchain: every function puts it back before it returns, so between calls that ended
            normally it always has the value that it had at the start. More than one could hold anything.
        image: The memory right after the module has described itself; set by the first instance.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        self.data = data
        self.digest = digest(data)
        self.compiled = _compile(data, name, self.digest)
        _check_values(name, data)
        self.imports = _check_imports(name, self.compiled)
        self.abi = f"{MAJOR}.{max((int(key[0].rpartition('.')[2]) for key, _ in self.imports), default=0)}"
        exports = {export.name: export.type for export in self.compiled.exports}
        self.exports = frozenset(exports)
        _check_exports(name, exports)
        self.startup = [INITIALIZER] if INITIALIZER in exports else []
        self.startup += sorted((n for n in exports if n.startswith(PREINIT_PREFIX)), key=str.encode)
        self.has_setup = "__setup__" in exports
        self.mutable_globals = [name for name, kind in exports.items() if getattr(kind, "mutable", False)]
        self.can_rewind = hidden_mutable_globals(data, len(self.mutable_globals)) <= 1
        self.image: Image | None = None


def _compile(data: bytes, name: str, data_digest: str) -> wt.Module:
    if not data:
        raise ModuleEmpty(name)
    other = what_else(data)
    if other is not None:
        raise NotWasm(name, *other)
    runtime = wasmtime()
    try:
        return compile_wasm(data, data_digest)
    except runtime.WasmtimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        # wasmtime's chain of causes: a general first line, the most precise one last.
        raise InvalidWasm(name, re.sub(r"^\d+: ", "", lines[-1]), len(data)) from None


def _signature(kind: Any) -> Signature | None:
    if not isinstance(kind, wasmtime().FuncType):
        return None
    return Signature(tuple(str(p) for p in kind.params), tuple(str(r) for r in kind.results))


def _check_values(name: str, data: bytes) -> None:
    """Refuse functions whose types cannot be asked for, where they would be."""
    try:
        imports, exports = strange_functions(data)
    except ValueError:
        raise NotSpacetimeModule(name, ("it declares types that are no functions",)) from None
    strange = [f"import {module}::{function}" for module, function in sorted(imports & IMPORTS.keys())]
    asked = {one for one in exports if one in EXPORTS or one == INITIALIZER or one.startswith(PREINIT_PREFIX)}
    strange += [f"export `{function}`" for function in sorted(asked)]
    if strange:
        raise NotSpacetimeModule(name, tuple(f"its {what} has values that no host function has" for what in strange))


def _check_imports(name: str, compiled: wt.Module) -> list[tuple[ImportKey, Signature]]:
    found: list[tuple[ImportKey, Signature]] = []
    unknown: list[ImportKey] = []
    wrong: list[str] = []
    for wanted in compiled.imports:
        key = (wanted.module, wanted.name or "")
        offered = IMPORTS.get(key)
        if offered is None:
            unknown.append(key)
            continue
        signature = _signature(wanted.type)
        if signature != offered:
            shape = "no function" if signature is None else str(signature)
            wrong.append(f"its import {key[0]}::{key[1]} is {shape} instead of {offered}")
        found.append((key, offered))
    if unknown:
        raise UnknownImports(name, *_explain(unknown))
    if wrong:
        raise NotSpacetimeModule(name, tuple(wrong))
    return found


def _explain(unknown: list[ImportKey]) -> tuple[tuple[ImportKey, ...], str, str]:
    """Choose the imports to show, and say why they are unknown and what to do."""
    foreign = tuple(key for key in unknown if not _NAMESPACE.fullmatch(key[0]))
    if foreign:
        names = " ".join(key[0] for key in foreign)
        if "wbindgen" in names or "wbg" in names:
            advice = (
                "a dependency uses wasm-bindgen; switch off its JavaScript feature (often of chrono, getrandom or uuid)"
            )
        elif "wasi" in names:
            advice = "it was built for WASI; build it for wasm32-unknown-unknown, which has no system calls"
        else:
            advice = "something in it is not linked; a SpacetimeDB module imports nothing but the host functions"
        return foreign, "needs functions that are not SpacetimeDB's", advice
    versions = {key: tuple(map(int, key[0].removeprefix("spacetime_").split("."))) for key in unknown}
    other_major = tuple(key for key in unknown if versions[key][0] != MAJOR)
    if other_major:
        needed = versions[other_major[0]]
        advice = "build it with bindings of the versions 1 or 2"
        return other_major, f"was built for the module ABI {needed[0]}.{needed[1]}", advice
    newer = tuple(key for key in unknown if versions[key][1] not in MINORS)
    if newer:
        most = max(versions[key][1] for key in newer)
        advice = "use older bindings, or a newer version of this package"
        return newer, f"needs the module ABI {MAJOR}.{most}", advice
    return tuple(unknown), "needs host functions that do not exist", "was it built with released bindings?"


def _check_exports(name: str, exports: dict[str, Any]) -> None:
    problems = [f"it does not export `{wanted}`" for wanted in REQUIRED_EXPORTS if wanted not in exports]
    kind = wasmtime().MemoryType
    if "memory" in exports and not isinstance(exports["memory"], kind):
        problems.append("its export `memory` is not a memory")
    for export, type_ in exports.items():
        wanted = EXPORTS.get(export)
        if export == INITIALIZER or export.startswith(PREINIT_PREFIX):
            wanted = NO_ARGUMENTS
        if wanted is None:
            continue
        signature = _signature(type_)
        if signature != wanted:
            shape = "no function" if signature is None else str(signature)
            problems.append(f"its export `{export}` is {shape} instead of {wanted}")
    if problems:
        raise NotSpacetimeModule(name, tuple(problems))
