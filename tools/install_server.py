# ruff: noqa: INP001, S603, T201  # a command for contributors, which calls cargo and prints
"""Builds the SpacetimeDB server that the tests use, unless it is there already.

The newest release that cargo builds from the crate registry alone goes into the project's cache, outside of the checkout,
where the kit looks for servers. Building takes some 15 minutes and needs a Rust toolchain and a C++ compiler; the second
call takes a moment.

    python tools/install_server.py
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pytest_inner_universe.server.binary import BUILDABLE, STANDALONE, inspect, servers_directory
from pytest_inner_universe.server.errors import BinaryUnusable


def install(version: str, directory: Path) -> Path:
    """Return the path of the server of a release, built now if it is not there.

    Args:
        version: The release.
        directory: Folder of all releases.
    """
    program = directory / version / "bin" / (STANDALONE + (".exe" if os.name == "nt" else ""))
    if _works(program, version):
        return program
    cargo = shutil.which("cargo")
    if cargo is None:
        raise SystemExit("cargo is needed to build the server; https://rustup.rs installs it")
    directory.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that a build that was broken off is never taken for a server, and two builds do not meet.
    with tempfile.TemporaryDirectory(prefix=f".{version}-", dir=directory) as building:
        command = [cargo, "install", STANDALONE, "--version", version, "--locked", "--root", building]
        subprocess.run([*command, "--target-dir", os.path.join(building, "target")], check=True)
        program.parent.mkdir(parents=True, exist_ok=True)
        os.replace(os.path.join(building, "bin", program.name), program)
    return program


def _works(program: Path, version: str) -> bool:
    try:
        return inspect(program, "the cache").version_text == version
    except BinaryUnusable:
        return False


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", default=BUILDABLE, help="release to build (default: %(default)s)")
    parser.add_argument("--directory", type=Path, default=servers_directory(), help="default: %(default)s")
    arguments = parser.parse_args()
    print(install(arguments.version, arguments.directory.expanduser().absolute()))


if __name__ == "__main__":
    main()
