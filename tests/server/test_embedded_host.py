"""The embedded server as a server of its own."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pytest_inner_universe.client.http import HttpApi
from pytest_inner_universe.server.embedded_host import EmbeddedHost
from pytest_inner_universe.server.errors import CannotListen, ServerGone
from pytest_inner_universe.server.readiness import ping

MODULE = Path(__file__).resolve().parents[2] / "fixtures" / "modules" / "every_type_1_4.wasm"


@pytest.mark.asyncio
async def test_modules_are_published_to_it_as_to_a_real_server() -> None:
    with EmbeddedHost() as server:
        assert server.is_running
        assert server.start() is server
        async with HttpApi(server.url) as api:
            assert (await api.publish(MODULE.read_bytes(), "game")).created
            assert "person" in (await api.schema("game")).tables


def test_stopping_twice_is_harmless_and_it_says_that_it_is_gone() -> None:
    server = EmbeddedHost()
    url = server.start().url
    server.stop()
    server.stop()
    assert ping(url) is not None
    assert (server.is_running, server.log_tail(5)) == (False, [])
    with pytest.raises(ServerGone) as caught:
        _ = server.url
    assert caught.value.reason == "it was not started or was stopped"


def test_it_is_reached_on_this_machine_where_it_listens_everywhere() -> None:
    with EmbeddedHost(host="0.0.0.0") as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert ping(server.url) is None


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(CannotListen) as caught:
            EmbeddedHost(port=port).start()
    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1:{port}: Address already in use\n  port 0 takes any free one"
    )
