"""BSATN, the binary form of values, compiled once per type.

Source: SpacetimeDB's notes on the format: little-endian numbers, lengths and counts of four bytes, one tag byte for sums,
products without any framing.
"""

from __future__ import annotations

from typing import Any

from . import accept, readers, writers
from .errors import DecodeError, EncodeError
from .types import MAX_DEPTH, AlgebraicType


class Codec:
    """Reads and writes the values of one resolved type.

    Args:
        type: The type; it must not contain references.

    Example:
        >>> from pytest_inner_universe.sats import STRING, U32, codec, product
        >>> point = codec(product(x=U32, label=STRING))
        >>> point.encode({"x": 5, "label": "a"}).hex()
        '050000000100000061'
        >>> point.decode(bytes.fromhex("050000000100000061"))
        {'x': 5, 'label': 'a'}
    """

    __slots__ = ("_read", "_write", "type")

    def __init__(self, type: AlgebraicType) -> None:
        if type.has_refs:
            raise TypeError(f"not a resolved type: {type}")
        if type.depth > MAX_DEPTH:
            raise TypeError(f"a type of {type.depth} levels nests deeper than the {MAX_DEPTH} that are supported")
        self.type = type
        # Many types are only ever read or only written: each function is made when it is first needed.
        self._read: readers.Reader = self._first_read
        self._write: writers.Writer = self._first_write

    def _first_read(self, data: bytes, offset: int, size: int) -> tuple[Any, int]:
        self._read = readers.reader(self.type)
        return self._read(data, offset, size)

    def _first_write(self, value: Any, out: bytearray) -> None:
        self._write = writers.writer(self.type)
        self._write(value, out)

    def decode(self, data: bytes) -> Any:
        """Read the one value that the bytes hold.

        Raises:
            DecodeError: The bytes are no value of the type, or more than one.
        """
        size = len(data)
        try:
            value, end = self._read(data, 0, size)
        except readers.FAILURES:
            raise self._decode_error(data, 0) from None
        if end != size:
            raise DecodeError(f"{size - end} bytes left over after the value", end)
        return value

    def read(self, data: bytes, offset: int = 0) -> tuple[Any, int]:
        """Read a value that starts at an offset.

        Returns:
            The value and the offset of the first byte after it.

        Raises:
            DecodeError: The bytes from there on are no value of the type.
        """
        size = len(data)
        if not 0 <= offset <= size:
            raise DecodeError(f"offset {offset} is outside of the {size} bytes", min(max(offset, 0), size))
        try:
            return self._read(data, offset, size)
        except readers.FAILURES:
            raise self._decode_error(data, offset) from None

    def encode(self, value: Any) -> bytes:
        """Write a value.

        Raises:
            EncodeError: The value does not fit the type.
        """
        out = bytearray()
        try:
            self._write(value, out)
        except accept.FAILURES:
            raise self._encode_error(value) from None
        return bytes(out)

    def write(self, value: Any, out: bytearray) -> None:
        """Append a value to a buffer, which is left as it was if the value does not fit.

        Raises:
            EncodeError: The value does not fit the type.
        """
        start = len(out)
        try:
            self._write(value, out)
        except BaseException as error:
            del out[start:]
            if isinstance(error, accept.FAILURES):
                raise self._encode_error(value) from None
            raise

    def _decode_error(self, data: bytes, offset: int) -> DecodeError:
        from .diagnose import explain_decode

        return explain_decode(self.type, data, offset)

    def _encode_error(self, value: Any) -> EncodeError:
        from .diagnose import explain_encode

        return explain_encode(self.type, value)


_codecs: dict[AlgebraicType, Codec] = {}


def codec(type: AlgebraicType) -> Codec:
    """Return the codec of a resolved type; equal types share one.

    Raises:
        TypeError: The type contains a reference, or nests absurdly deep.
    """
    found = _codecs.get(type)
    if found is None:
        found = _codecs[type] = Codec(type)
    return found
