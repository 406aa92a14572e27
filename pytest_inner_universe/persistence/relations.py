"""Relations between entities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import checks, mapping, queries
from .errors import RelationNotFoundError
from .operations import Operations
from .schema import RELATION
from .types import NewRelation, RelationMetadata, Row

_RelationMetadata = RelationMetadata | Mapping[str, Any]


class RelationOperations(Operations):
    """Creating, reading, changing, deleting and querying relations."""

    async def create_relation(
        self,
        from_entity: str,
        to_entity: str,
        relation_type: str,
        metadata: _RelationMetadata,
        *,
        relation_id: str | None = None,
    ) -> str:
        """Store a new relation between two entities that exist.

        Args:
            from_entity: Id of the entity where it starts.
            to_entity: Id of the entity where it ends.
            relation_type: Its type, as ``KNOWS``.
            metadata: What is known about it.
            relation_id: Its id; a new UUID if not given. The same id with the same content again has no effect.

        Returns:
            The id.

        Raises:
            ValidationError: An argument cannot be stored.
            EntityNotFoundError: One of the entities does not exist.
            ConflictError: The id exists with other content.
        """
        wire = mapping.relation_metadata(metadata)
        ends = (checks.name_text(from_entity, "from_entity"), checks.name_text(to_entity, "to_entity"))
        kind, id_ = checks.name_text(relation_type, "relation_type"), self._id(relation_id, "relation_id")
        await self._call("create_relation", id_, *ends, kind, self._sealed(RELATION, id_, wire))
        return id_

    async def create_relations(self, relations: Iterable[NewRelation | Mapping[str, Any]]) -> list[str]:
        """Store several relations in one transaction: all of them or none.

        Args:
            relations: `NewRelation` objects, or dicts with its fields.

        Returns:
            Their ids, in order.

        Raises:
            BatchError: One of them cannot be stored; says which, and why.
        """
        wires: list[dict[str, Any]] = []
        for position, item in enumerate(relations):
            new = checks.record(item, NewRelation, f"relations[{position}]")
            id_ = self._id(new.id, "id")
            wires.append(
                {
                    "id": id_,
                    "from_entity": checks.name_text(new.from_entity, "from_entity"),
                    "to_entity": checks.name_text(new.to_entity, "to_entity"),
                    "relation_type": checks.name_text(new.relation_type, "relation_type"),
                    "metadata": self._sealed(RELATION, id_, mapping.relation_metadata(new.metadata)),
                }
            )
        await self._call("create_relations", wires)
        return [wire["id"] for wire in wires]

    async def get_relation(self, relation_id: str) -> Row:
        """Read a relation.

        Raises:
            RelationNotFoundError: There is none with this id.
        """
        row = await self._find(RELATION, relation_id, "get_relation")
        if row is None:
            raise RelationNotFoundError(relation_id)
        return row

    async def update_relation(self, relation_id: str, metadata: _RelationMetadata) -> bool:
        """Replace the metadata of a relation.

        Args:
            relation_id: Its id.
            metadata: What is known about it from now on; a field that is left out has its default.

        Returns:
            True.

        Raises:
            RelationNotFoundError: There is none with this id.
        """
        id_, wire = checks.name_text(relation_id, "relation_id"), mapping.relation_metadata(metadata)
        await self._call("update_relation", id_, self._sealed(RELATION, id_, wire))
        return True

    async def delete_relation(self, relation_id: str) -> bool:
        """Delete a relation.

        Returns:
            True.

        Raises:
            RelationNotFoundError: There is none with this id.
        """
        await self._call("delete_relation", checks.name_text(relation_id, "relation_id"))
        return True

    async def query_relations(
        self,
        relation_type: str | None = None,
        from_entity: str | None = None,
        to_entity: str | None = None,
        filters: queries.Filters | None = None,
        limit: int | None = 100,
        offset: int = 0,
    ) -> list[Row]:
        """Find relations, oldest first.

        Args:
            relation_type: Type that they have; None for any.
            from_entity: Id of the entity where they start; None for any.
            to_entity: Id of the entity where they end; None for any.
            filters: What else has to hold, as `query_entities` takes it.
            limit: Most rows to return; None for all.
            offset: How many rows to leave out first.
        """
        plan = self.plan_relations(relation_type, from_entity, to_entity, filters, limit, offset)
        return await self._run(plan, "query_relations")

    def plan_relations(
        self,
        relation_type: str | None = None,
        from_entity: str | None = None,
        to_entity: str | None = None,
        filters: queries.Filters | None = None,
        limit: int | None = 100,
        offset: int = 0,
    ) -> queries.QueryPlan:
        """Return how `query_relations` answers the same arguments; see `QueryPlan.explain`."""
        equal = {"relation_type": relation_type, "from_entity": from_entity, "to_entity": to_entity}
        return queries.plan(RELATION, filters, equal=equal, limit=limit, offset=offset)
