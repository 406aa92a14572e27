"""Writes module definitions byte by byte, so that tests can say what modules would not."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pytest_inner_universe.sats import STRING, UNIT, AlgebraicType, Product
from pytest_inner_universe.sats.meta import type_bytes

NONE = b"\x01"


def text(value: str) -> bytes:
    """Return a string."""
    data = value.encode()
    return struct.pack("<I", len(data)) + data


def some(data: bytes | None) -> bytes:
    """Return an option."""
    return NONE if data is None else b"\x00" + data


def name(value: str | None) -> bytes:
    """Return an optional name."""
    return some(None if value is None else text(value))


def array(parts: Iterable[bytes]) -> bytes:
    """Return an array of encoded parts."""
    parts = list(parts)
    return struct.pack("<I", len(parts)) + b"".join(parts)


def columns(positions: Sequence[int]) -> bytes:
    """Return a list of column positions."""
    return array(struct.pack("<H", position) for position in positions)


def index(positions: Sequence[int], name_: str | None = None, algorithm: int = 0) -> bytes:
    """Return an index; algorithm 2 is a direct one."""
    body = struct.pack("<H", positions[0]) if algorithm == 2 else columns(positions)
    return name(name_) + NONE + bytes([algorithm]) + body


def constraint(positions: Sequence[int], name_: str | None = None) -> bytes:
    """Return a unique constraint."""
    return name(name_) + b"\x00" + columns(positions)


def sequence(
    column: int,
    name_: str | None = None,
    bounds: tuple[int | None, int | None, int | None] = (None, None, None),
    by: int = 1,
) -> bytes:
    """Return a sequence with its start, minimum and maximum."""
    numbers = b"".join(some(None if bound is None else bound.to_bytes(16, "little", signed=True)) for bound in bounds)
    return name(name_) + struct.pack("<H", column) + numbers + by.to_bytes(16, "little", signed=True)


def params(product: Product) -> bytes:
    """Return a product without the tag in front."""
    return type_bytes(product)[1:]


def table_v9(
    name_: str,
    row: int = 0,
    key: Sequence[int] = (),
    indexes: Sequence[bytes] = (),
    constraints: Sequence[bytes] = (),
    sequences: Sequence[bytes] = (),
    schedule: tuple[str | None, str, int] | None = None,
    is_system: bool = False,
) -> bytes:
    """Return a public table of form 9."""
    planned = None if schedule is None else name(schedule[0]) + text(schedule[1]) + struct.pack("<H", schedule[2])
    body = columns(key) + array(indexes) + array(constraints) + array(sequences)
    return text(name_) + struct.pack("<I", row) + body + some(planned) + bytes([0 if is_system else 1, 0])


def reducer_v9(name_: str, product: Product = UNIT, hook: int | None = None) -> bytes:
    """Return a reducer of form 9."""
    return text(name_) + params(product) + some(None if hook is None else bytes([hook]))


def declared(name_: str, index_: int, scope: Sequence[str] = ()) -> bytes:
    """Return a named type."""
    return array(map(text, scope)) + text(name_) + struct.pack("<I", index_) + b"\x01"


def default_v9(table: str, column: int, value: bytes) -> bytes:
    """Return the default value of a column."""
    return b"\x00" + text(table) + struct.pack("<H", column) + struct.pack("<I", len(value)) + value


def procedure_v9(name_: str, product: Product = UNIT, returns: AlgebraicType = UNIT) -> bytes:
    """Return a procedure."""
    return b"\x01" + text(name_) + params(product) + type_bytes(returns)


def view(name_: str, returns: AlgebraicType, product: Product = UNIT) -> bytes:
    """Return a public, anonymous view."""
    return text(name_) + struct.pack("<I", 0) + b"\x01\x01" + params(product) + type_bytes(returns)


def definition_v9(
    types: Sequence[AlgebraicType] = (),
    tables: Sequence[bytes] = (),
    reducers: Sequence[bytes] = (),
    named: Sequence[bytes] = (),
    exports: Sequence[bytes] = (),
    filters: Sequence[str] = (),
) -> bytes:
    """Return a whole definition of form 9."""
    parts = [map(type_bytes, types), tables, reducers, named, exports, map(text, filters)]
    return b"\x01" + b"".join(array(part) for part in parts)


def table_v10(
    name_: str,
    row: int = 0,
    key: Sequence[int] = (),
    indexes: Sequence[bytes] = (),
    constraints: Sequence[bytes] = (),
    sequences: Sequence[bytes] = (),
    defaults: Sequence[tuple[int, bytes]] = (),
    is_event: bool = False,
) -> bytes:
    """Return a public table of form 10."""
    body = columns(key) + array(indexes) + array(constraints) + array(sequences) + b"\x01\x00"
    values = array(struct.pack("<HI", column, len(value)) + value for column, value in defaults)
    return text(name_) + struct.pack("<I", row) + body + values + bytes([is_event])


def reducer_v10(
    name_: str, product: Product = UNIT, outcome: tuple[AlgebraicType, AlgebraicType] = (UNIT, STRING)
) -> bytes:
    """Return a reducer of form 10 that clients may call."""
    return text(name_) + params(product) + b"\x01" + b"".join(map(type_bytes, outcome))


def procedure_v10(name_: str, returns: AlgebraicType = UNIT) -> bytes:
    """Return a procedure of form 10 that clients may call."""
    return text(name_) + params(UNIT) + type_bytes(returns) + b"\x01"


def schedule_v10(table: str, column: int, function: str) -> bytes:
    """Return a schedule."""
    return NONE + text(table) + struct.pack("<H", column) + text(function)


def hook_v10(hook: int, function: str) -> bytes:
    """Return a lifecycle reducer."""
    return bytes([hook]) + text(function)


def explicit(kind: int, source: str, canonical: str) -> bytes:
    """Return an explicit name: kind 0 table, 1 function, 2 index."""
    return bytes([kind]) + text(source) + text(canonical)


_SECTIONS: dict[str, tuple[int, Callable[[Any], bytes]]] = {
    "types": (0, lambda types: array(map(type_bytes, types))),
    "named": (1, array),
    "tables": (2, array),
    "reducers": (3, array),
    "procedures": (4, array),
    "views": (5, array),
    "schedules": (6, array),
    "hooks": (7, array),
    "filters": (8, lambda filters: array(map(text, filters))),
    "policy": (9, lambda number: bytes([number])),
    "explicit": (10, array),
    "view_keys": (13, lambda keys: array(text(view_) + array(map(text, parts)) for view_, parts in keys)),
    "submodules": (14, array),
    "environment": (15, array),
    "outboxes": (16, array),
}


def definition_v10(**sections: Any) -> bytes:
    """Return a whole definition of form 10, with the sections in the given order."""
    return b"\x02" + array(bytes([_SECTIONS[key][0]]) + _SECTIONS[key][1](value) for key, value in sections.items())
