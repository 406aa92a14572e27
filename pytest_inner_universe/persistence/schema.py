"""The tables of the Inner Universe module as this side expects them, and the fields that a query may name."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ..sats import (
    BOOL,
    CONNECTION_ID,
    F64,
    IDENTITY,
    STRING,
    TIMESTAMP,
    U8,
    U32,
    AlgebraicType,
    Array,
    Product,
    enum,
    option,
    product,
)
from .errors import ValidationError
from .paths import Path, Step, parse_path

STRINGS = Array(STRING)

ENTITY_METADATA = product(name=option(STRING), description=option(STRING), tags=STRINGS, properties=STRING)
RELATION_METADATA = product(
    description=option(STRING), strength=F64, bidirectional=BOOL, tags=STRINGS, properties=STRING
)
DELTA_OPERATION = product(
    operation_type=enum("Set", "Delete", "Insert", "Remove", "Patch"),
    path=STRING,
    value=option(STRING),
    index=option(U32),
    patch=option(STRING),
)
DELTA_METADATA = product(description=STRING, author=option(STRING), tags=STRINGS, parent_delta_id=option(STRING))

FieldKind = Literal["text", "timestamp", "identity", "any"]


@dataclass(frozen=True)
class Field:
    """A place in a row that a query may name.

    Args:
        text: The path as it was written.
        path: Its steps; the first is the column.
        kind: What stands there; ``any`` for whatever JSON holds.
        pushable: Whether the server can compare it: a plain column that is never absent.
    """

    text: str
    path: Path
    kind: FieldKind
    pushable: bool


@dataclass(frozen=True)
class TableSchema:
    """One table.

    Args:
        name: Its name.
        row: Row type.
        primary_key: Column that identifies a row.
        time_column: Column that rows are ordered by, the primary key after it.
        json_paths: Where JSON text stands.
    """

    name: str
    row: Product
    primary_key: str
    time_column: str
    json_paths: tuple[Path, ...] = ()

    def field(self, text: str) -> Field:
        """Resolve a field of a query.

        Raises:
            ValidationError: Not a path, or one that the table does not have.
        """
        return _resolve(self, text)

    @property
    def field_names(self) -> tuple[str, ...]:
        """The fields that exist by type; below those that hold JSON, any path is possible."""
        names: list[str] = []
        for column in self.row.elements:
            inner = column.type
            if type(inner) is Product and inner not in _WHOLE:
                names += [f"{column.name}.{element.name}" for element in inner.elements]
            else:
                names.append(str(column.name))
        return tuple(names)


_COMPARED: dict[AlgebraicType, FieldKind] = {STRING: "text", TIMESTAMP: "timestamp", IDENTITY: "identity"}
_WHOLE = (*_COMPARED, CONNECTION_ID)
"""Types that have no parts to name."""


@lru_cache(maxsize=1024)
def _resolve(table: TableSchema, text: str) -> Field:
    steps = parse_path(text)
    inner: AlgebraicType = table.row
    for position, step in enumerate(steps):
        if steps[:position] in table.json_paths or type(inner) is Array:
            return Field(text, steps, "any", False)
        known = {element.name: element.type for element in inner.elements} if type(inner) is Product else {}
        if step not in known or (position and inner in _WHOLE):
            raise _unknown(table, text, step)
        inner = known[str(step)]
    if steps in table.json_paths:
        return Field(text, steps, "any", False)
    if type(inner) is Product and inner not in _WHOLE:
        inside = ", ".join(f"{text}.{element.name}" for element in inner.elements)
        raise ValidationError(f"field {text} of {table.name} has parts, name one of them: {inside}")
    if inner == option(STRING):
        return Field(text, steps, "text", False)
    kind = _COMPARED.get(inner, "any")
    return Field(text, steps, kind, pushable=len(steps) == 1 and kind != "any")


def _unknown(table: TableSchema, text: str, step: Step) -> ValidationError:
    known = table.field_names
    close = difflib.get_close_matches(text, known, n=1) or [name for name in known if name.endswith(f".{step}")]
    hint = f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"
    return ValidationError(f"unknown field {text!r} of {table.name}{hint}")


ENTITY = TableSchema(
    "entity",
    product(id=STRING, entity_type=STRING, created_at=TIMESTAMP, updated_at=TIMESTAMP, metadata=ENTITY_METADATA),
    "id",
    "created_at",
    (("metadata", "properties"),),
)
RELATION = TableSchema(
    "relation",
    product(
        id=STRING,
        from_entity=STRING,
        to_entity=STRING,
        relation_type=STRING,
        created_at=TIMESTAMP,
        updated_at=TIMESTAMP,
        metadata=RELATION_METADATA,
    ),
    "id",
    "created_at",
    (("metadata", "properties"),),
)
STATE_VERSION = TableSchema(
    "state_version",
    product(
        version_id=STRING,
        parent_version_id=option(STRING),
        timestamp=TIMESTAMP,
        description=STRING,
        data_hash=STRING,
        owner=IDENTITY,
    ),
    "version_id",
    "timestamp",
)
EVENT_LOG = TableSchema(
    "event_log",
    product(event_id=STRING, event_type=STRING, source=option(STRING), timestamp=TIMESTAMP, data=STRING),
    "event_id",
    "timestamp",
    (("data",),),
)
DELTA_RECORD = TableSchema(
    "delta_record",
    product(
        delta_id=STRING,
        state_version_id=STRING,
        operations=Array(DELTA_OPERATION),
        timestamp=TIMESTAMP,
        metadata=DELTA_METADATA,
    ),
    "delta_id",
    "timestamp",
)

STATE_SNAPSHOT = TableSchema(
    "state_snapshot",
    product(version_id=STRING, encoding=STRING, data=STRING, created_at=TIMESTAMP),
    "version_id",
    "created_at",
)
METRIC = TableSchema(
    "metric",
    product(id=STRING, name=STRING, kind=STRING, value=F64, tags=STRING, timestamp=TIMESTAMP),
    "id",
    "timestamp",
    (("tags",),),
)
CLIENT_CONNECTION = TableSchema(
    "client_connection",
    product(
        connection_id=CONNECTION_ID,
        identity=IDENTITY,
        connected_at=TIMESTAMP,
        last_active_at=TIMESTAMP,
        client_info=option(STRING),
        status=enum("Connected", "Idle", "Disconnecting", "Disconnected"),
    ),
    "connection_id",
    "connected_at",
)
SYSTEM_INFO = TableSchema(
    "system_info",
    product(id=U8, module_version=STRING, schema_version=U32, start_time=TIMESTAMP),
    "id",
    "start_time",
)

CONFIG = TableSchema(
    "config",
    product(key=STRING, value=STRING, description=option(STRING), updated_at=TIMESTAMP, updated_by=IDENTITY),
    "key",
    "updated_at",
)
ADMIN = TableSchema(
    "admin", product(identity=IDENTITY, granted_by=IDENTITY, granted_at=TIMESTAMP), "identity", "granted_at"
)
PERMISSION = TableSchema(
    "permission",
    product(
        id=STRING,
        grantee=option(IDENTITY),
        action=STRING,
        entity_type=STRING,
        granted_by=IDENTITY,
        granted_at=TIMESTAMP,
    ),
    "id",
    "granted_at",
)

TABLES: dict[str, TableSchema] = {
    table.name: table
    for table in (
        ENTITY,
        RELATION,
        STATE_VERSION,
        EVENT_LOG,
        DELTA_RECORD,
        STATE_SNAPSHOT,
        METRIC,
        CLIENT_CONNECTION,
        SYSTEM_INFO,
    )
}
"""The public tables by name."""

OWNER_TABLES: dict[str, TableSchema] = {table.name: table for table in (CONFIG, ADMIN, PERMISSION)}
"""The private tables that archives have, by name; the owner of a database reads them."""

SCHEMA_VERSION = 1
"""Version of tables and reducers that this side is written for; the module counts it up in `system_info`."""
