"""Rows as an archive has them: JSON objects with the columns in their order.

A time is its microseconds since 1970, an identity its hexadecimal digits, an absent option null. Text stays as it is, also where it is JSON
itself, so that a row comes back byte by byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ...sats import IDENTITY, TIMESTAMP, AlgebraicType, Array, Identity, Product, Sum, Timestamp
from .tables import ArchiveTable

JsonRow = dict[str, Any]
Convert = Callable[[Any], Any]

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class RowForm:
    """Turns rows of one table into lines of an archive, and back.

    Args:
        table: The table.
    """

    def __init__(self, table: ArchiveTable) -> None:
        self.table = table
        self._to_json = _writer(table.row)
        self._from_json = _reader(table.row)
        self._key = table.schema.primary_key
        self._time = table.schema.time_column if table.is_ordered_by_time else None

    def packed(self, row: JsonRow) -> JsonRow:
        """Return a row of the wire as an archive has it.

        Raises:
            ValueError: It has something that JSON has no form for.
        """
        packed: JsonRow = self._to_json(row)
        return packed

    def unpacked(self, row: JsonRow) -> JsonRow:
        """Return a row of an archive as a reducer takes it.

        Raises:
            ValueError: A column is missing or holds something else than it should.
        """
        try:
            unpacked: JsonRow = self._from_json(row)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error
        return unpacked

    def place(self, row: JsonRow) -> tuple[int, str]:
        """Return what a row of the wire is ordered by; the text is its primary key."""
        key = row[self._key]
        return (0 if self._time is None else row[self._time].micros), key if isinstance(key, str) else key.hex()


def line(row: JsonRow) -> str:
    """Return a row of an archive as text, without the end of its line.

    Raises:
        ValueError: It has a number that JSON has no form for.
    """
    return _ENCODER.encode(row)


def _writer(type_: AlgebraicType) -> Convert:
    if type_ == TIMESTAMP:
        return lambda value: value.micros
    if type_ == IDENTITY:
        return lambda value: value.hex()
    return _within(type_, _writer, str)


def _reader(type_: AlgebraicType) -> Convert:
    if type_ == TIMESTAMP:
        return Timestamp
    if type_ == IDENTITY:
        return Identity.from_hex
    return _within(type_, _reader, _same)


def _within(type_: AlgebraicType, convert_of: Callable[[AlgebraicType], Convert], variant: Convert) -> Convert:
    """Return what converts the values inside of a type, and one of several variants as a whole."""
    if isinstance(type_, Product):
        parts = [(str(element.name), convert_of(element.type)) for element in type_.elements]
        return lambda value: {name: convert(value[name]) for name, convert in parts}
    if isinstance(type_, Array):
        item = convert_of(type_.element)
        return lambda value: [item(one) for one in value]
    inner = option_of(type_)
    if inner is not None:
        convert = convert_of(inner)
        return lambda value: None if value is None else convert(value)
    return variant if isinstance(type_, Sum) else _same


def option_of(type_: AlgebraicType) -> AlgebraicType | None:
    """Return what an option holds, None for every other type."""
    if isinstance(type_, Sum) and [variant.name for variant in type_.variants] == ["some", "none"]:
        return type_.variants[0].type
    return None


def _same(value: Any) -> Any:
    return value
