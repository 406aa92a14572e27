"""The two forms of an archive's files: JSON Lines, which everything reads, and Parquet, which is made for analysis."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from ..errors import BackupError
from .rows import JsonRow
from .tables import ArchiveTable

if TYPE_CHECKING:
    from .manifest import Encoding


class TableFile(Protocol):
    """Takes the rows of one file."""

    @abstractmethod
    def write(self, lines: list[str]) -> None:
        """Append rows, each as its line."""

    @abstractmethod
    def finish(self) -> None:
        """Write what a file of this form has at its end."""


class JsonLinesFile:
    """Rows as JSON, one a line.

    Args:
        stream: The file.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, lines: list[str]) -> None:
        """Append rows, each as its line."""
        self._stream.write("".join([f"{text}\n" for text in lines]).encode())

    def finish(self) -> None:
        """Do nothing: a file of lines may end anywhere."""


def new_file(encoding: Encoding, stream: IO[bytes], table: ArchiveTable) -> TableFile:
    """Begin a file.

    Raises:
        BackupError: What the form needs is not installed.
    """
    if encoding == "jsonl":
        return JsonLinesFile(stream)
    from .parquet import ParquetFile

    return ParquetFile(stream, table)


def read_rows(encoding: Encoding, path: Path, table: ArchiveTable) -> Iterator[JsonRow]:
    """Read a file row by row.

    Raises:
        BackupError: A row is none, or what the form needs is not installed.
    """
    if encoding == "jsonl":
        return _json_lines(path)
    from .parquet import rows_of

    return rows_of(path, table)


def _json_lines(path: Path) -> Iterator[JsonRow]:
    with path.open("rb") as stream:
        for number, text in enumerate(stream, 1):
            try:
                row = json.loads(text)
            except ValueError as error:
                raise BackupError(str(path), f"line {number} is no JSON: {error}") from error
            if not isinstance(row, dict):
                raise BackupError(str(path), f"line {number} is no row")
            yield row
