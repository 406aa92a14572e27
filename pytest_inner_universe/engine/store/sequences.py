"""Sequences: what generates the values of auto-increment columns."""

from __future__ import annotations

from ...sats.definition import ColumnDef, SequenceDef
from ...sats.layout import minimum_width

_I128_MAX = (1 << 127) - 1


class Sequence:
    """What generates the values of one auto-increment column.

    Args:
        id: Its number in the database.
        definition: How the module declared it.
        column: The column that it fills.
        slot: Where the datastore counts.
    """

    def __init__(self, id: int, definition: SequenceDef, column: ColumnDef, slot: int) -> None:
        self.id = id
        self.definition = definition
        self.name = definition.name
        self.column = definition.column
        self.slot = slot
        self.start = 1 if definition.start is None else definition.start
        self.minimum = 1 if definition.minimum is None else definition.minimum
        self.maximum = _I128_MAX if definition.maximum is None else definition.maximum
        self.increment = definition.increment
        self.width = minimum_width(column.type)
        self.zero = bytes(self.width)
        self._mask = (1 << 8 * self.width) - 1

    def following(self, value: int) -> int:
        """Return the value after this one; at the end of the range it goes on at the other end."""
        span = self.maximum - self.minimum + 1
        return self.minimum + (value + self.increment - self.minimum) % span

    def encode(self, value: int) -> bytes:
        """Return a value as it stands in a row: cut to the width of the column, as servers do."""
        return (value & self._mask).to_bytes(self.width, "little")
