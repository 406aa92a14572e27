"""Reads single columns out of the BSATN of a row, without decoding the rest of it.

A generated function unpacks neighbouring columns of fixed width in one go, steps over those of other widths, and stops
behind the last column that is asked for.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from ...sats.definition import TableDef
from ...sats.types import BOOL, F32, F64, STRING, U8, AlgebraicType, Array
from ..store.projector import fixed_width, skipper
from .literals import width_of

_FORMATS = {1: "B", 2: "H", 4: "I", 8: "Q"}


class _NotANumber:
    """NaN as the server orders it: equal to itself, and above every other number."""

    def __eq__(self, other: object) -> bool:
        return other is self

    def __lt__(self, other: object) -> bool:
        return False

    def __le__(self, other: object) -> bool:
        return other is self

    def __gt__(self, other: object) -> bool:
        return other is not self

    def __ge__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


NAN = _NotANumber()


def column_slice(table: TableDef, position: int) -> Callable[[bytes], bytes]:
    """Return a function that cuts one column's BSATN out of a row."""
    types = [column.type for column in table.columns]
    start, variable = 0, []
    for number, type_ in enumerate(types[:position]):
        width = fixed_width(type_)
        if width is None:
            variable = [skipper(other) for other in types[number:position]]
            break
        start += width
    own = fixed_width(types[position])
    if own is not None and not variable:
        return itemgetter(slice(start, start + own))
    behind = skipper(types[position])

    def cut(row: bytes) -> bytes:
        offset, size = start, len(row)
        for skip in variable:
            offset = skip(row, offset, size)
        return row[offset : behind(row, offset, size)]

    return cut


class ColumnSource:
    """Writes Python source that reads columns of a row into local variables.

    Args:
        names: Objects that the source refers to, by name; grows as needed.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names
        self.lines: list[str] = []

    def bind(self, value: Any) -> str:
        """Make an object known to the source, and return its name."""
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name

    def read(self, row: str, types: tuple[AlgebraicType, ...], wanted: dict[int, str], raw: bool) -> None:
        """Write what reads columns of one row.

        Args:
            row: The variable with the row.
            types: Types of all columns.
            wanted: Positions of the columns to read, and the variables that they go into.
            raw: Whether integers of 16 and 32 bytes may stay bytes, which is enough to tell equal from different.
        """
        base, offset = "", 0
        run: list[tuple[str, str | None]] = []
        after: list[str] = []
        for position in range(max(wanted) + 1):
            type_, variable = types[position], wanted.get(position)
            width = fixed_width(type_)
            if width is not None:
                run.append((f"{width}x" if variable is None else self._format(type_, width), variable))
                if variable is not None:
                    after += self._converted(type_, width, variable, raw)
                continue
            offset += self._flush(row, base, offset, run, after)
            here = f"{base} + {offset}" if base and offset else base or str(offset)
            base = "p"
            if type_ in (STRING, Array(U8)):
                end = f"{here} + 4 + int.from_bytes({row}[{here}:{here} + 4], 'little')"
                if variable is None:
                    self.lines.append(f"p = {end}")
                else:
                    self.lines += [f"q = {end}", f"{variable} = {row}[{here} + 4:q]", "p = q"]
            else:
                self.lines.append(f"p = {self.bind(skipper(type_))}({row}, {here}, len({row}))")
            offset = 0
        self._flush(row, base, offset, run, after)

    def _flush(self, row: str, base: str, offset: int, run: list[tuple[str, str | None]], after: list[str]) -> int:
        unpacker = struct.Struct("<" + "".join(format_ for format_, _ in run))
        variables = [variable for _, variable in run if variable is not None]
        if variables:
            place = f"{base} + {offset}" if base else str(offset)
            self.lines.append(f"{', '.join(variables)}, = {self.bind(unpacker.unpack_from)}({row}, {place})")
            self.lines += after
        run.clear()
        after.clear()
        return unpacker.size

    def _format(self, type_: AlgebraicType, width: int) -> str:
        if type_ in (F32, F64):
            return "f" if type_ == F32 else "d"
        if type_ == BOOL:
            return "?"
        if width not in _FORMATS:
            return f"{width}s"
        known = width_of(type_)
        return _FORMATS[width].lower() if known is not None and known[1] else _FORMATS[width]

    def _converted(self, type_: AlgebraicType, width: int, variable: str, raw: bool) -> list[str]:
        if type_ in (F32, F64):
            return [f"if {variable} != {variable}: {variable} = {self.bind(NAN)}"]
        if width in _FORMATS or raw:
            return []
        known = width_of(type_)
        signed = known is not None and known[1]
        return [f"{variable} = int.from_bytes({variable}, 'little', signed={signed})"]
