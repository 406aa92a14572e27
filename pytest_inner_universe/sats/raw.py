"""The parts of tables that both forms of definitions write in the same way, before their names are settled."""

from __future__ import annotations

from typing import Any, NamedTuple

from .cursor import Cursor

LIFECYCLES = ("init", "client_connected", "client_disconnected")
ALGORITHMS = ("btree", "hash", "direct")


class RawIndex(NamedTuple):
    """An index before its name is settled."""

    name: str | None
    columns: tuple[int, ...]
    algorithm: str
    accessor: str | None = None
    """What code generators call it."""


class RawConstraint(NamedTuple):
    """A unique constraint before its name is settled."""

    name: str | None
    columns: tuple[int, ...]


class RawSequence(NamedTuple):
    """A sequence before its name is settled."""

    name: str | None
    column: int
    start: int | None
    minimum: int | None
    maximum: int | None
    increment: int


class RawTypeName(NamedTuple):
    """A name of a type: scope and name, the number in the typespace, and whether its parts keep the module's order."""

    parts: tuple[str, ...]
    reference: int
    custom_ordering: bool = True


def read_columns(cursor: Cursor) -> tuple[int, ...]:
    """Read a list of column positions."""
    return tuple(cursor.array(lambda: cursor.unsigned(2, "column")))


def read_index(cursor: Cursor) -> RawIndex:
    """Read an index."""
    name, accessor = cursor.option(cursor.string), cursor.option(cursor.string)
    algorithm = ALGORITHMS[cursor.tag(3, "index algorithm")]
    columns = (cursor.unsigned(2, "column"),) if algorithm == "direct" else read_columns(cursor)
    return RawIndex(name, columns, algorithm, accessor)


def read_constraint(cursor: Cursor) -> RawConstraint:
    """Read a constraint."""
    name = cursor.option(cursor.string)
    cursor.tag(1, "constraint")
    return RawConstraint(name, read_columns(cursor))


def read_sequence(cursor: Cursor) -> RawSequence:
    """Read a sequence."""
    name = cursor.option(cursor.string)
    column = cursor.unsigned(2, "column")
    bounds = [cursor.option(lambda: cursor.signed(16)) for _ in range(3)]
    return RawSequence(name, column, bounds[0], bounds[1], bounds[2], cursor.signed(16))


def read_named_types(cursor: Cursor) -> list[RawTypeName]:
    """Read the names of types."""

    def one() -> RawTypeName:
        scope = tuple(cursor.array(cursor.string))
        name = cursor.string()
        return RawTypeName((*scope, name), cursor.unsigned(4, "type reference"), cursor.boolean("custom ordering"))

    return cursor.array(one)


def read_table_body(cursor: Cursor) -> dict[str, Any]:
    """Read the number of the row type, the keys, indexes, constraints and sequences of a table."""
    return {
        "row": cursor.unsigned(4, "type reference"),
        "primary_key": read_columns(cursor),
        "indexes": cursor.array(lambda: read_index(cursor)),
        "constraints": cursor.array(lambda: read_constraint(cursor)),
        "sequences": cursor.array(lambda: read_sequence(cursor)),
    }
