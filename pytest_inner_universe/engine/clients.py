"""Who is connected to a database, as the database sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..sats import ConnectionId, Identity
    from ..wire.counting import Counting
    from ..wire.messages import ServerMessage

Deliver = Callable[["ServerMessage"], None]
Closed = Callable[[int, str], None]

MODULE_EXITED = (1001, "module exited")
"""Close code and reason when a database goes away under its clients."""


class Cause(NamedTuple):
    """What led to the transaction whose changes are being delivered; `Database.cause` holds it meanwhile.

    Args:
        reducer: Name of the reducer; empty for a statement of SQL.
        args: Its arguments as BSATN.
        caller: Identity of the caller, 32 bytes.
        connection: Its connection id, 16 bytes, all zero for none.
        timestamp: Start of the transaction, in microseconds since the Unix epoch.
    """

    reducer: str
    args: bytes
    caller: bytes
    connection: bytes
    timestamp: int


NO_CAUSE = Cause("", b"", bytes(32), bytes(16), 0)


class Client:
    """One live connection.

    Args:
        identity: Who it is.
        connection_id: Which of its connections.
        deliver: Takes messages that it did not ask for; called with the database's lock held.
        closed: Told when the database ends the connection.
    """

    __slots__ = (
        "closed",
        "connection_bytes",
        "connection_id",
        "deliver",
        "identity",
        "identity_bytes",
        "is_open",
        "query_sets",
    )

    def __init__(self, identity: Identity, connection_id: ConnectionId, deliver: Deliver, closed: Closed) -> None:
        self.identity = identity
        self.connection_id = connection_id
        self.identity_bytes = identity.to_bytes()
        self.connection_bytes = connection_id.to_bytes()
        self.deliver = deliver
        self.closed = closed
        self.is_open = True
        self.query_sets: dict[int, tuple[list[str], Counting]] = {}

    def __repr__(self) -> str:
        return f"<Client {self.identity.hex()[:12]} connection {self.connection_id.hex()[:8]}>"
