"""A person, a company, and that the one works for the other."""

from __future__ import annotations

import asyncio

from application import persistence


async def main() -> None:
    async with persistence() as manager:
        person = await manager.create_entity(
            "Person",
            {
                "name": "Ada Lovelace",
                "description": "Wrote the first program",
                "tags": ["mathematics", "engines"],
                "properties": {"age": 36, "email": "ada@example.com"},
            },
        )
        metadata = (await manager.get_entity(person))["metadata"]
        print("created", metadata["name"], metadata["properties"])

        metadata["properties"]["age"] += 1
        await manager.update_entity(person, metadata)
        print("updated", (await manager.get_entity(person))["metadata"]["properties"])

        company = await manager.create_entity("Company", {"name": "Analytical Engines"})
        relation = await manager.create_relation(
            person,
            company,
            "WORKS_FOR",
            {
                "description": "From the first day on",
                "strength": 0.9,
                "bidirectional": False,
                "tags": ["employment"],
                "properties": {"position": "Programmer", "since": 1842},
            },
        )
        found = await manager.client.get_relation(relation)
        print("related", found["relation_type"], found["metadata"]["strength"])


if __name__ == "__main__":
    asyncio.run(main())
