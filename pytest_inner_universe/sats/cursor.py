"""A reading position in BSATN, for forms that contain themselves and therefore have no compiled codec."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .errors import DecodeError

T = TypeVar("T")


class Cursor:
    """Reads one piece after the other and knows where it is.

    Args:
        data: The bytes to read.

    Every method raises `DecodeError` with the offset where the input ends too early or has a wrong form.
    """

    __slots__ = ("data", "offset")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.offset = 0

    def take(self, count: int, what: str) -> bytes:
        """Return that many bytes."""
        end = self.offset + count
        if end > len(self.data):
            raise DecodeError(f"{what} needs {count} bytes, {len(self.data) - self.offset} are left", self.offset)
        piece = self.data[self.offset : end]
        self.offset = end
        return piece

    def unsigned(self, width: int, what: str = "number") -> int:
        """Return an unsigned number of that many bytes."""
        start, end = self.offset, self.offset + width
        if end > len(self.data):
            self.take(width, what)
        self.offset = end
        return int.from_bytes(self.data[start:end], "little")

    def signed(self, width: int, what: str = "number") -> int:
        """Return a signed number of that many bytes."""
        return int.from_bytes(self.take(width, what), "little", signed=True)

    def tag(self, count: int, what: str) -> int:
        """Return a tag smaller than the count of alternatives."""
        offset = self.offset
        if offset == len(self.data):
            self.take(1, f"tag of {what}")
        value = self.data[offset]
        if value >= count:
            raise DecodeError(f"unknown tag {value} of {what}, there are {count}", offset)
        self.offset = offset + 1
        return value

    def boolean(self, what: str = "Bool") -> bool:
        """Return a truth value."""
        return self.tag(2, what) == 1

    def string(self, what: str = "String") -> str:
        """Return a text."""
        start = self.offset
        data = self.take(self.unsigned(4, f"length of {what}"), what)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise DecodeError(f"{what} is not UTF-8", start + 4 + error.start) from None

    def blob(self, what: str = "bytes") -> bytes:
        """Return a byte array."""
        return self.take(self.unsigned(4, f"length of {what}"), what)

    def option(self, read: Callable[[], T]) -> T | None:
        """Return what ``read`` gives, or None where the value is absent."""
        return read() if self.tag(2, "option") == 0 else None

    def array(self, read: Callable[[], T], what: str = "array") -> list[T]:
        """Return a list of what ``read`` gives; each element takes at least one byte."""
        count = self.unsigned(4, f"length of {what}")
        if count > len(self.data) - self.offset:
            raise DecodeError(
                f"{what} of {count} elements, {len(self.data) - self.offset} bytes are left", self.offset - 4
            )
        return [read() for _ in range(count)]

    def end(self) -> None:
        """Check that nothing is left over."""
        if self.offset != len(self.data):
            raise DecodeError(f"{len(self.data) - self.offset} bytes left over", self.offset)
