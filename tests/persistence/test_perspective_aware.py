"""Rows seen through named perspectives."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_inner_universe.persistence import InnerUniverseClient, PerspectiveAware, ValidationError
from pytest_inner_universe.persistence.perspective_aware import fields

ROW: dict[str, Any] = {"id": "e-1", "metadata": {"name": "Ada", "tags": ["secret"]}}


@pytest.fixture
def views() -> PerspectiveAware:
    made = PerspectiveAware()
    made.add_perspective("public", fields("id", "metadata.name", "metadata.name.first", "absent"))
    made.add_perspective("name", lambda row: row["metadata"].pop("name"))
    return made


def test_a_perspective_shows_and_changes_nothing(views: PerspectiveAware) -> None:
    assert views.view(ROW, "public") == {"id": "e-1", "metadata.name": "Ada"}
    assert views.view(ROW, "name") == "Ada"
    assert ROW["metadata"]["name"] == "Ada"
    assert views.get_available_perspectives() == ["public", "name"]


def test_fields_are_named_as_filters_name_them() -> None:
    assert fields("metadata.tags[0]", "metadata.tags[1]")(ROW) == {"metadata.tags[0]": "secret"}
    with pytest.raises(ValidationError, match=r"^not a path at position 3: 'id\.\.x'"):
        fields("id..x")


def test_an_unknown_name_shows_the_default_and_without_one_the_data(views: PerspectiveAware) -> None:
    assert views.view(ROW, "other") is ROW
    views.set_default_perspective("name")
    assert (views.view(ROW, "other"), views.view(ROW)) == ("Ada", "Ada")
    assert views.remove_perspective("name") is True
    assert views.remove_perspective("name") is False
    assert views.view(ROW) is ROW
    views.set_default_perspective(None)


def test_an_unknown_default(views: PerspectiveAware) -> None:
    with pytest.raises(ValueError, match=r"^there is no perspective 'other'; known: public, name$"):
        views.set_default_perspective("other")


@pytest.mark.parametrize(("name", "perspective"), [("", len), ("x", None), (1, len)])
def test_what_is_no_perspective(views: PerspectiveAware, name: Any, perspective: Any) -> None:
    with pytest.raises(ValidationError):
        views.add_perspective(name, perspective)


@pytest.mark.asyncio
async def test_rows_of_the_database(live: InnerUniverseClient) -> None:
    views = PerspectiveAware(live)
    views.add_perspective("name", lambda row: row["metadata"].get("name", row.get("relation_type")))
    ids = [await live.create_entity("Person", {"name": name}) for name in ("Ada", "Grace")]
    relation = await live.create_relation(ids[0], ids[1], "KNOWS", {})
    assert await views.get_entity(ids[0], "name") == "Ada"
    assert await views.get_relation(relation, "name") == "KNOWS"
    assert await views.query_entities("Person", perspective="name") == ["Ada", "Grace"]
    assert await views.query_relations(perspective="name") == ["KNOWS"]
    assert (await views.get_entity(ids[0]))["id"] == ids[0]
