"""What a statement gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...sats.types import AlgebraicType


@dataclass(frozen=True, slots=True)
class SqlResult:
    """What a statement gives.

    Args:
        columns: Name and type of each column of the result; none for statements that write.
        rows: The rows, as tuples in the order of the columns.
        inserted: Rows that were put in.
        deleted: Rows that were taken out.
        updated: Rows that were replaced.
    """

    columns: tuple[tuple[str, AlgebraicType], ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    inserted: int = 0
    deleted: int = 0
    updated: int = 0

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows as dicts by column name."""
        names = [name for name, _ in self.columns]
        return [dict(zip(names, row)) for row in self.rows]
