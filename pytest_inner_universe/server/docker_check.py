"""Whether a Docker engine answers, found out without the libraries for Docker.

Engines speak HTTP over a socket. That is all that is needed to ask one whether it is there and to remove a container that a
dead run left; everything else is done by testcontainers, which is loaded when an engine is known to answer.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

from .errors import DockerMissing

if TYPE_CHECKING:
    from .leftovers import ContainerRecord

RUN_LABEL = "inner-universe.run"
"""Label of every container, with the run's id."""
_ANSWER_SECONDS = 5.0
"""What an engine has for its answer. One that is not there is known at once; one that is busy, or only just woken, is not."""
_REMOVE_SECONDS = 20.0


class Engine(NamedTuple):
    """An engine that answers.

    Args:
        address: Its address as ``DOCKER_HOST`` has it; empty if only the libraries for Docker can tell.
        place: How it was found, in words.
    """

    address: str
    place: str


def find_engine(environment: Mapping[str, str] | None = None) -> Engine:
    """Find an engine that answers: the one that is named, or the first of the usual sockets of Docker and Podman.

    Args:
        environment: Variables to look at instead of the process's own.

    Raises:
        DockerMissing: None answers; the text lists what was tried.
    """
    variables = os.environ if environment is None else environment
    named = variables.get("DOCKER_HOST")
    if named:
        result = ping(named, variables)
        if result is not None:
            raise DockerMissing([(f"DOCKER_HOST={named}", result)])
        return Engine(named, "DOCKER_HOST")
    tried = []
    for place, path in _sockets(variables):
        address = f"unix://{path}"
        result = ping(address, variables)
        if result is None:
            return Engine(address, place)
        tried.append((str(path), result))
    if sys.platform == "win32":
        # Named pipes are known to the libraries only.
        return Engine("", "the libraries' default")
    raise DockerMissing([("DOCKER_HOST", "not set"), *tried])


def ping(address: str, environment: Mapping[str, str] | None = None) -> str | None:
    """Ask an engine whether it is there.

    Args:
        address: Its address, as ``unix:///run/docker.sock`` or ``tcp://host:2375``.
        environment: Variables with the places of certificates; the process's own unless given.

    Returns:
        None if it answers or cannot be asked this way, else what is wrong, in words.
    """
    try:
        connection = connect(address, environment, timeout=_ANSWER_SECONDS)
        if connection is None:
            return None
        status, _ = _ask(connection, "GET", "/_ping")
    except TimeoutError:
        return f"no answer within {_ANSWER_SECONDS:g} s"
    except FileNotFoundError:
        return "no such socket"
    except PermissionError:
        return "no permission"
    except ValueError as error:
        return str(error)
    except (OSError, http.client.HTTPException) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
    return None if status == http.client.OK else f"answered with status {status}"


def remove_container(record: ContainerRecord) -> bool | None:
    """Remove a container that a dead run made, with its volumes.

    Returns:
        Whether there was one to remove; None if it cannot be told or done now.
    """
    path = f"/containers/{quote(record.name)}"
    try:
        connection = connect(record.docker, timeout=_REMOVE_SECONDS)
        if connection is None:
            return None
        status, body = _ask(connection, "GET", f"{path}/json")
        if status == http.client.NOT_FOUND:
            return False
        if status != http.client.OK or json.loads(body)["Config"]["Labels"].get(RUN_LABEL) != record.run:
            return None
        connection = connect(record.docker, timeout=_REMOVE_SECONDS)
        assert connection is not None
        status, _ = _ask(connection, "DELETE", f"{path}?force=1&v=1")
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError):
        return None
    return True if status == http.client.NO_CONTENT else None


def _sockets(environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    home = Path(environment.get("HOME") or "~").expanduser()
    yield "Docker's socket", Path("/var/run/docker.sock")
    runtime = environment.get("XDG_RUNTIME_DIR")
    if runtime:
        yield "rootless Docker's socket", Path(runtime, "docker.sock")
        yield "Podman's socket", Path(runtime, "podman", "podman.sock")
    yield "Docker Desktop's socket", home / ".docker" / "run" / "docker.sock"
    yield "Podman's socket of the system", Path("/run/podman/podman.sock")


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def connect(
    address: str, environment: Mapping[str, str] | None = None, *, timeout: float
) -> http.client.HTTPConnection | None:
    """Return a connection to an engine, None for kinds of addresses that only the libraries know.

    Args:
        address: The engine's address.
        environment: Variables with the places of certificates; the process's own unless given.
        timeout: Seconds that it may take to answer.

    Raises:
        ValueError: It is no address.
        OSError: The certificates cannot be read.
    """
    parts = urlsplit(address)
    if parts.scheme in {"unix", "http+unix"}:
        return _SocketConnection(parts.path, timeout)
    if parts.scheme in {"ssh", "npipe"}:
        return None
    if parts.scheme not in {"tcp", "http", "https"} or not parts.hostname:
        raise ValueError("no address of an engine; they look like unix:///run/docker.sock or tcp://host:2375")
    variables = os.environ if environment is None else environment
    if parts.scheme == "https" or variables.get("DOCKER_TLS_VERIFY"):
        folder = Path(variables.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        return http.client.HTTPSConnection(parts.hostname, parts.port or 2376, timeout=timeout, context=context)
    return http.client.HTTPConnection(parts.hostname, parts.port or 2375, timeout=timeout)


def _ask(connection: http.client.HTTPConnection, method: str, path: str) -> tuple[int, bytes]:
    try:
        connection.request(method, path, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
