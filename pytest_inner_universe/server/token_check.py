"""Whether a server accepts a token, asked before anything else is, and what is known when it does not."""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from .errors import TokenRefused

_SECONDS = 10.0
_REFUSALS = {http.client.BAD_REQUEST, http.client.UNAUTHORIZED}
_LONGEST_ANSWER = 4096
CLOCKS_AGREE = 30.0
"""Seconds by which clocks may differ before it is worth a word."""


def check_token(url: str, token: str, now: Callable[[], float] = time.time) -> None:
    """See that a server accepts a token; a server that does not answer is somebody else's business.

    Args:
        url: Address of the server.
        token: The token.
        now: Tells this machine's time, in seconds.

    Raises:
        TokenRefused: It does not; the text has what the token and the clocks tell about that.
    """
    if not token.isascii() or not token.isprintable():
        raise TokenRefused("it has characters that no token has", url)
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/v1/ping", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        text = answer.read(_LONGEST_ANSWER).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return
    finally:
        connection.close()
    if answer.status in _REFUSALS:
        known = [f"asked: GET /v1/ping, answered with status {answer.status}"]
        known += told_by_token(token, now()) + told_by_clocks(answer.getheader("Date"), now())
        raise TokenRefused(text or "it does not say why", url, known)


def claims_of(token: str) -> Mapping[str, Any] | None:
    """Return what a token says, whoever signed it; None if it is none."""
    with suppress(ValueError, IndexError, RecursionError, binascii.Error):
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if isinstance(claims, dict):
            return claims
    return None


def told_by_token(token: str, now: float) -> list[str]:
    """Return what a token tells about why it is not accepted."""
    claims = claims_of(token)
    if claims is None:
        return ["it is no token at all: three parts are joined by dots in one"]
    facts = []
    expiry, issued = _moment(claims.get("exp")), _moment(claims.get("iat"))
    if expiry is not None and expiry <= now:
        facts.append(f"it expired at {_shown(expiry)}, {_span(now - expiry)} ago")
    if issued is not None and issued > now + CLOCKS_AGREE:
        facts.append(f"it was issued at {_shown(issued)}, which on this machine is {_span(issued - now)} from now")
    return facts


def told_by_clocks(date: str | None, now: float) -> list[str]:
    """Return in words by how much a server's clock, as a header tells it, differs from this machine's."""
    try:
        server = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return []
    ahead = server - now
    if abs(ahead) <= CLOCKS_AGREE:
        return []
    where = "ahead of" if ahead > 0 else "behind"
    return [f"the server's clock is {_span(abs(ahead))} {where} this machine's"]


def _moment(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1 << 37:
        return value
    return None


def _shown(moment: float) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def _span(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {name}"
    return f"{seconds:.0f} seconds"
