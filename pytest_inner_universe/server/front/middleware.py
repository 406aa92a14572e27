"""What happens to every request: who sent it, what goes wrong, what browsers want to read in the answer."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from ...engine.errors import EngineError
from ..errors import ServerError
from ..tokens import Credentials
from .refusals import answer_to
from .site import CREDENTIALS, Refused, request_key, site_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOG = logging.getLogger(__name__)
_KNOWN = request_key("known")
_ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "*",
    "Access-Control-Allow-Headers": "authorization,accept,content-type",
}
_OPEN_TO_ALL = ("/v1/identity", "/v1/ping")
"""Routes that take a token and do without one; the others make somebody up or do not look."""


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors into the statuses and texts of a server."""
    try:
        return await handler(request)
    except Refused as error:
        return web.Response(status=error.status, text=error.text, content_type=error.content_type)
    except web.HTTPRequestEntityTooLarge:
        return web.Response(status=413, text="Failed to buffer the request body: length limit exceeded")
    except web.HTTPMethodNotAllowed as error:
        return web.Response(status=405, headers={"Allow": ",".join(sorted(error.allowed_methods))})
    except web.HTTPException as error:
        return web.Response(status=error.status)
    except ConnectionError:
        return web.Response()  # the client is gone; nobody will hear this
    except Exception as error:  # noqa: BLE001  # whatever it is, the client gets an answer
        status, text = answer_to(error, site_of(request).registry.release)
        if status == 500 and not isinstance(error, (EngineError, ServerError)):
            _LOG.exception("a request to %s failed", request.path)
        return web.Response(status=status, text=text or None)


@web.middleware
async def authentication(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who sent the request; who comes to a database without a token is given a new identity."""
    if request.match_info.http_exception is not None or request.path == "/v1/health":
        return await handler(request)
    credentials = _shown(request)
    if credentials is None and not request.path.startswith(_OPEN_TO_ALL):
        credentials = site_of(request).authority.mint()
    if credentials is not None:
        request[CREDENTIALS] = credentials
    return await handler(request)


def _shown(request: web.Request) -> Credentials | None:
    header = request.headers.get("Authorization")
    if header is None:
        token = request.query.get("token")
        if token is None or not request.path.endswith("/subscribe"):
            return None
    else:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(400, "Authorization is invalid: malformed token")
    return site_of(request).authority.check(token.strip())


@web.middleware
async def cross_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let pages of any origin use the routes that there are, and answer what browsers ask first."""
    failure = request.match_info.http_exception
    if failure is None or failure.status == 405:
        request[_KNOWN] = True
        if request.method == "OPTIONS":
            return web.Response(headers=_PREFLIGHT)
    return await handler(request)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add what every answer carries, just before it is sent."""
    if _KNOWN in request:
        response.headers.update(_ANY_ORIGIN)
    credentials: Credentials | None = request.get(CREDENTIALS)
    if credentials is not None and request.path.startswith("/v1/database"):
        response.headers["spacetime-identity"] = credentials.identity.hex()
        response.headers["spacetime-identity-token"] = credentials.token
