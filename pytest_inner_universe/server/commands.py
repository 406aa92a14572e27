"""Command lines of the vendor's programs, for the releases 1.x and 2.x.

Source: the server knows ``start`` only; everything else is a command of ``spacetime``. From 1.x to 2.x a few options
changed their names or take a value, which is all that is decided here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .binary import Binary

LOG_LEVELS = ("error", "warn", "info", "debug", "trace")
_ASKS_WHEN_PORT_IS_TAKEN = (2, 8, 0)
"""From this release on a flag forbids questions; older ones do not ask, or get no answer for want of an input."""


def start(
    binary: Binary,
    data_dir: Path,
    listen: str,
    *,
    key_dir: Path,
    in_memory: bool = False,
) -> list[str]:
    """Return the command that starts a server.

    Args:
        binary: Any of the two programs.
        data_dir: Folder for its data, made when missing. In memory it still keeps its logs and its register there.
        listen: Where it listens, as ``127.0.0.1:0``; port 0 has the system pick a free one.
        key_dir: Folder for its keys ``id`` and ``id.pub``, made when missing; without it they would go into the home.
        in_memory: Whether rows are kept in memory only.

    Example:
        >>> start(binary, Path("d"), "127.0.0.1:0", key_dir=Path("k"))  # doctest: +SKIP
        ['spacetimedb-standalone', 'start', '--data-dir', 'd', '--listen-addr', '127.0.0.1:0', ...]
    """
    command = [str(binary.path), *start_arguments(data_dir.as_posix(), listen, key_dir.as_posix(), in_memory)]
    if binary.version >= _ASKS_WHEN_PORT_IS_TAKEN:
        command.append("--non-interactive")
    return command


def start_arguments(data_dir: str, listen: str, key_dir: str, in_memory: bool) -> list[str]:
    """Return the arguments of ``start`` that every release knows; a container gets these alone."""
    arguments = ["start", "--data-dir", data_dir, "--listen-addr", listen]
    arguments += ["--jwt-pub-key-path", f"{key_dir}/id.pub", "--jwt-priv-key-path", f"{key_dir}/id"]
    return [*arguments, "--in-memory"] if in_memory else arguments


def configuration(log_level: str) -> str:
    """Return the ``config.toml`` of a data folder that sets the level of the server's own log.

    Source: there is no option for it. The line that tells the port is of the level debug, so that one stays.
    """
    return f'[logs]\nlevel = "{log_level}"\ndirectives = ["spacetimedb={log_level}", "spacetimedb_standalone=debug"]\n'


def configure(data_dir: Path, log_level: str) -> None:
    """Set the level of the server's own log in a data folder, unless somebody else wrote a ``config.toml`` there."""
    file = data_dir / "config.toml"
    ours = {configuration(level) for level in LOG_LEVELS}
    if not file.exists() or file.read_text("utf-8") in ours:
        file.write_text(configuration(log_level), "utf-8")


def build(binary: Binary, folder: str | os.PathLike[str]) -> list[str]:
    """Return the command that builds a module from its source folder."""
    option = "--module-path" if _is_2(binary) else "--project-path"
    return [*_cli(binary, "build"), option, os.fspath(folder)]


def publish(
    binary: Binary, name: str, wasm: str | os.PathLike[str], server: str, *, delete_data: bool = False
) -> list[str]:
    """Return the command that publishes a built module.

    Args:
        binary: The vendor's command.
        name: Name of the database.
        wasm: The module's file.
        server: Address of the server, as ``http://127.0.0.1:3000``.
        delete_data: Whether what the database holds is deleted first.
    """
    command = [*_cli(binary, "publish"), name, "--bin-path", os.fspath(wasm), "--server", server, "--yes"]
    if delete_data:
        command += ["--delete-data", "always"] if _is_2(binary) else ["--delete-data"]
    return command


def delete(binary: Binary, name: str, server: str) -> list[str]:
    """Return the command that deletes a database."""
    return [*_cli(binary, "delete"), name, "--server", server, "--yes"]


def call(binary: Binary, name: str, reducer: str, arguments: Sequence[str], server: str) -> list[str]:
    """Return the command that calls a reducer; the arguments are JSON texts."""
    return [*_cli(binary, "call"), "--server", server, "--", name, reducer, *arguments]


def sql(binary: Binary, name: str, query: str, server: str) -> list[str]:
    """Return the command that runs a SQL statement."""
    return [*_cli(binary, "sql"), "--server", server, "--", name, query]


def logs(binary: Binary, name: str, server: str, lines: int | None = None) -> list[str]:
    """Return the command that prints a database's log, all of it or its last lines."""
    limit = [] if lines is None else ["--num-lines", str(lines)]
    return [*_cli(binary, "logs"), name, "--server", server, *limit]


def describe(binary: Binary, name: str, server: str) -> list[str]:
    """Return the command that prints a database's schema as JSON."""
    return [*_cli(binary, "describe"), "--json", "--server", server, "--", name]


def login(binary: Binary, server: str) -> list[str]:
    """Return the command that gets an identity from a server, without the vendor's web site."""
    return [*_cli(binary, "login"), "--server-issued-login", server]


def _is_2(binary: Binary) -> bool:
    return binary.version[0] >= 2


def _cli(binary: Binary, command: str) -> list[str]:
    if binary.kind != "cli":
        raise ValueError(
            f"{binary.path} is a server and knows `start` only; `{command}` needs the vendor's command spacetime"
        )
    return [str(binary.path), command]
