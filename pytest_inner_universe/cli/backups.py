"""``backup`` and ``restore``: cold copies of a server's data."""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import TYPE_CHECKING

from .failures import OK, USAGE, CommandError
from .output import Output
from .parsing import Commands, add_configuration, add_json, command
from .settings import config_of

if TYPE_CHECKING:
    from ..persistence.cold_copy import ColdCopy


def add_to(commands: Commands) -> None:
    """Add the commands."""
    parser = command(
        commands,
        "backup",
        backup,
        "copy the data of a stopped server into an archive",
        "Copy the data folder of a server that does not run into one archive, with the SHA-256 of every file. Keys and tokens "
        "are in it, so it is readable for its user alone. For a copy of a running server's rows see export.",
    )
    parser.add_argument(
        "archive",
        nargs="?",
        metavar="FILE",
        help="the archive to make (default: a new one in the folder of --backup-dir)",
    )
    parser.add_argument("--backup-dir", metavar="DIR", help="folder for backups (INNER_UNIVERSE_BACKUP_PATH)")
    add_json(parser, "archive, files and size as one JSON object")
    add_configuration(parser)

    parser = command(
        commands,
        "restore",
        restore,
        "bring the data of a stopped server back from an archive",
        "Make the data folder of a server that does not run anew from an archive of backup, which is checked first.",
    )
    parser.add_argument("archive", metavar="FILE", help="the archive")
    parser.add_argument("--replace", action="store_true", help="give up the data that is there")
    parser.add_argument("--check", action="store_true", help="check the archive, and do nothing")
    add_json(parser, "archive, files and size as one JSON object")
    add_configuration(parser)


def backup(options: argparse.Namespace) -> int:
    """Run ``backup``."""
    from ..persistence.controller import InnerUniverseController

    config, output = config_of(options), Output(options.as_json)
    if options.archive is None and config.backup_path is None:
        raise CommandError("name the archive to make, or a folder with --backup-dir", USAGE)
    with output.working(f"copying {config.db_path}"):
        made = asyncio.run(InnerUniverseController(config).back_up(options.archive))
    _tell(made, f"copied {config.db_path} to {made.archive}", output)
    return OK


def restore(options: argparse.Namespace) -> int:
    """Run ``restore``."""
    from ..persistence.cold_copy import read_copy
    from ..persistence.controller import InnerUniverseController

    if options.check and options.replace:
        raise CommandError("--check changes nothing, so there is nothing to --replace", USAGE)
    config, output = config_of(options), Output(options.as_json)
    with output.working(f"reading {options.archive}"):
        if options.check:
            _tell(read_copy(options.archive), f"{options.archive} is whole", output)
            return OK
        found = asyncio.run(InnerUniverseController(config).restore(options.archive, replace=options.replace))
    _tell(found, f"restored {config.db_path} from {options.archive}", output)
    return OK


def _tell(copy: ColdCopy, what: str, output: Output) -> None:
    made_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(copy.made_at))
    if output.as_json:
        output.json({"archive": str(copy.archive), "made_at": made_at, "files": len(copy.files), "bytes": copy.size})
    else:
        output.line(f"{what}: {len(copy.files)} files, {copy.size} bytes, made at {made_at}")
