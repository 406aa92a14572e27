"""How the parameters of a module's functions lie in memory: each in 16 bytes, identities cut into pieces of 8."""

from __future__ import annotations

from struct import Struct

_CALL = Struct("<I12x 8s8x8s8x8s8x8s8x 8s8x8s8x q8x I12x I12x".replace(" ", ""))
_VIEW = Struct("<I12x 8s8x8s8x8s8x8s8x I12x I12x".replace(" ", ""))
_ANONYMOUS_VIEW = Struct("<I12xI12xI12x")


def pack_call(
    arguments: memoryview, id: int, sender: bytes, connection: bytes, timestamp: int, source: int, sink: int
) -> None:
    """Write the parameters of a reducer or a procedure.

    Args:
        arguments: Where to.
        id: Its number.
        sender: Identity of the caller, 32 little-endian bytes.
        connection: Connection id of the caller, 16 little-endian bytes.
        timestamp: Microseconds since the Unix epoch.
        source: Number of the source with its arguments, 0 when it has none.
        sink: Number of the sink for what it returns.
    """
    _CALL.pack_into(
        arguments,
        0,
        id,
        sender[:8],
        sender[8:16],
        sender[16:24],
        sender[24:],
        connection[:8],
        connection[8:],
        timestamp,
        source,
        sink,
    )


def pack_view(arguments: memoryview, index: int, sender: bytes | None, source: int, sink: int) -> None:
    """Write the parameters of a view; one that does not know its caller has no sender."""
    if sender is None:
        _ANONYMOUS_VIEW.pack_into(arguments, 0, index, source, sink)
    else:
        _VIEW.pack_into(arguments, 0, index, sender[:8], sender[8:16], sender[16:24], sender[24:], source, sink)
