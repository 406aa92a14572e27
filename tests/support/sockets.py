"""Ports that nobody listens on, and connections by which a test notices the end of a server."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

_NEVER_GIVEN = range(10_000, 32_000)
"""Systems give whoever takes any port a higher one."""
_chance = random.SystemRandom()


def unused_port() -> int:
    """Return a port for a server that has to be told one; nobody else gets it by asking for any."""
    while True:
        port = _chance.choice(_NEVER_GIVEN)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


@contextmanager
def refusing_port() -> Iterator[int]:
    """Hold a port at which connections are refused, so that nobody else begins to listen there."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def connect(url: str) -> socket.socket:
    address = urlsplit(url)
    assert address.hostname is not None
    return socket.create_connection((address.hostname, address.port or 0), timeout=20)


def ends(connection: socket.socket) -> bool:
    """Wait until the server is gone, by a request that does not come; False if it said something instead."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
