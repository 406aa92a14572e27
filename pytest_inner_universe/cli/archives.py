"""``export``, ``import`` and ``migrate``: the rows of a database as files, back again, and over to another database."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .failures import OK, USAGE, CommandError
from .output import Output
from .parsing import Commands, add_json, add_server, command
from .settings import address_in, config_of, connected, token_in

if TYPE_CHECKING:
    from ..persistence.archive.exporting import Transform
    from ..persistence.archive.manifest import Archive
    from ..persistence.config import InnerUniverseConfig

_WHAT = "the archive, with the rows of each table, as one JSON object"


def add_to(commands: Commands) -> None:
    """Add the commands."""
    parser = command(
        commands,
        "export",
        export,
        "write the rows of a running Inner Universe into an archive",
        "Write every table of Inner Universe, as it is at one moment, into a new folder: a file a table and a manifest with the "
        "hashes. What only the owner may read is left out for others.",
    )
    parser.add_argument("folder", metavar="DIR", help="the folder to make")
    parser.add_argument(
        "--encoding", choices=("jsonl", "parquet"), default="jsonl", help="form of the files (default: %(default)s)"
    )
    _add_transform(parser)
    add_json(parser, _WHAT)
    add_server(parser)

    parser = command(
        commands,
        "import",
        import_,
        "fill an empty Inner Universe from an archive",
        "Check an archive, and write what is in it into a database, as its owner. If that fails, the database is as it was.",
    )
    parser.add_argument("folder", metavar="DIR", help="the archive")
    parser.add_argument("--replace", action="store_true", help="give up the data that is there")
    parser.add_argument("--check", action="store_true", help="check the archive, and do nothing; no server is needed")
    parser.add_argument(
        "--until", type=_moment, metavar="TIME", help="as it was at that moment, as 2026-01-31T12:00:00+00:00"
    )
    add_json(parser, _WHAT)
    add_server(parser)

    parser = command(
        commands,
        "migrate",
        migrate,
        "copy the rows of one Inner Universe into another",
        "Make a database hold what another one holds, on the same server or another one, each row changed on its way if that "
        "is wanted. What a new version of a module would change is told by publish --dry-run.",
    )
    target = parser.add_argument_group("to where")
    target.add_argument("--to-url", metavar="URL", help="address of the other server (default: the same server)")
    target.add_argument(
        "--to-database", metavar="NAME", help="name or identity of the database to fill (default: the same)"
    )
    target.add_argument(
        "--to-token-file", metavar="FILE", help="file with its owner's token (default: the one that publish kept)"
    )
    parser.add_argument("--replace", action="store_true", help="give up the data that is there")
    _add_transform(parser)
    add_json(parser, _WHAT)
    add_server(parser)


def export(options: argparse.Namespace) -> int:
    """Run ``export``."""
    return asyncio.run(_export(config_of(options), options, Output(options.as_json)))


async def _export(config: InnerUniverseConfig, options: argparse.Namespace, output: Output) -> int:
    from ..persistence.archive.exporting import export_database

    transform = _transform(options.transform)
    async with connected(config) as client:
        with output.progress() as progress:
            archive = await export_database(
                client, options.folder, encoding=options.encoding, transform=transform, progress=progress
            )
    _tell(archive, f"exported {config.database} to {options.folder}", output)
    return OK


def import_(options: argparse.Namespace) -> int:
    """Run ``import``."""
    from ..persistence.archive.reading import read_archive

    if options.check and (options.replace or options.until is not None):
        raise CommandError("--check changes nothing, so it goes with neither --replace nor --until", USAGE)
    output = Output(options.as_json)
    if not options.check:
        return asyncio.run(_import(config_of(options), options, output))
    with output.progress() as progress:
        archive = read_archive(options.folder, progress=progress)
    _tell(archive, f"{options.folder} is whole", output)
    return OK


async def _import(config: InnerUniverseConfig, options: argparse.Namespace, output: Output) -> int:
    from ..persistence.archive.importing import import_archive
    from ..persistence.archive.rewinding import restore_until

    async with connected(config) as client:
        with output.progress() as progress:
            if options.until is None:
                archive = await import_archive(options.folder, client, replace=options.replace, progress=progress)
            else:
                archive = await restore_until(
                    options.folder, client, options.until, replace=options.replace, progress=progress
                )
    _tell(archive, f"imported {options.folder} into {config.database}", output)
    return OK


def migrate(options: argparse.Namespace) -> int:
    """Run ``migrate``."""
    if options.to_url is None and options.to_database is None:
        raise CommandError("name the database to fill: --to-database, --to-url or both", USAGE)
    config = config_of(options)
    target = _target(config, options)
    if (target.url, target.database) == (config.url, config.database):
        raise CommandError(f"{config.database} at {config.url} cannot be copied onto itself", USAGE)
    return asyncio.run(_migrate(config, target, options, Output(options.as_json)))


async def _migrate(
    config: InnerUniverseConfig, target: InnerUniverseConfig, options: argparse.Namespace, output: Output
) -> int:
    from ..persistence.archive.copying import copy_database

    transform = _transform(options.transform)
    async with connected(config) as source, connected(target) as to:
        with output.progress() as progress:
            archive = await copy_database(source, to, transform=transform, replace=options.replace, progress=progress)
    _tell(archive, f"copied {config.database} at {config.url} to {target.database} at {target.url}", output)
    return OK


def _target(config: InnerUniverseConfig, options: argparse.Namespace) -> InnerUniverseConfig:
    found = replace(config, database=options.to_database or config.database)
    if options.to_url is not None:
        # A token is nobody's business but the server's that it is for.
        found = replace(found, token=None, **address_in(options.to_url, "--to-url"))
    if options.to_token_file is not None:
        found = replace(found, token=token_in(options.to_token_file))
    found.validate()
    return found


def _add_transform(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--transform",
        metavar="MODULE:FUNCTION",
        help="a Python function of a table's name and a row; it returns the row to write, None for none",
    )


def _transform(name: str | None) -> Transform | None:
    if name is None:
        return None
    module, _, attribute = name.partition(":")
    sys.path.insert(0, "")
    try:
        function: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise CommandError(f"--transform {name}: {error or 'name it as module:function'}", USAGE) from error
    finally:
        sys.path.remove("")

    def transform(table: str, row: Any) -> Any:
        try:
            return function(table, row)
        except Exception as error:
            raise CommandError(f"{name} failed at a row of {table}: {type(error).__name__}: {error}") from error

    return transform


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time, which looks like 2026-01-31T12:00:00+00:00") from None
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no time zone; add Z for UTC, or as +02:00")
    return found


def _tell(archive: Archive, what: str, output: Output) -> None:
    tables = {name: table.rows for name, table in archive.tables.items()}
    if output.as_json:
        output.json(
            {
                "archive": str(archive.folder),
                "encoding": archive.encoding,
                "made_at": str(archive.made_at),
                "source": archive.source,
                "module_version": archive.module_version,
                "schema_version": archive.schema_version,
                "tables": tables,
                "rows": archive.rows,
                "left_out": [*archive.left_out],
                "uncertain": [*archive.uncertain],
            }
        )
        return
    output.table(["table", "rows"], [*tables.items()])
    output.line(f"{what}: {archive.rows} rows")
    if archive.left_out:
        output.line(f"left out, as only the owner may read them: {', '.join(archive.left_out)}", "yellow")
    if archive.uncertain:
        output.line(f"settings whose values at that moment nothing tells: {', '.join(archive.uncertain)}", "yellow")
