"""Frames of a server: one tag byte that names the compression, then the packed messages. Frames of a client are bare."""

from __future__ import annotations

import zlib
from enum import IntEnum
from importlib import import_module
from typing import Any, Final

from ..sats.errors import DecodeError
from .errors import CompressionUnavailable

UNPACKED_LIMIT: Final = 32 * 1024 * 1024
"""Default limit, in bytes, of what one frame may unpack to; the same as a server's limit for messages of clients."""

PACKED_FROM: Final = 1025
"""Size in bytes from which a body is worth packing; servers send smaller ones as they are."""

_GZIP_WINDOW: Final = 31


class Compression(IntEnum):
    """How a body is packed; the value is the tag byte."""

    NONE = 0
    BROTLI = 1
    GZIP = 2

    @property
    def parameter(self) -> str:
        """The spelling of the ``compression`` parameter of a connection's address."""
        return self.name.capitalize()


def pack(body: bytes, compression: Compression = Compression.NONE) -> bytes:
    """Make a server's frame.

    A small body stays as it is, and so does every body where brotli is asked for but not installed: clients have to
    accept plain frames whatever they asked for.

    Args:
        body: One or more messages as BSATN.
        compression: What the client asked for.
    """
    if len(body) >= PACKED_FROM:
        if compression is Compression.GZIP:
            packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP_WINDOW)
            return b"\x02" + packer.compress(body) + packer.flush()
        brotli = _brotli() if compression is Compression.BROTLI else None
        if brotli is not None:
            return b"\x01" + bytes(brotli.compress(body, quality=1))
    return b"\x00" + body


def unpack(frame: bytes, limit: int = UNPACKED_LIMIT) -> bytes:
    """Return the body of a server's frame.

    Args:
        frame: The bytes of one WebSocket message.
        limit: The most bytes that a packed body may unpack to.

    Raises:
        DecodeError: The frame is empty, its tag is unknown, or its body is damaged, cut off or too large.
        CompressionUnavailable: The body is packed with brotli, which is not installed.
    """
    if not frame:
        raise DecodeError("the frame is empty, its first byte should name the compression")
    tag, packed = frame[0], frame[1:]
    if tag == Compression.NONE:
        return bytes(packed)
    if tag == Compression.GZIP:
        return _unpack_gzip(packed, limit)
    if tag == Compression.BROTLI:
        return _unpack_brotli(packed, limit)
    raise DecodeError(f"unknown compression {tag}, there are 0 (none), 1 (brotli) and 2 (gzip)")


def _unpack_gzip(packed: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        body = unpacker.decompress(packed, limit + 1)
    except zlib.error as error:
        raise DecodeError(f"the body is no gzip data ({error})", 1) from None
    if unpacker.unused_data:
        raise DecodeError(
            f"{len(unpacker.unused_data)} bytes left over after the gzip data",
            1 + len(packed) - len(unpacker.unused_data),
        )
    return _checked(body, unpacker.eof, "gzip", limit)


def _unpack_brotli(packed: bytes, limit: int) -> bytes:
    brotli = _brotli()
    if brotli is None:
        raise CompressionUnavailable
    unpacker = brotli.Decompressor()
    try:
        body = bytes(unpacker.process(packed, output_buffer_limit=limit + 1))
    except TypeError:  # before 1.2 the output could not be limited
        raise CompressionUnavailable from None
    except brotli.error:
        raise DecodeError("the body is no brotli data", 1) from None
    return _checked(body, unpacker.is_finished(), "brotli", limit)


def _checked(body: bytes, is_complete: bool, name: str, limit: int) -> bytes:
    if len(body) > limit:
        raise DecodeError(f"the body unpacks to more than the limit of {limit} bytes", 1)
    if not is_complete:
        raise DecodeError(f"the {name} data is cut off", 1)
    return body


def _brotli() -> Any:
    try:
        return import_module("brotli")
    except ImportError:
        return None
