"""Values as text inside of JSON messages: rows, arguments and what procedures return.

Rows have two spellings. Those that a server reads from its pages are objects by column name, sums among their fields
``[tag, payload]`` and what an array holds in the dynamic spelling; those of a transaction, and all rows of views, are
in the dynamic spelling as a whole. Reading takes any spelling.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from ..sats import accept
from ..sats.bsatn import codec
from ..sats.errors import DecodeError, EncodeError, JsonError
from ..sats.json_write import json_writer
from ..sats.sats_json import json_codec
from ..sats.types import AlgebraicType, Product, Sum, field_names, special
from ..sats.values import Some
from .rows import RowList
from .schema import Schema

_Write = Callable[[Any], Any]


def page_writer(type_: AlgebraicType) -> _Write:
    """Return what writes a value as servers write it from a page.

    Args:
        type_: The type; the value is in the shape that reading bytes gives it.
    """
    kind = special(type_)
    if type(type_) is Product:
        names = field_names(type_)
        if kind is not None:
            return json_writer(type_, False)
        writers = [page_writer(element.type) for element in type_.elements]
        if not writers:
            return lambda _: {}
        if names is None:
            return lambda value: [write(part) for write, part in zip(writers, value)]
        return lambda value: {name: write(value[name]) for name, write in zip(names, writers)}
    if type(type_) is not Sum:
        return json_writer(type_, True)
    payloads = [page_writer(variant.type) for variant in type_.variants]
    find = _find_option if kind == "option" else accept.finder(type_, kind)

    def write_sum(value: Any) -> list[Any]:
        tag, payload = find(value)
        return [tag, payloads[tag](payload)]

    return write_sum


def _find_option(value: Any) -> tuple[int, Any]:
    return (1, ()) if value is None else (0, value.value if type(value) is Some else value)


class RowTexts:
    """Reads and writes the rows of a module's tables as texts.

    Args:
        schema: The module.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._page_writers: dict[str, _Write] = {}

    def read(self, table: str, texts: Iterable[str]) -> RowList:
        """Return rows as bytes.

        Raises:
            JsonError: A text is no row of the table, or there is no such table.
        """
        try:
            type_ = self._schema.row_type(table)
        except KeyError:
            raise JsonError(f"rows of the table {table!r}, which the module does not have") from None
        from_json, to_bytes = json_codec(type_), codec(type_)
        rows = []
        for i, text in enumerate(texts):
            try:
                rows.append(to_bytes.encode(from_json.loads(text)))
            except (DecodeError, EncodeError) as error:
                raise JsonError(f"{error.reason} (row {i} of table {table!r})", error.path) from None
        return RowList(rows)

    def write_page(self, table: str, rows: Iterable[bytes]) -> tuple[str, ...]:
        """Return the texts of rows as a page has them."""
        if self._schema.is_view(table):
            return self.write_delta(table, rows)
        type_ = self._row_type(table)
        write = self._page_writers.get(table) or self._page_writers.setdefault(table, page_writer(type_))
        decode = codec(type_).decode
        return tuple([_dump(write(decode(row))) for row in rows])

    def write_delta(self, table: str, rows: Iterable[bytes]) -> tuple[str, ...]:
        """Return the texts of rows as a transaction has them."""
        type_ = self._row_type(table)
        write, decode = json_codec(type_).dumps, codec(type_).decode
        return tuple([write(decode(row), dynamic=True) for row in rows])

    def _row_type(self, table: str) -> Product:
        try:
            return self._schema.row_type(table)
        except KeyError:
            raise EncodeError(f"rows of the table {table!r}, which the module does not have") from None


def value_to_text(type_: AlgebraicType, data: bytes) -> str:
    """Return the text of a value given as bytes.

    Raises:
        DecodeError: The bytes are no value of the type.
    """
    return json_codec(type_).dumps(codec(type_).decode(data), dynamic=True)


def text_to_value(type_: AlgebraicType, text: str) -> bytes:
    """Return the bytes of a value given as text, in any spelling.

    Raises:
        JsonError: The text is no value of the type.
    """
    value = json_codec(type_).loads(text)
    try:
        return codec(type_).encode(value)
    except EncodeError as error:
        raise JsonError(error.reason, error.path) from None


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
