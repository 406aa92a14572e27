"""When a server is ready: where it listens, and whether it answers."""

from __future__ import annotations

import http.client
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.02
_PING_SECONDS = 10.0
_PING_AT_START_SECONDS = 2.0
_LISTENING = re.compile(r"listening on (\S+):(\d+)\s*$")
_LISTEN_STATE = "0A"
_EVERY_ADDRESS = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104  # it is not listened on here


def port_in(line: str) -> int | None:
    """Return the port that a server says in a line of its log, None if the line is about something else."""
    match = _LISTENING.search(line)
    return int(match[2]) if match else None


def reachable(host: str) -> str:
    """Return where a server is reached that listens on an address; the one that means all of them is no destination."""
    return _EVERY_ADDRESS.get(host, host)


def host_in_url(host: str) -> str:
    """Return an address as it is written in a URL."""
    return f"[{host}]" if ":" in host else host


def ping(url: str, timeout: float = _PING_SECONDS) -> str | None:
    """Ask a server whether it is there.

    Args:
        url: Its address.
        timeout: Seconds to wait for the answer.

    Returns:
        None if it answers as a server does, else what came instead, in words.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/v1/ping")
        status = connection.getresponse().status
    except TimeoutError:
        return f"no answer within {timeout:g} s"
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return None if status == http.client.OK else f"status {status}"


def wait_until_ready(address: Callable[[], str | None], died: Callable[[], bool], deadline: float) -> str | None:
    """Poll a starting server until it answers a ping.

    Args:
        address: Gives its address as soon as that is known; may wait a moment for it.
        died: Whether it has ended.
        deadline: Seconds that it has.

    Returns:
        None when it is ready, else what was missing at the end, in words.
    """
    limit = time.monotonic() + deadline
    missing = "it did not say where it listens"
    while True:
        url = address()
        if url is not None:
            answer = ping(url, min(_PING_AT_START_SECONDS, max(limit - time.monotonic(), POLL_SECONDS)))
            if answer is None:
                return None
            missing = f"GET {url}/v1/ping: {answer}"
        if died():
            return "it ended"
        if time.monotonic() > limit:
            return missing
        time.sleep(POLL_SECONDS)


def listening_port(pid: int) -> int | None:
    """Return the port that a process listens on, None if there is none or the system does not tell.

    For servers whose log does not say it, because its level was set so.
    """
    if sys.platform != "linux":
        return None
    try:
        links = [link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir()]
        tables = [Path(f"/proc/{pid}/net/{name}").read_text("ascii").splitlines()[1:] for name in ("tcp", "tcp6")]
    except OSError:
        return None
    sockets = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    for line in (line for table in tables for line in table):
        fields = line.split()
        if fields[3] == _LISTEN_STATE and fields[9] in sockets:
            return int(fields[1].rpartition(":")[2], 16)
    return None
