"""Cold copies: the data folder of a server that does not run, as one archive, and back.

An archive is a gzipped tar file. Its last member, ``manifest.json``, has size and SHA-256 of every file before it; an archive
that was cut off has none. Data, keys and the owner's token are in it: it is for its user's eyes only.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ..server import locks
from .errors import BackupError

MANIFEST = "manifest.json"
_FORMAT = 1
_LOCK = "spacetime.pid"
"""Where servers since 1.0 hold a lock while they run."""
_LEFT_OUT = ("cache", _LOCK)
"""What a server makes anew."""
_CHUNK = 1 << 20


@dataclass(frozen=True)
class ColdCopy:
    """What an archive holds.

    Args:
        archive: The file.
        made_at: When it was made, in seconds since 1970.
        files: Size in bytes and SHA-256 of every file, by its path in the data folder.
    """

    archive: Path
    made_at: float
    files: dict[str, tuple[int, str]]

    @property
    def size(self) -> int:
        """Bytes of data in it, unpacked."""
        return sum(size for size, _ in self.files.values())


def write_copy(data_dir: str | os.PathLike[str], archive: str | os.PathLike[str]) -> ColdCopy:
    """Copy the data folder of a server that does not run into a new archive.

    The archive is there when it is complete, and not before.

    Args:
        data_dir: The folder, ``db_path`` of a configuration.
        archive: The file to make.

    Raises:
        BackupError: A server runs on the folder, there is no data in it, the archive exists, or the disk is full.
    """
    source, target = Path(data_dir), Path(archive)
    if target.exists():
        raise BackupError(str(target), "it exists already")
    if not (source / "control-db").exists():
        raise BackupError(str(source), "there is no server's data in this folder")
    new = target.with_name(f".{target.name}.new")
    files: dict[str, tuple[int, str]] = {}
    made_at = time.time()
    try:
        with _at_rest(source):
            target.parent.mkdir(parents=True, exist_ok=True)
            with _private(new) as stream, tarfile.open(fileobj=stream, mode="w:gz", compresslevel=6) as tar:
                for path in _files_of(source):
                    name = path.relative_to(source).as_posix()
                    with path.open("rb") as content:
                        info = tar.gettarinfo(arcname=f"data/{name}", fileobj=content)
                        reader = _Hashing(content)
                        tar.addfile(info, reader)
                    files[name] = (info.size, reader.digest)
                document = json.dumps({"format": _FORMAT, "made_at": made_at, "files": files}).encode()
                info = tarfile.TarInfo(MANIFEST)
                info.size = len(document)
                tar.addfile(info, io.BytesIO(document))
            new.replace(target)
    except OSError as error:
        raise BackupError(str(target), error.strerror or str(error)) from error
    finally:
        new.unlink(missing_ok=True)
    return ColdCopy(target, made_at, files)


def read_copy(archive: str | os.PathLike[str]) -> ColdCopy:
    """Check that an archive is whole and unchanged, and return what it holds.

    Raises:
        BackupError: It is not.
    """
    return _unpack(Path(archive), None)


def restore_copy(
    archive: str | os.PathLike[str], data_dir: str | os.PathLike[str], *, replace: bool = False
) -> ColdCopy:
    """Make a data folder of an archive. A folder that is there changes only when everything has been checked.

    Args:
        archive: The archive.
        data_dir: The folder.
        replace: Whether a folder with something in it is given up for it.

    Raises:
        BackupError: The archive is not whole or was changed, the folder is not empty, or a server runs on it.
    """
    target = Path(data_dir).absolute()
    if target.exists() and not target.is_dir():
        raise BackupError(str(target), "it is no folder")
    if target.exists() and any(target.iterdir()) and not replace:
        raise BackupError(str(target), "the folder is not empty; say replace=True to give up what is in it")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            copy = _unpack(Path(archive), new / "new")
            if target.exists():
                with _at_rest(target):
                    target.rename(new / "old")
            (new / "new").rename(target)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        raise BackupError(str(target), error.strerror or str(error)) from error
    return copy


def _unpack(archive: Path, folder: Path | None) -> ColdCopy:
    found: dict[str, tuple[int, str]] = {}
    manifest: Any = None
    if folder is not None:
        folder.mkdir(mode=0o700)
    try:
        with gzip.open(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            for member in tar:
                content = tar.extractfile(member)
                if manifest is not None or content is None:
                    raise BackupError(str(archive), f"it has something that no backup has: {member.name}")
                if member.name == MANIFEST:
                    manifest = json.loads(content.read())
                    continue
                path = PurePosixPath(member.name)
                if path.parts[:1] != ("data",) or ".." in path.parts or len(path.parts) < 2:
                    raise BackupError(str(archive), f"it has something that no backup has: {member.name}")
                reader = _Hashing(content)
                target = None if folder is None else folder.joinpath(*path.parts[1:])
                _copy(reader, target, member.mode)
                found["/".join(path.parts[1:])] = (member.size, reader.digest)
            while stream.read(_CHUNK):
                pass  # to its checksum
    except (tarfile.TarError, zlib.error, EOFError, ValueError, OSError) as error:
        raise BackupError(str(archive), f"it cannot be read: {error}") from error
    return _compared(archive, manifest, found)


def _compared(archive: Path, manifest: Any, found: dict[str, tuple[int, str]]) -> ColdCopy:
    if not isinstance(manifest, dict):
        raise BackupError(str(archive), "its end is missing")
    if manifest.get("format") != _FORMAT:
        raise BackupError(str(archive), f"it has format {manifest.get('format')!r}, known is {_FORMAT}")
    listed = {name: tuple(facts) for name, facts in manifest.get("files", {}).items()}
    wrong = sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))
    if wrong:
        raise BackupError(str(archive), f"{len(wrong)} files are not what they were, {wrong[0]} among them")
    return ColdCopy(archive, float(manifest["made_at"]), found)


def _copy(reader: _Hashing, target: Path | None, mode: int) -> None:
    if target is None:
        while reader.read(_CHUNK):
            pass
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as stream:
        shutil.copyfileobj(reader, stream, _CHUNK)
    target.chmod(mode & 0o777 | 0o200)


class _Hashing:
    """Reads a file and hashes what passes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        return data

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def _files_of(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if inside[0] not in _LEFT_OUT and path.is_file() and not path.is_symlink():
            yield path


@contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        yield stream


@contextmanager
def _at_rest(folder: Path) -> Iterator[None]:
    """Keep servers away from a folder.

    Raises:
        BackupError: One runs on it.
    """
    file = folder / _LOCK
    lock = locks.hold(file) if file.exists() else -1
    if lock is None:
        raise BackupError(str(folder), "a server runs on this folder; stop it first")
    try:
        yield
    finally:
        if lock != -1:
            os.close(lock)
