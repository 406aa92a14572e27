"""Versions of one small module, made by hand, for publishing one over the other.

Its first version has a table ``item`` with rows that SQL puts in, and a reducer ``work`` that does nothing.
"""

from __future__ import annotations

from typing import Any

from pytest_inner_universe.sats import STRING, U32, AlgebraicType, Product, product

from .puppets import puppet
from .raw_definitions import constraint, declared, definition_v9, index, reducer_v9, table_v9

WRITE_ERROR = "(drop (call $write (local.get $err) (i32.const 8196) (i32.const 8192))) (i32.const 1)"
ERROR = r'(data (i32.const 8192) "\04\00\00\00nope")'
ITEM = product(id=U32, price=U32, name=STRING)
NOTE = product(text=STRING)
KEYS: dict[str, Any] = {
    "key": [0],
    "indexes": [index([0], "item_id_idx_btree"), index([1], "item_price_idx_btree")],
    "constraints": [constraint([0], "item_id_key")],
}


def shop(
    *,
    item: Product | None = ITEM,
    keys: dict[str, Any] = KEYS,
    note: bool = False,
    reducers: tuple[str, ...] = ("work",),
    hook: str | None = None,
    body: str = "(i32.const 0)",
    extra: str = "",
) -> bytes:
    """Return a version of the module.

    Args:
        item: Columns of the table ``item``; None for no such table.
        keys: Its keys, indexes and constraints.
        note: Whether there is a table ``note``.
        reducers: Names of the reducers, in the order of the alphabet.
        hook: Name of the reducer that is ``init``.
        body: What every reducer does.
        extra: Further parts of the module.
    """
    types: list[AlgebraicType] = []
    tables, named = [], []
    for name, columns, parts in (("item", item, keys), ("note", NOTE if note else None, {})):
        if columns is not None:
            tables.append(table_v9(name, len(types), **parts))
            named.append(declared(name.capitalize(), len(types)))
            types.append(columns)
    functions = [reducer_v9(name, hook=0 if name == hook else None) for name in reducers]
    return puppet(body, definition=definition_v9(types, tables, functions, named), extra=extra)


FAILING = shop(reducers=("init", "work"), hook="init", body=WRITE_ERROR, extra=ERROR)
"""Its ``init`` returns the error ``nope``."""
TRAPPING = shop(reducers=("init", "work"), hook="init", body="(unreachable)")
"""Its ``init`` does not come back."""
