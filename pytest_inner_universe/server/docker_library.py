"""The parts of testcontainers and the library for Docker that servers need, loaded when they are used."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from .docker_check import Engine

_REAPER_VARIABLE = "TESTCONTAINERS_RYUK_DISABLED"
"""Says ``false`` where somebody wants the libraries' own helper container as well."""
_STARTING = threading.Lock()


def is_here(container: Any) -> bool:
    """Whether ports that the engine opens on its own loopback can be reached from here."""
    client = container.get_docker_client()
    if not str(client.client.api.base_url).startswith(("http+docker", "http+unix", "npipe")):
        return False
    if not import_module("testcontainers.core.utils").inside_container():
        return True
    # In a container a socket may lead to an engine outside of it, or to one that runs in it too.
    return bool(client.client.info().get("Name") == socket.gethostname())


def docker_errors() -> Any:
    """Return the module with the errors of the library for Docker."""
    return import_module("docker.errors")


def explanation(error: Any) -> str:
    """Return what an engine said."""
    return str(error.explanation or error)


@contextlib.contextmanager
def alone_with(engine: Engine) -> Iterator[None]:
    """Have the libraries use an engine, and no helper container beside it: runs clean up after themselves."""
    with _STARTING:
        try:
            config = import_module("testcontainers.core.config").testcontainers_config
        except ImportError:
            yield  # whoever needs the package says that it is missing
            return
        logging.getLogger("testcontainers").setLevel(logging.WARNING)
        previous = os.environ.get("DOCKER_HOST")
        reaper = config.ryuk_disabled
        config.ryuk_disabled = os.environ.get(_REAPER_VARIABLE, "true").lower() != "false"
        if engine.address:
            os.environ["DOCKER_HOST"] = engine.address
        try:
            yield
        finally:
            config.ryuk_disabled = reaper
            if previous is None:
                os.environ.pop("DOCKER_HOST", None)
            else:
                os.environ["DOCKER_HOST"] = previous
