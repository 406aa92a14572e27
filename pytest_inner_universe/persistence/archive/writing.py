"""Writing an archive: files one after another, the manifest at the end."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO

from ..errors import BackupError
from .encodings import new_file
from .manifest import Archive, ArchivedTable, file_name, write_manifest
from .tables import ArchiveTable


class ArchiveWriter:
    """An archive that is being made. Left by an error or without `finish`, it takes with it what it has written.

    Args:
        archive: What is to be in its manifest, without the tables.

    Raises:
        BackupError: There is something in the folder already, or it cannot be made.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self._tables: dict[str, ArchivedTable] = {}
        self._is_finished = False
        folder = archive.folder
        with _naming(folder):
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise BackupError(str(folder), "it exists already, and is no empty folder")
            self._is_new = not folder.exists()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_finished:
            return
        if self._is_new:
            shutil.rmtree(self.archive.folder, ignore_errors=True)
        for file in () if self._is_new else self.archive.folder.iterdir():
            file.unlink()

    @contextmanager
    def table(self, table: ArchiveTable) -> Iterator[TableWriter]:
        """Begin the file of a table; it is complete at the end of the block."""
        name = file_name(table.name, self.archive.encoding)
        with _naming(self.archive.folder), _private(self.archive.folder / name) as stream:
            writer = TableWriter(self.archive, table, stream)
            yield writer
            self._tables[table.name] = writer.finish(name)

    def finish(self, *, uncertain: Iterable[str] = ()) -> Archive:
        """Write the manifest, and return what is there now.

        Args:
            uncertain: See `Archive`.
        """
        archive = replace(self.archive, tables=self._tables, uncertain=tuple(uncertain))
        with _naming(archive.folder):
            write_manifest(archive)
        self._is_finished = True
        return archive


class TableWriter:
    """Takes the rows of one table, in their order.

    Args:
        archive: Where they go.
        table: The table.
        stream: Its file.
    """

    def __init__(self, archive: Archive, table: ArchiveTable, stream: IO[bytes]) -> None:
        self._hashing = _Hashing(stream)
        self._file = new_file(archive.encoding, self._hashing, table)  # type: ignore[arg-type]  # all that writers use
        self._digest = Digest()

    def write(self, lines: list[str]) -> None:
        """Append rows, each as its line."""
        self._digest.add(lines)
        self._file.write(lines)

    def finish(self, name: str) -> ArchivedTable:
        """Write the end of the file, and return what it is."""
        self._file.finish()
        self._hashing.flush()
        facts = (self._hashing.size, self._hashing.hash.hexdigest(), self._digest.value)
        return ArchivedTable(name, self._digest.rows, *facts)


class Digest:
    """Hash of rows as JSON Lines, and their number."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.rows = 0

    def add(self, lines: list[str]) -> None:
        """Add rows."""
        self._hash.update("".join([f"{text}\n" for text in lines]).encode())
        self.rows += len(lines)

    @property
    def value(self) -> str:
        """The hash."""
        return self._hash.hexdigest()


class _Hashing:
    """A file that knows the hash of what was written to it."""

    closed = False

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.size += memoryview(data).nbytes
        return self._stream.write(data)

    def tell(self) -> int:
        return self.size

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        """Leave the file open for its owner."""


@contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def _naming(folder: Path) -> Iterator[None]:
    try:
        yield
    except ConnectionError:
        raise
    except OSError as error:
        raise BackupError(str(folder), error.strerror or str(error)) from error
