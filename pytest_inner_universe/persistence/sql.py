"""SQL text for the subscription grammar: identifiers, literals, comparisons.

Everything that goes into a statement goes through here. Identifiers come from the schema and never from a caller;
values are written by type, text with its quotes doubled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..sats import Identity, Timestamp
from .errors import ValidationError
from .schema import TableSchema

MAX_LENGTH = 50_000
"""Bytes that the server accepts in one statement."""


def identifier(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """Write text, a `Timestamp` or an `Identity` as a literal.

    Raises:
        ValidationError: The value has no literal.

    Example:
        >>> literal("O'Hara")
        "'O''Hara'"
    """
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, Identity):
        return "0x" + value.hex()
    if isinstance(value, Timestamp):
        text = rfc3339(value)
        if text is not None:
            return f"'{text}'"
    raise ValidationError(f"{value!r} cannot be written in SQL")


def rfc3339(moment: Timestamp) -> str | None:
    """Write a time with its microseconds in UTC; None outside the years 1 to 9999, which the format cannot hold."""
    try:
        return moment.to_datetime().isoformat(timespec="microseconds").replace("+00:00", "Z")
    except OverflowError:
        return None


def comparison(column: str, sign: str, value: Any) -> str:
    """Compare a column with a value."""
    return f"{identifier(column)} {sign} {literal(value)}"


def select(table: TableSchema, conditions: Sequence[str] = ()) -> str:
    """Select whole rows of a table for which all the conditions hold.

    Example:
        >>> from pytest_inner_universe.persistence.schema import ENTITY
        >>> print(select(ENTITY, [comparison("id", "=", "a")]))
        SELECT * FROM "entity" WHERE "id" = 'a'
    """
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT * FROM {identifier(table.name)}{where}"  # noqa: S608 (every part was written above)


def select_by_key(table: TableSchema, key: str) -> str:
    """Select the row with this primary key."""
    return select(table, [comparison(table.primary_key, "=", key)])
