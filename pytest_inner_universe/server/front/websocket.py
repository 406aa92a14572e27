"""The route by which clients subscribe: from the request to the upgrade."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import WSCloseCode, web

from ...engine.clients import MODULE_EXITED
from ...engine.store.system_tables import SYSTEM_TABLES
from ...sats import ConnectionId
from ...wire.errors import BadParameter
from ...wire.negotiation import NO_VALID_PROTOCOL, choose, parse_options
from ...wire.schema import Schema
from ...wire.session import ServerSession
from ..errors import NoSuchDatabase
from .faults import Ending
from .site import SITE, Refused, credentials_of, entry_of, site_of
from .socket import Socket

if TYPE_CHECKING:
    from ...engine.database import Database
    from ...wire.negotiation import ConnectionOptions
    from .entry import Entry

_UPGRADE_WANTED = "This service requires use of the websocket protocol"


class _Upgraded(web.WebSocketResponse):
    """A connection that ends without a word where a message is too large, as on a server; aiohttp would say why.

    Args:
        request: What it begins with.
        close_timeout: Seconds that a client has to answer when it is closed.
        subprotocol: What is spoken.
        largest: Bytes of a message.
    """

    def __init__(self, request: web.Request, close_timeout: float, subprotocol: str, largest: int) -> None:
        super().__init__(
            timeout=close_timeout,
            autoping=False,
            protocols=(subprotocol,),
            compress=False,
            max_msg_size=largest + 1,  # the first size that is refused
        )
        self._transport_below = request.transport

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True) -> bool:
        """Close the connection; see the base class."""
        if code == WSCloseCode.MESSAGE_TOO_BIG and self._transport_below is not None:
            self._transport_below.abort()
            return False
        return await super().close(code=code, message=message, drain=drain)


async def subscribe(request: web.Request) -> web.StreamResponse:
    """Upgrade to a WebSocket and serve it until it ends."""
    site, credentials = site_of(request), credentials_of(request)
    options = _options(request)
    _check_upgrade(request)
    entry = _entry(request)
    release = site.registry.release
    version = choose(request.headers.get("Sec-WebSocket-Protocol", ""), release.subprotocols)
    if version is None:
        raise Refused(400, NO_VALID_PROTOCOL)
    response = _Upgraded(request, site.limits.close_timeout, version.subprotocol, site.limits.message)
    schema = _schema(entry.database)
    session = ServerSession(
        version, options.compression, schema=schema, light=options.light, manners=release.first_protocol
    )
    await response.prepare(request)
    socket = Socket(entry, session, response, request, site.limits)
    site.sockets.add(socket)
    try:
        await socket.serve(credentials, options.connection_id or ConnectionId.random())
    finally:
        site.sockets.discard(socket)
    return response


async def end_all(app: web.Application) -> None:
    """Disconnect every client, as a server does that stops."""
    app[SITE].is_ending = True
    for socket in list(app[SITE].sockets):
        socket.end(Ending(*MODULE_EXITED))


def _options(request: web.Request) -> ConnectionOptions:
    try:
        return parse_options(request.query)
    except BadParameter as error:
        raise Refused(400, error.reason) from None


def _check_upgrade(request: web.Request) -> None:
    headers = request.headers
    tokens = {token.strip().lower() for token in headers.get("Connection", "").split(",")}
    if "upgrade" not in tokens or headers.get("Upgrade", "").strip().lower() != "websocket":
        raise Refused(426, _UPGRADE_WANTED)
    if headers.get("Sec-WebSocket-Version") != "13":
        raise Refused(400, "`Sec-WebSocket-Version` header did not include `13`")
    if "Sec-WebSocket-Key" not in headers:
        raise Refused(400, "`Sec-WebSocket-Key` header missing")
    if not headers["Sec-WebSocket-Key"].isascii():
        raise web.HTTPBadRequest  # as for other keys that are no Base64, of which the library itself says so


def _entry(request: web.Request) -> Entry:
    try:
        return entry_of(request)
    except NoSuchDatabase as error:
        if error.was_there and site_of(request).registry.release.looks_late:
            # A server asks who may see a database before it looks whether there is one, and trips over the answer.
            raise Refused(500, "Internal error: No such database.") from None
        raise


def _schema(database: Database) -> Schema:
    """Return what the first protocol tells about tables."""

    def number(name: str) -> int:
        try:
            return database.datastore.table(name).id
        except KeyError:
            return 0

    return Schema(database.module.definition, number, {table.name: table for table in SYSTEM_TABLES.values()})
