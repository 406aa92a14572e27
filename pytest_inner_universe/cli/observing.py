"""``logs`` and ``status``: what a database says of itself."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from .failures import OK, UNREACHABLE, CommandError
from .output import Output
from .parsing import Commands, add_json, add_server, command, whole
from .settings import api_of, config_of, connected

if TYPE_CHECKING:
    from ..client.http import HttpApi
    from ..client.http_models import LogLine
    from ..persistence.config import InnerUniverseConfig

_INNER_UNIVERSE = {"system_info", "client_connection", "entity", "relation", "event_log"}
_LEVELS = ("trace", "debug", "info", "warn", "error", "panic")
_STYLES = {"warn": "yellow", "error": "red", "panic": "bold red", "debug": "dim", "trace": "dim"}


def add_to(commands: Commands) -> None:
    """Add the commands."""
    parser = command(
        commands,
        "logs",
        logs,
        "print the log of a database",
        "Print what a module has logged, oldest line first. Only the owner of the database may read it.",
    )
    parser.add_argument(
        "-n", "--lines", type=whole, metavar="COUNT", help="how many of the newest lines (default: all)"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    parser.add_argument("--level", choices=_LEVELS, default="trace", help="the least level of a line (default: all)")
    add_json(parser, "a JSON object a line")
    add_server(parser)

    parser = command(
        commands,
        "status",
        status,
        "tell how server and database are",
        "Tell release and database, and for Inner Universe how much there is of what. The connection that this takes is counted as well.",
    )
    add_json(parser, "one JSON object")
    add_server(parser)


def logs(options: argparse.Namespace) -> int:
    """Run ``logs``."""
    config = config_of(options)
    try:
        asyncio.run(_logs(config, options, Output(options.as_json)))
    except KeyboardInterrupt:
        if not options.follow:
            raise
    return OK


async def _logs(config: InnerUniverseConfig, options: argparse.Namespace, output: Output) -> None:
    async with api_of(config) as api:
        async for line in _lines(api, config.database, options):
            if _LEVELS.index(line.level) < _LEVELS.index(options.level):
                continue
            if output.as_json:
                output.json({**dataclasses.asdict(line), "timestamp": _moment(line)})
            else:
                output.line(f"{_moment(line)} {line}", _STYLES.get(line.level, ""))
    if options.follow:
        raise CommandError(f"the log of {config.database} has ended: the server at {config.url} closed it", UNREACHABLE)


async def _lines(api: HttpApi, database: str, options: argparse.Namespace) -> AsyncIterator[LogLine]:
    if options.follow:
        async for line in api.follow_logs(database, options.lines):
            yield line
    else:
        for line in await api.logs(database, options.lines):
            yield line


def _moment(line: LogLine) -> str:
    from ..sats import Timestamp

    return str(Timestamp(line.timestamp))


def status(options: argparse.Namespace) -> int:
    """Run ``status``."""
    Output(options.as_json).facts(asyncio.run(_status(config_of(options))))
    return OK


async def _status(config: InnerUniverseConfig) -> dict[str, object]:
    async with api_of(config) as api:
        health = await api.health()
        info = await api.info(config.database)
        schema = await api.schema(config.database)
    found: dict[str, object] = {
        "url": config.url,
        "release": health.version,
        "database": config.database,
        "identity": info.identity.hex(),
        "owner": info.owner.hex(),
        "tables": len(schema.tables),
        "reducers": len(schema.reducers),
    }
    if schema.tables.keys() >= _INNER_UNIVERSE:
        found |= await _system_status(config)
    return found


async def _system_status(config: InnerUniverseConfig) -> dict[str, object]:
    async with connected(config) as client:
        told = await client.get_system_status()
    values = {item.name: getattr(told, item.name) for item in dataclasses.fields(told)}
    values |= {"status": told.status.value, "start_time": str(told.start_time)}
    values["uptime_seconds"] = round(told.uptime_seconds, 3)
    del values["process_uptime_seconds"]  # which only who started the process knows
    return values
