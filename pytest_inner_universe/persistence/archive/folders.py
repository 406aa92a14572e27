"""Folders for archives that nobody keeps."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "inner-universe-"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a new folder that only its user can read; it is gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep(folder: Path) -> Path:
    """Move an archive out of a temporary folder, to where it stays, and return that place."""
    return folder.rename(Path(tempfile.mkdtemp(prefix=_PREFIX)) / folder.name)
