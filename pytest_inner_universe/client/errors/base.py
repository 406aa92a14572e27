"""The base of the tree, and what its texts have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

_MOST_NAMES = 12
_MOST_LINES = 6
_LONGEST_LINE = 400


class ClientError(Exception):
    """Base of every error that a client raises about its server or its use."""


def nearest(name: object, known: Iterable[str]) -> str:
    """Return the part of a message that helps with a name that does not exist, or that is none."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1) if isinstance(name, str) else []
    if close:
        return f"; did you mean {close[0]!r}?"
    if not names:
        return "; it has none at all"
    more = f", and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"; there are {', '.join(names[:_MOST_NAMES])}{more}"


def name_of(function: Callable[..., Any]) -> str:
    """Return how a function is called in messages."""
    return getattr(function, "__qualname__", None) or repr(function)


def shortened(text: str) -> str:
    """Return what a server said as the end of a message: a few lines at most."""
    lines = text.strip().splitlines()
    shown = [line[:_LONGEST_LINE] for line in lines[:_MOST_LINES]]
    return "\n  ".join([*shown, *["..."] * (len(lines) > _MOST_LINES)])


def with_reason(code: int | None, reason: str, kind: str = "code") -> str:
    """Return the end of a message: a code, as far as there is one, and the words that came with it."""
    shown = f" ({kind} {code})" if code is not None else ""
    return f"{shown}: {reason}" if reason else f"{shown} without giving a reason"
