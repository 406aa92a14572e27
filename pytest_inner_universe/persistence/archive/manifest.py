"""The manifest of an archive: what is in it, and from where. It is written last, so an archive without one was never finished."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from ...sats import Timestamp
from .. import canonical_json
from ..errors import BackupError
from ..schema import SCHEMA_VERSION
from .tables import ARCHIVE_TABLES

MANIFEST = "manifest.json"
FORMAT = 1

Encoding = Literal["jsonl", "parquet"]
ENCODINGS: tuple[str, ...] = get_args(Encoding)


@dataclass(frozen=True)
class ArchivedTable:
    """One table of an archive.

    Args:
        file: Name of its file.
        rows: How many rows are in it.
        size: Bytes of the file.
        sha256: Hash of the file.
        digest: Hash of the rows as JSON Lines: the same for the same rows, whatever form the file has.
    """

    file: str
    rows: int
    size: int
    sha256: str
    digest: str


@dataclass(frozen=True)
class Archive:
    """What a database held at one moment, as files.

    Args:
        folder: Where they are.
        encoding: Their form.
        made_at: When it was made, by this machine's clock.
        source: Whose rows these are, in words.
        module_version: Version of the module there.
        schema_version: Version of its tables.
        tables: What is in it, by table.
        left_out: Tables that are not in it, because whoever made it may not read them.
        uncertain: Keys of the configuration whose value at the moment in question is not known; see `rewind_archive`.
    """

    folder: Path
    encoding: Encoding
    made_at: Timestamp
    source: str
    module_version: str
    schema_version: int
    tables: dict[str, ArchivedTable] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows are in it, over all tables."""
        return sum(table.rows for table in self.tables.values())


def write_manifest(archive: Archive) -> None:
    """Write the manifest of an archive whose files are complete: at once, or not at all."""
    document = {
        "format": FORMAT,
        "encoding": archive.encoding,
        "made_at": archive.made_at.micros,
        "source": archive.source,
        "module_version": archive.module_version,
        "schema_version": archive.schema_version,
        "tables": {name: asdict(table) for name, table in archive.tables.items()},
        "left_out": list(archive.left_out),
        "uncertain": list(archive.uncertain),
    }
    new = archive.folder / f".{MANIFEST}.new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        json.dump({**document, "checksum": _checksum(document)}, stream, indent=2)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(archive.folder / MANIFEST)


def read_manifest(folder: str | os.PathLike[str]) -> Archive:
    """Read the manifest of an archive; the files are not looked at.

    Raises:
        BackupError: There is none, it was changed, or it is of a format or schema that is not known here.
    """
    path = Path(folder)
    try:
        document = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        reason = (
            "it has no manifest: it is no archive, or was never finished"
            if path.is_dir()
            else "there is no such folder"
        )
        raise BackupError(str(path), reason) from None
    except (OSError, ValueError) as error:
        raise BackupError(str(path), f"its manifest cannot be read: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else None
        raise BackupError(
            str(path), f"it has format {found!r}, known is {FORMAT}; a newer version of this package may know it"
        )
    try:
        checksum = document.pop("checksum", None)
        if checksum != _checksum(document):
            raise BackupError(str(path), "its manifest is not what it was")
        archive = _archive(path, document)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BackupError(str(path), f"its manifest is none: {type(error).__name__}: {error}") from error
    if archive.schema_version > SCHEMA_VERSION:
        reason = (
            f"it is of schema version {archive.schema_version}, known is {SCHEMA_VERSION}; "
            "use the version of this package that it was made with, or a newer one"
        )
        raise BackupError(str(path), reason)
    return archive


def _archive(folder: Path, document: dict[str, Any]) -> Archive:
    tables = {name: ArchivedTable(**facts) for name, facts in document["tables"].items()}
    unknown = sorted(tables.keys() - ARCHIVE_TABLES.keys())
    missing = sorted(ARCHIVE_TABLES.keys() - tables.keys() - {*document["left_out"]})
    encoding = document["encoding"]
    if unknown or missing or encoding not in ENCODINGS:
        raise ValueError(f"unknown tables {unknown}, missing tables {missing}, encoding {encoding!r}")
    for name, table in tables.items():
        if table.file != file_name(name, encoding):
            raise ValueError(f"table {name} in file {table.file!r}")
    return Archive(
        folder,
        encoding,
        Timestamp(document["made_at"]),
        document["source"],
        document["module_version"],
        document["schema_version"],
        tables,
        tuple(document["left_out"]),
        tuple(document["uncertain"]),
    )


def file_name(table: str, encoding: str) -> str:
    """Return the name of a table's file."""
    return f"{table}.{encoding}"


def _checksum(document: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json.dumps(document).encode()).hexdigest()
