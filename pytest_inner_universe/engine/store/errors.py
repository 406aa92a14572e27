"""Errors of the datastore.

The tree::

    EngineError
    ├── StoreError                  a request that the datastore refuses; `errno` is what a module is told
    │   ├── RowDecodeFailed     3   bytes are no row of the table
    │   ├── KeyDecodeFailed     3   bytes are no key, prefix or bound of the index
    │   ├── NoSuchTable         4
    │   ├── NoSuchIndex         5
    │   ├── WrongIndexAlgorithm 10  a range of an index that has no order
    │   ├── UniqueViolation     12  another row has the key already
    │   ├── ScheduleDelayTooLong 13 a scheduled row lies too far ahead
    │   ├── IndexNotUnique      14  an update has to go through a unique index
    │   └── NoSuchRow           15  an update found no row to replace
    ├── TransactionClosed           use of a transaction after its commit or rollback
    ├── TransactionOpen             a second transaction while one is open
    └── MigrationRefused            another version of the module does not fit the tables that are there
"""

from __future__ import annotations

from typing import ClassVar

from ..errors import EngineError


class StoreError(EngineError):
    """A request that the datastore refuses and that leaves it as it was.

    Attributes:
        errno: The number that a module gets from the host function.
    """

    errno: ClassVar[int]


class RowDecodeFailed(StoreError):
    """Bytes are no row of a table.

    Args:
        table: Name of the table.
        reason: What is wrong, and at which byte.
    """

    errno = 3

    def __init__(self, table: str, reason: str) -> None:
        self.table = table
        self.reason = reason
        super().__init__(table, reason)

    def __str__(self) -> str:
        return f"not a row of table {self.table!r}: {self.reason}"


class KeyDecodeFailed(StoreError):
    """Bytes are no key of an index, or no part of one.

    Args:
        index: Name of the index.
        part: Which part they were given as: ``key``, ``prefix``, ``start`` or ``end``.
        reason: What is wrong, and at which byte.
    """

    errno = 3

    def __init__(self, index: str, part: str, reason: str) -> None:
        self.index = index
        self.part = part
        self.reason = reason
        super().__init__(index, part, reason)

    def __str__(self) -> str:
        return f"not a {self.part} of index {self.index!r}: {self.reason}"


class NoSuchTable(StoreError, KeyError):
    """No table has this id or name."""

    errno = 4

    def __init__(self, table: int | str) -> None:
        self.table = table
        super().__init__(table)

    def __str__(self) -> str:
        return f"no table {'with id ' if isinstance(self.table, int) else ''}{self.table!r}"


class NoSuchIndex(StoreError, KeyError):
    """No index has this id or name, or it is one of another table.

    Args:
        index: Id or name of the index.
        table: The table whose index it should be.
    """

    errno = 5

    def __init__(self, index: int | str, table: str | None = None) -> None:
        self.index = index
        self.table = table
        super().__init__(index, table)

    def __str__(self) -> str:
        where = f" in table {self.table!r}" if self.table is not None else ""
        return f"no index {'with id ' if isinstance(self.index, int) else ''}{self.index!r}{where}"


class WrongIndexAlgorithm(StoreError):
    """A range was asked of an index that keeps no order."""

    errno = 10

    def __init__(self, index: str, algorithm: str) -> None:
        self.index = index
        self.algorithm = algorithm
        super().__init__(index, algorithm)

    def __str__(self) -> str:
        return f"index {self.index!r} is a {self.algorithm} index: it finds whole keys only, not ranges"


class UniqueViolation(StoreError):
    """Another row has the same key in a unique index.

    Args:
        table: Name of the table.
        index: Name of the index.
        columns: Names of its columns.
        row: The row that was refused.
        existing: The row that has the key.
    """

    errno = 12

    def __init__(self, table: str, index: str, columns: tuple[str, ...], row: bytes, existing: bytes) -> None:
        self.table = table
        self.index = index
        self.columns = columns
        self.row = row
        self.existing = existing
        super().__init__(table, index, columns, row, existing)

    def __str__(self) -> str:
        columns = ", ".join(self.columns)
        return f"table {self.table!r} has another row with the same {columns} (unique index {self.index!r})"


class ScheduleDelayTooLong(StoreError):
    """A row of a scheduled table lies further ahead than a server accepts.

    Args:
        table: Name of the table.
        delay: How far, in microseconds.
        limit: The longest delay, in microseconds.
    """

    errno = 13

    def __init__(self, table: str, delay: int, limit: int) -> None:
        self.table = table
        self.delay = delay
        self.limit = limit
        super().__init__(table, delay, limit)

    def __str__(self) -> str:
        days, most = self.delay / 86_400_000_000, self.limit / 86_400_000_000
        return f"a row of the scheduled table {self.table!r} is due in {days:.0f} days, {most:.0f} are the most"


class IndexNotUnique(StoreError):
    """An update was asked through an index that may hold several rows for a key."""

    errno = 14

    def __init__(self, index: str) -> None:
        self.index = index
        super().__init__(index)

    def __str__(self) -> str:
        return f"index {self.index!r} is not unique: an update has to name the one row that it replaces"


class NoSuchRow(StoreError):
    """An update found no row with the key of the new one.

    Args:
        table: Name of the table.
        index: Name of the index that was searched.
        row: The new row.
    """

    errno = 15

    def __init__(self, table: str, index: str, row: bytes) -> None:
        self.table = table
        self.index = index
        self.row = row
        super().__init__(table, index, row)

    def __str__(self) -> str:
        return f"table {self.table!r} has no row with the key of the new one in index {self.index!r}"


class TransactionClosed(EngineError):
    """A transaction was used after it had ended.

    Args:
        ending: ``committed`` or ``rolled back``.
    """

    def __init__(self, ending: str) -> None:
        self.ending = ending
        super().__init__(ending)

    def __str__(self) -> str:
        return f"the transaction was {self.ending}: begin a new one"


class TransactionOpen(EngineError):
    """A transaction was begun while another one is open."""

    def __str__(self) -> str:
        return "another transaction is open: a database has one writer, commit or roll back first"


class MigrationRefused(EngineError):
    """The tables of a module cannot become those of its next version.

    Args:
        reasons: Everything that stands in the way.
    """

    MOST = 6
    """How many of the reasons the text lists."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        self.reasons = reasons
        super().__init__(reasons)

    def __str__(self) -> str:
        lines = ["the tables that are there cannot become those of the new module:"]
        lines += [f"  - {reason}" for reason in self.reasons[: self.MOST]]
        if len(self.reasons) > self.MOST:
            lines.append(f"  - and {len(self.reasons) - self.MOST} more")
        return "\n".join([*lines, "undo these changes in the module, or publish it with its data cleared"])
