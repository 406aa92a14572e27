"""Compiles the modules of this folder to wasm and refreshes `fixtures/modules/`.

    python module/build.py                     build every module
    python module/build.py inner-universe      build one
    python module/build.py --check [names]     build aside and compare with the fixtures; writes nothing into the repository
    python module/build.py --install-toolchain get what is missing (rustup target, else Debian packages), then build

Needs either rustup with the target wasm32-unknown-unknown, or Debian's rustc-web, cargo-web, rust-web-src and lld, whose
compiler makes the wasm standard library from its own sources. Only Python's standard library is used, but comparing
two wasm files that are not byte for byte the same needs the wasmtime package.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# As a script this file is run before the package is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pytest_inner_universe.persistence.toolchain import (
    DEBIAN_PACKAGES,
    TARGET,
    Toolchain,
    ToolchainMissing,
    find_toolchain,
)

MODULES = Path(__file__).resolve().parent
FIXTURES = MODULES.parent / "fixtures" / "modules"


@dataclass(frozen=True)
class Recipe:
    """One module: its folder here, cargo's name for the artefact, and the file it becomes in the fixtures."""

    folder: str
    artefact: str
    fixture: str

    @property
    def source(self) -> Path:
        """Folder of its Cargo.toml."""
        return MODULES / self.folder

    @property
    def wasm(self) -> Path:
        """The shipped file."""
        return FIXTURES / f"{self.fixture}.wasm"

    @property
    def record(self) -> Path:
        """What is known about the shipped file."""
        return FIXTURES / f"{self.fixture}.json"


RECIPES = {
    recipe.folder: recipe
    for recipe in (
        Recipe("inner-universe", "inner_universe_module", "inner_universe_module"),
        Recipe("every-type-1.4", "vectors_module", "every_type_1_4"),
        Recipe("every-type-2.8", "vectors_module2", "every_type_2_8"),
        Recipe("procedures-2.8", "procedures_module", "procedures_2_8"),
    )
}


class BuildError(Exception):
    """The build cannot go on; the text says what to do."""


