"""What the handlers of one socket front share, and the errors by which they refuse a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .publishing import Publisher

if TYPE_CHECKING:
    from ..registry import Registry
    from ..tokens import Credentials, TokenAuthority
    from .entry import Entry
    from .socket import Socket
    from .thread import Limits

JSON = "application/json"
NOT_UTF_8 = "Request body didn't contain valid UTF-8"


@dataclass
class Site:
    """One socket front.

    Args:
        registry: The databases.
        limits: What a client may do.
    """

    registry: Registry
    limits: Limits
    publisher: Publisher = field(init=False)
    sockets: set[Socket] = field(default_factory=set)
    is_ending: bool = False

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.registry)

    @property
    def authority(self) -> TokenAuthority:
        """Makes and checks tokens."""
        return self.registry.authority


SITE: web.AppKey[Site] = web.AppKey("site", Site)


def request_key(name: str) -> Any:
    """Return a key for what a request keeps; versions of aiohttp before 3.14 have one class for all keys."""
    return getattr(web, "RequestKey", web.AppKey)(name, object)


CREDENTIALS = request_key("credentials")
"""Where a request keeps who sent it."""


class Refused(Exception):
    """A request that is answered with an error.

    Args:
        status: The HTTP status.
        text: The body.
        content_type: What the body is; text unless given.
    """

    def __init__(self, status: int, text: str, content_type: str = "text/plain") -> None:
        self.status = status
        self.text = text
        self.content_type = content_type
        super().__init__(status, text)


def site_of(request: web.Request) -> Site:
    """Return the front that a request came to."""
    return request.app[SITE]


def credentials_of(request: web.Request) -> Credentials:
    """Return who sent a request.

    Raises:
        Refused: It came without a token, on a route that does not make one up.
    """
    found: Credentials | None = request.get(CREDENTIALS)
    if found is None:
        raise Refused(401, "Authorization required")
    return found


def entry_of(request: web.Request) -> Entry:
    """Return the database that the path of a request names; raises what `Registry.find` does."""
    return site_of(request).registry.find(request.match_info["db"])


async def text_of(request: web.Request) -> str:
    """Return the body of a request as text, whatever it calls itself.

    Raises:
        Refused: It is none.
    """
    try:
        return (await request.read()).decode()
    except UnicodeDecodeError:
        raise Refused(400, "Request body didn't contain valid UTF-8") from None


def flag_of(request: web.Request, name: str, default: bool = False) -> bool:
    """Return a parameter that is true or false.

    Raises:
        Refused: It is neither.
    """
    text = request.query.get(name)
    if text is None:
        return default
    if text not in {"true", "false"}:
        raise bad_parameter(request, name, "provided string was not `true` or `false`")
    return text == "true"


def bad_parameter(request: web.Request, name: str, reason: str) -> Refused:
    """Return the refusal of a parameter of the address, for a reason in a server's words."""
    where = f"{name}: " if site_of(request).registry.release.names_bad_parameters else ""
    return Refused(400, f"Failed to deserialize query string: {where}{reason}")


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an answer in JSON."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return web.Response(body=body, status=status, headers={**(headers or {}), "Content-Type": JSON})


def text_response(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an answer in plain text."""
    return web.Response(text=text, status=status, headers=headers)
