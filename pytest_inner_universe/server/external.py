"""A server that somebody else runs: used with consent only, never stopped, and left as it was found."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .errors import ServerGone, ServerRefused
from .readiness import ping
from .remote import RemoteServer
from .token_check import check_token

if TYPE_CHECKING:
    from types import TracebackType

ALLOW_OPTION = "--universe-allow"
CONFIRM_OPTION = "--universe-confirm"
_HOSTED = "spacetimedb.com"
"""The vendor's hosted databases, which are nobody's playground wherever their names lead."""


class ExternalServer(RemoteServer):
    """A server that is already there.

    Databases that it gets have the run's id in their names; nothing else on it is changed or deleted.

    Args:
        url: Its address, as ``http://127.0.0.1:3000``.
        token: Token of who publishes; the server makes somebody up unless given.
        run_id: Id of the run that names of databases carry; a random one unless given.
        prefix: Start of the names of databases.
        allow: Hosts, or hosts with ports, that may be used although they are not of this machine or a private network.
        confirm: The address once more, as consent to that use.

    Raises:
        ServerRefused: The address is of neither this machine nor a private network, and was not allowed and confirmed.
        ValueError: The address is none.

    Example:
        >>> with ExternalServer("http://127.0.0.1:3000") as server:  # doctest: +SKIP
        ...     handle = server.database("smoke", module)
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        run_id: str | None = None,
        prefix: str = "iu",
        allow: Sequence[str] = (),
        confirm: str | None = None,
    ) -> None:
        check_allowed(url, allow, confirm)
        super().__init__(url, run_id=run_id, token=token, prefix=prefix)

    def start(self) -> ExternalServer:
        """See that it answers, and accepts the token.

        Raises:
            ServerGone: It does not answer.
            TokenRefused: It does not accept the token.
        """
        answer = ping(self.url)
        if answer is not None:
            raise ServerGone(f"at {self.url}", f"GET /v1/ping: {answer}", None)
        if self._token is not None:
            check_token(self.url, self._token)
        return self

    def __enter__(self) -> ExternalServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def check_allowed(url: str, allow: Iterable[str] = (), confirm: str | None = None) -> None:
    """See that tests may use an address.

    Args:
        url: The address.
        allow: Hosts, or hosts with ports, that somebody named.
        confirm: The address once more, as consent.

    Raises:
        ServerRefused: It needs consent that is not given.
        ValueError: It is no address of a server.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError(f"{url!r} is no address of a server; one looks like http://127.0.0.1:3000")
    reason = _why_not_harmless(host)
    if reason is None:
        return
    port = parts.port or (443 if parts.scheme == "https" else 80)
    missing = []
    if not {host, f"{host}:{port}"} & {entry.strip().lower() for entry in allow}:
        missing.append(f"its name in the list of allowed hosts: {ALLOW_OPTION}={host}")
    if confirm is None or confirm.rstrip("/") != url.rstrip("/"):
        missing.append(f"the whole address once more, as consent: {CONFIRM_OPTION}={url}")
    if missing:
        raise ServerRefused(url, reason, missing)


def _why_not_harmless(host: str) -> str | None:
    """Return why a host needs consent, None if it does not."""
    if host == _HOSTED or host.endswith(f".{_HOSTED}"):
        return "it hosts databases of others"
    if host == "localhost":
        return None
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return "its name leads nowhere"
    for text in sorted(found):
        address = ipaddress.ip_address(text.partition("%")[0])
        # The address that stands for all addresses counts as private, and may be anybody.
        if not (address.is_loopback or address.is_private or address.is_link_local) or address.is_unspecified:
            return f"{text} is neither this machine nor in a private network"
    return None
