"""What a run's backend is like, known before any server runs: its release, and the protocols that it speaks.

Tests are collected by it, so that nothing has to be skipped.
"""

from __future__ import annotations

import json
import re
import urllib.request
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_inner_universe.engine.release import release_named
from pytest_inner_universe.server.binary import BUILDABLE, find_binary
from pytest_inner_universe.server.docker import IMAGE
from pytest_inner_universe.server.errors import ServerError

if TYPE_CHECKING:
    import pytest

    from pytest_inner_universe.testing.settings import Settings

Release = tuple[int, ...]
NEWEST: Release = (2, 8, 3)
"""The newest release whose conversations were recorded."""
ANSWER_SECONDS = 30.0
"""The most that a test waits for what a server is about to say."""
OWNER = "owner"
"""Who connects as whoever published the database."""
MEMORY = "memory"
"""The way of clients inside the process, which only the embedded engine has."""
_PROTOCOLS = (("v3.bsatn", (2, 2, 0)), ("v2.bsatn", (2, 0, 1)), ("v1.bsatn", (1, 0, 0)), ("v1.json", (1, 0, 0)))
"""Every subprotocol without its end, and the release that it came with."""


def settings_of(config: pytest.Config) -> Settings:
    """Return the settings of a run."""
    from pytest_inner_universe.plugin import SETTINGS

    return config.stash[SETTINGS]


def protocols(config: pytest.Config) -> list[str]:
    """Return every way in which a client can talk to the backend."""
    release = release_of(config)
    spoken = [name for name, since in _PROTOCOLS if since <= release]
    return [MEMORY, *spoken] if settings_of(config).backend == "embedded" else spoken


def release_of(config: pytest.Config) -> Release:
    """Return the release of the server, or the one that the embedded engine imitates."""
    settings = settings_of(config)
    if settings.backend == "embedded":
        return _numbers(release_named(settings.release).version)
    return _release(settings.backend, str(settings.binary or ""), settings.image, settings.url)


@lru_cache(maxsize=1)
def _release(backend: str, binary: str, image: str | None, url: str | None) -> Release:
    if backend == "external" and url:
        with urllib.request.urlopen(f"{url}/v1/health", timeout=10) as answer:
            return _numbers(json.load(answer)["version"])
    if backend == "docker":
        tag = (image or IMAGE).rpartition(":")[2]
        if re.fullmatch(r"v?\d+\.\d+\.\d+", tag):
            return _numbers(tag.lstrip("v"))
        if image in {None, IMAGE}:
            return NEWEST
        # An image that `tools/make_image.py` made holds this machine's program.
    try:
        return find_binary(binary or None).version
    except ServerError:
        # The first test that needs a server says what is missing.
        return _numbers(BUILDABLE)


def _numbers(text: str) -> Release:
    return tuple(map(int, text.split(".")))
