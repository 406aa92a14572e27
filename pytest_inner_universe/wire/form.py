"""One kind of field of a message: how it is read and written.

Each form exists twice. The careful way goes from field to field and fails with `DecodeError` or `EncodeError`, each with the
path of the field. The fast way is one generated function for a whole message that only knows good input; whatever is not good
goes back to the start, to be handled with care.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..sats import accept, readers
from ..sats.codegen import ReadingSource, WritingSource
from ..sats.cursor import Cursor
from ..sats.errors import DecodeError

FastRead = Callable[[bytes, int, int], "tuple[Any, int]"]
FastWrite = Callable[[Any, bytearray], None]


class Form:
    """One kind of field.

    Args:
        read: Reads it from a cursor, with care.
        write: Appends it to a buffer, with care.
        reading: Writes what reads it into a generated function, and returns an expression for it.
        writing: Writes what appends the value of a variable. A form without these two is read and written with care only.
    """

    __slots__ = ("fast_read", "fast_write", "read", "reading", "write", "writing")

    def __init__(
        self,
        read: Callable[[Cursor], Any],
        write: Callable[[Any, bytearray], None],
        reading: Callable[[ReadingSource], str] | None = None,
        writing: Callable[[WritingSource, str], None] | None = None,
    ) -> None:
        self.read = read
        self.write = write
        self.reading = reading or self._call_read
        self.writing = writing or self._call_write
        # Each is generated when it is first needed.
        self.fast_read: FastRead = self._first_read
        self.fast_write: FastWrite = self._first_write

    def _first_read(self, data: bytes, p: int, size: int) -> tuple[Any, int]:
        code = ReadingSource()
        expression = self.reading(code)
        code.flush()
        code.add(f"return {expression}, p")
        self.fast_read = code.function()
        return self.fast_read(data, p, size)

    def _first_write(self, value: Any, out: bytearray) -> None:
        self.fast_write = self.writer_behind(None)
        self.fast_write(value, out)

    def writer_behind(self, tag: int | None) -> FastWrite:
        """Generate a function that writes a tag, if there is one, and the value."""
        code = WritingSource()
        if tag is not None:
            code.pending.append(("B", str(tag)))
        self.writing(code, "value")
        code.flush()
        code.add("return")
        function: FastWrite = code.function()
        return function

    def _call_read(self, code: ReadingSource) -> str:
        def read(data: bytes, p: int) -> tuple[Any, int]:
            cursor = Cursor(data)
            cursor.offset = p
            value = self.read(cursor)
            return value, cursor.offset

        code.flush()
        out = code.new()
        code.add(f"{out}, p = {code.bind(read)}(data, p)")
        return out

    def _call_write(self, code: WritingSource, name: str) -> None:
        code.flush()
        code.add(f"{code.bind(self.write)}({name}, out)")


def read_at(form: Form, data: bytes, start: int) -> tuple[Any, int]:
    """Read the value that starts somewhere, and return it and where it ends.

    Raises:
        DecodeError: There is no value of this form.
    """
    try:
        return form.fast_read(data, start, len(data))
    except readers.FAILURES:
        cursor = Cursor(data)
        cursor.offset = start
        return form.read(cursor), cursor.offset


def decode(form: Form, data: bytes) -> Any:
    """Read the one value that the bytes hold.

    Raises:
        DecodeError: The bytes are no value of this form, or more than one.
    """
    data = bytes(data)
    value, end = read_at(form, data, 0)
    if end != len(data):
        raise DecodeError(f"{len(data) - end} bytes left over", end)
    return value


def append(form: Form, value: Any, out: bytearray) -> None:
    """Write a value behind what a buffer holds.

    Raises:
        EncodeError: The value does not fit the form; the buffer holds a part of it.
    """
    start = len(out)
    try:
        form.fast_write(value, out)
    except accept.FAILURES:
        del out[start:]
        form.write(value, out)


def encode(form: Form, value: Any) -> bytes:
    """Write a value.

    Raises:
        EncodeError: The value does not fit the form.
    """
    out = bytearray()
    append(form, value, out)
    return bytes(out)
