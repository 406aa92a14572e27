"""The log of a module: what it printed, and what the engine has to say about it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

LEVELS = {0: "error", 1: "warn", 2: "info", 3: "debug", 4: "trace", 101: "panic"}


@dataclass(frozen=True)
class LogRecord:
    """One line of a module's log.

    Args:
        level: ``error``, ``warn``, ``info``, ``debug``, ``trace`` or ``panic``.
        message: The text.
        timestamp: Start of the transaction that it belongs to, in microseconds since the Unix epoch.
        function: The reducer that was running.
        target: What the module says it comes from, usually a path of Rust modules.
        filename: Source file, where known.
        line: Line in the source file, where known.
    """

    level: str
    message: str
    timestamp: int
    function: str | None = None
    target: str | None = None
    filename: str | None = None
    line: int | None = None

    @property
    def place(self) -> str | None:
        """File and line as ``src/lib.rs:12``, None where unknown."""
        if self.filename is None:
            return None
        return self.filename if self.line is None else f"{self.filename}:{self.line}"

    def __str__(self) -> str:
        where = f" ({self.place})" if self.place else ""
        who = f" {self.function}:" if self.function else ""
        return f"{self.level.upper():5}{who} {self.message}{where}"


class ModuleLog:
    """The newest records of a database, oldest first.

    Args:
        capacity: How many are kept; older ones are counted and dropped.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        self._records: deque[LogRecord] = deque(maxlen=capacity)
        self.dropped = 0

    def add(self, record: LogRecord) -> None:
        """Append a record."""
        if len(self._records) == self._records.maxlen:
            self.dropped += 1
        self._records.append(record)

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()
        self.dropped = 0

    def tail(self, count: int) -> list[LogRecord]:
        """Return the newest records, oldest first."""
        return list(self._records)[-count:] if count > 0 else []

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[LogRecord]:
        return iter(list(self._records))
