"""What the system knows about the pages of a memory."""

from __future__ import annotations

import os
import sys
from mmap import PAGESIZE

_PAGEMAP = "/proc/self/pagemap"
_ENTRY = 8
# The topmost bits of a page's entry: it is there, it is swapped out, it is still that of a file.
_PRESENT, _SWAPPED, _OF_FILE = 0x80, 0x40, 0x20
_IS_WRITTEN = bytes(bool(top & _SWAPPED or (top & _PRESENT and not top & _OF_FILE)) for top in range(256))


def written(address: int, length: int) -> bytes | None:
    """Tell which pages of private memory are the process's own, because it has written to them.

    Args:
        address: Where it begins, at the start of a page.
        length: How many bytes it has.

    Returns:
        A byte for each page, 1 if it was written to, or at least may have been; None where the system does not tell.
    """
    if sys.platform != "linux" or sys.byteorder != "little" or address % PAGESIZE:
        return None
    size = length // PAGESIZE * _ENTRY
    try:
        file = os.open(_PAGEMAP, os.O_RDONLY | os.O_CLOEXEC)
        try:
            entries = os.pread(file, size, address // PAGESIZE * _ENTRY)
        finally:
            os.close(file)
    except OSError:
        return None
    return entries[_ENTRY - 1 :: _ENTRY].translate(_IS_WRITTEN) if len(entries) == size else None
