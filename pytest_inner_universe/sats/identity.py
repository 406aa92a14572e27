"""Who and which: identities and connection ids."""

from __future__ import annotations

import os
from functools import total_ordering
from typing import Any


class _FixedBytes:
    """A number that is shown as big-endian hex and travels as little-endian bytes."""

    __slots__ = ("_bytes",)
    WIDTH = 0

    def __init__(self, data: bytes) -> None:
        if len(data) != self.WIDTH:
            raise ValueError(f"{type(self).__name__} takes {self.WIDTH} bytes, got {len(data)}")
        self._bytes = bytes(data)

    @classmethod
    def from_hex(cls, text: str) -> Any:
        """Read the big-endian hexadecimal form, with or without ``0x``.

        Raises:
            ValueError: The text is not that many hexadecimal digits.
        """
        digits = text.removeprefix("0x")
        try:
            data = bytes.fromhex(digits)
        except ValueError:
            data = b""
        if len(data) != cls.WIDTH or len(digits) != 2 * cls.WIDTH:
            raise ValueError(f"{cls.__name__} takes {2 * cls.WIDTH} hexadecimal digits, got {text!r}")
        return cls(data[::-1])

    @classmethod
    def from_int(cls, number: int) -> Any:
        """Make one from its number.

        Raises:
            OverflowError: The number is negative or too large.
        """
        return cls(number.to_bytes(cls.WIDTH, "little"))

    @classmethod
    def zero(cls) -> Any:
        """Return the one that is all zeros."""
        return cls(bytes(cls.WIDTH))

    def hex(self) -> str:
        """Return the big-endian hexadecimal form, without prefix."""
        return self._bytes[::-1].hex()

    def to_bytes(self) -> bytes:
        """Return the little-endian bytes, as they stand in a row."""
        return self._bytes

    def __int__(self) -> int:
        return int.from_bytes(self._bytes, "little")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._bytes == self._bytes

    def __lt__(self, other: Any) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return bool(self._bytes[::-1] < other._bytes[::-1])

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __bool__(self) -> bool:
        return any(self._bytes)

    def __str__(self) -> str:
        return self.hex()

    def __repr__(self) -> str:
        return f"{type(self).__name__}.from_hex({self.hex()!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._bytes,)


@total_ordering
class Identity(_FixedBytes):
    """Who a client or a database is: 32 bytes derived from an issuer and a subject.

    Args:
        data: 32 bytes, little-endian.
    """

    __slots__ = ()
    WIDTH = 32

    @classmethod
    def derive(cls, issuer: str, subject: str) -> Identity:
        """Compute the identity of a token.

        Args:
            issuer: Who signed the token, its claim ``iss``.
            subject: Whom the token is about, its claim ``sub``.

        Source: the identity scheme of SpacetimeDB: two fixed bytes, a checksum of four, and 26 bytes of a BLAKE3 digest.
        """
        from blake3 import blake3

        body = blake3(f"{issuer}|{subject}".encode()).digest()[:26]
        check = blake3(b"\xc2\x00" + body).digest()[:4]
        return cls((b"\xc2\x00" + check + body)[::-1])


@total_ordering
class ConnectionId(_FixedBytes):
    """Which of an identity's connections: 16 bytes, random; zero means none.

    Args:
        data: 16 bytes, little-endian.
    """

    __slots__ = ()
    WIDTH = 16

    @classmethod
    def random(cls) -> ConnectionId:
        """Return a new random one."""
        return cls(os.urandom(16))
