"""The one table of the plugin's options: command line, ini file, environment and documentation are made from it.

Nothing but the standard library and pytest's parser is needed here, because every pytest run loads this file.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from .errors import InvalidSetting

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

BACKENDS = ("embedded", "process", "docker", "external")
"""The backends that the option knows."""

RELEASES = ("2.8", "1.2")
"""The releases of the server that the embedded one can imitate."""

VARIABLE_PREFIX = "INNER_UNIVERSE_"
"""What the names of all environment variables of this package start with."""

LARGEST_SEED = 2**64 - 1


_DEFAULTS = {
    "module": "the bundled Inner Universe module",
    "binary": "looked for in the usual places",
    "image": "clockworklabs/spacetime",
    "token": "somebody new",
    "parity": "false",
}


class Option(NamedTuple):
    """One option of the plugin.

    Attributes:
        name: short name; the other spellings are derived from it.
        read: turns a given value into the option's own type; raises TypeError or ValueError when it is not allowed.
        default: the value when nobody gives one.
        allowed: what the option takes, as the end of a sentence.
        help: what the option does, one sentence.
        ini_type: type under which pytest reads it from an ini file.
        choices: the values that it takes, where they can be listed.
    """

    name: str
    read: Callable[[object], object]
    default: object
    allowed: str
    help: str
    ini_type: Literal["string", "int", "float", "bool"] = "string"
    choices: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """The command line's spelling."""
        return "--universe-" + self.name.replace("_", "-")

    @property
    def ini(self) -> str:
        """The ini file's spelling, and the destination of the command line's value."""
        return "universe_" + self.name

    @property
    def variable(self) -> str:
        """The environment's spelling."""
        return VARIABLE_PREFIX + self.name.upper()

    @property
    def is_switch(self) -> bool:
        """Whether it stands on the command line without a value."""
        return self.ini_type == "bool"

    @property
    def default_text(self) -> str:
        """The default as help and documentation show it."""
        return _DEFAULTS.get(self.name, "none" if self.default in (None, ()) else str(self.default))


def _one_of(*choices: str) -> Callable[[object], object]:
    def read(given: object) -> object:
        if given not in choices:
            raise ValueError
        return given

    return read


def _whole_number(largest: int) -> Callable[[object], object]:
    def read(given: object) -> object:
        if isinstance(given, bool) or not isinstance(given, (int, str)):
            raise TypeError
        number = int(given)
        if not 0 <= number <= largest:
            raise ValueError
        return number

    return read


def _seconds(given: object) -> object:
    if isinstance(given, bool) or not isinstance(given, (int, float, str)):
        raise TypeError
    seconds = float(given)
    if not 0 < seconds < float("inf"):
        raise ValueError
    return seconds


def _file(given: object) -> object:
    if not isinstance(given, (str, Path)):
        raise TypeError
    if not str(given):
        raise ValueError
    return Path(given).expanduser()


def _text(given: object) -> object:
    if not isinstance(given, str):
        raise TypeError
    if not given.strip():
        raise ValueError
    return given.strip()


# The words that pytest takes for truth values in an ini file.
_TRUTHS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}


def _truth(given: object) -> object:
    if isinstance(given, bool):
        return given
    if not isinstance(given, str):
        raise TypeError
    return _TRUTHS[given.strip().lower()]


def _names(given: object) -> object:
    if not isinstance(given, str):
        raise TypeError
    return tuple(name for name in (part.strip() for part in given.split(",")) if name)


def _choice(name: str, choices: tuple[str, ...], explanation: str) -> Option:
    listed = ", ".join(choices[:-1]) + " or " + choices[-1]
    return Option(name, _one_of(*choices), choices[0], listed, explanation, choices=choices)


TABLE: tuple[Option, ...] = (
    _choice("backend", BACKENDS, "What runs the database: the engine inside the test process, or a real server."),
    Option("module", _file, None, "the path of a .wasm file", "The SpacetimeDB module that every universe holds."),
    Option(
        "seed",
        _whole_number(LARGEST_SEED),
        0,
        f"a whole number from 0 to {LARGEST_SEED}",
        "Where all generated data, identities and random numbers start.",
        "int",
    ),
    _choice(
        "reset",
        ("fresh", "fork", "reuse", "clear", "reducer", "never"),
        "How a test gets a clean state: a database of its own (fresh; fork insists on the embedded engine's copy), one "
        "database that is set back before each test (reuse; by publishing again with clear, by a reducer of the module "
        "with reducer), or not at all (never).",
    ),
    Option(
        "reset_reducer",
        _text,
        "truncate_all",
        "the name of a reducer without arguments",
        "Which reducer empties the tables when tests are reset by one.",
    ),
    Option("binary", _file, None, "the path of a server program", "The server of the backend process."),
    Option("image", _text, None, "the name of an image", "The image of the backend docker."),
    Option("url", _text, None, "an address such as http://127.0.0.1:3000", "The server of the backend external."),
    Option("token", _text, None, "a token of that server", "Who publishes on the backend external."),
    Option(
        "allow",
        _names,
        (),
        "host names, separated by commas",
        "Hosts beyond this machine and private networks that tests may use, with --universe-confirm.",
    ),
    Option("confirm", _text, None, "the address once more", "Consent to use an address that --universe-allow names."),
    _choice(
        "keep",
        ("never", "failed", "always"),
        "After which tests the rows, the module's log and the calls are written to a folder.",
    ),
    _choice(
        "missing",
        ("fail", "skip", "embedded"),
        "What happens when the chosen backend cannot run: stop, skip the tests, or run them embedded.",
    ),
    _choice("release", RELEASES, "Which release of the server the embedded one imitates."),
    Option(
        "parity",
        _truth,
        False,
        "true or false",
        "Run each test on the embedded engine and on a real server (a process, unless another backend is chosen), and fail "
        "it if rows, calls, events or errors differ; on the command line it stands alone.",
        "bool",
    ),
    Option(
        "call_limit",
        _seconds,
        10.0,
        "a number of seconds above 0",
        "How long one reducer may run before it is stopped, in seconds.",
        "float",
    ),
    Option(
        "report",
        _whole_number(1_000_000),
        50,
        "a whole number of lines from 0 to 1000000",
        "How many lines of log and calls a failed test shows per section; 0 shows none.",
        "int",
    ),
)
BY_NAME = {option.name: option for option in TABLE}


def checked(name: str, value: object, place: str) -> object:
    """Check a value for an option and return it in the option's own type.

    Args:
        name: The option's short name.
        value: The value as it was given.
        place: Where, in words that an error message can start with.

    Raises:
        InvalidSetting: The option does not allow it.
    """
    option = BY_NAME[name]
    try:
        return option.read(value)
    except (TypeError, ValueError, KeyError):
        near = difflib.get_close_matches(str(value), option.choices, n=1)
        raise InvalidSetting(place, option.allowed, near[0] if near else None) from None


def register(parser: pytest.Parser) -> None:
    """Add every option of the table to pytest's command line and ini file."""
    group = parser.getgroup("inner_universe", "SpacetimeDB in tests (pytest-inner-universe)")
    for option in TABLE:
        text = f"{option.help} Takes {option.allowed}; default: {option.default_text}; environment: {option.variable}."
        # Values are checked by the resolver, which knows where they came from; argparse would know only its own.
        if option.is_switch:
            group.addoption(option.flag, dest=option.ini, default=None, action="store_const", const=True, help=text)
        else:
            group.addoption(option.flag, dest=option.ini, default=None, metavar=option.name.upper(), help=text)
        parser.addini(option.ini, f"As {option.flag}.", type=option.ini_type, default=None)
