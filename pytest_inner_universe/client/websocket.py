"""The transport over WebSocket, to any server since 1.0."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from ..wire.frames import UNPACKED_LIMIT, Compression
from ..wire.versions import V1, V2, V3, VERSIONS
from .errors import ConnectionRejected, RequestTimeout, ServerUnreachable
from .http_requests import NO_ADDRESS, database_path, told
from .tls import trusted
from .websocket_link import WebSocketLink

if TYPE_CHECKING:
    import ssl as tls
    from os import PathLike

    import aiohttp

    from ..sats.definition import ModuleDef
    from .link import Link, Receiver

PROTOCOLS: Final = (V3.subprotocol, V2.subprotocol, V1.subprotocol)
"""What is offered, best first; the server picks."""

_LONGEST_REFUSAL = 4096
_CLOSE_SECONDS = 1.0
_SCHEMES = {"http": "ws", "https": "wss"}
_REFUSALS = {401: "the token is not accepted", 404: "there is no such database"}


class WebSocketTransport:
    """A way to a database on a server.

    Args:
        url: Address of the server, as ``http://127.0.0.1:3000``.
        database: Name or identity of the database.
        token: Who connects; None for somebody new.
        protocols: Subprotocols to offer, best first. The one in JSON needs the definition.
        compression: How the server packs large messages.
        confirmed: Whether to hear of transactions only when they are durable; None for the server's own way.
        definition: What the module declares; needed by ``v1.json.spacetimedb`` only.
        ssl: For ``https``: a context, or the path of a file with the authorities to trust; None for the system's own.
        connect_timeout: The most seconds until the server has taken the connection, and again until its first message.
        silence: After how many seconds without a word the server is asked for a sign of life; half as long it may take to give
            one. None for never.
        limit: The most bytes that a message of the server may have, packed or not.

    Raises:
        ValueError: A protocol is not known, the JSON one is offered without definition, or the file with authorities is none.

    Example:
        >>> transport = WebSocketTransport("http://127.0.0.1:3000", "my-game")  # doctest: +SKIP
        >>> async with await Connection.open(transport, definition) as connection:  # doctest: +SKIP
        ...     await connection.call("add_person", "Ada", 1, 36)
    """

    def __init__(
        self,
        url: str,
        database: str,
        token: str | None = None,
        *,
        protocols: Iterable[str] = PROTOCOLS,
        compression: Compression = Compression.NONE,
        confirmed: bool | None = None,
        definition: ModuleDef | None = None,
        ssl: tls.SSLContext | str | PathLike[str] | None = None,
        connect_timeout: float | None = 10.0,
        silence: float | None = 15.0,
        limit: int = UNPACKED_LIMIT,
    ) -> None:
        self.url = url.rstrip("/")
        self.database = database
        self.token = token
        self.protocols = tuple(protocols)
        for protocol in self.protocols:
            if protocol not in VERSIONS:
                raise ValueError(f"unknown protocol {protocol!r}, there are {', '.join(VERSIONS)}")
            if protocol.startswith("v1.json") and definition is None:
                raise ValueError(f"{protocol} cannot be spoken without the module's definition")
        if not self.protocols:
            raise ValueError("at least one protocol has to be offered")
        self.compression = compression
        self._confirmed = confirmed
        self._definition = definition
        self._ssl = trusted(ssl)
        self._connect_timeout = connect_timeout
        self._silence = silence
        self._limit = limit

    def known_as(self, token: str) -> WebSocketTransport:
        """Return the same way for whom the server has given a token to; who has brought one keeps it."""
        if self.token is not None:
            return self
        found = object.__new__(type(self))
        found.__dict__.update(self.__dict__, token=token)
        return found

    def __repr__(self) -> str:
        return f"<WebSocketTransport to {self.database} at {self.url}>"

    async def open(self, receiver: Receiver) -> Link:
        """Connect; see `Transport.open`.

        Raises:
            ConnectionRejected: The server turned the client away.
            ServerUnreachable: No server answers.
            RequestTimeout: It took too long.
        """
        import aiohttp

        refusal: list[str] = []
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._ssl, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[_keep_refusal(refusal)],
        )
        try:
            socket = await asyncio.wait_for(self._connect(session), self._connect_timeout)
            version = VERSIONS.get(socket.protocol or "")
            if version is None:
                await socket.close()
                raise ConnectionRejected(f"it picked none of the protocols {', '.join(self.protocols)}")
            from ..wire.schema import Schema

            schema = None if self._definition is None else Schema(self._definition)
            return WebSocketLink(
                socket, session, version.for_client(schema), receiver, self._limit, self._connect_timeout, version is V3
            )
        except BaseException as error:
            await session.close()
            translated = self._translated(error, refusal)
            if translated is not None:
                raise translated from error
            raise

    async def _connect(self, session: aiohttp.ClientSession) -> Any:  # its type has parameters in some releases
        import aiohttp
        from yarl import URL

        parameters = {"compression": self.compression.parameter}
        if self._confirmed is not None:
            parameters["confirmed"] = str(self._confirmed).lower()
        url = URL(f"{self.url}{database_path(self.database)}/subscribe", encoded=True).with_query(parameters)
        return await session.ws_connect(
            url.with_scheme(_SCHEMES.get(url.scheme, url.scheme)),
            protocols=self.protocols,
            headers={} if self.token is None else {"Authorization": f"Bearer {self.token}"},
            heartbeat=self._silence,
            max_msg_size=self._limit,
            timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),  # pyright: ignore[reportCallIssue]  # made by attrs
        )

    def _translated(self, error: BaseException, refusal: list[str]) -> Exception | None:
        import aiohttp

        if isinstance(error, asyncio.TimeoutError):
            return RequestTimeout(f"the connection to {self.url}", self._connect_timeout or 0)
        if isinstance(error, aiohttp.WSServerHandshakeError):
            if error.status == 101:
                return ConnectionRejected(f"it does not speak WebSocket as it should: {error.message}")
            text = "".join(refusal).strip() or _REFUSALS.get(error.status, "")
            return ConnectionRejected(text, status=error.status)
        if isinstance(error, aiohttp.ClientResponseError):
            return ServerUnreachable(self.url, f"what answers is no server: {error.message or error}")
        if isinstance(error, (aiohttp.ClientError, OSError)):
            if isinstance(error, aiohttp.InvalidURL):
                return ServerUnreachable(self.url, NO_ADDRESS)
            return ServerUnreachable(self.url, told(error))
        return ServerUnreachable(self.url, NO_ADDRESS) if isinstance(error, ValueError) else None


def _keep_refusal(refusal: list[str]) -> aiohttp.TraceConfig:
    """Return what keeps the text of an answer that is no upgrade, which is gone when the error is raised."""
    import aiohttp

    async def keep(_session: Any, _context: Any, done: aiohttp.TraceRequestEndParams) -> None:
        if done.response.status != 101:
            refusal.append((await done.response.content.read(_LONGEST_REFUSAL)).decode("utf-8", "replace"))

    config = aiohttp.TraceConfig()
    config.on_request_end.append(keep)
    return config
