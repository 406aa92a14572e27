"""``serve``: a server until Ctrl-C, the embedded one or a real one."""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .failures import OK, USAGE, CommandError
from .output import Output
from .parsing import Commands, add_configuration, add_json, command, port
from .settings import config_of

if TYPE_CHECKING:
    from ..persistence.config import InnerUniverseConfig
    from ..persistence.owner_tokens import OwnerTokens
    from ..persistence.running import NetworkServer
    from ..persistence.starting import StartOrAttach

_LONGEST_WAIT = 3600
"""Seconds; on some systems a wait without an end cannot be interrupted."""


def add_to(commands: Commands) -> None:
    """Add the command."""
    from ..engine.release import RELEASES
    from ..persistence.starting import BACKENDS

    parser = command(
        commands,
        "serve",
        serve,
        "serve databases to any client until Ctrl-C",
        "Serve databases over HTTP and WebSocket until Ctrl-C. The first line that it prints is its address; clients publish "
        "modules to it. The embedded server keeps everything in memory and imitates a release; process and docker run a "
        "real server with its data in the folder of --data-dir.",
    )
    parser.add_argument("--module", metavar="FILE", help="a compiled module (.wasm) to publish at the start")
    parser.add_argument("-d", "--database", metavar="NAME", help="name of its database (default: the name of the file)")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=port, default=0, help="port to listen on (default: any free one)")
    parser.add_argument(
        "--backend", choices=BACKENDS, default="embedded", help="what runs (default: %(default)s, in this process)"
    )
    parser.add_argument(
        "--release",
        choices=[*RELEASES],
        help=f"release of the server that the embedded one imitates (default: {next(iter(RELEASES))})",
    )
    parser.add_argument(
        "--binary", metavar="FILE", help="the server program of the backend process (default: looked for)"
    )
    parser.add_argument("--image", help="the image of the backend docker (default: the vendor's)")
    add_json(parser, "address and database as one JSON object")
    add_configuration(parser)


def serve(options: argparse.Namespace) -> int:
    """Run the command."""
    from ..persistence.owner_tokens import OwnerTokens
    from ..persistence.starting import StartOrAttach

    if options.database is not None and options.module is None:
        raise CommandError("--database needs --module", USAGE)
    for option, backend in (("release", "embedded"), ("binary", "process"), ("image", "docker")):
        if getattr(options, option) is not None and options.backend != backend:
            raise CommandError(f"--{option} needs --backend {backend}", USAGE)
    wasm, config = _module(options), _settings(options)
    starter = StartOrAttach(options.backend, binary=options.binary, image=options.image, release=options.release)
    server = asyncio.run(_started(starter, config))
    tokens = OwnerTokens(config.db_path)
    try:
        told = {"url": server.url}
        if wasm is not None:
            told |= asyncio.run(_publish(server, wasm, tokens))
        with _told_to_stop() as stop:
            _tell(told, Output(options.as_json))
            while not stop.wait(_LONGEST_WAIT):
                pass
    finally:
        tokens.forget(server.url)
        asyncio.run(server.stop())
    return OK


async def _started(starter: StartOrAttach, config: InnerUniverseConfig) -> NetworkServer:
    return await starter(config)


def _module(options: argparse.Namespace) -> bytes | None:
    if options.module is None:
        return None
    try:
        return Path(options.module).read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read the module {options.module}: {error.strerror}") from error


def _settings(options: argparse.Namespace) -> InnerUniverseConfig:
    if options.module is not None and options.database is None:
        words = re.findall("[a-z0-9]+", Path(options.module).stem.lower())
        options.database = "-".join(words) or "database"
    config = config_of(options)
    return replace(config, address=options.host, port=options.port, scheme="http", attach="never", token=None)


async def _publish(server: NetworkServer, wasm: bytes, tokens: OwnerTokens) -> dict[str, str]:
    done = await server.publish(wasm)
    token = await server.owner_token()
    if token is not None:
        # For the other commands, as long as this one runs.
        tokens.keep(server.url, token)
    return {
        "database": done.name or server.config.database,
        "identity": done.identity.hex(),
        "owner_tokens": str(tokens.file),
    }


def _tell(told: dict[str, str], output: Output) -> None:
    if output.as_json:
        output.json(told)
        return
    labels = {"url": "", "owner_tokens": "owner's token: in "}
    output.line("\n".join(labels.get(name, f"{name}: ") + text for name, text in told.items()))


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C and a request to terminate set."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
