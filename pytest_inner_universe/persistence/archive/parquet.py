"""Files of an archive as Parquet; needs the extra ``parquet``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from ...sats import BOOL, F64, IDENTITY, STRING, TIMESTAMP, U32, AlgebraicType, Array, Product
from ..errors import BackupError
from .progress import STEP
from .rows import JsonRow, option_of
from .tables import ArchiveTable

_ROW_GROUP = 10 * STEP


class ParquetFile:
    """Rows as Parquet, in groups of a few thousand.

    Args:
        stream: The file.
        table: Whose rows they are.

    Raises:
        BackupError: pyarrow is not installed.
    """

    def __init__(self, stream: IO[bytes], table: ArchiveTable) -> None:
        self._arrow, parquet = _pyarrow()
        self._schema = _schema(self._arrow, table)
        self._writer = parquet.ParquetWriter(stream, self._schema, compression="zstd")
        self._waiting: list[JsonRow] = []

    def write(self, lines: list[str]) -> None:
        """Append rows, each as its line."""
        self._waiting += map(json.loads, lines)
        if len(self._waiting) >= _ROW_GROUP:
            self._flush()

    def finish(self) -> None:
        """Write the rows that wait, and the end of the file."""
        if self._waiting:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(self._arrow.Table.from_pylist(self._waiting, schema=self._schema))
        self._waiting = []


def rows_of(path: Path, table: ArchiveTable) -> Iterator[JsonRow]:
    """Read a file row by row.

    Raises:
        BackupError: It is no such file, or pyarrow is not installed.
    """
    arrow, parquet = _pyarrow()
    schema = _schema(arrow, table)
    try:
        with parquet.ParquetFile(path) as file:
            if file.schema_arrow != schema:
                raise BackupError(str(path), "it has other columns")
            for batch in file.iter_batches(STEP):
                # As numbers: a time may lie where `datetime` has none.
                columns = [
                    column.cast(arrow.int64()) if arrow.types.is_timestamp(column.type) else column
                    for column in batch.columns
                ]
                yield from arrow.RecordBatch.from_arrays(columns, schema.names).to_pylist()
    except arrow.ArrowException as error:
        raise BackupError(str(path), f"it cannot be read: {error}") from error


def _pyarrow() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        reason = "pyarrow is not installed: pip install 'pytest-inner-universe[parquet]', or take encoding='jsonl'"
        raise BackupError("Parquet", reason) from None


def _schema(arrow: Any, table: ArchiveTable) -> Any:
    return arrow.schema([(str(column.name), _type(arrow, column.type)) for column in table.row.elements])


def _type(arrow: Any, type_: AlgebraicType) -> Any:
    plain: dict[AlgebraicType, Any] = {
        STRING: arrow.string(),
        BOOL: arrow.bool_(),
        F64: arrow.float64(),
        U32: arrow.uint32(),
    }
    if type_ in plain:
        return plain[type_]
    if type_ == TIMESTAMP:
        return arrow.timestamp("us", "UTC")
    if type_ == IDENTITY:
        return arrow.string()
    if isinstance(type_, Product):
        return arrow.struct([(str(element.name), _type(arrow, element.type)) for element in type_.elements])
    if isinstance(type_, Array):
        return arrow.list_(_type(arrow, type_.element))
    inner = option_of(type_)
    return arrow.string() if inner is None else _type(arrow, inner)
