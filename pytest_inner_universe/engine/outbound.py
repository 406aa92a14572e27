"""HTTP requests that procedures make: how they lie in memory, and the function of the user that answers them.

The embedded engine opens no connections. `Database.http` is called instead, so a test says what the world answers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..sats import DecodeError, Variant
from ..sats.bsatn import codec
from ..sats.types import BYTES, STRING, TIME_DURATION, U16, Array, Sum, SumVariant, enum, option, product
from .wasm.errors import HttpRequestFailed, HttpRequestUnreadable

DEFAULT_TIMEOUT = 30.0
LONGEST_TIMEOUT = 180.0
REFUSED_ADDRESS = "refusing to connect to private or special-purpose addresses"
NO_HTTP = (
    "the embedded engine makes no HTTP requests: give `Universe.answer_http` a function that takes an HttpRequest and "
    "returns an HttpResponse"
)

_METHODS = ("Get", "Head", "Post", "Put", "Delete", "Connect", "Options", "Trace", "Patch")
_METHOD = Sum((*(SumVariant(name, product()) for name in _METHODS), SumVariant("Extension", STRING)))
_VERSIONS = {"Http09": "HTTP/0.9", "Http10": "HTTP/1.0", "Http11": "HTTP/1.1", "Http2": "HTTP/2.0", "Http3": "HTTP/3.0"}
_VERSION = enum(*_VERSIONS)
_HEADERS = product(entries=Array(product(name=STRING, value=BYTES)))
_REQUEST = codec(product(method=_METHOD, headers=_HEADERS, timeout=option(TIME_DURATION), uri=STRING, version=_VERSION))
_RESPONSE = codec(product(headers=_HEADERS, version=_VERSION, code=U16))

_BLOCKED = [
    ipaddress.ip_network(network)
    for network in """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24
    192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4
    ::1/128 ::/128 64:ff9b::/96 64:ff9b:1::/48 ::ffff:0:0/96 100::/64 100:0:0:1::/64 2001::/23 2001:db8::/32 2002::/16
    2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10
    """.split()
]
"""Where a server does not connect to."""


@dataclass(frozen=True)
class HttpRequest:
    """A request of a procedure.

    Args:
        method: ``GET`` and so on.
        url: The whole address.
        headers: Names and values, in order; a name may come twice.
        body: What is sent along.
        timeout: Seconds that a server would wait.
        version: As ``HTTP/1.1``.
    """

    method: str
    url: str
    headers: tuple[tuple[str, bytes], ...] = ()
    body: bytes = b""
    timeout: float = DEFAULT_TIMEOUT
    version: str = "HTTP/1.1"

    def header(self, name: str) -> str | None:
        """Return the first value of a header as text, None where there is none; case does not matter."""
        values = (value for found, value in self.headers if found.lower() == name.lower())
        first = next(values, None)
        return None if first is None else first.decode("latin-1")


@dataclass(frozen=True)
class HttpResponse:
    """What the world answers.

    Args:
        status: Any status is an answer, 404 and 500 too.
        body: Text is sent in UTF-8.
        headers: By name, or pairs in order.
        version: As ``HTTP/1.1``.
    """

    status: int = 200
    body: bytes | str = b""
    headers: Mapping[str, str] | Sequence[tuple[str, str | bytes]] = field(default_factory=dict)
    version: str = "HTTP/1.1"

    def encode(self) -> tuple[bytes, bytes]:
        """Return the BSATN of everything but the body, and the body."""
        pairs = self.headers.items() if isinstance(self.headers, Mapping) else self.headers
        entries = [
            {"name": name.lower(), "value": value if isinstance(value, bytes) else value.encode("latin-1")}
            for name, value in pairs
        ]
        version = next((name for name, text in _VERSIONS.items() if text == self.version), "Http11")
        data = _RESPONSE.encode({"headers": {"entries": entries}, "version": version, "code": self.status})
        return data, self.body.encode() if isinstance(self.body, str) else self.body


Answering = Callable[[HttpRequest], HttpResponse]


def read_request(data: bytes, body: bytes) -> HttpRequest:
    """Read a request as a module hands it over.

    Raises:
        HttpRequestUnreadable: The bytes are none.
    """
    try:
        found = _REQUEST.decode(data)
    except DecodeError as error:
        raise HttpRequestUnreadable(str(error)) from None
    method: Variant = found["method"]
    timeout = found["timeout"]
    return HttpRequest(
        method.value if method.name == "Extension" else method.name.upper(),
        found["uri"],
        tuple((entry["name"], entry["value"]) for entry in found["headers"]["entries"]),
        body,
        DEFAULT_TIMEOUT if timeout is None else min(max(timeout.micros, 0) / 1e6, LONGEST_TIMEOUT),
        _VERSIONS[found["version"].name],
    )


def send(request: HttpRequest, answer: Answering | None) -> tuple[bytes, bytes]:
    """Have a request answered.

    Args:
        request: The request.
        answer: The user's function. An `OSError` of it, time-outs among them, is a request without a response.

    Returns:
        BSATN of the response, and its body.

    Raises:
        HttpRequestFailed: There is no response.
    """
    _check_address(request.url)
    if answer is None:
        raise HttpRequestFailed(NO_HTTP)
    try:
        response = answer(request)
    except OSError as error:
        raise HttpRequestFailed(f"error sending request: {str(error) or type(error).__name__}") from error
    return response.encode()


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise HttpRequestFailed("invalid uri character") from None
    if parts.scheme not in ("http", "https") or not host:
        raise HttpRequestFailed("builder error: the address has to begin with http:// or https:// and a host")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host == "localhost" or host.endswith(".localhost"):
            raise HttpRequestFailed(REFUSED_ADDRESS) from None
        return
    if any(address in network for network in _BLOCKED):
        raise HttpRequestFailed(REFUSED_ADDRESS)
