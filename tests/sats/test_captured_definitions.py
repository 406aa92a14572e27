"""The definitions of two compiled modules against the schemas that real servers made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_inner_universe.sats import ModuleDef, TableDef, ViewDef, decode_definition
from pytest_inner_universe.sats.types import AlgebraicType, Array, Element, Primitive, Product, Ref, Sum, SumVariant
from pytest_inner_universe.sats.typespace import Typespace

VECTORS = Path(__file__).parents[2] / "fixtures" / "vectors"


def definition(bindings: str) -> ModuleDef:
    return decode_definition(bytes.fromhex((VECTORS / f"definition-bindings-{bindings}.hex").read_text()))


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((VECTORS / name).read_text())
    return loaded


def type_of(form: dict[str, Any]) -> AlgebraicType:
    """Read a type from its JSON form."""
    ((kind, content),) = form.items()
    if kind == "Ref":
        return Ref(content)
    if kind == "Array":
        return Array(type_of(content))
    if kind == "Product":
        return product_of(content)
    if kind == "Sum":
        variants = [(some(part["name"]), type_of(part["algebraic_type"])) for part in content["variants"]]
        return Sum(tuple(SumVariant(*part) for part in variants))
    return Primitive(kind)


def product_of(form: dict[str, Any]) -> Product:
    parts = [(some(part["name"]), type_of(part["algebraic_type"])) for part in form["elements"]]
    return Product(tuple(Element(*part) for part in parts))


def some(form: Any) -> Any:
    return form.get("some")


def index_form(form: dict[str, Any], key: str) -> tuple[str, tuple[int, ...], str]:
    ((algorithm, columns),) = form["algorithm"].items()
    return some(form[key]), tuple(columns) if isinstance(columns, list) else (columns,), algorithm.lower()


def table_form(form: dict[str, Any], resolve: Typespace, named: str = "name") -> dict[str, Any]:
    key = form["primary_key"]
    return {
        "row": resolve.resolve(Ref(form["product_type_ref"])),
        "key": key[0] if key else None,
        "indexes": {index_form(part, named) for part in form["indexes"]},
        "constraints": {(some(part[named]), tuple(part["data"]["Unique"]["columns"])) for part in form["constraints"]},
        "sequences": {
            (some(p[named]), p["column"], some(p["start"]), some(p["min_value"]), some(p["max_value"]), p["increment"])
            for p in form["sequences"]
        },
        "is_public": "Public" in form["table_access"],
        "is_system": "System" in form["table_type"],
    }


def table_ours(table: TableDef) -> dict[str, Any]:
    return {
        "row": table.row_type,
        "key": table.primary_key,
        "indexes": {(index.name, index.columns, index.algorithm) for index in table.indexes},
        "constraints": set(table.constraints),
        "sequences": set(table.sequences),
        "is_public": table.is_public,
        "is_system": table.is_system,
    }


def view_form(form: dict[str, Any], resolve: Typespace, named: str) -> tuple[Any, ...]:
    returns = resolve.resolve(type_of(form["return_type"]))
    return form[named], form["index"], form["is_public"], form["is_anonymous"], product_of(form["params"]), returns


def view_ours(view: ViewDef) -> tuple[Any, ...]:
    return view.name, view.index, view.is_public, view.is_anonymous, view.params, view.return_type


HOOKS = {"Init": "init", "OnConnect": "client_connected", "OnDisconnect": "client_disconnected"}


@pytest.mark.parametrize(
    ("bindings", "file"), [("1.4", "1.2.0/schema_v9.json"), ("2.8", "2.8.3/schema_v9.json")], ids=["1.4", "2.8"]
)
def test_against_the_schema_of_form_9(bindings: str, file: str) -> None:
    ours, theirs = definition(bindings), schema(file)
    resolve = Typespace([type_of(form) for form in theirs["typespace"]["types"]])
    assert {name: table_ours(table) for name, table in ours.tables.items()} == {
        form["name"]: table_form(form, resolve) for form in theirs["tables"]
    }
    assert {table.name: table.schedule for table in ours.tables.values() if table.schedule} == {
        form["name"]: (
            some(some(form["schedule"])["name"]),
            some(form["schedule"])["reducer_name"],
            some(form["schedule"])["scheduled_at_column"],
        )
        for form in theirs["tables"]
        if some(form["schedule"])
    }
    assert [(reducer.name, reducer.params) for reducer in ours.reducers.values()] == [
        (form["name"], resolve.resolve(product_of(form["params"]))) for form in theirs["reducers"]
    ]
    assert {hook: reducer.name for hook, reducer in ours.lifecycle.items()} == {
        HOOKS[hook]: form["name"] for form in theirs["reducers"] for hook in some(form["lifecycle"]) or ()
    }
    assert ours.types == {
        ".".join((*form["name"]["scope"], form["name"]["name"])): resolve.resolve(Ref(form["ty"]))
        for form in theirs["types"]
    }
    assert {view_ours(view) for view in ours.views.values()} == {
        view_form(form["View"], resolve, "name") for form in theirs["misc_exports"]
    }
    assert list(ours.row_level_security) == [form["sql"] for form in theirs["row_level_security"]]


def test_against_the_schema_of_form_10() -> None:
    ours = definition("2.8")
    theirs = {
        kind: content for section in schema("2.8.3/schema_v10.json")["sections"] for kind, content in section.items()
    }
    resolve = Typespace([type_of(form) for form in theirs["Typespace"]["types"]])
    assert (ours.version, definition("1.4").version) == (10, 9)
    assert {name: {**table_ours(table), "is_event": table.is_event} for name, table in ours.tables.items()} == {
        form["source_name"]: {**table_form(form, resolve, "source_name"), "is_event": form["is_event"]}
        for form in theirs["Tables"]
    }
    assert [(reducer.id, reducer.name, reducer.params, reducer.is_private) for reducer in ours.reducers.values()] == [
        (i, form["source_name"], resolve.resolve(product_of(form["params"])), "Private" in form["visibility"])
        for i, form in enumerate(theirs["Reducers"])
    ]
    assert {(view_ours(view), view.primary_key) for view in ours.views.values()} == {
        (view_form(form, resolve, "source_name"), ()) for form in theirs["Views"]
    }
    assert {(table.name, *table.schedule) for table in ours.tables.values() if table.schedule} == {
        (form["table_name"], some(form["source_name"]), form["function_name"], form["schedule_at_col"])
        for form in theirs["Schedules"]
    }
    assert {(hook, reducer.name) for hook, reducer in ours.lifecycle.items()} == {
        (HOOKS[hook], form["function_name"]) for form in theirs["LifeCycleReducers"] for hook in form["lifecycle_spec"]
    }
    assert set(ours.types) == {form["source_name"]["source_name"] for form in theirs["Types"]}


def test_names_in_the_source_stay_valid() -> None:
    table = definition("2.8").table("every_type")
    assert table.column("a_u8") == table.column("a_u_8") == table.columns[2]
    assert (table.column("a_u8").name, table.column("a_u8").source_name) == ("a_u_8", "a_u8")
    with pytest.raises(KeyError):
        table.column("a_u_9")
    with pytest.raises(KeyError):
        definition("2.8").table("nothing")


def test_rows_of_scheduled_tables_are_what_their_reducers_take() -> None:
    for bindings in ("1.4", "2.8"):
        module = definition(bindings)
        for table in module.tables.values():
            if table.schedule is not None:
                assert module.reducers[table.schedule.function].params.elements[0].type == table.row_type
