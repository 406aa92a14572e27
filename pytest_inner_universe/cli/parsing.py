"""The parser of arguments, and the options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from .failures import USAGE, without_tokens

Commands = Any
"""What `argparse` gives to add commands to; its type has no public name."""
Run = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes are told in two lines, and whose epilogue keeps its lines."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end."""
        self.exit(USAGE, without_tokens(f"{self.prog}: error: {message}\n  {self.prog} --help shows how it is used\n"))


def command(commands: Commands, name: str, run: Run, summary: str, description: str, epilog: str = "") -> Parser:
    """Add a command and return its parser.

    Args:
        commands: Where to.
        name: Its name.
        run: What it does with its options; returns the exit code.
        summary: Half a line for the list of commands.
        description: What its own help begins with.
        epilog: What its own help ends with.
    """
    parser: Parser = commands.add_parser(name, help=summary, description=description, epilog=epilog)
    parser.set_defaults(run=run, as_json=False, config=None, url=None, database=None, data_dir=None)
    return parser


def add_configuration(parser: Parser) -> None:
    """Add the option that names a document of settings, and the folder that tokens are kept in."""
    parser.add_argument("--config", metavar="FILE", help="a JSON document of settings (INNER_UNIVERSE_CONFIG)")
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help="folder with a server's data and the tokens of owners (INNER_UNIVERSE_DB_PATH; ./inner_universe_db)",
    )


def add_server(parser: Parser) -> None:
    """Add the options that say which database, where, and who asks."""
    where = parser.add_argument_group("which database")
    where.add_argument("--url", help="address of the server (INNER_UNIVERSE_URL; http://127.0.0.1:3000)")
    where.add_argument(
        "-d", "--database", metavar="NAME", help="name or identity (INNER_UNIVERSE_DATABASE; inner-universe)"
    )
    where.add_argument(
        "--token-file",
        metavar="FILE",
        help="file with the token of who asks, - for the input (INNER_UNIVERSE_TOKEN; the owner's, if publish kept it)",
    )
    where.add_argument("--ca-file", metavar="FILE", help="authorities to trust with https (INNER_UNIVERSE_CA_FILE)")
    where.add_argument(
        "--timeout",
        type=seconds,
        metavar="SECONDS",
        help="the most that one answer may take (INNER_UNIVERSE_TIMEOUT_MS; 30)",
    )
    add_configuration(parser)


def add_json(parser: Parser, what: str) -> None:
    """Add the option for scripts.

    Args:
        parser: Where to.
        what: What is printed then, as the end of a sentence.
    """
    parser.add_argument("--json", dest="as_json", action="store_true", help=f"print {what}")


def whole(text: str) -> int:
    """Read a number of things."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def seconds(text: str) -> float:
    """Read a span of time."""
    try:
        found = float(text)
    except ValueError:
        found = 0
    if not 0.001 <= found <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0.001 to 86400")
    return found


def port(text: str) -> int:
    """Read a port."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: ports are numbers up to 65535, 0 takes any free one")
    return int(text)
