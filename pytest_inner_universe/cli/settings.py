"""Which server, which database, as whom: options first, then the environment, then a document of settings."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..persistence import config_rules
from ..persistence.config import ENVIRONMENT_PREFIX, InnerUniverseConfig, read_document
from ..persistence.errors import ValidationError
from .failures import USAGE, CommandError

if TYPE_CHECKING:
    from ..client.http import HttpApi
    from ..persistence.inner_universe import InnerUniverseClient
    from ..persistence.running import NetworkServer

_CONFIG, _URL = f"{ENVIRONMENT_PREFIX}CONFIG", f"{ENVIRONMENT_PREFIX}URL"
_DIRECT = {"database": "database", "data_dir": "db_path", "ca_file": "ca_file", "backup_dir": "backup_path"}
"""Settings that options give as they are."""


def gathered(options: argparse.Namespace) -> tuple[InnerUniverseConfig, list[str]]:
    """Return the settings as far as they can be read, and what is wrong with their names and forms.

    Args:
        options: Of a command that takes some of them.

    Raises:
        ValidationError: The document is none.
        CommandError: The address is none, or the file with the token cannot be read.
    """
    path = options.config or os.environ.get(_CONFIG)
    settings, features, problems = config_rules.collect(read_document(path) if path else {})
    more, flags, wrong = config_rules.collect_environment(os.environ, ENVIRONMENT_PREFIX)
    settings |= more | _address(options) | _given(options)
    config = InnerUniverseConfig(**settings)
    config.features |= {**features, **flags}
    options.token = config.token
    return config, [*problems, *wrong]


def config_of(options: argparse.Namespace) -> InnerUniverseConfig:
    """Return the settings of a command.

    Raises:
        ValidationError: There are mistakes; with all of them.
        CommandError: The address is none, or the file with the token cannot be read.
    """
    config, problems = gathered(options)
    try:
        config.validate()
    except ValidationError as error:
        problems += error.problems
    if problems:
        raise ValidationError(problems, "configuration")
    return config


def server_of(config: InnerUniverseConfig) -> NetworkServer:
    """Return the server of the settings, with the tokens that are kept for it."""
    from ..persistence.owner_tokens import OwnerTokens
    from ..persistence.running import NetworkServer

    return NetworkServer(config, tokens=OwnerTokens(config.db_path))


@asynccontextmanager
async def api_of(config: InnerUniverseConfig) -> AsyncIterator[HttpApi]:
    """Give the HTTP side of the server, as whoever the settings or the kept tokens say; as somebody new otherwise."""
    from ..persistence.network import http_api

    try:
        token = await server_of(config).owner_token()
        api = http_api(replace(config, token=token))
    except ValueError as error:  # the authorities
        raise CommandError(str(error), USAGE) from error
    async with api:
        yield api


@asynccontextmanager
async def connected(config: InnerUniverseConfig) -> AsyncIterator[InnerUniverseClient]:
    """Give a connected client, as the owner where the owner's token is known."""
    client = await server_of(config).connect()
    try:
        yield client
    finally:
        await client.disconnect()


def _given(options: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, setting in _DIRECT.items():
        value = getattr(options, name, None)
        if value is not None:
            found[setting] = value
    if getattr(options, "timeout", None) is not None:
        found["timeout_ms"] = round(options.timeout * 1000)
    if getattr(options, "token_file", None) is not None:
        found["token"] = token_in(options.token_file)
    return found


def _address(options: argparse.Namespace) -> dict[str, Any]:
    url, source = options.url, "--url"
    if url is None:
        url, source = os.environ.get(_URL), _URL
    return address_in(url, source) if url else {}


def address_in(url: str, source: str) -> dict[str, Any]:
    """Return the settings in an address.

    Args:
        url: The address.
        source: Where it was given.

    Raises:
        CommandError: It is none.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.username is not None:
        raise CommandError(f"{source}: an address has no user in it; tokens say who asks", USAGE)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise CommandError(f"{source}: {url!r} is no address, which looks like http://127.0.0.1:3000", USAGE)
    default = 443 if parts.scheme == "https" else 80
    return {"scheme": parts.scheme, "address": parts.hostname, "port": default if port is None else port}


def token_in(path: str) -> str:
    """Return the token in a file.

    Args:
        path: The file; ``-`` for the input.

    Raises:
        CommandError: It cannot be read, or holds none.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text("utf-8")
    except OSError as error:
        raise CommandError(f"the token in {path} cannot be read: {error.strerror}", USAGE) from error
    except UnicodeDecodeError:
        raise CommandError(f"the token in {path} cannot be read: it is no text", USAGE) from None
    token = text.strip()
    if not token or len(token.split()) != 1:
        raise CommandError(f"{path} holds no token, which is one word", USAGE)
    return token
