"""Finds a SpacetimeDB server program on this machine, and learns what it is.

Two programs can start a server: ``spacetimedb-standalone``, the server itself, and ``spacetime``, the vendor's command,
which runs the server that was installed with it.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..engine.wasm.artefacts import cache_directory
from .errors import BinaryMissing, BinaryUnusable

VARIABLE = "INNER_UNIVERSE_BINARY"
"""Environment variable that names the program."""
OPTION = "--universe-binary"
STANDALONE = "spacetimedb-standalone"
CLI = "spacetime"
BUILDABLE = "1.2.0"
"""The newest release that cargo builds from the crate registry alone."""
_ANSWER_SECONDS = 10.0
_VERSION = re.compile(r"tool version (\d+)\.(\d+)\.(\d+)")
_TELLS_ITS_PATH = re.compile(r"^\s*\w* ?path:", re.IGNORECASE | re.MULTILINE)
_PROCESSORS = {0x03: "i386", 0x28: "arm", 0x3E: "x86_64", 0xB7: "aarch64", 0xF3: "riscv64"}
"""As programs of Linux name them."""
_SUFFIX = ".exe" if sys.platform == "win32" else ""

Version = tuple[int, int, int]


@dataclass(frozen=True)
class Binary:
    """A server program.

    Args:
        path: Where it is.
        version: Its release, as three numbers.
        kind: ``standalone`` for the server, ``cli`` for the vendor's command.
        place: How it was found, in words.
    """

    path: Path
    version: Version
    kind: Literal["standalone", "cli"]
    place: str

    @property
    def version_text(self) -> str:
        """The release as ``1.2.0``."""
        return ".".join(map(str, self.version))

    def __str__(self) -> str:
        return f"{self.path} ({self.version_text}, {self.place})"


def find_binary(
    given: str | os.PathLike[str] | None = None,
    *,
    version: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Binary:
    """Find a server program: the one that is named, or the first that works of the places where one may be.

    Args:
        given: A path that somebody named; nothing else is looked at then.
        version: The release that it has to be, as ``1.2.0``; any unless given.
        environment: Variables to look at instead of the process's own.

    Raises:
        BinaryMissing: There is none; the text lists the places.
        BinaryUnusable: The one that was named by hand cannot be used.

    Example:
        >>> find_binary().version_text  # doctest: +SKIP
        '1.2.0'
    """
    variables = os.environ if environment is None else environment
    named = variables.get(VARIABLE)
    if given or named:
        place = OPTION if given else VARIABLE
        found = inspect(Path(given or named or "").expanduser(), place)
        if version is not None and found.version_text != version:
            raise BinaryUnusable(str(found.path), place, f"it is release {found.version_text}, wanted is {version}")
        return found
    looked_at = [(OPTION, "not given"), (VARIABLE, "not given")]
    for place, path in candidates(variables):
        if path is None:
            looked_at.append((place, "nothing there"))
            continue
        try:
            found = inspect(path, place)
        except BinaryUnusable as error:
            looked_at.append((str(path), f"unusable, {error.reason}"))
            continue
        if version is None or found.version_text == version:
            return found
        looked_at.append((str(path), f"release {found.version_text}, wanted is {version}"))
    raise BinaryMissing(looked_at, _remedies(version))


def servers_directory() -> Path | None:
    """Return the folder with the servers that this project builds, ``<release>/bin/spacetimedb-standalone`` in each."""
    modules = cache_directory()
    return None if modules is None else modules.parent / "servers"


def candidates(environment: Mapping[str, str]) -> Iterator[tuple[str, Path | None]]:
    """Yield each place and a program in it, or the place and None where there is nothing."""
    built = servers_directory()
    if built is not None:
        yield from _in_place(str(built), _newest_first(built, f"bin/{STANDALONE}{_SUFFIX}"))
    for name in (STANDALONE, CLI):
        on_path = shutil.which(name, path=environment.get("PATH"))
        yield from _in_place(f"{name} on PATH", [Path(on_path)] if on_path else [])
    for folder, command in _installations(environment):
        program = f"{STANDALONE}{_SUFFIX}"
        yield from _in_place(str(folder), [folder / "current" / program, *_newest_first(folder, program)])
        yield from _in_place(str(command), [command])
    cargo = Path(environment.get("CARGO_HOME") or Path(environment.get("HOME") or "~").expanduser() / ".cargo")
    yield from _in_place(str(cargo / "bin"), [cargo / "bin" / f"{STANDALONE}{_SUFFIX}"])


def inspect(path: Path, place: str) -> Binary:
    """Ask a program what it is.

    Raises:
        BinaryUnusable: It is no server program, or none that runs here.
    """
    try:
        answer = subprocess.run(  # noqa: S603  # the user's own program
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BinaryUnusable(str(path), place, f"--version gave no answer within {_ANSWER_SECONDS:g} s") from None
    except OSError as error:
        raise BinaryUnusable(str(path), place, _why_not(path, error)) from None
    text = (answer.stdout + answer.stderr).decode("utf-8", "replace")
    match = _VERSION.search(text)
    if match is None:
        said = " ".join(text.split())[:80] or f"nothing, and ended with {answer.returncode}"
        raise BinaryUnusable(str(path), place, f"asked for its version it says {said}")
    # Only the command tells its own path; a file may be called anything.
    kind: Literal["standalone", "cli"] = "cli" if _TELLS_ITS_PATH.search(text) else "standalone"
    return Binary(path, (int(match[1]), int(match[2]), int(match[3])), kind, place)


def _in_place(place: str, paths: list[Path]) -> Iterator[tuple[str, Path | None]]:
    there = [path for path in paths if path.is_file()]
    yield from ((place, path) for path in there)
    if not there:
        yield place, None


def _newest_first(folder: Path, program: str) -> list[Path]:
    numbered = []
    for found in folder.glob("*"):
        match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+).*", found.name)
        if match:
            numbered.append(((int(match[1]), int(match[2]), int(match[3])), found / program))
    return [path for _, path in sorted(numbered, reverse=True)]


def _installations(environment: Mapping[str, str]) -> list[tuple[Path, Path]]:
    """The folder of the vendor's versions, and the vendor's command."""
    if sys.platform == "win32":
        local = environment.get("LOCALAPPDATA")
        return [(Path(local, "SpacetimeDB", "bin"), Path(local, "SpacetimeDB", "spacetime.exe"))] if local else []
    home = Path(environment.get("HOME") or "~").expanduser()
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    return [(data / "spacetime" / "bin", home / ".local" / "bin" / CLI)]


def _why_not(path: Path, error: OSError) -> str:
    if path.is_dir():
        return "it is a folder"
    if error.errno == errno.ENOENT:
        return "there is no such file" if not path.exists() else "its interpreter or loader is not on this machine"
    if error.errno == errno.ENOEXEC:
        built_for = _processor_of(path)
        told = f", but for {built_for}; this machine is {platform.machine()}" if built_for else ""
        return f"it is no program for this machine's processor and system{told}"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "it may not be executed; chmod +x gives the permission"
    return error.strerror or str(error)


def _processor_of(path: Path) -> str | None:
    """Return for which processor a Linux program was built, None if the file is none, or one for this machine."""
    try:
        with path.open("rb") as file:
            start = file.read(20)
    except OSError:
        return None
    if len(start) < 20 or start[:4] != b"\x7fELF":
        return None
    name = _PROCESSORS.get(int.from_bytes(start[18:20], "little" if start[5] == 1 else "big"))
    return None if name in {None, platform.machine()} else name


def _remedies(version: str | None) -> list[str]:
    built = servers_directory() or Path("DIRECTORY")
    build = f"cargo install {STANDALONE} --version {BUILDABLE} --locked --root {built / BUILDABLE}"
    return [
        f"name one: {OPTION}=PATH or {VARIABLE}=PATH" + (f" ({version})" if version else ""),
        "install the vendor's command: https://spacetimedb.com/install",
        f"or build release {BUILDABLE}, some 15 minutes: {build}",
    ]
