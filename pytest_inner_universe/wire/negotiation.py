"""How client and server agree on a version of the protocol, and what the address of a connection asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ..sats.identity import ConnectionId
from .errors import BadParameter
from .frames import Compression
from .versions import VERSIONS, WireVersion

NO_VALID_PROTOCOL: Final = "no valid protocol selected"
"""What a server says, with status 400, to an offer without a version that it knows."""


@dataclass(frozen=True)
class ConnectionOptions:
    """What the parameters of a connection's address ask for.

    Args:
        compression: How large frames of the server are packed; servers pack with brotli unless told otherwise.
        light: Whether transactions come without their causes; first protocol only.
        confirmed: Whether to hear of transactions only when they are durable; None for the version's own default.
        connection_id: The client's own id for the connection; None for one that the server makes.
        token: A token given in the address, as browsers have to.
    """

    compression: Compression = Compression.BROTLI
    light: bool = False
    confirmed: bool | None = None
    connection_id: ConnectionId | None = None
    token: str | None = None


def choose(offered: str | Iterable[str], supported: Iterable[str] = VERSIONS) -> WireVersion | None:
    """Return the version that a server picks; its own order counts, not the client's.

    Args:
        offered: Subprotocols, as a list or as the value of the header.
        supported: Those that the server knows, best first; all by default.

    Returns:
        The version; None if there is none in common, which servers answer with status 400.

    Example:
        >>> choose("v1.json.spacetimedb, v2.bsatn.spacetimedb").subprotocol
        'v2.bsatn.spacetimedb'
    """
    names = offered.split(",") if isinstance(offered, str) else offered
    known = {name.strip() for name in names}
    return next((VERSIONS[name] for name in supported if name in known), None)


def parse_options(parameters: Mapping[str, str]) -> ConnectionOptions:
    """Read the parameters of a connection's address; unknown ones are ignored.

    Raises:
        BadParameter: A value is none that a server takes.

    Example:
        >>> parse_options({"compression": "Gzip", "light": "true"}).compression
        <Compression.GZIP: 2>
    """
    confirmed, connection_id = parameters.get("confirmed"), parameters.get("connection_id")
    return ConnectionOptions(
        compression=parse_compression(parameters.get("compression", Compression.BROTLI.parameter)),
        light=_truth("light", parameters.get("light", "false")),
        confirmed=None if confirmed is None else _truth("confirmed", confirmed),
        connection_id=None if connection_id is None else _connection_id(connection_id),
        token=parameters.get("token"),
    )


def parse_compression(text: str) -> Compression:
    """Read the parameter ``compression``, whose case matters.

    Raises:
        BadParameter: It is none of ``None``, ``Brotli`` and ``Gzip``.
    """
    for compression in Compression:
        if text == compression.parameter:
            return compression
    raise BadParameter("compression", text, "unknown compression, there are None, Brotli and Gzip")


def _truth(name: str, text: str) -> bool:
    if text not in {"true", "false"}:
        raise BadParameter(name, text, "expected true or false")
    return text == "true"


def _connection_id(text: str) -> ConnectionId:
    name = "connection_id"
    if len(text) != 2 * ConnectionId.WIDTH or not text.isalnum() or text[:2] == "0x":
        raise BadParameter(name, text, "expected 32 hexadecimal digits")
    try:
        found: ConnectionId = ConnectionId.from_hex(text)
    except ValueError:
        raise BadParameter(name, text, "expected 32 hexadecimal digits") from None
    if not found:
        raise BadParameter(name, text, "Invalid connection ID: the all-zeros ConnectionId is reserved.")
    return found
