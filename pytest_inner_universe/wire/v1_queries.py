"""What can be told of a query from its text alone: which table's rows it returns, and whether it returns all of them.

The first protocol does not say which query a change belongs to. This much helps to find out, and where a text is not
understood nothing is claimed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

_NAME = r'(?:"[^"]+"|\w+)'
_WHOLE_TABLE: Final = re.compile(rf"\s*select\s+\*\s+from\s+({_NAME})\s*;?\s*", re.IGNORECASE)
_ONE_TABLE: Final = re.compile(rf"\s*select\s+\*\s+from\s+({_NAME})(?!\w)", re.IGNORECASE)
_ALL_TABLES: Final = re.compile(r"\s*select\s+\*\s+from\s+\*\s*;?\s*", re.IGNORECASE)
_OF_ALIAS: Final = re.compile(rf"\s*select\s+({_NAME})\s*\.\s*\*\s+from\b", re.IGNORECASE)
_NO_ALIAS = r"(?!(?:join|inner|cross|on|where)\b)"
_SOURCE: Final = re.compile(rf"\b(?:from|join)\s+({_NAME})(?:\s+(?:as\s+)?{_NO_ALIAS}({_NAME}))?", re.IGNORECASE)


@lru_cache(maxsize=1024)
def table_of(query: str) -> str | None:
    """Return the name of the table whose rows a query returns; None if it may be any.

    Example:
        >>> table_of("SELECT p.* FROM person p JOIN team t ON p.team = t.id")
        'person'
        >>> table_of("SELECT * FROM *") is None
        True
    """
    found = _ONE_TABLE.match(query)
    if found is not None:
        return _bare(found[1])
    found = _OF_ALIAS.match(query)
    if found is not None:
        alias = _bare(found[1])
        for table, name in _SOURCE.findall(query):
            if alias in {_bare(table), _bare(name)}:
                return _bare(table)
    return None


@lru_cache(maxsize=1024)
def is_whole(query: str) -> bool:
    """Return whether a query returns every row of whatever table it is about."""
    return bool(_WHOLE_TABLE.fullmatch(query) or _ALL_TABLES.fullmatch(query))


def is_of_all_tables(query: str) -> str:
    """Return where in a query the star stands for all tables, in the words of the server's parser; empty if it does not.

    Example:
        >>> is_of_all_tables("SELECT * FROM *")
        ' at Line: 1, Column 15'
    """
    if _ALL_TABLES.fullmatch(query) is None:
        return ""
    before = query[: query.rindex("*")]
    return f" at Line: {before.count(chr(10)) + 1}, Column {len(before) - before.rfind(chr(10))}"


def by_table(queries: Iterable[str], name_of: Callable[[str], str]) -> dict[str | None, frozenset[str]]:
    """Return queries by the table whose rows they return, under None where it may be any.

    Args:
        queries: The queries.
        name_of: Returns the name of a table as the server spells it, for one as a query does.
    """
    groups: dict[str | None, set[str]] = {}
    for query in queries:
        table = table_of(query)
        groups.setdefault(None if table is None else name_of(table), set()).add(query)
    return {table: frozenset(texts) for table, texts in groups.items()}


def _bare(name: str) -> str:
    return name.strip('"')
