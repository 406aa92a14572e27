"""What a run leaves on the machine while it works, and the removal of what a dead run could not remove itself.

Every run that starts servers has a folder of its own under one root in the system's folder for temporary files, named by the
run's id. The folder holds the servers' data and a record of every process and container, and a lock that the run's process
holds until its end. Whoever can take that lock knows that the run is dead, and may end what the records name, and nothing
else: a process only if number, start time and command line are those of the record, a container only if it carries the
run's label.
"""

from __future__ import annotations

import contextlib
import getpass
import itertools
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import locks
from .processes import ProcessRecord, end

_RUN_ID = re.compile(r"[0-9a-f]{10}")
_LOCK = "lock"
_RECORDS = "records"


@dataclass(frozen=True)
class ContainerRecord:
    """What is noted of a container before it is made.

    Args:
        name: Its name, which no other has.
        run: Id of the run, which is its label too.
        docker: Address of the engine.
    """

    name: str
    run: str
    docker: str


@dataclass
class Swept:
    """What a sweep did.

    Args:
        runs: Ids of the dead runs whose folders are gone.
        processes: Numbers of the processes that it ended.
        containers: Names of the containers that it removed.
        kept: Ids of the dead runs of which something could not be removed; the next sweep tries again.
    """

    runs: list[str] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)
    containers: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


class Run:
    """The folder of one run; ends what it holds with `close`, or leaves it to the next run's sweep.

    Args:
        root: Where the folders of runs are; the user's own unless given.

    Attributes:
        id: Ten hexadecimal digits, part of every name that this run gives.
        folder: The folder.
    """

    def __init__(self, root: Path | None = None) -> None:
        root = user_root() if root is None else root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.id = secrets.token_hex(5)
        self.folder = root / self.id
        self._numbers = itertools.count(1)
        # Made under another name, which no sweep looks at, until the lock is held.
        making = root / f".{self.id}"
        (making / _RECORDS).mkdir(mode=0o700, parents=True)
        self._lock = locks.hold(making / _LOCK)
        making.rename(self.folder)

    def new_folder(self, what: str) -> Path:
        """Make a folder for something that the run starts."""
        folder = self.folder / f"{what}-{next(self._numbers)}"
        folder.mkdir(mode=0o700)
        return folder

    def note(self, record: ProcessRecord | ContainerRecord) -> Path:
        """Write down something that has to be ended; removing the file means that it has been."""
        path = self.folder / _RECORDS / f"{next(self._numbers)}.json"
        new = path.with_suffix(".new")
        new.write_text(json.dumps({type(record).__name__: asdict(record)}), "utf-8")
        new.rename(path)
        return path

    def close(self) -> None:
        """Remove the folder, unless a record is left of something that runs; does nothing the second time."""
        if self._lock is None:
            return
        if not any((self.folder / _RECORDS).glob("*.json")):
            shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)
        self._lock = None

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def begin(root: Path | None = None) -> Run:
    """Remove what dead runs left, and begin a new one."""
    root = user_root() if root is None else root
    sweep(root)
    return Run(root)


def user_root() -> Path:
    """Return the root of the user's runs, or a new folder where somebody else has taken its name."""
    user = str(os.getuid()) if hasattr(os, "getuid") else re.sub(r"\W", "_", getpass.getuser())
    root = Path(tempfile.gettempdir()) / f"inner-universe-{user}"
    with contextlib.suppress(OSError):
        root.mkdir(mode=0o700, exist_ok=True)
        found = root.lstat()
        if stat.S_ISDIR(found.st_mode) and (not hasattr(os, "getuid") or found.st_uid == os.getuid()):
            return root
    return Path(tempfile.mkdtemp(prefix="inner-universe-"))


def sweep(root: Path | None = None) -> Swept:
    """Remove what dead runs left.

    Args:
        root: Where the folders of runs are; the user's own unless given.
    """
    swept = Swept()
    root = user_root() if root is None else root
    for folder in sorted(root.glob("*")):
        if not _RUN_ID.fullmatch(folder.name) or folder.is_symlink() or not (folder / _LOCK).is_file():
            continue
        try:
            lock = locks.hold(folder / _LOCK)
        except OSError:
            continue
        if lock is None:
            continue
        try:
            _remove(folder, swept)
        finally:
            os.close(lock)
    return swept


def _remove(folder: Path, swept: Swept) -> None:
    remaining = 0
    for path in sorted((folder / _RECORDS).glob("*.json")):
        try:
            record = _read(path)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            remaining += 1  # unreadable: it may name something that runs
            continue
        if _end(record, folder.name, swept):
            path.unlink(missing_ok=True)
        else:
            remaining += 1
    if remaining:
        swept.kept.append(folder.name)
        return
    shutil.rmtree(folder, ignore_errors=True)
    swept.runs.append(folder.name)


def _read(path: Path) -> ProcessRecord | ContainerRecord:
    ((kind, fields),) = json.loads(path.read_text("utf-8")).items()
    kinds: dict[str, type[ProcessRecord | ContainerRecord]] = {
        known.__name__: known for known in (ProcessRecord, ContainerRecord)
    }
    return kinds[kind](**fields)


def _end(record: ProcessRecord | ContainerRecord, run: str, swept: Swept) -> bool:
    if isinstance(record, ProcessRecord):
        if not record.runs():
            return True
        if not end(record):
            return False
        swept.processes.append(record.pid)
        return True
    if record.run != run:
        return False
    from .docker_check import remove_container

    removed = remove_container(record)
    if removed:
        swept.containers.append(record.name)
    return removed is not None
