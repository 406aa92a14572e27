"""``publish``, ``call`` and ``sql``: what is done with a database."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from . import signatures
from .failures import FAILED, OK, USAGE, CommandError
from .output import Output
from .parsing import Commands, add_json, add_server, command
from .settings import api_of, config_of, server_of

if TYPE_CHECKING:
    from ..client.http_models import MigrationPlan, SqlRows
    from ..persistence.config import InnerUniverseConfig


def add_to(commands: Commands) -> None:
    """Add the commands."""
    parser = command(
        commands,
        "publish",
        publish,
        "publish a module, as a new database or over one that is there",
        "Publish a compiled module. Whoever publishes first owns the database; unless a token is given, the server makes "
        "somebody up, whose token is kept in the folder of --data-dir for the other commands.",
    )
    parser.add_argument(
        "module", nargs="?", metavar="FILE", help="the module (default: Inner Universe, which is shipped)"
    )
    parser.add_argument("--clear", action="store_true", help="lose the data that is there")
    parser.add_argument("--dry-run", action="store_true", help="tell what publishing would do, and do nothing")
    parser.add_argument("--against", metavar="FILE", help="with --dry-run: over this module, and without a server")
    parser.add_argument("--break-clients", action="store_true", help="disconnect clients where the change needs it")
    add_json(parser, "what came of it as one JSON object")
    add_server(parser)

    parser = command(
        commands,
        "call",
        call,
        "call a reducer or a procedure",
        "Call a reducer, or a procedure, which prints what it returns. Where the arguments do not fit, the signature is shown.",
        epilog="example:\n  inner-universe call publish_event '\"id-1\"' '\"TICK\"' null '\"{}\"'",
    )
    parser.add_argument("name", metavar="NAME", help="its name")
    parser.add_argument(
        "arguments", nargs="*", metavar="ARG", help="an argument as JSON: 1, true, null, '\"text\"', '{\"x\": 1}'"
    )
    parser.add_argument(
        "--arguments-file", metavar="FILE", help="a JSON list of all arguments instead, - for the input"
    )
    add_json(parser, "a procedure's value as JSON, as it is anyway")
    add_server(parser)

    parser = command(
        commands,
        "sql",
        sql,
        "run a SQL statement and print its rows",
        "Run one SQL statement, and print its rows as a table.",
        epilog="example:\n  inner-universe sql \"SELECT * FROM entity WHERE entity_type = 'Person'\" --json",
    )
    parser.add_argument("statement", metavar="STATEMENT", help="the statement, - for the input")
    add_json(parser, "a JSON object a row, its values written as `call` takes them")
    add_server(parser)


def publish(options: argparse.Namespace) -> int:
    """Run ``publish``."""
    from ..persistence.deployment import read_module

    if options.dry_run and (options.clear or options.break_clients):
        raise CommandError("--dry-run goes with neither --clear nor --break-clients", USAGE)
    if options.against is not None and not options.dry_run:
        raise CommandError("--against needs --dry-run", USAGE)
    config, output = config_of(options), Output(options.as_json)
    if options.against is not None:
        return _tell_plan(_plan_over(options.against, options.module), config, output)
    wasm = read_module(config, options.module)
    if options.dry_run:
        return _tell_plan(asyncio.run(_plan_of(config, wasm)), config, output)
    return asyncio.run(_publish(config, wasm, options, output))


async def _publish(config: InnerUniverseConfig, wasm: bytes, options: argparse.Namespace, output: Output) -> int:
    from ..persistence.deployment import told

    plan = await _plan_of(config, wasm) if options.break_clients else None
    with output.working(f"publishing {config.database}"):
        done = await server_of(config).publish(wasm, clear=options.clear, plan=plan)
    if output.as_json:
        facts = {
            "database": config.database,
            "identity": done.identity.hex(),
            "created": done.created,
            "url": config.url,
        }
        output.json(facts)
    else:
        output.line(told(config, done))
    return OK


def _tell_plan(plan: MigrationPlan | None, config: InnerUniverseConfig, output: Output) -> int:
    if plan is None:
        output.json({"new": True}) if output.as_json else output.line(f"{config.database} would be a new database")
        return OK
    if output.as_json:
        facts = {"automatic": plan.is_automatic, "breaks_clients": plan.breaks_clients, "plan": plan.text.strip()}
        output.json({"new": False, **facts})
    else:
        output.line(plan.text.strip() or "nothing would change in the tables")
        if plan.breaks_clients:
            output.line("clients would be disconnected: publish with --break-clients")
    return OK if plan.is_automatic else FAILED


async def _plan_of(config: InnerUniverseConfig, wasm: bytes) -> MigrationPlan | None:
    """Return what publishing would do to the database, None where there is none."""
    from ..client.errors import NoSuchDatabase, NoSuchRoute

    async with api_of(config) as api:
        try:
            return await api.pre_publish(config.database, wasm)
        except NoSuchDatabase:
            return None
        except NoSuchRoute as error:
            raise CommandError(f"the server at {config.url} cannot tell what publishing would do") from error


def _plan_over(old: str, new: str | None) -> MigrationPlan:
    from ..client.http_models import MigrationPlan
    from ..persistence.bundled import bundled_module_path
    from ..persistence.errors import ValidationError
    from ..persistence.migration import check_migration

    try:
        found = check_migration(old, new or bundled_module_path())
    except ValidationError as error:
        raise CommandError(str(error)) from error
    return MigrationPlan(not found.refusals, "\n".join(map(str, found.refusals or found.steps)), found.breaks_clients)


def call(options: argparse.Namespace) -> int:
    """Run ``call``."""
    if options.arguments and options.arguments_file is not None:
        raise CommandError("arguments come from the command line or from --arguments-file, not from both", USAGE)
    return asyncio.run(_call(config_of(options), options, Output(True)))


async def _call(config: InnerUniverseConfig, options: argparse.Namespace, output: Output) -> int:
    from ..client.errors import CallRefused

    async with api_of(config) as api:
        try:
            arguments = signatures.read_arguments(options)
        except CommandError as error:
            raise CommandError(f"{error}{await signatures.shown(api, config.database, options.name)}", USAGE) from error
        try:
            returned = await api.call(config.database, options.name, arguments)
        except CallRefused as error:
            raise await signatures.explained(api, config.database, options.name, arguments, error) from error
    if returned is not None:
        output.json(returned)
    return OK


def sql(options: argparse.Namespace) -> int:
    """Run ``sql``."""
    statement = sys.stdin.read() if options.statement == "-" else options.statement
    return asyncio.run(_sql(config_of(options), statement, Output(options.as_json)))


async def _sql(config: InnerUniverseConfig, statement: str, output: Output) -> int:
    async with api_of(config) as api:
        found = await api.sql(config.database, statement)
    if found.columns:
        _print_rows(found, output)
    else:
        output.facts({"inserted": found.inserted, "deleted": found.deleted, "updated": found.updated})
    return OK


def _print_rows(found: SqlRows, output: Output) -> None:
    if not output.as_json:
        output.table([*dict(found.columns)], [[*row.values()] for row in found.rows])
        return
    from ..sats.sats_json import json_codec

    codecs = {name: json_codec(type_) for name, type_ in found.columns}
    for row in found.rows:
        output.json({name: codecs[name].encode(value) for name, value in row.items()})
