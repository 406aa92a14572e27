"""What goes wrong in SQL, with the words of a real server.

A real server sends two forms of the same text: HTTP and one-off queries answer with the reason alone, subscriptions
append the query. Both are attributes; the message for people adds the place and, where one is near, a better name.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from ..errors import EngineError

_WINDOW = 100


class SqlError(EngineError, ValueError):
    """A query that the server refuses.

    Args:
        reason: The server's own text, without the query.
        position: Offset in characters where the query goes wrong, if it is one place.
        sql: The query; None as long as it is not known, or if the error is about several.
        hint: A sentence that a real server does not say, such as the nearest name.
    """

    def __init__(
        self, reason: str, position: int | None = None, sql: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(reason, position, sql, hint)
        self.reason = reason
        self.position = position
        self.sql = sql
        self.hint = hint

    @property
    def server_text(self) -> str:
        """The text that a real server sends when a subscription fails."""
        return self.reason if self.sql is None else f"{self.reason}, executing: `{self.sql}`"

    def with_sql(self, sql: str) -> SqlError:
        """Return the same error, saying that it came from this query; inner errors are raised before it is known."""
        return self if self.sql is not None else type(self)(self.reason, self.position, sql, self.hint)

    def __str__(self) -> str:
        lines = [self.reason]
        if self.position is not None and self.sql:
            lines += _caret(self.sql, self.position)
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


class SqlNotSupported(SqlError):
    """A query that a real server answers, and this engine cannot."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return a sentence that proposes the known name closest to an unknown one."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean `{close[0]}`?" if close else None


def _caret(sql: str, position: int) -> list[str]:
    start = sql.rfind("\n", 0, position) + 1
    end = sql.find("\n", position)
    line = sql[start : len(sql) if end < 0 else end]
    column = position - start
    if len(line) > _WINDOW:
        first = max(0, min(column - _WINDOW // 2, len(line) - _WINDOW))
        line, column = line[first : first + _WINDOW], column - first
    return ["  " + line.replace("\t", " "), "  " + " " * column + "^"]
