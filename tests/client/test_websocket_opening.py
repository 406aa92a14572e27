"""Opening connections over WebSocket: what is asked for, who is trusted, and how a server refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support import certificates
from support.fake_server import SOMEBODY
from support.fake_websocket import Peer, serving
from support.sockets import refusing_port
from support.websocket_peers import behave, opened

from pytest_inner_universe.client import (
    ConnectionRejected,
    RequestTimeout,
    ServerUnreachable,
    WebSocketTransport,
)
from pytest_inner_universe.wire.frames import Compression
from pytest_inner_universe.wire.versions import V2, V3, WireVersion

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(autouse=True)
async def nothing_is_left() -> Any:
    """No test leaves a task behind."""
    yield
    assert asyncio.all_tasks() <= {asyncio.current_task()}


class TestConnecting:
    async def test_what_is_asked_for(self) -> None:
        peers: list[Peer] = []

        async def conduct(peer: Peer) -> None:
            peers.append(peer)
            await behave(peer)

        async with serving(conduct) as url:
            every: list[dict[str, Any]] = [{}, {"token": "secret", "compression": Compression.GZIP, "confirmed": False}]
            for options in every:
                async with await opened(f"{url}/", **options) as connection:
                    assert connection.identity == SOMEBODY
        first, second = peers
        assert first.path.split("?")[0] == "/v1/database/db/subscribe"
        assert (first.parameters, second.parameters) == (
            {"compression": "None"},
            {"compression": "Gzip", "confirmed": "false"},
        )
        assert first.offered == ["v3.bsatn.spacetimedb", "v2.bsatn.spacetimedb", "v1.bsatn.spacetimedb"]
        assert ("authorization" in first.headers, second.headers["authorization"]) == (False, "Bearer secret")
        assert "sec-websocket-extensions" not in first.headers

    @pytest.mark.parametrize("version", [V2, V3])
    @pytest.mark.parametrize("compression", list(Compression))
    async def test_whatever_the_server_picks(self, version: WireVersion, compression: Compression) -> None:
        async with serving(lambda peer: behave(peer, version, compression)) as url, await opened(url) as connection:
            subscription = await connection.subscribe("a")
            assert len(subscription.rows("item")) == 100
            await connection.call("remove_item", 1)
            assert await connection.query("x") == [{"id": 1, "name": "one"}]

    @pytest.mark.parametrize(
        ("status", "body", "text"),
        [
            ("401 Unauthorized", b"TokenError", "the server refused the connection with status 401: TokenError"),
            ("401 Unauthorized", b"", "the server refused the connection with status 401: the token is not accepted"),
            ("404 Not Found", b"", "the server refused the connection with status 404: there is no such database"),
            ("404 Not Found", b"`db` not found", "the server refused the connection with status 404: `db` not found"),
            (
                "400 Bad Request",
                b"no valid protocol selected",
                "the server refused the connection with status 400: no valid protocol selected",
            ),
            (
                "500 Oh",
                b"",
                "the server refused the connection with status 500 without giving a reason",
            ),
        ],
    )
    async def test_a_refusal_has_the_servers_words(self, status: str, body: bytes, text: str) -> None:
        async def refuse(peer: Peer) -> None:
            peer.answer(status, body)

        async with serving(refuse) as url:
            with pytest.raises(ConnectionRejected) as caught:
                await opened(url)
        assert str(caught.value) == text
        assert caught.value.status == int(status[:3])

    async def test_a_server_that_drops_the_client_at_once_has_refused(self) -> None:
        async def drop(peer: Peer) -> None:
            peer.accept()
            await peer.writer.drain()

        async with serving(drop) as url:
            with pytest.raises(ConnectionRejected) as caught:
                await opened(url)
        assert str(caught.value) == (
            "the server refused the connection: it dropped the connection before its first message, as servers do when "
            "the module's connect hook refuses a client"
        )

    async def test_a_close_instead_of_the_first_message_is_a_refusal_too(self) -> None:
        async def close(peer: Peer) -> None:
            peer.accept()
            peer.close(4000, "session busy")
            await peer.read_frame()

        async with serving(close) as url:
            with pytest.raises(ConnectionRejected) as caught:
                await opened(url)
        assert str(caught.value) == "the server refused the connection (code 4000): session busy"

    async def test_a_server_that_picks_no_protocol(self) -> None:
        async def conduct(peer: Peer) -> None:
            peer.accept(None)
            await peer.writer.drain()

        async with serving(conduct) as url:
            with pytest.raises(ConnectionRejected) as caught:
                await opened(url, protocols=[V2.subprotocol])
        assert caught.value.reason == "it picked none of the protocols v2.bsatn.spacetimedb"

    async def test_something_that_speaks_no_http(self) -> None:
        async def babble(peer: Peer) -> None:
            peer.writer.write(b"220 mail.example ESMTP\r\n\r\n")

        async with serving(babble) as url:
            with pytest.raises(ServerUnreachable) as caught:
                await opened(url)
        assert caught.value.url == url
        assert caught.value.reason.startswith("what answers is no server: ")

    async def test_a_server_that_does_not_answer(self) -> None:
        async def wait(peer: Peer) -> None:
            await asyncio.Event().wait()

        async with serving(wait) as url:
            with pytest.raises(RequestTimeout) as caught:
                await opened(url, connect_timeout=0.02)
            assert str(caught.value) == f"the connection to {url} did not come within 0.02 s"

    async def test_a_server_that_takes_the_connection_and_is_silent(self) -> None:
        async def conduct(peer: Peer) -> None:
            peer.accept()
            await peer.hear()

        async with serving(conduct) as url:
            with pytest.raises(ConnectionRejected) as caught:
                await opened(url, timeout=None, connect_timeout=1.0)
        assert caught.value.reason == "it took the connection but said nothing for 1 s"

    async def test_nobody_there(self) -> None:
        with refusing_port() as port, pytest.raises(ServerUnreachable) as caught:
            await opened(f"http://127.0.0.1:{port}")
        assert caught.value.reason == "Connection refused"
        with pytest.raises(ServerUnreachable) as caught:
            await opened("gibberish")
        assert str(caught.value) == (
            "no server could be reached at gibberish: it is no address, which looks like http://127.0.0.1:3000"
        )

    async def test_cancelling_leaves_nothing_behind(self) -> None:
        reached, gone = asyncio.Event(), asyncio.Event()

        async def wait(peer: Peer) -> None:
            reached.set()
            assert await peer.reader.read() == b""
            gone.set()

        async with serving(wait) as url:
            opening = asyncio.create_task(opened(url))
            await reached.wait()
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            await gone.wait()

    async def test_protocols_are_checked(self) -> None:
        for protocols, text in (
            (
                ["v9"],
                "unknown protocol 'v9', there are v3.bsatn.spacetimedb, v2.bsatn.spacetimedb, v1.bsatn.spacetimedb, v1.json.spacetimedb",
            ),
            (["v1.json.spacetimedb"], "v1.json.spacetimedb cannot be spoken without the module's definition"),
            ([], "at least one protocol has to be offered"),
        ):
            with pytest.raises(ValueError) as caught:
                WebSocketTransport("http://x", "db", protocols=protocols)
            assert str(caught.value) == text
        assert repr(WebSocketTransport("http://x", "db", "secret")) == "<WebSocketTransport to db at http://x>"


class TestTrust:
    @pytest.fixture(scope="class")
    @staticmethod
    def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
        return certificates.make(tmp_path_factory.mktemp("tls"))

    async def test_a_file_with_the_authority(self, authority: tuple[Path, Any]) -> None:
        trusted, context = authority
        async with serving(behave, context) as url, await opened(url, ssl=trusted) as connection:
            assert await connection.query("x") == [{"id": 1, "name": "one"}]

    async def test_an_authority_that_nobody_knows(self, authority: tuple[Path, Any]) -> None:
        async with serving(behave, authority[1]) as url:
            with pytest.raises(ServerUnreachable) as caught:
                await opened(url)
        assert caught.value.reason == "its certificate is not trusted: unable to get local issuer certificate"

    async def test_a_certificate_for_somebody_else(self, tmp_path: Path) -> None:
        trusted, context = certificates.make(tmp_path, "127.0.0.2")
        async with serving(behave, context) as url:
            with pytest.raises(ServerUnreachable) as caught:
                await opened(url, ssl=trusted)
        assert caught.value.reason == (
            "its certificate is not trusted: IP address mismatch, certificate is not valid for '127.0.0.1'."
        )

    async def test_files_that_are_none(self, tmp_path: Path) -> None:
        missing, empty = tmp_path / "no.pem", tmp_path / "empty.pem"
        empty.touch()
        for path, why in ((missing, "No such file or directory"), (empty, "there is no certificate in it")):
            with pytest.raises(ValueError) as caught:
                WebSocketTransport("https://127.0.0.1:1", "db", ssl=path)
            assert str(caught.value) == f"{str(path)!r} names no authorities to trust: {why}"
