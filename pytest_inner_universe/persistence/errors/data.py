"""Data that does not hold together."""

from __future__ import annotations

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
