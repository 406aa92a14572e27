"""How the state of a version is known and stored: its canonical JSON, of which there is a hash, compressed when that is shorter."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib

from .errors import CorruptDataError

JSON_TEXT = "json"
COMPRESSED = "json+zlib+base64"
_WORTH_A_TRY = 512
"""Characters below which compressing is not tried."""


def hash_of(text: str) -> str:
    """Return the SHA-256 of a text, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def encode_state(text: str) -> tuple[str, str]:
    """Return encoding and data for the canonical JSON of a state."""
    if len(text) >= _WORTH_A_TRY:
        packed = base64.b64encode(zlib.compress(text.encode())).decode()
        if len(packed) < len(text):
            return COMPRESSED, packed
    return JSON_TEXT, text


def decode_state(version_id: str, encoding: str, data: str) -> str:
    """Return the JSON text that `encode_state` was given.

    Raises:
        CorruptDataError: The encoding is unknown, or the data is not in it.
    """
    if encoding == JSON_TEXT:
        return data
    if encoding == COMPRESSED:
        try:
            return zlib.decompress(base64.b64decode(data, validate=True)).decode()
        except (binascii.Error, zlib.error, UnicodeDecodeError) as error:
            raise CorruptDataError("state_snapshot", version_id, f"data is not {encoding}: {error}") from error
    raise CorruptDataError("state_snapshot", version_id, f"unknown encoding {encoding!r}")
