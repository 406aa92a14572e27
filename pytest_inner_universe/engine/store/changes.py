"""What a transaction did."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .schema import Table


class TableChanges(NamedTuple):
    """The net effect of a transaction on one table.

    Args:
        table: The table.
        inserts: Rows that were not there before, in the order in which they came. Rows of an event table are gone again
            once they have been reported.
        deletes: Rows that were there before.
    """

    table: Table
    inserts: list[bytes]
    deletes: list[bytes]


Changes = dict[str, TableChanges]
"""The net effect of a transaction: by name of the table, only tables in which something changed."""
