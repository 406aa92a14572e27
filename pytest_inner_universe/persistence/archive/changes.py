"""What the module's own events say about rows: enough to make entities, relations and grants again.

The module writes an event with every change while the audit log is on. Those of entities and relations carry the whole metadata; a time
in a row is the time of its event. So they make rows again byte by byte, `properties` included, which stand in the event as they were given.

Events of state versions, deltas and stored states carry no owner, no operations and no state: these rows cannot be made of
events, and need not be, because they neither change nor go. Events of the configuration carry no value, on purpose: the log is public.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from .rows import JsonRow

Kind = Literal["created", "updated", "deleted"]

_DECODER = json.JSONDecoder()
_SPACE = " \t\n\r"


@dataclass(frozen=True)
class RowChange:
    """What one event did to one row.

    Args:
        table: The table.
        key: Primary key of the row.
        kind: What happened.
        at: When, in microseconds.
        fields: Columns that it set, as an archive has them.
    """

    table: str
    key: str
    kind: Kind
    at: int
    fields: JsonRow


def change_of(event: JsonRow) -> RowChange | None:
    """Return what an event of the log, as an archive has it, did to a row of another table; None for no such event."""
    reader = _READERS.get(event["event_type"])
    if reader is None:
        return None
    try:
        data = json.loads(event["data"])
        return _change(reader, event, data) if isinstance(data, dict) else None
    except (KeyError, TypeError, ValueError):
        return None  # somebody else's event of this type


def apply(row: JsonRow | None, change: RowChange) -> JsonRow | None:
    """Return what a change makes of a row, None being no row.

    Raises:
        LookupError: It does not fit: the row is there already, or not there.
    """
    if (row is None) != (change.kind == "created"):
        raise LookupError(change.key)
    if change.kind == "deleted":
        return None
    return {**(row or {}), **change.fields}


def _change(reader: tuple[str, Kind], event: JsonRow, data: dict[str, Any]) -> RowChange:
    table, kind = reader
    at = event["timestamp"]
    if table == "admin":
        return RowChange(table, data["identity"], kind, at, {"identity": data["identity"]})
    if table == "permission":
        grantee, action, entity_type = data["grantee"], data["action"], data["entity_type"]
        key = f"{grantee}|{action}|{entity_type}"
        fields = {
            "id": key,
            "grantee": None if grantee == "*" else grantee,
            "action": action,
            "entity_type": entity_type,
        }
        return RowChange(table, key, kind, at, fields)
    key = data[f"{table}_id"]
    if kind == "deleted":
        return RowChange(table, key, kind, at, {})
    metadata = _metadata(table, event["data"], data["metadata"])
    if kind == "updated":
        return RowChange(table, key, kind, at, {"updated_at": at, "metadata": metadata})
    ends = ("from_entity", "to_entity") if table == "relation" else ()
    fields = {
        "id": key,
        **{name: data[name] for name in (*ends, f"{table}_type")},
        "created_at": at,
        "updated_at": at,
        "metadata": metadata,
    }
    return RowChange(table, key, kind, at, fields)


def _metadata(table: str, text: str, metadata: dict[str, Any]) -> JsonRow:
    properties = _raw(_raw(text, "metadata"), "properties")
    description, tags = metadata["description"], metadata["tags"]
    if table == "entity":
        return {"name": metadata["name"], "description": description, "tags": tags, "properties": properties}
    return {
        "description": description,
        "strength": float(metadata["strength"]),
        "bidirectional": metadata["bidirectional"],
        "tags": tags,
        "properties": properties,
    }


def _raw(text: str, wanted: str) -> str:
    """Return the text of a member of a JSON object as it stands there.

    Raises:
        KeyError: There is no such member.
    """
    at = text.index("{") + 1
    while True:
        key, at = _DECODER.raw_decode(text, _skipped(text, at))
        start = _skipped(text, at) + 1
        _, at = _DECODER.raw_decode(text, _skipped(text, start))
        at = _skipped(text, at)
        if key == wanted:
            return text[start:at]
        if text[at] != ",":
            raise KeyError(wanted)
        at += 1


def _skipped(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


_READERS: dict[str, tuple[str, Kind]] = {
    "ENTITY_CREATED": ("entity", "created"),
    "ENTITY_UPDATED": ("entity", "updated"),
    "ENTITY_DELETED": ("entity", "deleted"),
    "RELATION_CREATED": ("relation", "created"),
    "RELATION_UPDATED": ("relation", "updated"),
    "RELATION_DELETED": ("relation", "deleted"),
    "ADMIN_GRANTED": ("admin", "created"),
    "ADMIN_REVOKED": ("admin", "deleted"),
    "PERMISSION_GRANTED": ("permission", "created"),
    "PERMISSION_REVOKED": ("permission", "deleted"),
}
