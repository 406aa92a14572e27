"""What a module holds numbers for: byte sources and sinks, row iterators, console timers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

CHUNK = 32 * 1024
"""A row iterator closes a chunk of whole rows once it is larger than this."""


class Slab(Generic[T]):
    """Numbers things from 1; the number of a removed thing is given again, the last one first."""

    __slots__ = ("_free", "_items")

    def __init__(self) -> None:
        self._items: list[T | None] = []
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._items) - len(self._free)

    def add(self, item: T) -> int:
        """Keep an item and return its number."""
        if self._free:
            index = self._free.pop()
            self._items[index] = item
            return index + 1
        self._items.append(item)
        return len(self._items)

    def get(self, handle: int) -> T | None:
        """Return the item with this number, None if there is none."""
        return self._items[handle - 1] if 0 < handle <= len(self._items) else None

    def remove(self, handle: int) -> T | None:
        """Return the item with this number and forget it, None if there is none."""
        item = self.get(handle)
        if item is not None:
            self._items[handle - 1] = None
            self._free.append(handle - 1)
        return item

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()
        self._free.clear()


class RowIterator:
    """The rows of one scan, as they were when it was made, in chunks of whole rows.

    Args:
        rows: The rows as BSATN.
    """

    __slots__ = ("_chunks", "_next")

    def __init__(self, rows: Sequence[bytes]) -> None:
        whole = b"".join(rows)
        self._chunks = [whole] if 0 < len(whole) <= CHUNK else list(_chunked(rows))
        self._next = 0

    def take(self, capacity: int) -> tuple[bytes, bool] | int:
        """Take as many chunks as fit.

        Returns:
            The bytes and whether these were the last; or, where not even one chunk fits, the capacity that it needs.
        """
        chunks = self._chunks
        start = self._next
        if len(chunks) == start + 1 and len(chunks[start]) <= capacity:
            self._next += 1
            return chunks[start], True
        end = start
        room = capacity
        while end < len(chunks) and len(chunks[end]) <= room:
            room -= len(chunks[end])
            end += 1
        if end == start and end < len(chunks):
            return len(chunks[end])
        self._next = end
        return b"".join(chunks[start:end]), end == len(chunks)


def _chunked(rows: Iterable[bytes]) -> Iterable[bytes]:
    chunk: list[bytes] = []
    size = 0
    for row in rows:
        chunk.append(row)
        size += len(row)
        if size > CHUNK:
            yield b"".join(chunk)
            chunk = []
            size = 0
    if size:
        yield b"".join(chunk)


class Timer:
    """A console timer that runs since it was made."""

    __slots__ = ("name", "started")

    def __init__(self, name: str) -> None:
        self.name = name
        self.started = time.perf_counter()

    def text(self) -> str:
        """Return the log text at its end."""
        return f'timer "{self.name}": {(time.perf_counter() - self.started) * 1000:.3f} ms'


class Bytes:
    """The byte sources and the sinks of one call. Both are numbered from 1 in each call."""

    __slots__ = ("_next_sink", "_next_source", "sinks", "sources")

    def __init__(self) -> None:
        self.sources: dict[int, tuple[bytes, int]] = {}
        self.sinks: dict[int, bytearray] = {}
        self._next_source = 1
        self._next_sink = 1

    def add_source(self, data: bytes) -> int:
        """Offer bytes for reading and return their number."""
        handle = self._next_source
        self._next_source += 1
        self.sources[handle] = (data, 0)
        return handle

    def add_sink(self) -> int:
        """Make an empty sink and return its number."""
        handle = self._next_sink
        self._next_sink += 1
        self.sinks[handle] = bytearray()
        return handle

    def clear(self) -> None:
        """Drop all of them, at the end of a call."""
        self.sources.clear()
        self.sinks.clear()
        self._next_source = self._next_sink = 1
