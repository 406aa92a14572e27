"""The known differences, each with the reason for which `docs/fidelity.md` lists it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
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
)


class Known:
    """Masks known differences where the sides differ, and knows which of them were met."""

    def __init__(self) -> None:
        self._met: set[str] | None = None

    @contextmanager
    def masked(self) -> Iterator[set[str]]:
        """Leave known differences out of texts for the time of a block, and hand over the names of those that are met."""
        self._met = set()
        try:
            yield self._met
        finally:
            self._met = None

    def number_of_reducer(self, number: int, name: str) -> int | None:
        """Return the number of the reducer that an update names, without that of none where differences are masked."""
        if self._met is None or name:
            return number
        self._met.add("the number of no reducer")
        return None

    def text(self, text: str) -> str:
        """Return a text, without known differences where these are masked."""
        if self._met is None:
            return text
        for one in DIFFERENCES:
            text, count = one.pattern.subn(one.becomes, text)
            if count:
                self._met.add(one.name)
        return text
