"""Names for what varies, so that relations between values are compared where the values themselves cannot be.

Moments are named by their order. Everything else is named by its first appearance; among rows, whose order means nothing, those
come first that can be told from all others by what is known of them so far.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from .values import MOMENT, AnyOrder, Text, Token, tokens_of


class Names:
    """The names on one side.

    Args:
        shared: kinds and keys of the tokens that both sides have, which need no name.
        moments: all tokens of this side; the moments among them are named at once.
    """

    def __init__(self, shared: Collection[tuple[str, Any]], moments: Iterable[Token]) -> None:
        self._shared = shared
        self._names: dict[tuple[str, Any], str] = {}
        self._counts: Counter[str] = Counter()
        for token in sorted({one for one in moments if one.kind.startswith(MOMENT)}, key=lambda one: one.key):
            self._give(token)

    def name(self, tree: Any) -> None:
        """Name what has no name yet, in order."""
        if isinstance(tree, Token):
            self._give(tree)
        elif isinstance(tree, AnyOrder):
            self.name_rows(("", row) for row in tree)
        elif isinstance(tree, (dict, list, Text)):
            for part in tree.values() if isinstance(tree, dict) else tree:
                self.name(part)

    def name_rows(self, rows: Iterable[tuple[str, Any]]) -> None:
        """Name what has no name yet in rows, each with the name of its table."""
        pending = [(table, row) for table, row in rows if self._lacks_names(row)]
        while pending:
            alike: dict[tuple[str, str], list[Any]] = defaultdict(list)
            for table, row in pending:
                alike[table, self.shown(row)].append(row)
            # Rows that look the same are told apart by others that name them, or else not at all.
            unlike = sorted(look for look, rows in alike.items() if len(rows) == 1) or [min(alike)]
            for look in unlike:
                for row in alike[look]:
                    for token in tokens_of(row):
                        self._give(token)
            pending = [(table, row) for table, row in pending if self._lacks_names(row)]

    def shown(self, tree: Any) -> str:
        """Return a value as text, with names for what varies; what has none is called by its kind."""
        if isinstance(tree, Token):
            if tree[:2] in self._shared:
                return tree.shown
            return self._names.get(tree[:2], f"<{tree.kind}>")
        if isinstance(tree, Text):
            return "".join(part if type(part) is str else self.shown(part) for part in tree)
        if isinstance(tree, dict):
            return "{" + ", ".join(f"{name}: {self.shown(part)}" for name, part in tree.items()) + "}"
        texts = [self.shown(part) for part in tree]
        return "[" + ", ".join(sorted(texts) if isinstance(tree, AnyOrder) else texts) + "]"

    def _lacks_names(self, tree: Any) -> bool:
        return any(one[:2] not in self._names and one[:2] not in self._shared for one in tokens_of(tree))

    def _give(self, token: Token) -> None:
        key = token[:2]
        if key not in self._names and key not in self._shared:
            self._counts[token.kind] += 1
            self._names[key] = f"<{token.kind} {self._counts[token.kind]}>"
