"""Puts the memory of an instance back into a state that an instance of the same module had before.

Copying the whole memory is simple, but makes every page of it the process's own, most of them the empty stack: a megabyte for
each instance, and hundreds of page faults. Linux offers two better ways. Usually few pages have been written to, and the system
can tell which; these are copied, and stay where they are, so that the next call finds them without a page fault. If there are
many, they are handed back to the system, which gives them out again as they were when the module was instantiated, filled
with zeros or with the module's data; then only pages that are not empty are copied. The first time that a way is taken the
outcome is compared with the image, and if it is anything else, that way is not taken again.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Callable
from functools import cache
from mmap import PAGESIZE
from typing import TYPE_CHECKING

from .pages import written

if TYPE_CHECKING:
    from .memory import GuestMemory

MOST_GAINED = 16 * 1024 * 1024
"""How much a memory may have grown where pages can be handed back; those that it gained then cost nothing."""
MOST_COPIED = 512 * 1024
"""How much it may have grown where the gained pages have to be cleared one by one."""

MOST_WRITTEN = 256 * 1024 // PAGESIZE
"""From how many written pages on they are all handed back."""

_ADVICE_DROP = 4  # MADV_DONTNEED of Linux
_RUNS = re.compile(b"\x01+")
_OTHER_RUNS = re.compile(b"\0+")

_zeros = memoryview(bytes(MOST_COPIED))


@cache
def _hand_back() -> Callable[[int, int], bool] | None:
    """Return the function that hands back pages, given their address and length; None where there is none."""
    if sys.platform != "linux":
        return None
    try:
        advise = ctypes.CDLL(None).madvise
    except (OSError, AttributeError):
        return None
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    advise.restype = ctypes.c_int

    def hand_back(address: int, length: int) -> bool:
        return address % PAGESIZE == 0 and advise(address, length, _ADVICE_DROP) == 0

    return hand_back


def _let_go(memory: GuestMemory, pages: bytes) -> None:
    """Let pages that were only read count as not written again, by handing them back.

    Args:
        memory: The memory.
        pages: Which ones were written: a byte for each page.
    """
    hand_back = _hand_back()
    if hand_back is not None:
        for run in _OTHER_RUNS.finditer(pages):
            hand_back(memory.address + run.start() * PAGESIZE, (run.end() - run.start()) * PAGESIZE)


class Image:
    """A memory as it was at one moment.

    Args:
        content: All of its bytes.
        own: Which of its pages an instance may have to be given, because they are not as they were when the module was
            instantiated: a byte for each page. None if nobody knows.
    """

    def __init__(self, content: bytes, own: bytes | None = None) -> None:
        self.content = content
        self._view = memoryview(content)
        self._own = None if own is None else int.from_bytes(own, "little")
        self._has_looked = False
        self._pieces: list[tuple[slice, memoryview]] | None = None
        self._can_hand_back = True

    @classmethod
    def of(cls, memory: GuestMemory) -> Image:
        """Take the image of a memory as it is now."""
        own = written(
            memory.address, memory.refresh()
        )  # first of all: pages that are read count as written from then on
        image = cls(memory.view.tobytes(), own)
        if own is not None:
            _let_go(memory, own)
        return image

    def restore(self, memory: GuestMemory) -> bool:
        """Put a memory back into this state.

        Pages that it has gained since cannot be taken away. They are cleared, and the module will not use them but grow the
        memory once more, because the state that it is put back into does not know of them. So each round adds some.

        Returns:
            Whether that was possible; not when it has grown too far.
        """
        size = len(self.content)
        gained = memory.refresh() - size
        if not 0 <= gained <= MOST_GAINED:
            return False
        view = memory.view
        hand_back = _hand_back() if self._can_hand_back else None
        if hand_back is not None and self._own is not None and self._put_back_written(memory, self._own):
            return True
        if hand_back is not None and hand_back(memory.address, memory.size):
            if self._pieces is not None:
                for place, piece in self._pieces:
                    view[place] = piece
                return True
            self._pieces = self._full_pages()
            for place, piece in self._pieces:
                view[place] = piece
            if self._is_in(view):
                return True
            self._can_hand_back = False
        if gained > MOST_COPIED:
            return False
        view[:size] = self.content
        view[size:] = _zeros[:gained]
        return True

    def _put_back_written(self, memory: GuestMemory, own: int) -> bool:
        told = written(memory.address, memory.size)
        if told is None or told.count(1) > MOST_WRITTEN:
            return False
        view, image, size = memory.view, self._view, len(self.content)
        pages = (int.from_bytes(told, "little") | own).to_bytes(len(told), "little")
        for run in _RUNS.finditer(pages):
            start, end = run.start() * PAGESIZE, run.end() * PAGESIZE
            if end <= size:
                view[start:end] = image[start:end]
            else:
                middle = max(start, size)
                view[start:middle] = image[start:middle]
                view[middle:end] = _zeros[: end - middle]
        if not self._has_looked:
            self._has_looked = True
            if not self._is_in(view):
                self._own = None
                return False
            _let_go(memory, pages)
        return True

    def _is_in(self, view: memoryview) -> bool:
        size = len(self.content)
        return view[:size].tobytes() == self.content and view[size:].tobytes() == bytes(len(view) - size)

    def _full_pages(self) -> list[tuple[slice, memoryview]]:
        """Return runs of pages that hold anything but zeros."""
        content = memoryview(self.content)
        empty = bytes(PAGESIZE)
        pieces: list[tuple[slice, memoryview]] = []
        start: int | None = None
        for page in range(0, len(content) + PAGESIZE, PAGESIZE):
            is_full = page < len(content) and self.content[page : page + PAGESIZE] != empty
            if is_full and start is None:
                start = page
            elif not is_full and start is not None:
                place = slice(start, min(page, len(content)))
                pieces.append((place, content[place]))
                start = None
        return pieces
