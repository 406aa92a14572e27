"""``doctor``: the checklist before a deployment."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
from typing import TYPE_CHECKING

from .failures import FAILED, OK, USAGE, CommandError
from .output import Output
from .parsing import Commands, add_json, add_server, command
from .settings import gathered

if TYPE_CHECKING:
    from ..persistence.preflight import Preflight


def add_to(commands: Commands) -> None:
    """Add the command."""
    from ..persistence.starting import BACKENDS

    parser = command(
        commands,
        "doctor",
        doctor,
        "check module, server, data, port, authentication, backups, monitoring and configuration",
        "Answer the checklist before a deployment: eight items, each with what was found and what to do. Nothing is started "
        "and nothing is written. The exit code is 0 only if every item is as it should be.",
    )
    parser.add_argument(
        "--backend", choices=BACKENDS, default="process", help="how a server would be started (default: %(default)s)"
    )
    parser.add_argument(
        "--binary", metavar="FILE", help="the server program of the backend process (default: looked for)"
    )
    parser.add_argument("--backup-dir", metavar="DIR", help="folder for backups (INNER_UNIVERSE_BACKUP_PATH)")
    add_json(parser, "one JSON object")
    add_server(parser)


def doctor(options: argparse.Namespace) -> int:
    """Run the command."""
    from ..persistence.preflight import check_deployment
    from ..persistence.starting import StartOrAttach

    if options.binary is not None and options.backend != "process":
        raise CommandError("--binary needs --backend process", USAGE)
    config, problems = gathered(options)
    found = asyncio.run(check_deployment(config, StartOrAttach(options.backend, binary=options.binary), problems))
    _tell(found, Output(options.as_json))
    return OK if found.is_ready else FAILED


def _tell(found: Preflight, output: Output) -> None:
    if output.as_json:
        output.json({"ready": found.is_ready, "checks": [dataclasses.asdict(check) for check in found.checks]})
        return
    for check in found.checks:
        output.line(str(check), "" if check.passed else "red")
    if found.problems:
        output.line(f"{len(found.problems)} of {len(found.checks)} need attention")
