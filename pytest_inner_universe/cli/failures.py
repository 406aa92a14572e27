"""Exit codes, and what is said to whom something went wrong: one message, no traceback, no token."""

from __future__ import annotations

import argparse
import os
import re
import sys

OK, FAILED, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130
DEBUG_VARIABLE = "INNER_UNIVERSE_DEBUG"
_MOST_LINES = 10
_LONGEST_LINE = 400
_TOKEN = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
"""JSON web tokens, which all begin with the same letters: those of an opening brace and a quote."""
_HIDDEN = "(a token)"


class CommandError(Exception):
    """Something that a command cannot do.

    Args:
        message: What, where, and what to do.
        code: The exit code.
    """

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def report(error: Exception, options: argparse.Namespace) -> int:
    """Say what went wrong on the error output, and return the exit code.

    Args:
        error: What was raised.
        options: The command's options.
    """
    if os.environ.get(DEBUG_VARIABLE):
        import traceback

        sys.stderr.write(without_tokens("".join(traceback.format_exception(error)), options))
    code, text = explained(error)
    lines = [
        line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 3]}..."
        for line in without_tokens(f"inner-universe: {text}", options).strip().splitlines()
    ]
    shown = lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], "..."]
    sys.stdout.flush()
    sys.stderr.write("\n".join([*shown, ""]))
    return code


def explained(error: Exception) -> tuple[int, str]:
    """Return exit code and message for an error."""
    if isinstance(error, CommandError):
        return error.code, str(error)
    code = _code_of(error)
    if code is None:
        return (
            FAILED,
            f"this should not happen: {type(error).__name__}: {error}\n  {DEBUG_VARIABLE}=1 shows where it came from",
        )
    return code, f"{error}{_advice(error)}".replace("replace=True", "--replace")


def without_tokens(text: str, options: argparse.Namespace | None = None) -> str:
    """Return a text with every token in it hidden, the one that was given among them."""
    given = getattr(options, "token", None)
    if given:
        text = text.replace(given, _HIDDEN)
    return _TOKEN.sub(_HIDDEN, text)


def _code_of(error: Exception) -> int | None:
    from ..client.errors import AnswerLost, ClientError, ConnectionLost, RequestTimeout, ServerUnreachable
    from ..engine.errors import EngineError
    from ..persistence.errors import DeploymentError, NoClientError, PersistenceError, ValidationError
    from ..server.errors import ServerError

    lost = (ServerUnreachable, AnswerLost, RequestTimeout, ConnectionLost)
    if isinstance(error, lost):
        return UNREACHABLE
    if isinstance(error, (DeploymentError, NoClientError)) and isinstance(error.__cause__, lost):
        return UNREACHABLE
    if isinstance(error, ValidationError):
        return USAGE
    if isinstance(error, (ClientError, EngineError, PersistenceError, ServerError, OSError)):
        return FAILED
    return None


def _advice(error: Exception) -> str:
    from ..client.errors import NotAuthorized

    if isinstance(error, NotAuthorized):
        return (
            "\n  name the owner's token with --token-file or INNER_UNIVERSE_TOKEN,"
            "\n  or the folder where publish kept it with --data-dir"
        )
    return ""
