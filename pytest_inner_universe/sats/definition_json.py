"""Module definitions in SATS-JSON, as servers print them: with all names settled, and in either form whatever the module wrote.

The order of a list matters to nobody where things have names; here they are sorted, as servers do it in form 9.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .definition import ModuleDef
from .definition_json_read import EXPORTS, HOOKS, INDEX_ALGORITHMS, read_parts
from .definition_settled import Settled
from .definition_v9 import build
from .meta_json import option_json, product_json, type_json
from .raw import LIFECYCLES, RawTypeName


def definition_to_json(raw_definition: bytes, version: int = 9) -> dict[str, Any]:
    """Return a module's definition as the schema route of a server prints it.

    Args:
        raw_definition: What the module writes when it is asked to describe itself, in form 9 or 10.
        version: The form to print, 9 or 10.

    Raises:
        ValueError: There is no such form.
        DecodeError: The bytes are no definition.
        DefinitionError: The definition contradicts itself.
    """
    if version not in {9, 10}:
        raise ValueError(f"definitions are printed in form 9 or 10, not {version}")
    source = Settled(raw_definition)
    return _form_9(source) if version == 9 else _form_10(source)


def _form_9(source: Settled) -> dict[str, Any]:
    parts = source.parts
    return {
        "typespace": {"types": [type_json(type_) for type_ in parts.typespace]},
        "tables": [
            {
                "name": table["name"],
                **_table_body(table, "name"),
                "schedule": option_json(
                    table["schedule"]
                    and {
                        "name": option_json(table["schedule"][0]),
                        "reducer_name": table["schedule"][1],
                        "scheduled_at_column": table["schedule"][2],
                    }
                ),
                **_table_kind(table),
            }
            for table in parts.tables
        ],
        "reducers": [
            {
                "name": name,
                "params": product_json(params),
                "lifecycle": option_json(None if hook is None else {HOOKS[LIFECYCLES[hook]]: []}),
            }
            for name, params, hook in parts.reducers
        ],
        "types": [_type_name(one, "name") for one in parts.types],
        "misc_exports": [{EXPORTS[tag]: _EXPORT_WRITERS[tag](name, *rest)} for tag, name, rest in parts.exports],
        "row_level_security": [{"sql": sql} for sql in parts.filters],
    }


def _form_10(source: Settled) -> dict[str, Any]:
    parts, definition = source.parts, source.definition
    sections: dict[str, Any] = {
        "Typespace": {"types": [type_json(type_) for type_ in parts.typespace]},
        "Types": [_type_name(one, "source_name") for one in parts.types],
        "Tables": [
            {
                "source_name": table["name"],
                **_table_body(table, "source_name"),
                **_table_kind(table),
                "default_values": [
                    {"col_id": column, "value": value.hex()}
                    for column, value in sorted(definition.tables[table["name"]].defaults.items())
                ],
                "is_event": definition.tables[table["name"]].is_event,
            }
            for table in parts.tables
        ],
        "Reducers": [
            {
                "source_name": name,
                "params": product_json(params),
                "visibility": _visibility(definition.reducers[name].is_private),
                "ok_return_type": {"Product": {"elements": []}},
                "err_return_type": {"String": []},
            }
            for name, params, _ in parts.reducers
        ],
        "Procedures": [
            {
                "source_name": name,
                "params": product_json(rest[0]),
                "return_type": type_json(rest[1]),
                "visibility": _visibility(definition.procedures[name].is_private),
            }
            for tag, name, rest in parts.exports
            if tag == 1
        ],
        "Views": [{"source_name": name, **_view_body(*rest)} for tag, name, rest in parts.exports if tag == 2],
        "Schedules": [
            {
                "source_name": option_json(table["schedule"][0]),
                "table_name": table["name"],
                "schedule_at_col": table["schedule"][2],
                "function_name": table["schedule"][1],
            }
            for table in parts.tables
            if table["schedule"]
        ],
        "LifeCycleReducers": [
            {"lifecycle_spec": {name: []}, "function_name": definition.lifecycle[hook].name}
            for hook, name in HOOKS.items()
            if hook in definition.lifecycle
        ],
        "RowLevelSecurity": [{"sql": sql} for sql in parts.filters],
    }
    names = [{"Table": _names(table.source_name, table.name)} for table in definition.tables.values()]
    for functions in (definition.reducers, definition.procedures, definition.views):
        names += [{"Function": _names(one.source_name, one.name)} for one in functions.values()]
    sections["ExplicitNames"] = {"entries": names}
    return {"sections": [{name: content} for name, content in sections.items() if content]}


def _names(source_name: str, name: str) -> dict[str, str]:
    return {"source_name": source_name, "canonical_name": name}


def _visibility(is_private: bool) -> dict[str, Any]:
    return {"Private" if is_private else "ClientCallable": []}


def _type_name(one: RawTypeName, key: str) -> dict[str, Any]:
    *scope, name = one.parts
    return {key: {"scope": scope, key: name}, "ty": one.reference, "custom_ordering": one.custom_ordering}


def _table_kind(table: dict[str, Any]) -> dict[str, Any]:
    return {
        "table_type": {"System" if table["is_system"] else "User": []},
        "table_access": {"Public" if table["is_public"] else "Private": []},
    }


def _table_body(table: dict[str, Any], key: str) -> dict[str, Any]:
    return {
        "product_type_ref": table["row"],
        "primary_key": list(table["primary_key"]),
        "indexes": [
            {
                key: option_json(index.name),
                "accessor_name": option_json(index.accessor),
                "algorithm": {
                    INDEX_ALGORITHMS[index.algorithm]: index.columns[0]
                    if index.algorithm == "direct"
                    else list(index.columns)
                },
            }
            for index in table["indexes"]
        ],
        "constraints": [
            {key: option_json(one.name), "data": {"Unique": {"columns": list(one.columns)}}}
            for one in table["constraints"]
        ],
        "sequences": [
            {
                key: option_json(one.name),
                "column": one.column,
                "start": option_json(one.start),
                "min_value": option_json(one.minimum),
                "max_value": option_json(one.maximum),
                "increment": one.increment,
            }
            for one in table["sequences"]
        ],
    }


def _view_body(index: int, is_public: bool, is_anonymous: bool, params: Any, returns: Any) -> dict[str, Any]:
    return {
        "index": index,
        "is_public": is_public,
        "is_anonymous": is_anonymous,
        "params": product_json(params),
        "return_type": type_json(returns),
    }


_EXPORT_WRITERS: tuple[Callable[..., dict[str, Any]], ...] = (
    lambda table, column, value: {"table": table, "col_id": column, "value": value.hex()},
    lambda name, params, returns: {
        "name": name,
        "params": product_json(params),
        "return_type": type_json(returns),
    },
    lambda name, *rest: {"name": name, **_view_body(*rest)},
)


def definition_from_json(obj: Any) -> ModuleDef:
    """Read a definition that a server printed in form 9.

    Args:
        obj: The parsed JSON.

    Raises:
        JsonError: It is no such definition; the path says where.
        DefinitionError: The definition contradicts itself.
    """
    return build(read_parts(obj))
