"""Metadata as the reducers of the Inner Universe module take it."""

from __future__ import annotations

import json
from typing import Any


def entity_metadata(**fields: Any) -> dict[str, Any]:
    """Metadata of an entity as the reducer takes it."""
    properties = json.dumps(fields.pop("properties", {}), sort_keys=True, separators=(",", ":"))
    return {"name": None, "description": None, "tags": [], **fields, "properties": properties}


def relation_metadata(**fields: Any) -> dict[str, Any]:
    """Metadata of a relation as the reducer takes it."""
    properties = json.dumps(fields.pop("properties", {}), sort_keys=True, separators=(",", ":"))
    return {
        "description": None,
        "strength": 1.0,
        "bidirectional": False,
        "tags": [],
        **fields,
        "properties": properties,
    }
