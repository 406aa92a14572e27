"""Entities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import checks, mapping, queries
from .errors import EntityNotFoundError
from .operations import Operations
from .schema import ENTITY
from .types import EntityMetadata, NewEntity, Row

_EntityMetadata = EntityMetadata | Mapping[str, Any]


class EntityOperations(Operations):
    """Creating, reading, changing, deleting and querying entities."""

    async def create_entity(self, entity_type: str, metadata: _EntityMetadata, *, entity_id: str | None = None) -> str:
        """Store a new entity.

        Args:
            entity_type: Its type, as ``Person``.
            metadata: What is known about it.
            entity_id: Its id; a new UUID if not given. The same id with the same content again has no effect.

        Returns:
            The id.

        Raises:
            ValidationError: An argument cannot be stored.
            ConflictError: The id exists with other content.
            AuthorizationError: The caller may not create entities of this type.
        """
        kind, wire = checks.name_text(entity_type, "entity_type"), mapping.entity_metadata(metadata)
        id_ = self._id(entity_id, "entity_id")
        await self._call("create_entity", id_, kind, self._sealed(ENTITY, id_, wire))
        return id_

    async def create_entities(self, entities: Iterable[NewEntity | Mapping[str, Any]]) -> list[str]:
        """Store several entities in one transaction: all of them or none.

        Args:
            entities: `NewEntity` objects, or dicts with ``entity_type``, ``metadata`` and optionally ``id``.

        Returns:
            Their ids, in order.

        Raises:
            BatchError: One of them cannot be stored; says which, and why.
        """
        wires: list[dict[str, Any]] = []
        for position, item in enumerate(entities):
            new = checks.record(item, NewEntity, f"entities[{position}]")
            id_ = self._id(new.id, "id")
            wires.append(
                {
                    "id": id_,
                    "entity_type": checks.name_text(new.entity_type, "entity_type"),
                    "metadata": self._sealed(ENTITY, id_, mapping.entity_metadata(new.metadata)),
                }
            )
        await self._call("create_entities", wires)
        return [wire["id"] for wire in wires]

    async def get_entity(self, entity_id: str) -> Row:
        """Read an entity.

        Returns:
            ``id``, ``entity_type``, ``created_at``, ``updated_at`` and ``metadata``, a dict whose ``properties`` are a dict.

        Raises:
            EntityNotFoundError: There is none with this id.
        """
        row = await self._find(ENTITY, entity_id, "get_entity")
        if row is None:
            raise EntityNotFoundError(entity_id)
        return row

    async def update_entity(self, entity_id: str, metadata: _EntityMetadata) -> bool:
        """Replace the metadata of an entity.

        Args:
            entity_id: Its id.
            metadata: What is known about it from now on; a field that is left out has its default.

        Returns:
            True.

        Raises:
            EntityNotFoundError: There is none with this id.
        """
        id_, wire = checks.name_text(entity_id, "entity_id"), mapping.entity_metadata(metadata)
        await self._call("update_entity", id_, self._sealed(ENTITY, id_, wire))
        return True

    async def delete_entity(self, entity_id: str, *, cascade: bool = False) -> bool:
        """Delete an entity.

        Args:
            entity_id: Its id.
            cascade: Whether to delete the relations that name it as well.

        Returns:
            True.

        Raises:
            EntityNotFoundError: There is none with this id.
            ConflictError: Relations name it, and cascade is not asked for.
        """
        await self._call("delete_entity", checks.name_text(entity_id, "entity_id"), bool(cascade))
        return True

    async def query_entities(
        self,
        entity_type: str | None = None,
        filters: queries.Filters | None = None,
        limit: int | None = 100,
        offset: int = 0,
    ) -> list[Row]:
        """Find entities, oldest first.

        Args:
            entity_type: Type that they have; None for any.
            filters: Conditions that must all hold: `QueryFilter` objects, or dicts with ``field``, ``operator``, ``value``.
            limit: Most rows to return; None for all.
            offset: Rows to leave out at the beginning.

        Raises:
            ValidationError: Unknown field or operator, a value that fits neither, a negative limit or offset.

        Example:
            >>> adults = QueryFilter("metadata.properties.age", FilterOperator.GREATER_OR_EQUAL, 18)  # doctest: +SKIP
            >>> await client.query_entities("Person", [adults])  # doctest: +SKIP
        """
        return await self._run(self.plan_entities(entity_type, filters, limit, offset), "query_entities")

    def plan_entities(
        self,
        entity_type: str | None = None,
        filters: queries.Filters | None = None,
        limit: int | None = 100,
        offset: int = 0,
    ) -> queries.QueryPlan:
        """Return how `query_entities` answers the same arguments; see `QueryPlan.explain`. Nothing is asked of the server."""
        return queries.plan(ENTITY, filters, equal={"entity_type": entity_type}, limit=limit, offset=offset)
