"""How clients reach a database over the network, by the settings of a configuration."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from .config import InnerUniverseConfig
from .errors import ConnectionError

if TYPE_CHECKING:
    from ..client.connection import Connection
    from ..client.http import HttpApi
    from ..client.reconnect import Reconnect
    from ..sats import ModuleDef

_PING_SECONDS = 2.0


async def connect(config: InnerUniverseConfig, definition: ModuleDef | None = None) -> Connection:
    """Open a connection, trying again as often as the configuration says while no server answers.

    Args:
        config: Where to, as whom, and how patiently.
        definition: What the module declares; the server is asked unless given.

    Raises:
        ConnectionError: There is no such database, or one attempt took too long.
        ClientError: The server cannot be reached, or refuses.
    """
    from ..client.errors import ServerUnreachable

    reconnect = reconnect_of(config)
    delays = iter(()) if reconnect is None else reconnect.delays()
    while True:
        try:
            return await asyncio.wait_for(_attempt(config, definition, reconnect), config.connect_timeout_ms / 1000)
        except asyncio.TimeoutError as error:
            raise ConnectionError(f"no answer from {config.url} within {config.connect_timeout_ms} ms") from error
        except ServerUnreachable:
            delay = next(delays, None)
            if delay is None:
                raise
            await asyncio.sleep(delay)


async def _attempt(
    config: InnerUniverseConfig, definition: ModuleDef | None, reconnect: Reconnect | None
) -> Connection:
    from ..client.connection import Connection
    from ..client.errors import NoSuchDatabase
    from ..client.websocket import WebSocketTransport

    if definition is None:
        async with http_api(config) as api:
            try:
                definition = await api.schema(config.database)
            except NoSuchDatabase as error:
                raise ConnectionError(
                    f"there is no database {config.database!r} at {config.url}; deploy the module first"
                ) from error
    transport = WebSocketTransport(config.url, config.database, config.token, ssl=config.ca_file)
    return await Connection.open(transport, definition, timeout=config.timeout_ms / 1000, reconnect=reconnect)


def reconnect_of(config: InnerUniverseConfig) -> Reconnect | None:
    """Return how a connection is tried again, None for not at all."""
    from ..client.reconnect import Reconnect

    if config.retry_attempts == 0:
        return None
    return Reconnect(config.retry_attempts, config.retry_delay_ms / 1000, patience=config.connect_timeout_ms / 1000)


def http_api(config: InnerUniverseConfig, timeout: float | None = None) -> HttpApi:
    """Return the HTTP side of the server, to be used in an ``async with`` statement.

    Args:
        config: Where, and as whom.
        timeout: The most seconds of a request; what the configuration says unless given.
    """
    from ..client.http import HttpApi

    return HttpApi(config.url, config.token, timeout=timeout or config.timeout_ms / 1000, ssl=config.ca_file)


async def is_accepted(config: InnerUniverseConfig) -> bool:
    """Ask whether the server accepts the configuration's token.

    Raises:
        ClientError: It does not say.
    """
    from ..client.errors import NotAuthorized

    async with http_api(config) as api:
        try:
            await api.websocket_token()
        except NotAuthorized:
            return False
    return True


async def why_no_answer(config: InnerUniverseConfig) -> str | None:
    """Ask whether a SpacetimeDB server answers at the configured address; return None if so, else why not."""
    from ..client.errors import ClientError

    try:
        async with http_api(replace(config, token=None), _PING_SECONDS) as api:
            await api.ping()
    except (ClientError, OSError, ValueError) as error:
        return str(error)
    return None
