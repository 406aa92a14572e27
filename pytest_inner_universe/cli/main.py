"""Runs one command: reads its arguments, calls it, and turns what goes wrong into a message and an exit code."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

from . import archives, backups, databases, doctor, init, observing, serving
from .failures import INTERRUPTED, OK, report
from .parsing import Parser

_GROUPS = (serving, databases, observing, doctor, backups, archives, init)
_LOGGERS = ("inner_universe", "inner_universe_controller", "pytest_inner_universe")
_EXIT_CODES = """\
exit codes:
  0    done
  1    it failed: the server, the module or a file said no
  2    used wrongly: options, configuration, arguments that do not fit
  3    no server answers, or it went away
  130  ended by Ctrl-C

Where a server is, and who asks: options, then INNER_UNIVERSE_URL, _DATABASE, _TOKEN and
so on, then the document that --config or INNER_UNIVERSE_CONFIG names."""


def make_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser(
        prog="inner-universe",
        description="SpacetimeDB databases, with and without a server, from a shell.",
        epilog=_EXIT_CODES,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for group in _GROUPS:
        group.add_to(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: What stands behind the command's name; those of the process unless given.

    Raises:
        SystemExit: The arguments are none that there are, or help was asked for.
    """
    options = make_parser().parse_args(arguments)
    _keep_logs_to_themselves()
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has read enough; the interpreter must not find out once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:  # noqa: BLE001  # a shell gets a message, whatever it was
        return report(error, options)
    return code


def _keep_logs_to_themselves() -> None:
    """Have records of the library not printed beside the messages, which say the same."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            logger.addHandler(logging.NullHandler())
