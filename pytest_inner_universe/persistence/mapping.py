"""Between the model and the wire: arguments for reducers, and rows for users.

On the wire, properties, event data, delta values and metric tags are canonical JSON text; users only see the values.
What is given reads back equal. A row for users is a new dict each time and can be changed freely.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from . import canonical_json, checks
from .errors import CorruptDataError, ValidationError
from .paths import parse_path
from .schema import TableSchema
from .types import (
    DeltaMetadata,
    DeltaOperation,
    EntityMetadata,
    RelationMetadata,
    Row,
)

_LOGGER = logging.getLogger("inner_universe")

Wire = dict[str, Any]

_TAKES: dict[str, tuple[str, ...]] = {
    "Set": ("value",),
    "Delete": (),
    "Insert": ("value", "index"),
    "Remove": ("index",),
    "Patch": ("patch",),
}
"""What each delta operation takes besides its path."""
_FIELDS = ("value", "index", "patch")


def entity_metadata(metadata: EntityMetadata | Mapping[str, Any]) -> Wire:
    """Check metadata of an entity and bring it into wire form.

    Raises:
        ValidationError: Unknown keys, wrong kinds of values, or properties that JSON cannot hold.
    """
    given = _fields(metadata, EntityMetadata, "entity metadata")
    return {
        "name": checks.optional_text(given["name"], "name"),
        "description": checks.optional_text(given["description"], "description"),
        "tags": checks.tags(given["tags"]),
        "properties": checks.json_object(given["properties"], "properties"),
    }


def relation_metadata(metadata: RelationMetadata | Mapping[str, Any]) -> Wire:
    """Check metadata of a relation and bring it into wire form; a strength outside 0 to 1 is logged.

    Raises:
        ValidationError: Unknown keys, wrong kinds of values, a strength that is not finite, or properties that JSON cannot hold.
    """
    given = _fields(metadata, RelationMetadata, "relation metadata")
    strength, bidirectional = given["strength"], given["bidirectional"]
    if isinstance(strength, bool) or not isinstance(strength, (int, float)) or not math.isfinite(strength):
        raise ValidationError(f"strength must be a finite number, got {strength!r}")
    if not 0 <= strength <= 1:
        _LOGGER.warning("relation strength %r is outside 0 to 1", strength)
    if not isinstance(bidirectional, bool):
        raise ValidationError(f"bidirectional must be true or false, got {bidirectional!r}")
    return {
        "description": checks.optional_text(given["description"], "description"),
        "strength": float(strength),
        "bidirectional": bidirectional,
        "tags": checks.tags(given["tags"]),
        "properties": checks.json_object(given["properties"], "properties"),
    }


def delta_metadata(metadata: DeltaMetadata | Mapping[str, Any]) -> Wire:
    """Check metadata of a delta and bring it into wire form.

    Raises:
        ValidationError: Unknown keys or wrong kinds of values.
    """
    given = _fields(metadata, DeltaMetadata, "delta metadata")
    return {
        "description": checks.text(given["description"], "description"),
        "author": checks.optional_text(given["author"], "author"),
        "tags": checks.tags(given["tags"]),
        "parent_delta_id": checks.optional_text(given["parent_delta_id"], "parent_delta_id"),
    }


def delta_operations(operations: Iterable[DeltaOperation | Mapping[str, Any]]) -> list[Wire]:
    """Check the operations of a delta and bring them into wire form.

    Args:
        operations: `DeltaOperation` objects, or dicts with ``type`` (``set``, ``delete``, ``insert``, ``remove``, ``patch``),
            ``path``, and ``value``, ``index`` or ``patch`` where the operation takes them.

    Raises:
        ValidationError: Unknown type, a path that is none, a field that is missing or that the operation does not take.
    """
    if isinstance(operations, (str, Mapping)) or not isinstance(operations, Iterable):
        raise ValidationError(f"operations are a list, got {type(operations).__name__}")
    wires = []
    for position, given in enumerate(operations):
        operation = check_operation(given, f"operations[{position}]")
        takes = _TAKES[operation.operation_type]
        wires.append(
            {
                "operation_type": operation.operation_type,
                "path": operation.path,
                "value": canonical_json.dumps(operation.value) if "value" in takes else None,
                "index": operation.index,
                "patch": None if operation.patch is None else canonical_json.dumps(operation.patch),
            }
        )
    return wires


def check_operation(operation: DeltaOperation | Mapping[str, Any], where: str) -> DeltaOperation:
    """Check one operation of a delta, in the forms that `delta_operations` takes and that rows have.

    Raises:
        ValidationError: See `delta_operations`.
    """
    if isinstance(operation, DeltaOperation):
        given = vars(operation).copy()
    elif isinstance(operation, Mapping):
        given = dict(operation)
        if "type" in given:
            given["operation_type"] = given.pop("type")
    else:
        raise ValidationError(f"{where}: a DeltaOperation or a dict is needed, got {operation!r}")
    kind, path = given.pop("operation_type", None), given.pop("path", None)
    name: Any = kind.capitalize() if isinstance(kind, str) else None
    if name not in _TAKES:
        raise ValidationError(f"{where}: unknown operation type {kind!r}; known: {', '.join(_TAKES)}")
    if not isinstance(path, str):
        raise ValidationError(f"{where}: {name} needs a path, got {path!r}")
    try:
        parse_path(path, root=name != "Delete")
    except ValidationError as error:
        raise ValidationError(f"{where}: {error}") from None
    for key, value in given.items():
        # Rows and objects have every field; those that do not apply hold None.
        if key not in _TAKES[name] and (value is not None or key not in _FIELDS):
            raise ValidationError(f"{where}: {name} takes no {key}")
    if "value" in _TAKES[name]:
        if "value" not in given:
            raise ValidationError(f"{where}: {name} needs value")
        canonical_json.check(given["value"], f"{where}.value")
    index, patch = given.get("index"), given.get("patch")
    if "index" in _TAKES[name]:
        if index is None and name == "Remove":
            raise ValidationError(f"{where}: Remove needs index")
        checks.index(index, where)
    if "patch" in _TAKES[name]:
        if patch is None:
            raise ValidationError(f"{where}: Patch needs patch")
        checks.json_object(patch, f"{where}.patch")
        patch = dict(patch)
    return DeltaOperation(name, path, given.get("value"), index, patch)


def _fields(metadata: Any, model: type[Any], what: str) -> dict[str, Any]:
    if isinstance(metadata, Mapping):
        others = "; others go into properties" if model is not DeltaMetadata else ""
        checks.known_keys(metadata, model, what, others)
        try:
            metadata = model(**metadata)
        except TypeError:
            raise ValidationError(f"{what}: description is needed") from None
    if not isinstance(metadata, model):
        raise ValidationError(f"{what}: {model.__name__} or a dict is needed, got {metadata!r}")
    return {name: getattr(metadata, name) for name in checks.names_of(model)}


def decode_row(table: TableSchema, row: Mapping[str, Any]) -> Row:
    """Turn a row of the wire into one for users.

    Raises:
        CorruptDataError: A column that should hold JSON text does not.
    """
    decoded: Row = dict(row)
    metadata = decoded.get("metadata")
    if metadata is not None:
        # The connection's cache shares what is nested in a row.
        decoded["metadata"] = {**metadata, "tags": list(metadata["tags"])}
    try:
        for path in table.json_paths:
            _decode_at(decoded, path)
        special = _DECODERS.get(table.name)
        if special is not None:
            special(decoded)
    except ValidationError as error:
        raise CorruptDataError(table.name, str(row[table.primary_key]), str(error)) from error
    return decoded


def encode_row(table: TableSchema, row: Mapping[str, Any]) -> Wire:
    """Turn a row for users back into one of the wire; the opposite of `decode_row`.

    Raises:
        ValidationError: It holds something that JSON cannot hold, or an operation of a delta is none.
    """
    encoded: Wire = dict(row)
    for path in table.json_paths:
        *parents, column = map(str, path)
        inner = encoded
        for step in parents:
            inner[step] = inner = dict(inner[step])
        inner[column] = canonical_json.dumps(inner[column], column)
    if "operations" in encoded:
        encoded["operations"] = delta_operations(encoded["operations"])
    return encoded


def _decode_at(row: Row, path: Sequence[Any]) -> None:
    *parents, column = path
    for step in parents:
        row = row[step]
    row[column] = canonical_json.loads(row[column], ".".join(path))


def _decode_operations(row: Row) -> None:
    row["operations"] = [
        {
            "operation_type": str(operation["operation_type"]),
            "path": operation["path"],
            "value": _loads_optional(operation["value"], "value"),
            "index": operation["index"],
            "patch": _loads_optional(operation["patch"], "patch"),
        }
        for operation in row["operations"]
    ]


def _decode_status(row: Row) -> None:
    row["status"] = str(row["status"])


def _loads_optional(json_text: str | None, what: str) -> Any:
    return None if json_text is None else canonical_json.loads(json_text, what)


_DECODERS: dict[str, Callable[[Row], None]] = {
    "delta_record": _decode_operations,
    "client_connection": _decode_status,
}
