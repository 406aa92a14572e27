"""Definitions in JSON against what the schema routes of two real servers printed."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import raw_definitions as made

from pytest_inner_universe.sats import (
    U8,
    U32,
    DefinitionError,
    JsonError,
    ModuleDef,
    Ref,
    decode_definition,
    option,
    product,
)
from pytest_inner_universe.sats.definition_json import definition_from_json, definition_to_json
from pytest_inner_universe.sats.types import Array, Primitive

VECTORS = Path(__file__).parents[2] / "fixtures" / "vectors"
FORM_9 = [("1.4", "1.2.0/schema_v9.json"), ("2.8", "2.8.3/schema_v9.json")]


def raw(bindings: str) -> bytes:
    return bytes.fromhex((VECTORS / f"definition-bindings-{bindings}.hex").read_text())


def printed(name: str) -> str:
    return (VECTORS / name).read_text()


@pytest.mark.parametrize(("bindings", "file"), FORM_9, ids=["1.4", "2.8"])
def test_form_9_is_printed_to_the_letter(bindings: str, file: str) -> None:
    assert json.dumps(definition_to_json(raw(bindings), 9), separators=(",", ":")) == printed(file).strip()


def test_form_10_is_printed_but_for_the_order_of_things_with_names() -> None:
    assert in_order(definition_to_json(raw("2.8"), 10)) == in_order(json.loads(printed("2.8.3/schema_v10.json")))


def in_order(form: dict[str, Any]) -> list[tuple[str, Any]]:
    """Sort the lists that servers keep in tables of hashes."""
    sections = [next(iter(section.items())) for section in copy.deepcopy(form)["sections"]]
    found = dict(sections)
    for table in found["Tables"]:
        for key in ("indexes", "constraints", "sequences"):
            table[key].sort(key=json.dumps)
    for entries in (found["Types"], found["Tables"], found["ExplicitNames"]["entries"]):
        entries.sort(key=json.dumps)
    return sections


def test_a_module_of_form_9_is_shown_in_form_10_too() -> None:
    sections = {
        name: content for one in definition_to_json(raw("1.4"), 10)["sections"] for name, content in one.items()
    }
    assert [table["source_name"] for table in sections["Tables"]] == (
        ["every_type", "once", "person", "secret", "seen", "team", "tick"]
    )
    assert {table["is_event"] for table in sections["Tables"]} == {False}
    assert [one["function_name"] for one in sections["LifeCycleReducers"]] == ["init", "connected", "disconnected"]


@pytest.mark.parametrize(("bindings", "file"), FORM_9, ids=["1.4", "2.8"])
def test_what_was_printed_is_read_again(bindings: str, file: str) -> None:
    assert definition_from_json(json.loads(printed(file))) == as_printed(decode_definition(raw(bindings)))


def as_printed(definition: ModuleDef) -> ModuleDef:
    """Return what form 9 leaves of a definition: neither names in the source, nor events, nor who may call."""
    return replace(
        definition,
        version=9,
        tables={
            name: replace(
                table,
                source_name=name,
                columns=tuple(column._replace(source_name=column.name) for column in table.columns),
                indexes=tuple(sorted(index._replace(source_name=index.name) for index in table.indexes)),
                constraints=tuple(sorted(table.constraints)),
                is_event=False,
            )
            for name, table in definition.tables.items()
        },
        reducers={
            name: replace(reducer, source_name=name, is_private=False) for name, reducer in definition.reducers.items()
        },
        views={name: replace(view, source_name=name) for name, view in definition.views.items()},
    )


EVERYTHING_9 = made.definition_v9(
    types=[product(id=U32, at=option(U8)), Array(Primitive("I256"))],
    tables=[
        made.table_v9(
            "thing",
            0,
            [0],
            [made.index([0], algorithm=2), made.index([1, 0], "chosen", 1)],
            [made.constraint([0])],
            [made.sequence(0, "counter", (3, None, 1 << 100), -2)],
        )
    ],
    reducers=[made.reducer_v9("rest", product(which=Ref(0)))],
    named=[made.declared("Thing", 0, ["a", "b"])],
    exports=[
        made.procedure_v9("compute", product(of=Ref(1)), Ref(1)),
        made.default_v9("thing", 1, b"\x01"),
        b"\x02" + made.view("things", Array(Ref(0))),
    ],
    filters=["SELECT * FROM thing"],
)


def test_all_that_form_9_has_is_printed_and_read() -> None:
    form = definition_to_json(EVERYTHING_9)
    assert form["tables"][0]["indexes"] == [
        {"name": {"some": "chosen"}, "accessor_name": {"none": []}, "algorithm": {"Hash": [1, 0]}},
        {"name": {"some": "thing_id_idx_direct"}, "accessor_name": {"none": []}, "algorithm": {"Direct": 0}},
    ]
    assert form["tables"][0]["sequences"] == [
        {
            "name": {"some": "counter"},
            "column": 0,
            "start": {"some": 3},
            "min_value": {"none": []},
            "max_value": {"some": 1 << 100},
            "increment": -2,
        }
    ]
    assert form["types"] == [{"name": {"scope": ["a", "b"], "name": "Thing"}, "ty": 0, "custom_ordering": True}]
    assert form["misc_exports"][0] == {"ColumnDefaultValue": {"table": "thing", "col_id": 1, "value": "01"}}
    assert form["misc_exports"][1]["Procedure"]["return_type"] == {"Ref": 1}
    assert form["misc_exports"][2]["View"]["return_type"] == {"Array": {"Ref": 0}}
    assert form["row_level_security"] == [{"sql": "SELECT * FROM thing"}]
    assert definition_from_json(form) == as_printed(decode_definition(EVERYTHING_9))


def test_names_of_form_10_are_settled_everywhere() -> None:
    data = made.definition_v10(
        types=[product(theId=U32, next=option(Array(Ref(1)))), product(innerPart=U8)],
        named=[made.declared("my_thing", 0, ["outer_scope"])],
        tables=[made.table_v10("MyThing", 0, defaults=[(0, bytes(4))])],
        procedures=[made.procedure_v10("runThis", Ref(1))],
        filters=["SELECT * FROM my_thing"],
    )
    form = definition_to_json(data, 9)
    (first, second) = form["typespace"]["types"]
    assert [part["name"]["some"] for part in first["Product"]["elements"]] == ["the_id", "next"]
    assert [part["name"]["some"] for part in second["Product"]["elements"]] == ["inner_part"]
    assert form["tables"][0]["name"] == "my_thing"
    assert form["types"] == [{"name": {"scope": ["OuterScope"], "name": "MyThing"}, "ty": 0, "custom_ordering": True}]
    assert [next(iter(one)) for one in form["misc_exports"]] == ["ColumnDefaultValue", "Procedure"]
    sections = {name: content for one in definition_to_json(data, 10)["sections"] for name, content in one.items()}
    assert sections["Tables"][0]["default_values"] == [{"col_id": 0, "value": "00000000"}]
    assert sections["Procedures"] == [
        {
            "source_name": "run_this",
            "params": {"elements": []},
            "return_type": {"Ref": 1},
            "visibility": {"ClientCallable": []},
        }
    ]
    assert sections["RowLevelSecurity"] == [{"sql": "SELECT * FROM my_thing"}]
    assert sections["ExplicitNames"]["entries"] == [
        {"Table": {"source_name": "MyThing", "canonical_name": "my_thing"}},
        {"Function": {"source_name": "runThis", "canonical_name": "run_this"}},
    ]


def test_names_stay_where_the_module_wants_it() -> None:
    data = made.definition_v10(types=[product(theId=U32)], named=[made.declared("my_thing", 0)], policy=0)
    form = definition_to_json(data)
    assert form["typespace"]["types"][0]["Product"]["elements"][0]["name"] == {"some": "theId"}
    assert form["types"][0]["name"]["name"] == "my_thing"


DAMAGES: list[tuple[list[Any], Any, str]] = [
    ([], [], "expected an object, got []"),
    (["typespace"], {}, "typespace.types: the field is missing"),
    (["typespace", "types"], 5, "typespace.types: expected an array, got 5"),
    (["typespace", "types", 0], "U8", "typespace.types[0]: expected an object with one field, got 'U8'"),
    (["typespace", "types", 0], {"U9": []}, "typespace.types[0]: unknown kind of type 'U9'"),
    (["typespace", "types", 0], {"Ref": -1}, "typespace.types[0].Ref: expected a number of 0 or more, got -1"),
    (["tables", 0, "name"], None, "tables[0].name: expected a text, got None"),
    (["tables", 0, "primary_key", 0], True, "tables[0].primary_key[0]: expected a whole number, got True"),
    (
        ["tables", 0, "table_access"],
        {"Secret": []},
        "tables[0].table_access: expected one of Public, Private, got 'Secret'",
    ),
    (["types", 0, "custom_ordering"], 1, "types[0].custom_ordering: expected true or false, got 1"),
    (
        ["misc_exports", 0, "ColumnDefaultValue", "value"],
        "0g",
        "misc_exports[0].ColumnDefaultValue.value: expected hexadecimal digits, got '0g'",
    ),
]


@pytest.mark.parametrize(("path", "value", "text"), DAMAGES)
def test_a_damaged_form_is_refused_where_the_damage_is(path: list[Any], value: Any, text: str) -> None:
    with pytest.raises(JsonError) as caught:
        definition_from_json(replaced(definition_to_json(EVERYTHING_9), path, value))
    assert str(caught.value) == text


def replaced(form: Any, path: list[Any], value: Any) -> Any:
    """Return a form with another value at one place."""
    if not path:
        return value
    changed = copy.copy(form)
    changed[path[0]] = replaced(form[path[0]], path[1:], value)
    return changed


def test_types_do_not_nest_without_end() -> None:
    form: Any = {"U8": []}
    for _ in range(500):
        form = {"Array": form}
    with pytest.raises(JsonError, match=r": type nests deeper than \d+ levels$"):
        definition_from_json(replaced(definition_to_json(EVERYTHING_9), ["typespace", "types", 0], form))


def places(form: Any) -> list[list[Any]]:
    """Return the paths of all places in a form."""
    entries = form.items() if isinstance(form, dict) else enumerate(form) if isinstance(form, list) else ()
    return [[], *([key, *rest] for key, value in entries for rest in places(value))]


PRINTED = definition_to_json(EVERYTHING_9)


@given(
    path=st.sampled_from(places(PRINTED)),
    value=st.sampled_from([None, True, -1, 0, 1 << 40, "", "x", [], [0], {}, {"some": 0}, {"none": []}, {"Ref": 0}]),
)
def test_whatever_is_damaged_there_is_one_kind_of_error(path: list[Any], value: Any) -> None:
    with suppress(JsonError, DefinitionError):
        definition_from_json(replaced(PRINTED, path, value))


def test_there_are_two_forms() -> None:
    with pytest.raises(ValueError, match=r"^definitions are printed in form 9 or 10, not 8$"):
        definition_to_json(raw("1.4"), 8)
