"""Data that does not hold together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .base import PersistenceError


class DeltaError(PersistenceError, ValueError):
    """An operation of a delta does not fit the state that it is applied to.

    Args:
        position: Which operation, counted from 0.
        operation_type: Its type.
        path: Its path.
        reason: What is in the way.
    """

    def __init__(self, position: int, operation_type: str, path: str, reason: str) -> None:
        self.position = position
        self.operation_type = operation_type
        self.path = path
        self.reason = reason
        super().__init__(position, operation_type, path, reason)

    def __str__(self) -> str:
        return f"operations[{self.position}]: {self.operation_type} at {self.path or 'the root'}: {self.reason}"


class CorruptDataError(PersistenceError):
    """A stored row does not hold what it should.

    Args:
        table: Name of the table.
        id: Primary key of the row.
        reason: Which column, and what is wrong with it.
    """

    def __init__(self, table: str, id: str, reason: str) -> None:
        self.table = table
        self.id = id
        self.reason = reason
        super().__init__(table, id, reason)

    def __str__(self) -> str:
        return f"row {self.id} of {self.table} cannot be read: {self.reason}"


class IntegrityError(PersistenceError):
    """A state does not have the hash that its version records.

    Args:
        version_id: The version.
        expected: Hash in the version row.
        actual: Hash of the state at hand.
    """

    def __init__(self, version_id: str, expected: str, actual: str) -> None:
        self.version_id = version_id
        self.expected = expected
        self.actual = actual
        super().__init__(version_id, expected, actual)

    def __str__(self) -> str:
        return f"the state of version {self.version_id} hashes to {self.actual}, but its row records {self.expected}"


class BackupError(PersistenceError):
    """A backup cannot be made, or cannot be used.

    Args:
        place: The file or folder in question.
        reason: What is wrong with it.
    """

    def __init__(self, place: str, reason: str) -> None:
        self.place = place
        self.reason = reason
        super().__init__(place, reason)

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class RestoreError(BackupError):
    """An import failed after it had begun to write; the cause is chained.

    Args:
        place: The database.
        reason: Why it failed.
        is_unchanged: Whether the database holds again what it held before.
        written: Rows that certainly were written, by table; of no interest where it is unchanged.
        saved: An archive of what the database held before, kept where that could not be put back.
    """

    def __init__(
        self, place: str, reason: str, is_unchanged: bool, written: Mapping[str, int], saved: Path | None = None
    ) -> None:
        super().__init__(place, reason)
        self.is_unchanged = is_unchanged
        self.written = dict(written)
        self.saved = saved
        self.args = (place, reason, is_unchanged, written, saved)

    def __str__(self) -> str:
        if self.is_unchanged:
            return f"{self.place}: the import failed, and the database is as it was before: {self.reason}"
        there = ", ".join(f"{table} {count}" for table, count in self.written.items() if count) or "nothing"
        lines = [
            f"{self.place}: the import failed, and what was there before could not be put back: {self.reason}",
            f"    written by the import: {there}; rows of one more transaction may be there",
        ]
        if self.saved is not None:
            lines.append(f"    what was there before is in {self.saved}: import it with replace=True")
        return "\n".join(lines)
