"""Clients over the network: to the embedded server on a socket, and to addresses where nothing or too little is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from support import certificates
from support.sockets import unused_port

from pytest_inner_universe.persistence import ConnectionError as NoConnection
from pytest_inner_universe.persistence import (
    InnerUniverseClient,
    InnerUniverseConfig,
    Message,
    PersistenceError,
    PersistenceManager,
)
from pytest_inner_universe.persistence.bundled import bundled_module_path
from pytest_inner_universe.persistence.network import http_api, why_no_answer
from pytest_inner_universe.server.embedded_host import EmbeddedHost

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedHost]:
    with EmbeddedHost() as server:
        asyncio.run(publish(server.url))
        yield server


async def publish(url: str) -> None:
    async with http_api(config_at(url)) as api:
        await api.publish(bundled_module_path().read_bytes(), "inner-universe")


def config_at(url: str) -> InnerUniverseConfig:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return InnerUniverseConfig(address=parts.hostname, port=parts.port, scheme=parts.scheme, retry_attempts=0)


@pytest.fixture
def config(server: EmbeddedHost) -> InnerUniverseConfig:
    return config_at(server.url)


async def test_clients_find_the_module_and_see_each_others_rows(config: InnerUniverseConfig) -> None:
    async with InnerUniverseClient(config) as one, InnerUniverseClient(config) as other:
        assert one.identity != other.identity
        id_ = await one.create_entity("Person", {"name": "Ada"})
        assert (await other.get_entity(id_))["metadata"]["name"] == "Ada"
        assert await other.delete_entity(id_)


async def test_a_manager_over_the_network(config: InnerUniverseConfig) -> None:
    async with PersistenceManager(config) as manager:
        heard: asyncio.Queue[Message] = asyncio.Queue()
        assert manager.event_bus is not None
        manager.event_bus.register_handler("USER_ACTION", heard.put_nowait)
        id_ = await manager.publish_event("USER_ACTION", {"action": "login"}, source="web")
        assert (await heard.get()).id == id_
    assert not manager.is_initialized()


async def test_a_database_that_is_not_there(config: InnerUniverseConfig) -> None:
    with pytest.raises(NoConnection) as caught:
        await InnerUniverseClient(replace(config, database="other")).connect_or_raise()
    assert str(caught.value) == f"there is no database 'other' at {config.url}; deploy the module first"


async def test_a_token_that_is_none(config: InnerUniverseConfig) -> None:
    with pytest.raises(NoConnection) as caught:
        await InnerUniverseClient(replace(config, token="very-secret")).connect_or_raise()
    assert "token" in str(caught.value)
    assert "very-secret" not in str(caught.value)


async def test_a_token_is_in_no_log_and_no_error(config: InnerUniverseConfig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with http_api(config) as api:
        token = (await api.new_identity()).token
    known = replace(config, token=token)
    shown: list[object] = [known]

    async def fails(doing: Awaitable[object]) -> None:
        with pytest.raises(PersistenceError) as caught:
            await doing
        shown.extend((caught.value, "".join(traceback.format_exception(caught.value))))

    async with InnerUniverseClient(known) as client:
        shown.extend((client, client.connection))
        await client.create_entity("Person", {"name": "Ada"})
        await fails(client.truncate_all())
        await fails(client.get_entity("nobody"))
    await fails(client.get_entity("nobody"))
    for wrong in ({"database": "other"}, {"port": 1}, {"token": token[:-9]}, {"token": f"{token}\n"}):
        await fails(InnerUniverseClient(replace(known, **wrong)).connect_or_raise())
    secret = token.split(".")[1]
    assert secret not in "\n".join(f"{one} {one!r}" for one in shown)
    assert secret not in caplog.text


async def test_it_is_tried_again_until_the_server_is_there(config: InnerUniverseConfig) -> None:
    port = unused_port()
    patient = replace(config, port=port, retry_attempts=1000, retry_delay_ms=1)
    connecting = asyncio.ensure_future(InnerUniverseClient(patient).connect_or_raise())
    await asyncio.sleep(0)
    with EmbeddedHost(port=port) as late:
        with pytest.raises(NoConnection) as caught:
            await connecting
        assert str(caught.value) == f"there is no database 'inner-universe' at {late.url}; deploy the module first"


async def test_a_server_that_never_answers(config: InnerUniverseConfig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = replace(config, port=silent.getsockname()[1], connect_timeout_ms=50)
        with pytest.raises(NoConnection) as caught:
            await InnerUniverseClient(mute).connect_or_raise()
    assert str(caught.value) == f"no answer from {mute.url} within 50 ms"


@asynccontextmanager
async def tls_in_front_of(server: EmbeddedHost, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Run a proxy that adds TLS to the server, and give its port."""
    target = urlsplit(server.url)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(pump(reader, upstream[1]), pump(upstream[0], writer))

    listening = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
    yield listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()


@pytest_asyncio.fixture
async def proxy(server: EmbeddedHost, tmp_path: Path) -> AsyncIterator[tuple[int, Path]]:
    """A proxy that adds TLS to the server, and the file with the authority that certified it."""
    authority, context = certificates.make(tmp_path)
    async with tls_in_front_of(server, context) as port:
        yield port, authority


async def test_tls_with_an_authority_of_ones_own(config: InnerUniverseConfig, proxy: tuple[int, Path]) -> None:
    port, authority = proxy
    secure = replace(config, port=port, scheme="https", ca_file=str(authority))
    assert await why_no_answer(secure) is None
    async with InnerUniverseClient(secure) as client:
        id_ = await client.create_entity("Person", {})
        assert (await client.get_entity(id_))["id"] == id_


async def test_a_certificate_of_an_unknown_authority(config: InnerUniverseConfig, proxy: tuple[int, Path]) -> None:
    port, _ = proxy
    with pytest.raises(NoConnection) as caught:
        await InnerUniverseClient(replace(config, port=port, scheme="https")).connect_or_raise()
    assert "certificate" in str(caught.value).lower()


async def test_a_certificate_for_another_address(
    server: EmbeddedHost, config: InnerUniverseConfig, tmp_path: Path
) -> None:
    authority, context = certificates.make(tmp_path, "127.0.0.9")
    async with tls_in_front_of(server, context) as port:
        secure = replace(config, port=port, scheme="https", ca_file=str(authority))
        with pytest.raises(NoConnection) as caught:
            await InnerUniverseClient(secure).connect_or_raise()
    assert "not valid for '127.0.0.1'" in str(caught.value)


async def test_an_authority_that_is_not_there(config: InnerUniverseConfig, tmp_path: Path) -> None:
    missing = replace(config, scheme="https", ca_file=str(tmp_path / "nothing.pem"))
    assert await why_no_answer(missing) is not None
    with pytest.raises(NoConnection) as caught:
        await InnerUniverseClient(missing).connect_or_raise()
    assert str(tmp_path / "nothing.pem") in str(caught.value)
