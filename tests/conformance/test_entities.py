"""Entities and relations: what their reducers do and refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.metadata import entity_metadata, relation_metadata

if TYPE_CHECKING:
    from conformance.conftest import Helper

    from pytest_inner_universe.testing.universe import Universe


def test_create_entity_stores_the_row_and_its_event(universe: Universe, inner: Helper) -> None:
    inner.entity("e1", "Person", name="Ada", tags=["a", "b"], properties={"age": 36})
    row = inner.row("entity", id="e1")
    assert row["entity_type"] == "Person"
    assert row["created_at"] == row["updated_at"]
    assert row["metadata"] == entity_metadata(name="Ada", tags=["a", "b"], properties={"age": 36})
    (event,) = inner.events("ENTITY_CREATED")
    assert event["source"] == "e1"
    assert event["timestamp"] == row["created_at"]
    assert event["data"] == {
        "entity_id": "e1",
        "entity_type": "Person",
        "metadata": {"name": "Ada", "description": None, "tags": ["a", "b"], "properties": {"age": 36}},
    }


def test_create_entity_twice_with_the_same_content_has_one_effect(universe: Universe, inner: Helper) -> None:
    inner.entity("e1")
    inner.entity("e1")
    assert universe.count("entity") == 1
    assert len(inner.events("ENTITY_CREATED")) == 1


def test_create_entity_with_other_content_is_refused(inner: Helper) -> None:
    inner.entity("e1", "Person")
    text = inner.refused("create_entity", "e1", "Robot", entity_metadata())
    assert text == "Entity already exists with other content: e1"


@pytest.mark.parametrize(
    ("id", "type", "properties", "text"),
    [
        ("", "Person", "{}", "Invalid id: must not be empty"),
        ("  ", "Person", "{}", "Invalid id: must not be empty"),
        ("e1", "", "{}", "Invalid entity_type: must not be empty"),
        ("e1", "Person", "[]", "Invalid properties: must be a JSON object"),
    ],
)
def test_create_entity_refuses_what_cannot_be_stored(
    inner: Helper, id: str, type: str, properties: str, text: str
) -> None:
    assert inner.refused("create_entity", id, type, entity_metadata() | {"properties": properties}) == text


def test_create_entity_refuses_properties_that_are_no_json(inner: Helper) -> None:
    text = inner.refused("create_entity", "e1", "Person", entity_metadata() | {"properties": "{"})
    assert text.startswith("Invalid properties: not JSON, ")


def test_update_entity_replaces_metadata_and_names_what_changed(inner: Helper) -> None:
    inner.entity("e1", name="Ada", tags=["x"])
    inner.universe.call("update_entity", "e1", entity_metadata(name="Grace", tags=["x"], properties={"rank": 1}))
    row = inner.row("entity", id="e1")
    assert row["metadata"]["name"] == "Grace"
    assert row["updated_at"] > row["created_at"]
    (event,) = inner.events("ENTITY_UPDATED")
    assert event["data"]["changed_fields"] == ["name", "properties"]


def test_update_entity_without_a_change_has_no_effect(inner: Helper) -> None:
    inner.entity("e1", name="Ada")
    before = inner.row("entity", id="e1")
    inner.universe.call("update_entity", "e1", entity_metadata(name="Ada"))
    assert inner.row("entity", id="e1") == before
    assert inner.events("ENTITY_UPDATED") == []


@pytest.mark.parametrize(
    ("reducer", "args", "text"),
    [
        ("update_entity", ("nobody", entity_metadata()), "Entity not found: nobody"),
        ("delete_entity", ("nobody", False), "Entity not found: nobody"),
        ("update_relation", ("nothing", relation_metadata()), "Relation not found: nothing"),
        ("delete_relation", ("nothing",), "Relation not found: nothing"),
    ],
)
def test_what_is_not_there_is_not_found(inner: Helper, reducer: str, args: tuple[Any, ...], text: str) -> None:
    assert inner.refused(reducer, *args) == text


def test_delete_entity(universe: Universe, inner: Helper) -> None:
    inner.entity("e1", "Person")
    universe.call("delete_entity", "e1", False)
    assert universe.count("entity") == 0
    assert inner.events("ENTITY_DELETED")[0]["data"] == {"entity_id": "e1", "entity_type": "Person"}


def test_delete_entity_is_refused_while_relations_name_it(inner: Helper) -> None:
    inner.entity("e1")
    inner.entity("e2")
    inner.relation("r1")
    assert (
        inner.refused("delete_entity", "e1", False) == "Entity e1 has 1 relation: delete them first or ask for cascade"
    )
    inner.relation("r2", "e2", "e1")
    assert (
        inner.refused("delete_entity", "e1", False) == "Entity e1 has 2 relations: delete them first or ask for cascade"
    )


def test_delete_entity_with_cascade_takes_its_relations_along(universe: Universe, inner: Helper) -> None:
    for entity in ("e1", "e2", "e3"):
        inner.entity(entity)
    inner.relation("r1", "e1", "e2")
    inner.relation("r2", "e3", "e1")
    inner.relation("r3", "e2", "e3")
    inner.relation("r4", "e1", "e1")
    universe.call("delete_entity", "e1", True)
    assert [row["id"] for row in universe.rows("relation")] == ["r3"]
    assert len(inner.events("RELATION_DELETED")) == 3


def test_create_relation_stores_the_row_and_its_event(inner: Helper) -> None:
    inner.entity("e1")
    inner.entity("e2")
    inner.relation("r1", strength=0.75, bidirectional=True, tags=["t"], properties={"since": 2020})
    row = inner.row("relation", id="r1")
    assert (row["from_entity"], row["to_entity"], row["relation_type"]) == ("e1", "e2", "KNOWS")
    assert row["metadata"] == relation_metadata(
        strength=0.75, bidirectional=True, tags=["t"], properties={"since": 2020}
    )
    (event,) = inner.events("RELATION_CREATED")
    assert event["source"] == "r1"
    assert event["data"]["relation_id"] == "r1"
    assert event["data"]["metadata"]["strength"] == 0.75


def test_create_relation_needs_both_entities(inner: Helper) -> None:
    inner.entity("e1")
    assert inner.refused("create_relation", "r1", "e1", "e2", "KNOWS", relation_metadata()) == "Entity not found: e2"
    assert inner.refused("create_relation", "r1", "e0", "e1", "KNOWS", relation_metadata()) == "Entity not found: e0"


def test_create_relation_is_idempotent_by_id(universe: Universe, inner: Helper) -> None:
    inner.entity("e1")
    inner.entity("e2")
    inner.relation("r1")
    inner.relation("r1")
    assert universe.count("relation") == 1
    text = inner.refused("create_relation", "r1", "e2", "e1", "KNOWS", relation_metadata())
    assert text == "Relation already exists with other content: r1"


@pytest.mark.parametrize("strength", [float("nan"), float("inf"), float("-inf")])
def test_create_relation_refuses_a_strength_that_is_no_number(inner: Helper, strength: float) -> None:
    inner.entity("e1")
    text = inner.refused("create_relation", "r1", "e1", "e1", "KNOWS", relation_metadata(strength=strength))
    assert text == "Invalid strength: must be a finite number"


def test_update_and_delete_relation(universe: Universe, inner: Helper) -> None:
    inner.entity("e1")
    inner.relation("r1", "e1", "e1")
    universe.call("update_relation", "r1", relation_metadata(strength=0.5, description="old friends"))
    row = inner.row("relation", id="r1")
    assert row["metadata"]["strength"] == 0.5
    assert row["updated_at"] > row["created_at"]
    assert inner.events("RELATION_UPDATED")[0]["data"]["changed_fields"] == ["description", "strength"]
    universe.call("delete_relation", "r1")
    assert universe.count("relation") == 0


def test_batches_are_one_transaction(universe: Universe, inner: Helper) -> None:
    people = [{"id": f"e{i}", "entity_type": "Person", "metadata": entity_metadata()} for i in range(3)]
    universe.call("create_entities", people)
    assert universe.count("entity") == 3
    assert len({row["timestamp"] for row in inner.events("ENTITY_CREATED")}) == 1
    new = {"relation_type": "KNOWS", "metadata": relation_metadata()}
    ties = [{"id": "r1", "from_entity": "e0", "to_entity": "e1", **new}]
    universe.call("create_relations", ties)
    assert universe.count("relation") == 1


def test_a_batch_with_one_bad_item_leaves_nothing(inner: Helper) -> None:
    good = {"id": "e1", "entity_type": "Person", "metadata": entity_metadata()}
    assert inner.refused("create_entities", [good, good | {"id": ""}]) == "Item 1 (): Invalid id: must not be empty"
    bad = {"id": "r1", "from_entity": "x", "to_entity": "y", "relation_type": "KNOWS", "metadata": relation_metadata()}
    assert inner.refused("create_relations", [bad]) == "Item 0 (r1): Entity not found: x"
