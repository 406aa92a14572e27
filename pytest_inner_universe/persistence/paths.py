"""Paths into nested values: ``metadata.properties.age``, ``data.items[3]``, ``properties["a.b"]``.

A path is a sequence of keys (text) and indexes (whole numbers). A key stands plain after a dot, or quoted as JSON text
in brackets when it holds a dot, a bracket or a quote. A plain key of digits also works as an index on a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from .errors import ValidationError

Step = str | int
Path = tuple[Step, ...]

_PLAIN = re.compile(r'[^.\[\]"]+')
_BRACKET = re.compile(r'\[(?:(?P<index>[0-9]{1,9})|(?P<key>"(?:[^"\\]|\\.)*"))\]')


class Missing:
    """What `lookup` gives for a path that leads nowhere."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


def parse_path(text: str, *, root: bool = False) -> Path:
    """Read a path.

    Args:
        text: The path.
        root: Whether the empty path is allowed, which names the whole value.

    Raises:
        ValidationError: It is not text or not a path; the text shows the position.

    Example:
        >>> parse_path('data.items[3]["a.b"]')
        ('data', 'items', 3, 'a.b')
    """
    if not isinstance(text, str):
        raise ValidationError(f"a path is text, got {type(text).__name__}")
    steps: list[Step] = []
    position = 0
    while position < len(text):
        bracket = _BRACKET.match(text, position)
        if bracket is not None:
            steps.append(int(bracket["index"]) if bracket["index"] else _key(bracket["key"], text, position))
            position = bracket.end()
            continue
        if steps:
            if text[position] != ".":
                raise _not_a_path(text, position)
            position += 1
        plain = _PLAIN.match(text, position)
        if plain is None:
            raise _not_a_path(text, position)
        steps.append(plain[0])
        position = plain.end()
    if not steps and not root:
        raise ValidationError("a path must not be empty")
    return tuple(steps)


def format_path(steps: Iterable[Step]) -> str:
    """Write a path so that `parse_path` reads the same steps.

    Example:
        >>> format_path(("data", "items", 3, "a.b"))
        'data.items[3]["a.b"]'
    """
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step)}]"
    return text


def lookup(value: Any, steps: Path) -> Any:
    """Follow a path into nested dicts and lists.

    Returns:
        What stands there, or `MISSING`.
    """
    for step in steps:
        if isinstance(value, Mapping):
            if step not in value:
                return MISSING
            value = value[step]
        elif isinstance(value, list):
            index = as_index(step)
            if index is None or index >= len(value):
                return MISSING
            value = value[index]
        else:
            return MISSING
    return value


def as_index(step: Step) -> int | None:
    """Read a step as an index of a list; None when it is none."""
    if isinstance(step, int):
        return step
    return int(step) if step.isascii() and step.isdigit() and len(step) < 10 else None


def _key(quoted: str, text: str, position: int) -> str:
    try:
        key = json.loads(quoted)
    except ValueError:
        raise _not_a_path(text, position) from None
    return str(key)


def _not_a_path(text: str, position: int) -> ValidationError:
    return ValidationError(
        f'not a path at position {position}: {text[:80]!r}; write keys as a.b, indexes as a[0], other keys as a["x.y"]'
    )
