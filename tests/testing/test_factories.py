"""Made data: believable, reproducible, and accepted by the model's own checks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inner_universe.persistence import mapping
from pytest_inner_universe.testing.factories import ENTITY_TYPES, Factories

seeds = st.integers(0, 2**64 - 1)


def everything(make: Factories) -> list[object]:
    return [make.entities(3), make.graph(3, 4), make.events(3), make.state(), make.delta(), make.version()]


@given(seeds)
def test_a_seed_decides_everything(seed: int) -> None:
    assert everything(Factories(seed)) == everything(Factories(seed))


def test_other_seeds_make_other_data() -> None:
    assert everything(Factories(1)) != everything(Factories(2))


def test_factories_side_by_side_do_not_disturb_each_other() -> None:
    alone = [Factories(1).entities(4), Factories(2).entities(4)]
    first, second = Factories(1), Factories(2)
    mixed = [(first.entity(), second.entity()) for _ in range(4)]
    assert [list(made) for made in zip(*mixed, strict=True)] == alone


@given(seeds)
def test_the_model_takes_what_is_made(seed: int) -> None:
    make = Factories(seed)
    for kind in ENTITY_TYPES:
        mapping.entity_metadata(make.entity(kind).metadata)
    entities, relations = make.graph(3, 5)
    ids = {entity.id for entity in entities}
    for relation in relations:
        mapping.relation_metadata(relation.metadata)
        assert {relation.from_entity, relation.to_entity} <= ids
    state = make.state()
    operations, metadata = make.delta(state, count=4)
    assert len(mapping.delta_operations(operations)) == 4
    mapping.delta_metadata(metadata)
    assert len(make.version(state)[1]) == 64


def test_given_fields_win() -> None:
    make = Factories()
    entity = make.entity("Robot", entity_id="r1", name="R1", tags=["new"])
    assert (entity.entity_type, entity.id) == ("Robot", "r1")
    assert (entity.metadata.name, entity.metadata.tags) == ("R1", ["new"])  # type: ignore[union-attr]
    event = make.event("PING", "me", {}, event_id="e1")
    assert (event.event_type, event.source, event.data, event.id) == ("PING", "me", {}, "e1")


def test_relations_need_entities() -> None:
    with pytest.raises(ValueError) as caught:
        Factories().graph(0, 2)
    assert str(caught.value) == "2 relations need entities to relate"
