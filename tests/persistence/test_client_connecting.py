"""The client before and after it is connected: whom it does not reach, and what its end takes with it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from persistence.doubles import FakeConnection

from pytest_inner_universe.persistence import InnerUniverseClient, InnerUniverseConfig, errors, network

pytestmark = pytest.mark.asyncio


async def test_a_new_client_has_nothing_yet() -> None:
    config = InnerUniverseConfig(database="mine")
    client = InnerUniverseClient(config)
    assert client.config is config
    assert (client.is_connected, client.subscriptions, client.logger.name) == (False, [], "inner_universe")
    for fact in ("connection", "identity"):
        with pytest.raises(errors.NotConnectedError) as caught:
            getattr(client, fact)
        assert str(caught.value) == f"{fact}: not connected; await connect() first"
    assert InnerUniverseClient().config == InnerUniverseConfig()


async def test_connecting_where_nobody_answers(caplog: pytest.LogCaptureFixture) -> None:
    client = InnerUniverseClient(InnerUniverseConfig(port=1, retry_attempts=0))
    with pytest.raises(errors.ConnectionError) as caught:
        await client.connect_or_raise()
    text = "connect: no server could be reached at http://127.0.0.1:1: Connection refused"
    assert str(caught.value) == text
    with caplog.at_level(logging.INFO, "inner_universe"):
        assert await client.connect() is False
    target = "database 'inner-universe' at http://127.0.0.1:1"
    assert caplog.messages == [f"connecting to {target}", f"cannot connect to {target}: {text}"]


async def test_a_wrong_configuration_is_found_before_connecting() -> None:
    with pytest.raises(errors.ValidationError) as caught:
        await InnerUniverseClient(InnerUniverseConfig(port=70_000)).connect_or_raise()
    assert str(caught.value) == "port must be a whole number from 0 to 65535, not 70000"


async def test_disconnect_ends_what_there_is_and_is_harmless_twice(
    client: InnerUniverseClient, connection: FakeConnection, caplog: pytest.LogCaptureFixture
) -> None:
    token = await client.subscribe_entity_changes(print)
    assert await client.connect() is True
    assert repr(client) == "<InnerUniverseClient 'inner-universe' connected>"
    with caplog.at_level(logging.INFO, "inner_universe"):
        await client.disconnect()
        await client.disconnect()
    assert caplog.messages == ["disconnected from database 'inner-universe' at http://127.0.0.1:3000"]
    assert (connection.is_open, connection.subscriptions, token.is_active) == (False, [], False)
    assert repr(client) == "<InnerUniverseClient 'inner-universe' not connected>"
    await InnerUniverseClient().disconnect()


async def test_clients_make_uuids_by_default(connection: FakeConnection) -> None:
    client = InnerUniverseClient.over(connection)
    first, second = [await client.create_entity("P", {}) for _ in range(2)]
    assert len(first) == len(second) == 36
    assert first != second


class SilentTransport:
    """Opens a link on which nobody ever answers."""

    definition = object()

    def __repr__(self) -> str:
        return "silence"

    async def open(self, receiver: Any) -> Any:
        return self

    def send(self, message: Any) -> None:
        pass

    async def close(self) -> None:
        pass


async def test_a_server_that_never_answers(caplog: pytest.LogCaptureFixture) -> None:
    silent: Any = SilentTransport()
    client = InnerUniverseClient(InnerUniverseConfig(connect_timeout_ms=10), transport=silent)
    assert await client.connect() is False
    assert caplog.messages == ["cannot connect to database 'inner-universe' at silence: no answer within 10 ms"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_transport_without_definition() -> None:
    silent: Any = SilentTransport()
    silent.definition = None
    with pytest.raises(errors.ConnectionError) as caught:
        await InnerUniverseClient(transport=silent).connect_or_raise()
    assert str(caught.value) == (
        "silence does not know the module's definition; give InnerUniverseClient(definition=...)"
    )


async def test_several_that_connect_at_once_get_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[FakeConnection] = []

    async def connect(*_: Any) -> FakeConnection:
        await asyncio.sleep(0)
        opened.append(FakeConnection())
        return opened[-1]

    monkeypatch.setattr(network, "connect", connect)
    client = InnerUniverseClient()
    await asyncio.gather(*(client.connect_or_raise() for _ in range(3)))
    assert [one.is_open for one in opened] == [True]
    await client.disconnect()
    assert [one.is_open for one in opened] == [False]
