"""Believable data for Inner Universe, made with faker; the same seed makes the same data."""

from __future__ import annotations

import functools
import hashlib
import json
import random
from typing import TYPE_CHECKING, Any, cast

from pytest_inner_universe.persistence.types import (
    DeltaMetadata,
    DeltaOperation,
    EntityMetadata,
    NewEntity,
    NewEvent,
    NewRelation,
    RelationMetadata,
)
from pytest_inner_universe.testing.clients import seeded_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faker import Faker, Generator

ENTITY_TYPES = ("Person", "Company", "Place", "Document", "Product")
RELATION_TYPES = ("KNOWS", "WORKS_FOR", "LOCATED_IN", "MENTIONS", "OWNS")
EVENT_TYPES = ("USER_ACTION", "SYSTEM_NOTICE", "SENSOR_READING", "STATE_CHANGE")


@functools.lru_cache(maxsize=1)
def _generator() -> Generator:
    # Setting faker up takes 15 ms, so a process does it once; every draw brings the randomness of its own factory.
    from faker import Factory

    generator: Generator = Factory.create("en_US")
    return generator


class Factories:
    """Makes entities, relations, events, deltas and states.

    Ids are part of what the seed decides, so data made twice from one seed is the same data, and two factories with one
    seed must not fill the same universe with different content.

    Args:
        seed: where everything starts.

    Example:
        >>> Factories(7).entity("Person") == Factories(7).entity("Person")
        True
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.random = random.Random(f"factories {seed}")
        self.new_id = seeded_ids(seed, "factories")

    @property
    def faker(self) -> Faker:
        """Faker's generator, drawing from this factory's randomness."""
        generator = _generator()
        generator.random = self.random
        return cast("Faker", generator)  # the generator has the same methods, which only the other class declares

    def entity(self, entity_type: str | None = None, *, entity_id: str | None = None, **metadata: Any) -> NewEntity:
        """An entity that fits its type: a person has a person's name, a place has coordinates.

        Args:
            entity_type: its type; one of `ENTITY_TYPES` unless given, and any other text is fine.
            entity_id: its id; made unless given.
            **metadata: fields of `EntityMetadata` that replace the made ones.
        """
        kind = entity_type or self.random.choice(ENTITY_TYPES)
        fields: dict[str, Any] = {
            "name": self._name(kind),
            "description": self.faker.sentence(nb_words=8),
            "tags": self._words(0, 3),
            "properties": self._properties(kind),
        }
        return NewEntity(kind, EntityMetadata(**{**fields, **metadata}), entity_id or self.new_id())

    def entities(self, count: int, entity_type: str | None = None) -> list[NewEntity]:
        """Several entities, as `entity` makes them."""
        return [self.entity(entity_type) for _ in range(count)]

    def relation(
        self,
        from_entity: str | NewEntity,
        to_entity: str | NewEntity,
        relation_type: str | None = None,
        *,
        relation_id: str | None = None,
        **metadata: Any,
    ) -> NewRelation:
        """A relation between two entities.

        Args:
            from_entity: where it starts: an id, or an entity of a factory.
            to_entity: where it ends.
            relation_type: its type; one of `RELATION_TYPES` unless given.
            relation_id: its id; made unless given.
            **metadata: fields of `RelationMetadata` that replace the made ones.
        """
        fields: dict[str, Any] = {
            "description": self.faker.sentence(nb_words=5),
            "strength": round(self.random.random(), 3),
            "bidirectional": self.random.random() < 0.25,
            "tags": self._words(0, 2),
            "properties": {"since": self.random.randrange(1990, 2025)},
        }
        return NewRelation(
            _id(from_entity),
            _id(to_entity),
            relation_type or self.random.choice(RELATION_TYPES),
            RelationMetadata(**{**fields, **metadata}),
            relation_id or self.new_id(),
        )

    def graph(self, entities: int, relations: int) -> tuple[list[NewEntity], list[NewRelation]]:
        """Entities, and relations between any two of them.

        Args:
            entities: how many, at least one if there are to be relations.
            relations: how many.

        Raises:
            ValueError: relations are asked for, and no entities.
        """
        if relations and not entities:
            raise ValueError(f"{relations} relations need entities to relate")
        nodes = self.entities(entities)
        return nodes, [self.relation(self.random.choice(nodes), self.random.choice(nodes)) for _ in range(relations)]

    def event(
        self,
        event_type: str | None = None,
        source: str | None = None,
        data: dict[str, Any] | None = None,
        *,
        event_id: str | None = None,
    ) -> NewEvent:
        """An event.

        Args:
            event_type: its type; one of `EVENT_TYPES` unless given.
            source: who published it; a made name unless given.
            data: its payload; made unless given.
            event_id: its id; made unless given.
        """
        kind = event_type or self.random.choice(EVENT_TYPES)
        payload = data if data is not None else {"actor": self.faker.user_name(), "value": self.random.randrange(1000)}
        return NewEvent(kind, payload, source or self.faker.domain_word(), event_id or self.new_id())

    def events(self, count: int, event_type: str | None = None) -> list[NewEvent]:
        """Several events, as `event` makes them."""
        return [self.event(event_type) for _ in range(count)]

    def state(self, size: int = 5) -> dict[str, Any]:
        """A state to be versioned: a JSON object with that many keys, some of them nested.

        Args:
            size: number of keys at the top.
        """
        return {f"{self.faker.word()}_{position}": self._value(2) for position in range(size)}

    def delta(self, state: dict[str, Any] | None = None, count: int = 3) -> tuple[list[DeltaOperation], DeltaMetadata]:
        """The operations of a change and what is known about it.

        Args:
            state: what is changed; the paths are its keys, or made ones unless given.
            count: how many operations.
        """
        keys = list(state or self.state())
        operations = [self._operation(self.random.choice(keys)) for _ in range(count)]
        metadata = DeltaMetadata(self.faker.sentence(nb_words=6), self.faker.name(), self._words(0, 2))
        return operations, metadata

    def version(self, state: dict[str, Any] | None = None) -> tuple[str, str]:
        """Description and data hash of a state version.

        Args:
            state: the state that the hash belongs to; a made one unless given.
        """
        text = json.dumps(state if state is not None else self.state(), sort_keys=True)
        return self.faker.sentence(nb_words=6), hashlib.sha256(text.encode()).hexdigest()

    def _operation(self, path: str) -> DeltaOperation:
        kind = self.random.choice(("Set", "Delete", "Patch"))
        if kind == "Set":
            return DeltaOperation("Set", path, value=self._value(1))
        if kind == "Patch":
            return DeltaOperation("Patch", path, patch={self.faker.word(): self._value(0)})
        return DeltaOperation("Delete", path)

    def _name(self, kind: str) -> str:
        faker = self.faker
        makers = {"Person": faker.name, "Company": faker.company, "Place": faker.city, "Document": faker.catch_phrase}
        return str(makers.get(kind, faker.word)())

    def _properties(self, kind: str) -> dict[str, Any]:
        faker = self.faker
        if kind == "Person":
            return {"age": self.random.randrange(18, 90), "email": faker.safe_email()}
        if kind == "Place":
            return {"latitude": float(faker.latitude()), "longitude": float(faker.longitude())}
        return {"code": faker.bothify("??-####"), "rating": round(self.random.uniform(0, 5), 1)}

    def _value(self, depth: int) -> Any:
        kinds: Sequence[str] = ("number", "text", "flag", "nothing") + (("list", "object") if depth else ())
        kind = self.random.choice(kinds)
        if kind == "list":
            return [self._value(depth - 1) for _ in range(self.random.randrange(4))]
        if kind == "object":
            return {self.faker.word(): self._value(depth - 1) for _ in range(self.random.randrange(4))}
        if kind == "number":
            return self.random.randrange(-1000, 1000)
        if kind == "flag":
            return self.random.random() < 0.5
        return self.faker.word() if kind == "text" else None

    def _words(self, least: int, most: int) -> list[str]:
        return [self.faker.word() for _ in range(self.random.randint(least, most))]


def _id(entity: str | NewEntity) -> str:
    if isinstance(entity, str):
        return entity
    assert entity.id is not None, "entities of a factory have ids"
    return entity.id
