"""A database without a module: tables given in a test, rows by value, SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_inner_universe.engine.sql import SqlResult, execute
from pytest_inner_universe.engine.store import Datastore
from pytest_inner_universe.sats import (
    ColumnDef,
    ConstraintDef,
    Identity,
    IndexDef,
    ModuleDef,
    TableDef,
)
from pytest_inner_universe.sats.definition import SequenceDef
from pytest_inner_universe.sats.types import AlgebraicType

OWNER = Identity.derive("tests", "owner")
GUEST = Identity.derive("tests", "guest")


def table(
    name: str,
    columns: Mapping[str, AlgebraicType],
    *,
    unique: tuple[str, ...] = (),
    indexes: tuple[tuple[str, ...], ...] = (),
    auto_inc: str | None = None,
    hashed: tuple[str, ...] = (),
    **options: Any,
) -> TableDef:
    """Define a table; the first unique column is the primary key."""
    names = list(columns)
    keys = [(column,) for column in (*unique, *hashed)] + list(indexes)
    return TableDef(
        name,
        options.pop("source_name", name),
        tuple(ColumnDef(i, n, "src_" + n, type_) for i, (n, type_) in enumerate(columns.items())),
        primary_key=names.index(unique[0]) if unique else None,
        indexes=tuple(
            IndexDef(
                f"{name}_{'_'.join(key)}_idx",
                f"{name}_{'_'.join(key)}_idx",
                tuple(map(names.index, key)),
                "hash" if key[0] in hashed else "btree",
            )
            for key in keys
        ),
        constraints=tuple(ConstraintDef(f"{name}_{column}_key", (names.index(column),)) for column in unique),
        sequences=(SequenceDef(f"{name}_{auto_inc}_seq", names.index(auto_inc), None, None, None, 1),)
        if auto_inc
        else (),
        **options,
    )


class Store:
    """A datastore with short ways to fill and to ask it."""

    def __init__(self, *tables: TableDef, filters: tuple[str, ...] = (), definition: ModuleDef | None = None) -> None:
        known = {table.name: table for table in tables}
        self.datastore = Datastore.create(definition or ModuleDef(9, known, {}, row_level_security=filters))

    def encode(self, name: str, *values: Any) -> bytes:
        """Return the bytes of a row."""
        return self.datastore.table(name).definition.row_codec.encode(values)

    def insert(self, name: str, row: bytes) -> None:
        """Commit one row, given as bytes."""
        tx = self.datastore.begin()
        tx.insert(self.datastore.table(name), row)
        tx.commit()

    def change(self, inserts: Mapping[str, list[Any]], deletes: Mapping[str, list[Any]] | None = None) -> Any:
        """Commit rows in one transaction, given as tuples of values, and return the changes."""
        tx = self.datastore.begin()
        for name, rows in (deletes or {}).items():
            for values in rows:
                tx.delete(self.datastore.table(name), self.encode(name, *values))
        for name, rows in inserts.items():
            for values in rows:
                tx.insert(self.datastore.table(name), self.encode(name, *values))
        return tx.commit()

    def sql(self, text: str, caller: Identity = OWNER) -> SqlResult:
        """Run a statement in a transaction of its own, which is rolled back if it fails."""
        tx = self.datastore.begin()
        try:
            result = execute(tx, text, caller, caller == OWNER)
        except BaseException:
            tx.rollback()
            raise
        tx.commit()
        return result

    def rows(self, text: str, caller: Identity = OWNER) -> list[tuple[Any, ...]]:
        """Return the rows of a query in ascending order."""
        return sorted(self.sql(text, caller).rows, key=repr)
