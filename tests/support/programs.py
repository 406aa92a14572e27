"""Server programs that are none; see `fake_spacetime`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

MakeProgram = Callable[..., Path]
_FAKE = Path(__file__).parent / "fake_spacetime.py"


def write_program(path: Path, behaviour: str = "good", version: str = "1.2.0") -> Path:
    """Write a program that starts a fake server."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{_FAKE}" {behaviour} {version} "$@"\n', "utf-8")
    path.chmod(0o755)
    return path
