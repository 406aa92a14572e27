"""The Rust compiler that makes modules: rustup's, or Debian's, which builds the standard library for wasm itself.

Only Python's standard library is used here, so that ``module/build.py`` can use this file before anything is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TARGET = "wasm32-unknown-unknown"
DEBIAN_PACKAGES = ("rustc-web", "cargo-web", "rust-web-src", "lld")


class ToolchainMissing(Exception):
    """No compiler on this machine can make wasm; the text says how to get one."""

    def __str__(self) -> str:
        return (
            f"No Rust compiler for {TARGET} here.\n"
            f"With rustup: rustup target add {TARGET}\n"
            f"On Debian:   apt-get install --no-install-recommends {' '.join(DEBIAN_PACKAGES)}"
        )


@dataclass(frozen=True)
class Toolchain:
    """The commands of one Rust installation and what they need to make wasm.

    Args:
        rustc: The compiler.
        cargo: Cargo.
        linker: The linker for wasm, None for the compiler's own.
        build_std: Whether the standard library has to be built as well.
    """

    rustc: str
    cargo: str
    linker: str | None
    build_std: bool

    @property
    def version(self) -> str:
        """What the compiler says of itself."""
        return output_of(self.rustc, "--version")

    @property
    def sysroot_sources(self) -> Path:
        """Where the sources of the standard library lie, if they are installed."""
        return Path(output_of(self.rustc, "--print", "sysroot")) / "lib" / "rustlib" / "src" / "rust"

    def build_command(self, *options: str) -> list[str]:
        """Return the command that builds the module of the folder that it is run in."""
        command = [self.cargo, "build", "--release", *options, "--target", TARGET]
        return [*command, "-Zbuild-std=std,panic_abort"] if self.build_std else command

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that the command needs, in place of a process's own."""
        variables = {**base, "RUSTC": self.rustc}
        # Flags and targets meant for programs of this machine would reach the module.
        for name in ("RUSTFLAGS", "CARGO_BUILD_TARGET"):
            variables.pop(name, None)
        if self.linker:
            variables["CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER"] = self.linker
        if self.build_std:
            variables["RUSTC_BOOTSTRAP"] = "1"
        return variables


def find_toolchain() -> Toolchain:
    """Return the toolchain on the path when it has the wasm target, else Debian's.

    Raises:
        ToolchainMissing: Neither is complete.
    """
    rustc, cargo = shutil.which("rustc"), shutil.which("cargo")
    if rustc and cargo:
        libraries = Path(output_of(rustc, "--print", "target-libdir", "--target", TARGET))
        if any(libraries.glob("libstd-*.rlib")):
            return Toolchain(rustc, cargo, None, build_std=False)
    debian = Toolchain("/usr/bin/rustc", "/usr/bin/cargo", find_linker(), build_std=True)
    installed = Path(debian.rustc).exists() and Path(debian.cargo).exists() and debian.linker is not None
    if installed and (debian.sysroot_sources / "library").is_dir():
        return debian
    raise ToolchainMissing


def find_linker() -> str | None:
    """Return a linker for wasm: Debian's rust-lld cannot be used, rustup's or LLVM's own can."""
    for name in ("wasm-ld", "rust-lld"):
        found = shutil.which(name)
        if found:
            return found
    toolchains = Path(os.environ.get("RUSTUP_HOME", Path.home() / ".rustup")) / "toolchains"
    found_linkers = sorted(toolchains.glob("*/lib/rustlib/*/bin/rust-lld"))
    versioned = sorted(Path("/usr/bin").glob("wasm-ld-*"))
    return str([*found_linkers, *versioned][-1]) if found_linkers or versioned else None


def output_of(*command: str) -> str:
    """Return what a command prints, whatever its outcome."""
    result = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  # the compiler
    return result.stdout.strip()
