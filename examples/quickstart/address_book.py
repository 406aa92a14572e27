"""The application: people and who knows whom, kept in Inner Universe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inner_universe.persistence.types import EntityMetadata, FilterOperator, QueryFilter, RelationMetadata

if TYPE_CHECKING:
    from pytest_inner_universe.persistence.inner_universe import InnerUniverseClient


class AddressBook:
    def __init__(self, client: InnerUniverseClient) -> None:
        self.client = client

    async def add(self, name: str, age: int) -> str:
        return await self.client.create_entity("Person", EntityMetadata(name=name, properties={"age": age}))

    async def introduce(self, first: str, second: str) -> None:
        await self.client.create_relation(first, second, "KNOWS", RelationMetadata(bidirectional=True))

    async def adults(self) -> list[str]:
        of_age = QueryFilter("metadata.properties.age", FilterOperator.GREATER_OR_EQUAL, 18)
        return [row["metadata"]["name"] for row in await self.client.query_entities("Person", [of_age])]

    async def acquaintances(self, person: str) -> list[str]:
        known = await self.client.query_relations("KNOWS", from_entity=person)
        known += await self.client.query_relations("KNOWS", to_entity=person)
        others = [row["to_entity"] if row["from_entity"] == person else row["from_entity"] for row in known]
        return sorted([(await self.client.get_entity(other))["metadata"]["name"] for other in others])
