"""Rows in the order of an archive, whatever order they come in and however many they are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator

from .rows import JsonRow


class RowStore:
    """Rows by primary key, in a temporary file that is gone when the store is closed, or its process ends.

    They come out by time, then by key, which is compared by code point.
    """

    def __init__(self) -> None:
        # A file without a name: it lives beyond a cache of a few megabytes, and nobody has to remove it.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("BEGIN")  # one transaction, never ended: nothing has to be durable
        self._database.execute("CREATE TABLE row (key TEXT PRIMARY KEY, at INTEGER, line TEXT) WITHOUT ROWID")

    def __len__(self) -> int:
        (count,) = self._database.execute("SELECT count(*) FROM row").fetchone()
        return int(count)

    def add(self, rows: Iterable[tuple[tuple[int, str], str]]) -> None:
        """Add rows, each as what it is ordered by and its line.

        Raises:
            KeyError: A primary key is there already.
        """
        latest = ""

        def values() -> Iterator[tuple[str, int, str]]:
            nonlocal latest
            for (at, latest), text in rows:
                yield latest, at, text

        try:
            self._database.executemany("INSERT INTO row VALUES (?, ?, ?)", values())
        except sqlite3.IntegrityError:
            raise KeyError(latest) from None

    def put(self, at: int, key: str, text: str) -> None:
        """Put a row in, in place of one with the same key."""
        self._database.execute("INSERT OR REPLACE INTO row VALUES (?, ?, ?)", (key, at, text))

    def get(self, key: str) -> JsonRow | None:
        """Return a row, None if there is none."""
        found = self._database.execute("SELECT line FROM row WHERE key = ?", (key,)).fetchone()
        return None if found is None else dict(json.loads(found[0]))

    def remove(self, key: str) -> None:
        """Take a row out, if it is there."""
        self._database.execute("DELETE FROM row WHERE key = ?", (key,))

    def lines(self) -> Iterator[str]:
        """Return all rows in order; none may be changed meanwhile."""
        for (text,) in self._database.execute("SELECT line FROM row ORDER BY at, key"):
            yield text

    def close(self) -> None:
        """Give it up."""
        self._database.close()

    def __enter__(self) -> RowStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
