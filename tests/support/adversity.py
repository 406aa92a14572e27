"""An exchange under every fault of a kind, whatever the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from pytest_inner_universe.client import Connection, HttpApi, OutcomeUnknown, WebSocketTransport
from pytest_inner_universe.sats import ModuleDef

from .exchange import CALLS, EVERYBODY, PATIENCE, Exchange, people
from .fault_proxy import DAMAGES, FaultProxy, Harm, Way

LEAST_FRAMES = CALLS + 5
"""Upgrade, a first message or subscription, the calls, a query, an unsubscription, a close."""


@dataclass(frozen=True)
class Place:
    """A database that can be reached.

    Args:
        url: Address of the server.
        database: Name of the database.
        definition: Its module, ``every_type``.
    """

    url: str
    database: str
    definition: ModuleDef

    def way(self, protocol: str, url: str | None = None) -> WebSocketTransport:
        """Return a way there."""
        return WebSocketTransport(url or self.url, self.database, protocols=(protocol,), definition=self.definition)


@asynccontextmanager
async def watching(place: Place, protocol: str) -> AsyncIterator[tuple[Connection, FaultProxy]]:
    """Give a client that nothing happens to, and a proxy; see that nothing is left behind in the end."""
    before = asyncio.all_tasks()
    async with await Connection.open(place.way(protocol), place.definition) as other:
        await other.subscribe(EVERYBODY)
        async with FaultProxy(place.url) as proxy:
            yield other, proxy
        assert people(other) == {row["name"]: row["age"] for row in await other.query(EVERYBODY)}
        async with HttpApi(place.url, other.token) as api:
            await asyncio.wait_for(_alone(api, place, int(other.identity.hex(), 16)), PATIENCE)
    assert asyncio.all_tasks() == before


async def _alone(api: HttpApi, place: Place, myself: int) -> None:
    """Wait until the server has noticed that the others have gone; asking gives it time."""
    while any(client["identity"] != myself for client in await clients(api, place)):
        pass


async def clients(api: HttpApi, place: Place) -> tuple[Mapping[str, Any], ...]:
    """Return whom the server takes for connected."""
    return (await api.sql(place.database, "SELECT * FROM st_client")).rows


async def harm_every_frame(place: Place, protocol: str, harm: Harm, way: Way) -> int:
    """Do the exchange with the fault at its first frame, at its second, and so on, until there is none left.

    Returns:
        The number of frames.
    """
    async with watching(place, protocol) as (other, proxy):
        for at in count():
            proxy.arm(harm, way, at)
            exchange = Exchange(place.way(protocol, proxy.url), place.definition, other, f"{way.name}-{at}")
            try:
                await asyncio.wait_for(exchange.run(), PATIENCE)
            except (AssertionError, asyncio.TimeoutError) as error:
                raise AssertionError(f"frame {at} {way.value}, {harm.value}: {error!r}; {exchange.errors}") from error
            check(exchange, people(other), harm, at)
            if not proxy.has_struck.is_set():
                assert exchange.errors == []
                return at
    raise AssertionError


async def hold_every_frame(place: Place, protocol: str, way: Way, *, cancels: bool = False) -> int:
    """Do the exchange with its first frame held back, then with its second, and so on, until there is none left.

    Args:
        place: Where to.
        protocol: The protocol.
        way: Which frames.
        cancels: Whether the exchange is given up while it waits.

    Returns:
        The number of frames.
    """
    async with watching(place, protocol) as (other, proxy):
        for at in count():
            proxy.arm(Harm.HOLD, way, at)
            exchange = Exchange(place.way(protocol, proxy.url), place.definition, other, f"held-{way.name}-{at}")
            running, struck = asyncio.ensure_future(exchange.run()), asyncio.ensure_future(proxy.has_struck.wait())
            await asyncio.wait({running, struck}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                struck.cancel()
                await running
                return at + proxy.has_struck.is_set()  # nobody waits for a close frame that is sent
            for _ in range(3):
                await other.call("nothing")  # nobody else waits
            assert not running.done()
            if cancels:
                running.cancel()
            proxy.release()
            await asyncio.wait({running}, timeout=PATIENCE)
            assert running.done(), f"frame {at} {way.value} was held back, and somebody hangs"
            if cancels:
                assert running.cancelled()
            else:
                await running
                check(exchange, people(other), Harm.HOLD, at)
                assert exchange.errors == []
    raise AssertionError


def check(exchange: Exchange, known: dict[str, int], harm: Harm, at: int) -> None:
    """See that what was promised is there, and that nothing is lost or doubled."""
    where = f"frame {at}, {harm.value}"
    mine = {name for name in known if name.startswith(f"{exchange.name}-")} - {f"{exchange.name}-other"}
    assert exchange.confirmed <= mine, where
    assert mine <= exchange.confirmed | exchange.unknown | exchange.refused, where
    if harm not in DAMAGES:
        assert len(exchange.unknown) <= 1, where
        assert exchange.refused == set(), where
        assert all(isinstance(error, OutcomeUnknown) for error in exchange.errors) or at <= 3, (where, exchange.errors)
    if exchange.confirmed:
        assert known[min(exchange.confirmed)] == 32, where
