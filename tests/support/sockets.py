"""Connections by which a test notices the end of a server: they wait for a request that does not come."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit


def connect(url: str) -> socket.socket:
    address = urlsplit(url)
    assert address.hostname is not None
    return socket.create_connection((address.hostname, address.port or 0), timeout=20)


def ends(connection: socket.socket) -> bool:
    """Wait until the server is gone; False if it said something instead."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
