"""The command ``inner-universe``."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .server.registry import Registry

_LONGEST_WAIT = 3600
"""Seconds; on some systems a wait without an end cannot be interrupted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    Args:
        arguments: What stands behind the command's name; those of the process unless given.
    """
    from .engine.release import RELEASES

    parser = argparse.ArgumentParser(prog="inner-universe", description="SpacetimeDB for tests, without a server.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="serve databases to any client until Ctrl-C",
        description="Serve databases in memory, over HTTP and WebSocket, until Ctrl-C. The first line that it prints is its "
        "address; clients publish modules to it as to a real server.",
    )
    serve.add_argument("--module", metavar="FILE", help="a compiled module (.wasm) to publish at the start")
    serve.add_argument("--name", help="name of its database (default: the name of the file)")
    serve.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    serve.add_argument("--port", type=_port, default=0, help="port to listen on (default: any free one)")
    serve.add_argument(
        "--release",
        choices=[*RELEASES],
        default=next(iter(RELEASES)),
        help="release of the server to imitate (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    if options.name is not None and options.module is None:
        parser.error("--name needs --module")
    return _serve(options)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: ports are numbers up to 65535, 0 takes any free one")
    return int(text)


def _serve(options: argparse.Namespace) -> int:
    from .engine.errors import EngineError
    from .engine.release import release_named
    from .server.errors import ServerError
    from .server.front import Front
    from .server.registry import Registry

    registry = Registry(release=release_named(options.release))
    front = Front(registry, options.host, options.port)
    try:
        with _told_to_stop() as stop:
            lines = [] if options.module is None else _publish(registry, options.module, options.name)
            sys.stdout.write("\n".join([front.start(), *lines, ""]))
            sys.stdout.flush()
            while not stop.wait(_LONGEST_WAIT):
                pass
    except (EngineError, ServerError) as error:
        sys.stderr.write(f"inner-universe: {error}\n")
        return 1
    finally:
        front.stop()
        registry.close()
    return 0


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


def _publish(registry: Registry, path: str, name: str | None) -> list[str]:
    """Publish a module and return what there is to tell about it."""
    from .engine.module import Module
    from .server.front.publishing import Publisher

    owner = registry.authority.mint()
    chosen = name if name is not None else _name_from(path)
    made = Publisher(registry).create(Module.load_file(path), owner.identity, chosen)
    return [f"database: {made.name}", f"identity: {made.identity.hex()}", f"owner's token: {owner.token}"]


def _name_from(path: str) -> str:
    """Return a database's name that reminds of a file."""
    words = re.findall("[a-z0-9]+", Path(path).stem.lower())
    return "-".join(words) or "database"


if __name__ == "__main__":
    raise SystemExit(main())
