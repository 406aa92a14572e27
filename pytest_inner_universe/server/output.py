"""What a server writes: read at once, so that it never has to wait, and kept within bounds."""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

KEPT_LINES = 2_000
LONGEST_LINE = 4_096
"""Bytes of a line that are kept."""
LARGEST_FILE = 16 * 1024 * 1024
"""Bytes that are written to the file; what follows is in the newest lines only."""
_CHUNK = 65_536
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Output:
    """Reads a stream in a thread of its own until its end.

    Args:
        stream: What to read.
        file: Where everything is written too.
        line: Called in that thread with every line.
    """

    def __init__(self, stream: IO[bytes], file: Path, line: Callable[[str], None]) -> None:
        self._stream = stream
        self._file = file
        self._line = line
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._thread = threading.Thread(target=self._read, name="inner-universe-output", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether the stream has ended."""
        return not self._thread.is_alive()

    def tail(self, count: int) -> list[str]:
        """Return the last lines that are not empty."""
        return [line for line in tuple(self._lines) if line][-count:] if count > 0 else []

    def finish(self, timeout: float) -> None:
        """Wait for the end of the stream, which may stay away if somebody else has it open too."""
        self._thread.join(timeout)
        if self.is_over:
            self._stream.close()

    def _read(self) -> None:
        written = 0
        rest = b""
        # Whoever waits for the end may give up before a flood has been read; then the stream is closed here all the same.
        with self._stream, self._file.open("ab", buffering=0) as file:
            while chunk := self._read_some():
                if written < LARGEST_FILE:
                    written += _write(file, chunk[: LARGEST_FILE - written])
                *complete, rest = (rest + chunk).split(b"\n")
                # A line without an end must not grow without an end.
                rest = rest[:LONGEST_LINE]
                for raw in complete:
                    self._take(raw)
            if rest:
                self._take(rest)

    def _read_some(self) -> bytes:
        try:
            return os.read(self._stream.fileno(), _CHUNK)
        except (OSError, ValueError):
            return b""

    def _take(self, raw: bytes) -> None:
        line = _COLOURS.sub("", raw[:LONGEST_LINE].decode("utf-8", "replace")).rstrip()
        self._lines.append(line)
        self._line(line)


def _write(file: IO[bytes], data: bytes) -> int:
    try:
        return file.write(data)
    except OSError:  # a full disk must not stop the reading
        return 0


def tail_of(file: Path, count: int) -> list[str]:
    """Return the last lines of a server's file, for who has only that."""
    try:
        with file.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - count * LONGEST_LINE))
            return plain_lines(stream.read())[-count:] if count > 0 else []
    except OSError:
        return []


def plain_lines(raw: bytes) -> list[str]:
    """Return the lines of an output without colours, empty ones left out."""
    lines = [_COLOURS.sub("", line).rstrip() for line in raw.decode("utf-8", "replace").splitlines()]
    return [line for line in lines if line]
