"""What SQL needs of the datastore, so that it depends on these few methods only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ...sats.definition import ModuleDef, TableDef
from ..release import Release


class StoredIndex(Protocol):
    """An index of a stored table."""

    @property
    def columns(self) -> tuple[int, ...]:
        """The indexed columns, by position."""

    @property
    def is_unique(self) -> bool:
        """Whether a key has one row at most."""

    @property
    def algorithm(self) -> str:
        """``btree``, ``hash`` or ``direct``."""

    def key_of(self, row: bytes) -> bytes:
        """Return the BSATN of the indexed columns of a row."""


class StoredTable(Protocol):
    """A stored table."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def definition(self) -> TableDef:
        """Its definition."""

    @property
    def indexes(self) -> Sequence[StoredIndex]:
        """Its indexes."""


class Reader(Protocol):
    """Reads rows: of a transaction, or of what is committed."""

    def rows(self, table: StoredTable) -> list[bytes]:
        """Return all rows."""

    def count(self, table: StoredTable) -> int:
        """Return the number of rows."""

    def seek(self, index: StoredIndex, key: bytes) -> list[bytes]:
        """Return the rows with this key."""

    def range_bsatn(
        self, index: StoredIndex, prefix: bytes, prefix_elems: int, rstart: bytes, rend: bytes
    ) -> list[bytes]:
        """Return the rows between two bounds."""


class Schema(Protocol):
    """The tables of a database."""

    @property
    def definition(self) -> ModuleDef:
        """The module's definition."""

    @property
    def release(self) -> Release:
        """The release of the server that is imitated."""

    def table(self, name: str) -> StoredTable:
        """Return a table by its name or alias, or raise KeyError."""
