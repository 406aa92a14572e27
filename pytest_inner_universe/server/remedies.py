"""What to do about a server that does not start, by what it says of it."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Final

_REMEDIES: Final = (
    ("address already in use", "port {port} is taken: end what listens there, or use port 0 to get a free one"),
    ("no space left on device", "the disk with {folder} is full: make room there, or name another folder"),
    (
        "disk quota exceeded",
        "this user's share of the disk with {folder} is used up: make room, or name another folder",
    ),
    ("file too large", "this user may not write files of that size (ulimit -f): raise the limit, for {folder}"),
    ("read-only file system", "nothing can be written into {folder}: name another folder"),
    ("exec format error", "the image is for another processor than {machine}: name another with --universe-image"),
    ("permission denied", "this user may not write into {folder} or listen on port {port}: name others"),
    ("operation not permitted", "this user may not write into {folder} or listen on port {port}: name others"),
)


def remedy_for(reason: str, folder: Path | str, port: int) -> str:
    """Return what to do, in one line; empty if that is not known.

    Args:
        reason: The server's or the system's words.
        folder: Where the server keeps its data.
        port: Where it was to listen.
    """
    lowered = reason.lower()
    facts = {"folder": folder, "port": port, "machine": platform.machine()}
    return next((text.format(**facts) for cause, text in _REMEDIES if cause in lowered), "")
