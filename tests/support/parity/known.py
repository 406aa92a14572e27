"""The known differences, each with the reason for which `docs/fidelity.md` lists it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One known difference in a text.

    Args:
        name: How reports call it.
        pattern: Texts that it is about.
        becomes: What both sides' texts become.
    """

    name: str
    pattern: re.Pattern[str]
    becomes: str


DIFFERENCES = (
    Difference("why a token is refused", re.compile(r"TokenError\(.*\)", re.DOTALL), "TokenError"),
    Difference(
        "which of several taken keys", re.compile(r"(IndexError: Unique constraint violation) '.*", re.DOTALL), r"\1"
    ),
    Difference("hash of a program", re.compile(r"<program>"), "<program>"),
)


class Known:
    """Masks known differences and counts how often each was met."""

    def __init__(self) -> None:
        self.met: Counter[str] = Counter()

    def text(self, text: str) -> str:
        """Return a text without known differences."""
        for one in DIFFERENCES:
            text, count = one.pattern.subn(one.becomes, text)
            if count:
                self.met[one.name] += 1
        return text
