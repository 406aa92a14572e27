"""The arguments of ``call``, and what is said when they do not fit."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .failures import FAILED, USAGE, CommandError

if TYPE_CHECKING:
    from ..client.errors import CallRefused
    from ..client.http import HttpApi
    from ..sats.functions import ProcedureDef, ReducerDef

_MOST_NAMES = 8


def read_arguments(options: argparse.Namespace) -> list[Any]:
    """Return the arguments of a call.

    Raises:
        CommandError: One is no JSON, or the file with them cannot be read or holds no list.
    """
    if options.arguments_file is None:
        return [_argument(number, text) for number, text in enumerate(options.arguments, 1)]
    place = options.arguments_file
    try:
        found = _parsed(sys.stdin.read() if place == "-" else Path(place).read_text("utf-8"))
    except OSError as error:
        raise CommandError(f"the arguments in {place} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(f"the arguments in {place} are not JSON: {error}") from None
    if not isinstance(found, list):
        raise CommandError(f"the arguments in {place} are no list")
    return found


def _argument(number: int, text: str) -> Any:
    try:
        return _parsed(text)
    except ValueError as error:
        quoted = (
            f"; a text needs quotes of its own: '{json.dumps(text, ensure_ascii=False)}'" if _is_a_word(text) else ""
        )
        raise CommandError(f"argument {number}, {text[:80]!r}, is not JSON: {error}{quoted}") from None


def _parsed(text: str) -> Any:
    from ..sats.errors import JsonError
    from ..sats.sats_json import parse

    try:
        return parse(text)
    except JsonError as error:
        raise ValueError(error.reason.removeprefix("not JSON: ")) from None


def _is_a_word(text: str) -> bool:
    return not text.lstrip().startswith(("{", "[", '"'))


async def shown(api: HttpApi, database: str, name: str) -> str:
    """Return the signature of a function as the end of a message; nothing where it cannot be had."""
    from ..client.errors import ClientError

    try:
        function = (await _functions(api, database)).get(name)
    except ClientError:
        return ""
    return "" if function is None else f"\n  {function.signature}"


async def explained(api: HttpApi, database: str, name: str, arguments: list[Any], error: CallRefused) -> CommandError:
    """Return what is wrong with a call that a server has refused: in its words, and in those of the module's definition."""
    functions = await _functions(api, database)
    function = functions.get(name)
    if function is None:
        close = difflib.get_close_matches(name, functions, n=1)
        names = ", ".join([*sorted(functions)[:_MOST_NAMES], *["..."] * (len(functions) > _MOST_NAMES)])
        more = f"did you mean {close[0]}?" if close else f"there are {names}" if functions else "it has none at all"
        return CommandError(f"{database} has no reducer or procedure {name!r}; {more}", USAGE)
    reason = _misfit(function, arguments)
    return CommandError(f"{reason or error}\n  {function.signature}", FAILED if reason is None else USAGE)


async def _functions(api: HttpApi, database: str) -> dict[str, ReducerDef | ProcedureDef]:
    schema = await api.schema(database)
    return {**schema.reducers, **schema.procedures}


def _misfit(function: ReducerDef | ProcedureDef, arguments: list[Any]) -> str | None:
    from ..sats.errors import JsonError
    from ..sats.sats_json import json_codec

    elements = function.params.elements
    if len(arguments) != len(elements):
        wanted = f"{len(elements)} argument{'s' * (len(elements) != 1)}"
        return f"{function.name} takes {wanted}, got {len(arguments)}"
    for number, (element, value) in enumerate(zip(elements, arguments), 1):
        try:
            json_codec(element.type).decode(value)
        except JsonError as error:
            path = ".".join(filter(None, [element.name or str(number), error.path]))
            return f"{function.name}: {path}: {error.reason}"
    return None
