"""The routes of identities and of the service itself."""

from __future__ import annotations

from aiohttp import web

from ...sats import Identity
from ..tokens import SHORT_LIVED
from .site import Refused, credentials_of, json_response, site_of


async def ping(_: web.Request) -> web.Response:
    """Say that the server is there."""
    return web.Response()


async def health(request: web.Request) -> web.Response:
    """Say what the server is."""
    version = site_of(request).registry.release.version
    about = {"package_name": "spacetimedb-client-api", "schedulable": True, "version": version}
    return json_response({"nodes": [0], **about})


async def new_identity(request: web.Request) -> web.Response:
    """Make up a new identity, with a token that lasts."""
    made = site_of(request).authority.mint()
    return json_response({"identity": made.identity.hex(), "token": made.token})


async def public_key(request: web.Request) -> web.Response:
    """Return the key that checks tokens."""
    text = site_of(request).authority.public_key
    return web.Response(body=text.encode(), headers={"Content-Type": "application/pem-certificate-chain"})


async def websocket_token(request: web.Request) -> web.Response:
    """Make a short-lived token for the one who asks, fit to stand in an address."""
    credentials = credentials_of(request)
    made = site_of(request).authority.renew(credentials, SHORT_LIVED)
    return json_response({"token": made.token})


async def verify(request: web.Request) -> web.Response:
    """Say whether a token is that of an identity."""
    matches = credentials_of(request).identity == _identity(request)
    return web.Response(status=204 if matches else 400)


async def databases(request: web.Request) -> web.Response:
    """List the databases of an identity."""
    owned = site_of(request).registry.owned_by(_identity(request))
    return json_response({"identities": [identity.hex() for identity in owned]})


def _identity(request: web.Request) -> Identity:
    text = request.match_info["identity"]
    try:
        found: Identity = Identity.from_hex(text)
    except ValueError:
        raise Refused(400, "Invalid URL: an identity has 64 hexadecimal digits") from None
    return found
