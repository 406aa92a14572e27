"""A database for each tenant, spread over several servers.

SpacetimeDB has neither shards nor tenants: a database lives on one server, whole, and one reducer of it runs at a time. Tenants
with a database of their own never wait for each other, cannot see each other, and are removed by deleting a database.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from . import deployment, network
from .config import InnerUniverseConfig
from .errors import ConnectionError, ValidationError
from .inner_universe import InnerUniverseClient

_SHOWN = 24
_DIGITS = 12


class TenantRouter:
    """Finds the database of a tenant by the tenant's key, and keeps one client for each that was asked for.

    Which server a tenant is on follows from the key and the list of servers alone, so that every process finds the same one.
    Where a server is added or removed, only the tenants move that it gets or had; `moved` lists them, and
    their data is for you to copy. Tenants in `pinned` stay where that says.

    Args:
        config: Settings of every client; ``token`` is that of the owner of the databases, on servers not in ``tokens``.
        servers: Addresses as ``http://10.0.0.1:3000``; the configuration's own unless given.
        prefix: What names of databases start with.
        pinned: Servers of single tenants, by key.
        tokens: The owner's tokens by server, where each server trusts only those that it has signed itself.

    Raises:
        ValidationError: There is no server, an address is none, or the prefix is no name.

    Example:
        >>> router = TenantRouter(InnerUniverseConfig(), ["http://10.0.0.1:3000", "http://10.0.0.2:3000"])
        >>> router.server_of("acme") in router.servers
        True
        >>> router.database_of("ACME Inc.")
        'tenant-acme-inc-3aed06b0aab6'
    """

    def __init__(
        self,
        config: InnerUniverseConfig,
        servers: Iterable[str] | None = None,
        *,
        prefix: str = "tenant",
        pinned: Mapping[str, str] | None = None,
        tokens: Mapping[str, str] | None = None,
    ) -> None:
        self.config = config
        self.servers = tuple(dict.fromkeys([config.url] if servers is None else servers))
        self.pinned = dict(pinned or {})
        self._prefix = prefix
        self._tokens = dict(tokens or {})
        self._clients: dict[str, InnerUniverseClient] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        problems = [] if self.servers else ["there is no server"]
        problems += [
            f"{server!r} is no address of a server; it has to be like http://127.0.0.1:3000"
            for server in dict.fromkeys((*self.servers, *self.pinned.values()))
            if not _is_address(server)
        ]
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", prefix):
            problems.append(f"prefix {prefix!r} has to be of lowercase letters and digits, with single dashes between")
        if problems:
            raise ValidationError(problems, "router")

    def server_of(self, tenant: str) -> str:
        """Return the address of the server that a tenant's database is on.

        Source: highest random weight, Thaler and Ravishankar 1998.
        """
        return self.pinned.get(tenant) or max(self.servers, key=lambda server: _digest(f"{server}\0{tenant}"))

    def database_of(self, tenant: str) -> str:
        """Return the name of a tenant's database: readable as far as names allow it, and different for different keys."""
        shown = re.sub(r"[^a-z0-9]+", "-", tenant.lower())[:_SHOWN].strip("-")
        return "-".join(part for part in (self._prefix, shown, _digest(tenant).hex()[:_DIGITS]) if part)

    def config_of(self, tenant: str) -> InnerUniverseConfig:
        """Return the settings that reach a tenant's database."""
        server = self.server_of(tenant)
        parts = urlsplit(server)
        assert parts.hostname is not None
        assert parts.port is not None
        return replace(
            self.config,
            address=parts.hostname,
            port=parts.port,
            scheme=parts.scheme,
            database=self.database_of(tenant),
            token=self._tokens.get(server, self.config.token),
            features=dict(self.config.features),
        )

    def moved(self, tenants: Iterable[str], servers: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Tell which tenants another list of servers moves.

        Args:
            tenants: Their keys.
            servers: The other list.

        Returns:
            By key, the server of now and the one of then.
        """
        then = TenantRouter(self.config, servers, prefix=self._prefix, pinned=self.pinned)
        pairs = ((tenant, self.server_of(tenant), then.server_of(tenant)) for tenant in tenants)
        return {tenant: (old, new) for tenant, old, new in pairs if old != new}

    async def create(self, tenant: str) -> None:
        """Publish the module as a tenant's database; where that exists, it is brought to this version of the module.

        Raises:
            ValidationError: The configuration has no token, so that the database would belong to nobody.
            DeploymentError: The server refused, or cannot be reached.
        """
        config = self.config_of(tenant)
        if config.token is None:
            raise ValidationError(
                f"the database of tenant {tenant!r} needs an owner: give a token that you keep, in "
                f"InnerUniverseConfig(token=...) or TenantRouter(tokens={{{config.url!r}: ...}})"
            )
        await deployment.publish(config, deployment.read_module(config))

    async def client(self, tenant: str) -> InnerUniverseClient:
        """Return a connected client of a tenant's database, the same one each time.

        Raises:
            ConnectionError: The server cannot be reached, or the tenant has no database.
        """
        async with self._locks.setdefault(tenant, asyncio.Lock()):
            client = self._clients.get(tenant)
            if client is None:
                client = InnerUniverseClient(self.config_of(tenant))
            await client.connect_or_raise()
            self._clients[tenant] = client
            return client

    async def remove(self, tenant: str) -> None:
        """Disconnect from a tenant's database and delete it; harmless where it does not exist.

        Raises:
            ConnectionError: The server cannot be reached, or refuses.
        """
        from ..client.errors import ClientError

        async with self._locks.setdefault(tenant, asyncio.Lock()):
            client = self._clients.pop(tenant, None)
            if client is not None:
                await client.disconnect()
            config = self.config_of(tenant)
            try:
                async with network.http_api(config) as api:
                    await api.delete(config.database)
            except ClientError as error:
                raise ConnectionError(f"the database of tenant {tenant!r} cannot be deleted: {error}") from error

    async def close(self) -> None:
        """Disconnect all clients; harmless the second time."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.disconnect()

    async def __aenter__(self) -> TenantRouter:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _is_address(server: str) -> bool:
    try:
        parts = urlsplit(server)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port is not None
    except ValueError:
        return False
