"""A database for each tenant, on several servers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inner_universe.client.http import HttpApi
from pytest_inner_universe.persistence import (
    DeploymentError,
    InnerUniverseConfig,
    TenantRouter,
    ValidationError,
    errors,
)
from pytest_inner_universe.server.embedded_host import EmbeddedHost

KEYS = [f"tenant {number}" for number in range(300)]
ADDRESSES = ["http://10.0.0.1:3000", "http://10.0.0.2:3000", "https://db.test:443"]


def test_every_process_finds_the_same_server_whatever_the_order() -> None:
    one, other = (TenantRouter(InnerUniverseConfig(), servers) for servers in (ADDRESSES, reversed(ADDRESSES)))
    assert [one.server_of(key) for key in KEYS] == [other.server_of(key) for key in KEYS]


def test_tenants_are_spread() -> None:
    router = TenantRouter(InnerUniverseConfig(), ADDRESSES)
    found = [router.server_of(key) for key in KEYS]
    assert all(70 < found.count(server) < 130 for server in ADDRESSES)


def test_a_server_more_moves_only_what_it_gets() -> None:
    router = TenantRouter(InnerUniverseConfig(), ADDRESSES[:2])
    moved = router.moved(KEYS, ADDRESSES)
    assert 60 < len(moved) < 140
    assert {new for _, new in moved.values()} == {ADDRESSES[2]}
    assert all(old == router.server_of(key) for key, (old, _) in moved.items())


def test_pinned_tenants_stay() -> None:
    router = TenantRouter(InnerUniverseConfig(), ADDRESSES, pinned={"acme": "http://10.9.9.9:4000"})
    assert router.server_of("acme") == "http://10.9.9.9:4000"
    assert router.moved(["acme"], ADDRESSES[:1]) == {}


def test_settings_of_a_tenant() -> None:
    base = InnerUniverseConfig(timeout_ms=5, token="secret")
    config = TenantRouter(base, ["https://db.test:443"], prefix="shop").config_of("Größe & Co.")
    assert (config.url, config.timeout_ms, config.token) == ("https://db.test:443", 5, "secret")
    assert config.database.startswith("shop-gr-e-co-")
    config.validate()
    config.features["enable_caching"] = False
    assert base.feature("enable_caching")


@given(st.lists(st.text(max_size=60), unique=True, max_size=20))
def test_names_of_databases_are_valid_and_differ(tenants: list[str]) -> None:
    router = TenantRouter(InnerUniverseConfig())
    for tenant in tenants:
        router.config_of(tenant).validate()
    assert len({router.database_of(tenant) for tenant in tenants}) == len(tenants)


def test_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        TenantRouter(InnerUniverseConfig(), ["10.0.0.1:3000"], prefix="a_b", pinned={"x": "http://h:port"})
    assert str(caught.value) == (
        "3 problems in the router:\n"
        "- '10.0.0.1:3000' is no address of a server; it has to be like http://127.0.0.1:3000\n"
        "- 'http://h:port' is no address of a server; it has to be like http://127.0.0.1:3000\n"
        "- prefix 'a_b' has to be of lowercase letters and digits, with single dashes between"
    )
    with pytest.raises(ValidationError, match=r"^there is no server$"):
        TenantRouter(InnerUniverseConfig(), [])


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, str]]:
    with EmbeddedHost() as one, EmbeddedHost() as other:
        yield one.url, other.url


async def owned(servers: tuple[str, str]) -> TenantRouter:
    """A router with a token of each server."""
    tokens = {}
    for server in servers:
        async with HttpApi(server) as api:
            tokens[server] = (await api.new_identity()).token
    return TenantRouter(InnerUniverseConfig(retry_attempts=0), servers, tokens=tokens)


@pytest.mark.asyncio
async def test_tenants_do_not_see_each_other(servers: tuple[str, str]) -> None:
    async with await owned(servers) as router:
        assert {router.server_of("acme"), router.server_of("bell")} <= set(servers)
        await asyncio.gather(router.create("acme"), router.create("bell"))
        acme, again, bell = await asyncio.gather(router.client("acme"), router.client("acme"), router.client("bell"))
        assert acme is again
        id_ = await acme.create_entity("Person", {"name": "Ada"})
        assert await bell.query_entities() == []
        await router.create("acme")
        assert (await acme.get_entity(id_))["id"] == id_


@pytest.mark.asyncio
async def test_a_client_whose_connection_was_lost_is_connected_again(servers: tuple[str, str]) -> None:
    async with await owned(servers) as router:
        await router.create("lost")
        client = await router.client("lost")
        await client.connection.close()
        assert await router.client("lost") is client
        assert client.is_connected


@pytest.mark.asyncio
async def test_a_tenant_that_is_removed_is_gone(servers: tuple[str, str]) -> None:
    async with await owned(servers) as router:
        await router.create("gone")
        client = await router.client("gone")
        await router.remove("gone")
        assert not client.is_connected
        with pytest.raises(errors.ConnectionError) as caught:
            await router.client("gone")
        name, server = router.database_of("gone"), router.server_of("gone")
        assert str(caught.value) == f"there is no database {name!r} at {server}; deploy the module first"
        await router.remove("gone")


@pytest.mark.asyncio
async def test_a_database_without_an_owner_is_refused() -> None:
    router = TenantRouter(InnerUniverseConfig(), ADDRESSES[:1])
    with pytest.raises(ValidationError) as caught:
        await router.create("acme")
    assert str(caught.value) == (
        "the database of tenant 'acme' needs an owner: give a token that you keep, in InnerUniverseConfig(token=...) or "
        "TenantRouter(tokens={'http://10.0.0.1:3000': ...})"
    )


@pytest.mark.asyncio
async def test_the_token_of_another_server_is_refused(servers: tuple[str, str]) -> None:
    async with HttpApi(servers[0]) as api:
        token = (await api.new_identity()).token
    router = TenantRouter(InnerUniverseConfig(token=token, retry_attempts=0), servers[1:])
    with pytest.raises(DeploymentError):
        await router.create("acme")
    with pytest.raises(errors.ConnectionError, match=r"^the database of tenant 'acme' cannot be deleted: "):
        await router.remove("acme")
