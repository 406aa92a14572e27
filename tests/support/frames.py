"""Frames of servers without what no two runs have in common."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from pytest_inner_universe.sats import ConnectionId, Identity, TimeDuration, Timestamp
from pytest_inner_universe.wire import v1, v1_json, v2, v3
from pytest_inner_universe.wire.frames import unpack
from pytest_inner_universe.wire.rows import RowList

VARIES: dict[str, Any] = {
    "token": "",
    "timestamp": Timestamp(0),
    "energy_quanta_used": 0,
    "total_host_execution_duration": TimeDuration(0),
    "total_host_execution_duration_micros": 0,
}
"""Fields of messages that differ from run to run."""


def decode(protocol: str, frame: bytes | str) -> list[Any]:
    """Return the messages in a frame of a server."""
    if isinstance(frame, str):
        return [v1_json.decode_server(frame)]
    body = unpack(frame)
    if protocol == "v3.bsatn":
        return list(v3.decode_server(body))
    return [v1.decode_server(body) if protocol == "v1.bsatn" else v2.decode_server(body)]


def masked(message: Any) -> Any:
    """Return a message without what varies; nobody's connection is that of the database, whose identity is its own."""
    names = {field.name for field in fields(message)}
    known = replace(message, **{name: value for name, value in VARIES.items() if name in names})
    if isinstance(known, v1.TransactionUpdate) and known.caller_connection_id == ConnectionId.zero():
        known = replace(known, caller_identity=Identity.zero())
    return known


def without_caller(message: Any) -> Any:
    """Return a message without who called."""
    if not isinstance(message, v1.TransactionUpdate):
        return message
    return replace(message, caller_identity=Identity.zero(), caller_connection_id=ConnectionId.zero())


def in_any_order(value: Any) -> Any:
    """Return a message with every list in it sorted: the order of rows, and of tables, is nobody's promise."""
    if isinstance(value, RowList):
        return tuple(sorted(value.rows))
    if isinstance(value, (list, tuple)):
        return tuple(sorted((in_any_order(part) for part in value), key=repr))
    if is_dataclass(value) and not isinstance(value, type):
        return (type(value).__name__, *((f.name, in_any_order(getattr(value, f.name))) for f in fields(value)))
    return value


def has_order(value: Any) -> bool:
    """Return whether a message lists more than one of anything, so that its bytes depend on their order."""
    if isinstance(value, RowList):
        return len(value) > 1
    if isinstance(value, (list, tuple)):
        return len(value) > 1 or any(map(has_order, value))
    return is_dataclass(value) and any(has_order(getattr(value, f.name)) for f in fields(value))
