"""Reading module definitions of form 9 in SATS-JSON."""

from __future__ import annotations

from typing import Any

from .definition_v9 import Parts
from .meta_json import Json
from .raw import RawConstraint, RawIndex, RawSequence, RawTypeName
from .types import Product

EXPORTS = ("ColumnDefaultValue", "Procedure", "View")
INDEX_ALGORITHMS = {"btree": "BTree", "hash": "Hash", "direct": "Direct"}
HOOKS = {"init": "Init", "client_connected": "OnConnect", "client_disconnected": "OnDisconnect"}


def read_parts(obj: Any) -> Parts:
    """Read a definition.

    Args:
        obj: The parsed JSON.

    Raises:
        JsonError: It is no such definition; the path says where.
    """
    whole = Json(obj)
    return Parts(
        whole.field("typespace").field("types").items(Json.type),
        whole.field("tables").items(_table),
        whole.field("reducers").items(_reducer),
        whole.field("types").items(_type_name),
        whole.field("misc_exports").items(_export),
        tuple(whole.field("row_level_security").items(lambda one: one.field("sql").text())),
    )


def _columns(at: Json) -> tuple[int, ...]:
    return tuple(at.items(Json.position))


def _table(at: Json) -> dict[str, Any]:
    return {
        "name": at.field("name").text(),
        "row": at.field("product_type_ref").position(),
        "primary_key": _columns(at.field("primary_key")),
        "indexes": at.field("indexes").items(_index),
        "constraints": at.field("constraints").items(_constraint),
        "sequences": at.field("sequences").items(_sequence),
        "schedule": at.field("schedule").option(_schedule),
        "is_system": at.field("table_type").one_of(("System", "User"))[0] == 0,
        "is_public": at.field("table_access").one_of(("Public", "Private"))[0] == 0,
    }


def _index(at: Json) -> RawIndex:
    names = tuple(INDEX_ALGORITHMS.values())
    tag, columns = at.field("algorithm").one_of(names)
    return RawIndex(
        at.field("name").option(Json.text),
        (columns.position(),) if names[tag] == "Direct" else _columns(columns),
        tuple(INDEX_ALGORITHMS)[tag],
        at.field("accessor_name").option(Json.text),
    )


def _constraint(at: Json) -> RawConstraint:
    _, unique = at.field("data").one_of(("Unique",))
    return RawConstraint(at.field("name").option(Json.text), _columns(unique.field("columns")))


def _sequence(at: Json) -> RawSequence:
    start, minimum, maximum = (at.field(name).option(Json.number) for name in ("start", "min_value", "max_value"))
    return RawSequence(
        at.field("name").option(Json.text),
        at.field("column").position(),
        start,
        minimum,
        maximum,
        at.field("increment").number(),
    )


def _schedule(at: Json) -> tuple[str | None, str, int]:
    return (
        at.field("name").option(Json.text),
        at.field("reducer_name").text(),
        at.field("scheduled_at_column").position(),
    )


def _reducer(at: Json) -> tuple[str, Product, int | None]:
    names = tuple(HOOKS.values())
    hook = at.field("lifecycle").option(lambda one: one.one_of(names)[0])
    return at.field("name").text(), at.field("params").product(), hook


def _type_name(at: Json) -> RawTypeName:
    scoped = at.field("name")
    parts = (*scoped.field("scope").items(Json.text), scoped.field("name").text())
    return RawTypeName(parts, at.field("ty").position(), at.field("custom_ordering").truth())


def _export(at: Json) -> tuple[int, str, tuple[Any, ...]]:
    tag, one = at.one_of(EXPORTS)
    if EXPORTS[tag] == "ColumnDefaultValue":
        return tag, one.field("table").text(), (one.field("col_id").position(), one.field("value").blob())
    function = (one.field("params").product(), one.field("return_type").type())
    if EXPORTS[tag] == "Procedure":
        return tag, one.field("name").text(), function
    kind = (one.field("index").position(), one.field("is_public").truth(), one.field("is_anonymous").truth())
    return tag, one.field("name").text(), (*kind, *function)
