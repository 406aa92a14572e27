"""How far long work has come, for whoever wants to show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

Phase = Literal["read", "write", "check", "save", "import", "verify", "undo", "replay"]
Item = TypeVar("Item")

STEP = 1000
"""Rows between two reports, and in a transaction of an import."""


@dataclass(frozen=True)
class Progress:
    """How far it is.

    Args:
        phase: What is done: ``read`` a database, ``write`` or ``check`` files, ``save`` what an import replaces, ``import``, ``verify``
            what was imported, ``undo`` an import that failed, ``replay``.
        table: The table that it is about.
        done: Rows of it that are done.
        total: Rows of it; 0 where that is not known.
    """

    phase: Phase
    table: str
    done: int
    total: int


ProgressCallback = Callable[[Progress], object]
"""Takes each report; what it returns is ignored, what it raises ends the work."""


class Reporter:
    """Tells a callback, if there is one.

    Args:
        callback: The callback.
        phase: What is done.
    """

    def __init__(self, callback: ProgressCallback | None, phase: Phase) -> None:
        self._callback = callback
        self.phase: Phase = phase

    def __call__(self, table: str, done: int, total: int) -> None:
        """Report."""
        if self._callback is not None:
            self._callback(Progress(self.phase, table, done, total))

    def chunks(self, table: str, items: Iterable[Item], total: int) -> Iterator[list[Item]]:
        """Cut something into lists, and report when each has been dealt with."""
        self(table, 0, total)
        done = 0
        for chunk in chunked(items):
            yield chunk
            done += len(chunk)
            self(table, done, total)


def chunked(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cut something into lists of `STEP` items."""
    chunk: list[Item] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == STEP:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
