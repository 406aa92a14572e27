"""The model: metadata, deltas, filters, messages and status as Python values.

Rows come back as plain dicts (see `mapping`); these classes are what goes in. Each of them also accepts a dict wherever
the client takes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from ..sats import Timestamp
from .errors import ValidationError

INSERTED: Literal["INSERTED"] = "INSERTED"
UPDATED: Literal["UPDATED"] = "UPDATED"
DELETED: Literal["DELETED"] = "DELETED"

Row = dict[str, Any]
"""A row as users see it: JSON columns decoded, times as `Timestamp`."""


@dataclass
class EntityMetadata:
    """What is known about an entity.

    Args:
        name: Display name.
        description: A sentence or more.
        tags: Labels, in the order given.
        properties: Any JSON value under text keys; reads back equal.
    """

    name: str | None = None
    description: str | None = None
    tags: list[str] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass
class RelationMetadata:
    """What is known about a relation.

    Args:
        description: A sentence or more.
        strength: From 0 to 1.
        bidirectional: Whether it holds both ways.
        tags: Labels, in the order given.
        properties: Any JSON value under text keys; reads back equal.
    """

    description: str | None = None
    strength: float = 1.0
    bidirectional: bool = False
    tags: list[str] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)


class FilterOperator(Enum):
    """How a filter compares the field with its value."""

    EQUALS = "Equals"
    NOT_EQUALS = "NotEquals"
    GREATER_THAN = "GreaterThan"
    LESS_THAN = "LessThan"
    GREATER_OR_EQUAL = "GreaterOrEqual"
    LESS_OR_EQUAL = "LessOrEqual"
    CONTAINS = "Contains"
    STARTS_WITH = "StartsWith"
    ENDS_WITH = "EndsWith"
    IN = "In"
    NOT_IN = "NotIn"

    @classmethod
    def parse(cls, operator: FilterOperator | str) -> FilterOperator:
        """Read an operator given as member, by name or by value, in any case.

        Raises:
            ValidationError: There is no such operator.

        Example:
            >>> FilterOperator.parse("STARTS_WITH") is FilterOperator.parse("StartsWith")
            True
        """
        if isinstance(operator, cls):
            return operator
        if isinstance(operator, str):
            found = _OPERATORS.get(operator.replace("_", "").casefold())
            if found is not None:
                return found
        raise ValidationError(f"unknown operator {operator!r}; known: {', '.join(cls.__members__)}")


_OPERATORS = {member.value.casefold(): member for member in FilterOperator}


@dataclass(frozen=True)
class QueryFilter:
    """One condition on rows.

    Args:
        field: A column, or a path into one, as ``metadata.properties.age``.
        operator: How to compare; a name or value of `FilterOperator` will do.
        value: What to compare with. None with equality means "is absent".
    """

    field: str
    operator: FilterOperator | str
    value: Any = None


@dataclass
class DeltaMetadata:
    """What is known about a delta.

    Args:
        description: What the change was about.
        author: Who made it.
        tags: Labels, in the order given.
        parent_delta_id: The delta before this one, if they form a chain.
    """

    description: str
    author: str | None = None
    tags: list[str] = field(default_factory=list)
    parent_delta_id: str | None = None


@dataclass
class DeltaOperation:
    """One step of a delta.

    Args:
        operation_type: ``Set`` (path, value), ``Delete`` (path), ``Insert`` (path, value, index or None to append),
            ``Remove`` (path, index) or ``Patch`` (path, patch).
        path: Where in the state.
        value: A JSON value.
        index: Position in the list at the path.
        patch: Keys and values to merge into the mapping at the path.
    """

    operation_type: Literal["Set", "Delete", "Insert", "Remove", "Patch"]
    path: str
    value: Any = None
    index: int | None = None
    patch: dict[str, Any] | None = None


@dataclass
class Message:
    """An event as event handlers receive it.

    Args:
        id: Id of the stored event.
        type: Event type.
        data: Its payload.
        timestamp: Seconds since the epoch.
        source: Who published it.
    """

    id: str = ""
    type: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    timestamp: float = 0.0
    source: str | None = None


class SystemState(Enum):
    """State of the system as its status reports it."""

    STARTING = "Starting"
    RUNNING = "Running"
    DEGRADED = "Degraded"
    MAINTENANCE = "Maintenance"
    SHUTTING_DOWN = "ShuttingDown"


@dataclass(frozen=True)
class SystemStatus:
    """The system at one moment.

    Args:
        status: Its state.
        version: Version of the module.
        schema_version: Version of its tables and reducers.
        start_time: When the database was initialised.
        uptime_seconds: Time since then.
        entity_count: Rows of table entity.
        relation_count: Rows of table relation.
        event_count: Rows of table event_log.
        connected_clients: Connections that are open now.
        process_uptime_seconds: Time since a controller started the server; None where it was not a controller who asked, or
            not the one who started it.
    """

    status: SystemState
    version: str
    schema_version: int
    start_time: Timestamp
    uptime_seconds: float
    entity_count: int
    relation_count: int
    event_count: int
    connected_clients: int
    process_uptime_seconds: float | None = None


@dataclass
class NewEntity:
    """An entity to create as part of a batch; a new id is made where none is given."""

    entity_type: str
    metadata: EntityMetadata | Mapping[str, Any]
    id: str | None = None


@dataclass
class NewRelation:
    """A relation to create as part of a batch; a new id is made where none is given."""

    from_entity: str
    to_entity: str
    relation_type: str
    metadata: RelationMetadata | Mapping[str, Any]
    id: str | None = None


@dataclass
class NewEvent:
    """An event to publish as part of a batch; a new id is made where none is given."""

    event_type: str
    data: Mapping[str, Any]
    source: str | None = None
    id: str | None = None
