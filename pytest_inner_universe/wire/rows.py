"""Lists of rows, which travel as one block of bytes with a hint about where each row starts."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import gt
from typing import Final

from ..sats.codegen import ReadingSource
from ..sats.cursor import Cursor
from ..sats.errors import DecodeError, EncodeError
from .form import Form

_IS_BIG_ENDIAN: Final = sys.byteorder == "big"
_FIXED_SIZE: Final = 0
_FIXED_HEAD: Final = struct.Struct("<HI")
_LONGEST_FIXED_ROW: Final = 0xFFFF


class RowList:
    """Rows as BSATN, in order; equal to another list with the same rows, however these were packed.

    Args:
        rows: The bytes of each row. The list is kept, not copied, so do not change it afterwards.
    """

    __slots__ = ("rows",)

    def __init__(self, rows: Sequence[bytes] = ()) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowList) and list(self.rows) == list(other.rows)

    def __hash__(self) -> int:
        return hash(tuple(self.rows))

    def __repr__(self) -> str:
        return f"RowList({list(self.rows)!r})"


class UnmeasuredRows(RowList):
    """Rows that are sent with the place of each, even where all have the same size."""

    __slots__ = ()


EMPTY: Final = RowList(())


def _write(value: RowList, out: bytearray) -> None:
    if not isinstance(value, RowList):
        raise EncodeError(f"expected a RowList, got {value!r:.80}")
    rows = value.rows
    sizes = list(map(len, rows))
    if type(value) is RowList and sizes and 0 < sizes[0] <= _LONGEST_FIXED_ROW and sizes.count(sizes[0]) == len(sizes):
        out += struct.pack("<BH", 0, sizes[0])
    else:
        starts = array("Q", accumulate(sizes, initial=0))
        del starts[-1]
        if _IS_BIG_ENDIAN:
            starts.byteswap()
        out += struct.pack("<BI", 1, len(starts))
        out += starts.tobytes()
    data = b"".join(rows)
    out += len(data).to_bytes(4, "little")
    out += data


def _read(cursor: Cursor) -> RowList:
    if cursor.tag(2, "row size hint") == _FIXED_SIZE:
        at = cursor.offset
        size = cursor.unsigned(2, "row size")
        data = cursor.blob("rows")
        if size == 0:
            raise DecodeError("rows of fixed size cannot have 0 bytes", at)
        if len(data) % size:
            raise DecodeError(f"{len(data)} bytes cannot be cut into rows of {size}", at)
        return RowList([data[i : i + size] for i in range(0, len(data), size)])
    count = cursor.unsigned(4, "count of row offsets")
    at = cursor.offset
    starts = struct.unpack(f"<{count}Q", cursor.take(count * 8, f"list of {count} row offsets"))
    data = cursor.blob("rows")
    if count == 0:
        if data:
            raise DecodeError(f"{len(data)} bytes belong to no row", cursor.offset - len(data))
        return RowList([])
    # Offsets that go backwards would let a short input stand for rows of any total size.
    ends = (*starts[1:], len(data))
    if starts[0] != 0:
        raise DecodeError(f"the first row starts at {starts[0]} instead of 0", at)
    if any(map(gt, starts, ends)):
        i = next(i for i in range(count) if starts[i] > ends[i])
        raise DecodeError(f"row {i} starts at {starts[i]}, behind its end at {ends[i]}", at + 8 * i)
    return RowList(list(map(data.__getitem__, map(slice, starts, ends))))


def _read_fast(data: bytes, p: int, size: int) -> tuple[RowList, int]:
    """Read what updates mostly are: none or few rows of one size. Everything else goes the careful way."""
    if data[p] == _FIXED_SIZE:
        width, length = _FIXED_HEAD.unpack_from(data, p + 1)
        start = p + 7
        end = start + length
        if end <= size and width and length % width == 0:
            if length == width:
                return RowList([data[start:end]]), end
            return RowList([data[i : i + width] for i in range(start, end, width)]), end
    cursor = Cursor(data)
    cursor.offset = p
    return _read(cursor), cursor.offset


def _reading(code: ReadingSource) -> str:
    code.flush()
    out = code.new()
    code.add(f"{out}, p = {code.bind(_read_fast)}(data, p, size)")
    return out


ROW_LIST_FORM = Form(_read, _write, _reading)
