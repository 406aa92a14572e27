"""What tests of commands work with."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
INNER_UNIVERSE = MODULES / "inner_universe_module.wasm"
EVERY_TYPE = MODULES / "every_type_2_8.wasm"


@dataclass(frozen=True)
class Ran:
    """What came of a command."""

    code: int
    out: str
    err: str = ""


Run = Callable[..., Ran]


class Terminal(io.StringIO):
    """A terminal, as far as the standard streams tell."""

    def isatty(self) -> bool:
        return True


def run_on_terminal(*arguments: str) -> tuple[int, bytes, bytes]:
    """Run the command with a real terminal as its error output; return its code, its output and what the terminal got."""
    ours, theirs = pty.openpty()
    got: list[bytes] = []

    def read() -> None:
        while True:
            try:
                got.append(os.read(ours, 65_536))
            except OSError:  # nobody has the other end any more
                return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest_inner_universe.cli", *arguments],
            stdout=subprocess.PIPE,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm"},
            check=False,
        )
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)
    return done.returncode, done.stdout, b"".join(got)


@dataclass(frozen=True)
class Place:
    """A database on the server of these tests, and the token of its owner."""

    url: str
    database: str
    identity: str
    token: str
