"""A client's connection to a universe, for the time of an `async with`."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, NoReturn

from .errors import NotEntered

if TYPE_CHECKING:
    from types import TracebackType

    from ..client.connection import Connection
    from ..sats import Identity
    from .actor import Actor
    from .universe import Universe


class Connecting(AbstractAsyncContextManager["Connection"]):
    """Opens a connection at the start of an ``async with``, and closes it at the end.

    Args:
        universe: Where it connects to.
        identity: Who connects; somebody new unless given.
    """

    def __init__(self, universe: Universe, identity: Identity | Actor | None) -> None:
        self._universe = universe
        self._identity = identity
        self._connection: Connection | None = None

    async def __aenter__(self) -> Connection:
        from ..client.connection import Connection

        universe = self._universe
        self._connection = await Connection.open(universe.transport(self._identity), universe.schema)
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            await self._connection.close()

    # What else people try, and would be told by Python in words about context managers.

    def __enter__(self) -> NoReturn:
        raise NotEntered("with")

    def __exit__(self, *_: object) -> None:
        pass

    def __await__(self) -> NoReturn:
        raise NotEntered("await")

    def __getattr__(self, name: str) -> NoReturn:
        # Python itself asks for names with underscores, and takes an AttributeError for "there is none".
        raise AttributeError(name) if name.startswith("_") else NotEntered(f".{name}")