def source_hash(folder: Path) -> str:
    """SHA-256 over the names and bytes of what a module is made of.

    Args:
        folder: The folder with the Cargo.toml.

    Returns:
        64 hex digits. Each file counts as its name, a zero byte, its length as 8 bytes (little endian) and its bytes, in order of names.
    """
    files = [folder / "Cargo.toml", folder / "Cargo.lock", *(folder / "src").rglob("*.rs")]
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(folder).as_posix(), path) for path in files):
        data = path.read_bytes()
        digest.update(name.encode() + b"\0" + len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def install_toolchain() -> None:
    """Gets what `find_toolchain` misses: the target by rustup, or Debian's packages."""
    try:
        find_toolchain()
        return
    except ToolchainMissing:
        pass
    if shutil.which("rustup") and subprocess.run(["rustup", "target", "add", TARGET], check=False).returncode == 0:
        return
    if not shutil.which("apt-get"):
        raise BuildError("Neither rustup nor apt-get could install a Rust compiler for wasm.")
    _run(["apt-get", "update"])
    _run(["apt-get", "install", "-y", "--no-install-recommends", *DEBIAN_PACKAGES])


def build(recipe: Recipe, toolchain: Toolchain) -> bytes:
    """Compiles one module.

    Returns:
        The wasm file.

    Raises:
        BuildError: cargo failed; its own messages have gone to stderr.
    """
    target_dir = _build_dir() / recipe.folder
    environment = {**toolchain.environment(os.environ), "CARGO_TARGET_DIR": str(target_dir)}
    # The registry folder, whose name is in the paths to map, exists only after the first fetch.
    _run([toolchain.cargo, "fetch", "--locked"], cwd=recipe.source, env=environment)
    flags = [f"--remap-path-prefix={path}={name}" for path, name in _path_names(recipe, toolchain)]
    environment["CARGO_ENCODED_RUSTFLAGS"] = "\x1f".join(flags)
    _run(toolchain.build_command("--locked"), cwd=recipe.source, env=environment)
    return (target_dir / TARGET / "release" / f"{recipe.artefact}.wasm").read_bytes()


def make_record(recipe: Recipe, toolchain: Toolchain, wasm: bytes) -> dict[str, str | int]:
    """What is written beside a wasm file, so that everyone can see which source and compiler it came from."""
    return {
        "module": recipe.folder,
        "source_sha256": source_hash(recipe.source),
        "wasm_sha256": hashlib.sha256(wasm).hexdigest(),
        "size": len(wasm),
        "toolchain": toolchain.version,
        "standard_library": "from source" if toolchain.build_std else "prebuilt",
    }


def compare(recipe: Recipe, wasm: bytes) -> list[str]:
    """Differences between a fresh build and the fixture, as sentences; empty when there are none that matter."""
    record = json.loads(recipe.record.read_text())
    shipped = recipe.wasm.read_bytes()
    problems = []
    if record["source_sha256"] != source_hash(recipe.source):
        problems.append(f"{recipe.folder}: the source has changed since {recipe.wasm.name} was built")
    if record["wasm_sha256"] != hashlib.sha256(shipped).hexdigest():
        problems.append(f"{recipe.folder}: {recipe.wasm.name} is not the file of its record")
    if shipped != wasm and describe(shipped) != describe(wasm):
        problems.append(f"{recipe.folder}: a fresh build has another definition than {recipe.wasm.name}")
    return problems


def describe(wasm: bytes) -> bytes:
    """The module's definition as it writes it itself (BSATN)."""
    import wasmtime

    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    module = wasmtime.Module(engine, wasm)
    written = bytearray()
    exports: dict[str, Any] = {}

    def sink_write(_sink: int, data: int, length: int) -> int:
        memory = exports["memory"]
        size = int.from_bytes(memory.read(store, length, length + 4), "little")
        written.extend(memory.read(store, data, data + size))
        return 0

    def function(wanted: wasmtime.ImportType) -> wasmtime.Func:
        assert isinstance(wanted.type, wasmtime.FuncType)
        if wanted.name == "bytes_sink_write":
            return wasmtime.Func(store, wanted.type, sink_write)
        answer = 0 if wanted.type.results else None
        return wasmtime.Func(store, wanted.type, lambda *_arguments: answer)

    instance = wasmtime.Instance(store, module, [function(wanted) for wanted in module.imports])
    exports.update(instance.exports(store))
    for name in sorted(name for name in exports if name.startswith("__preinit__")):
        exports[name](store)
    exports["__describe_module__"](store, 1)
    return bytes(written)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; the result is its exit status."""
    parser = argparse.ArgumentParser(description="Compile the modules and refresh fixtures/modules.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"which modules: {', '.join(RECIPES)} (all)")
    parser.add_argument("--check", action="store_true", help="compare a fresh build with the fixtures, write nothing")
    parser.add_argument("--install-toolchain", action="store_true", help="first install a compiler if there is none")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in RECIPES]
    if unknown:
        parser.error(f"no module {unknown[0]!r}; there are {', '.join(RECIPES)}")
    problems: list[str] = []
    try:
        if options.install_toolchain:
            install_toolchain()
        toolchain = find_toolchain()
        for recipe in (RECIPES[name] for name in options.names or RECIPES):
            wasm = build(recipe, toolchain)
            if options.check:
                problems += compare(recipe, wasm)
            else:
                FIXTURES.mkdir(parents=True, exist_ok=True)
                recipe.wasm.write_bytes(wasm)
                recipe.record.write_text(json.dumps(make_record(recipe, toolchain, wasm), indent=2) + "\n")
            print(f"{recipe.folder}: {len(wasm)} bytes")
    except ToolchainMissing as error:
        problems.append(f"{error}\nOr let this command do it: python module/build.py --install-toolchain")
    except BuildError as error:
        problems.append(str(error))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _path_names(recipe: Recipe, toolchain: Toolchain) -> list[tuple[Path, str]]:
    """Folders of this machine and what panics shall call them; of two that match a path, the later one counts."""
    cargo_home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    sources = toolchain.sysroot_sources
    names = [(Path.home(), "home"), (recipe.source, ".")]
    names += [(registry, "deps") for registry in sorted((cargo_home / "registry" / "src").glob("*"))]
    names += [(sources, "std"), (sources.resolve(), "std")]
    return names


def _build_dir() -> Path:
    """Outside of the repository: a target folder is large, and tools would search through it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(os.environ.get("INNER_UNIVERSE_BUILD_DIR", cache / "inner-universe" / "build"))


def _run(command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    if subprocess.run(command, check=False, cwd=cwd, env=env).returncode != 0:
        raise BuildError(f"This command failed: {' '.join(command)}")


if __name__ == "__main__":
    sys.exit(main())
