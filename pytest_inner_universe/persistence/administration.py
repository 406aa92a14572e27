"""Configuration, permissions, metrics and status of the database."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from ..sats import Identity, Timestamp
from . import canonical_json, checks, queries
from .errors import PersistenceError, ValidationError
from .operations import Operations
from .schema import CLIENT_CONNECTION, ENTITY, EVENT_LOG, METRIC, RELATION, SYSTEM_INFO, TableSchema
from .sql import select
from .types import Row, SystemState, SystemStatus


class AdministrationOperations(Operations):
    """What the owner of a database and its admins do, and what everybody may know about it."""

    async def get_system_info(self) -> Row:
        """Read what the module wrote about itself: ``module_version``, ``schema_version`` and ``start_time``.

        Raises:
            PersistenceError: The module never wrote about itself.
        """
        info = await self._all(SYSTEM_INFO, "get_system_info")
        if not info:
            raise PersistenceError("get_system_info: table system_info is empty; was the module initialised?")
        return info[0]

    async def get_system_status(self, now: Timestamp | None = None) -> SystemStatus:
        """Read the state of the system; the counts are of the rows that this caller can see.

        Connections cannot ask a server to count, so that this costs as much as reading the tables.

        Args:
            now: The moment that the uptime is counted to; the time of this machine by default.

        Raises:
            PersistenceError: The module never wrote about itself.
        """
        info = await self.get_system_info()
        start: Timestamp = info["start_time"]
        moment = now or Timestamp.from_seconds(time.time())
        connections = await self._all(CLIENT_CONNECTION, "get_system_status")
        return SystemStatus(
            status=SystemState.RUNNING,
            version=info["module_version"],
            schema_version=info["schema_version"],
            start_time=start,
            uptime_seconds=max(0.0, (moment.micros - start.micros) / 1_000_000),
            entity_count=await self._count(ENTITY),
            relation_count=await self._count(RELATION),
            event_count=await self._count(EVENT_LOG),
            connected_clients=sum(row["status"] == "Connected" for row in connections),
        )

    async def apply_configuration(self, settings: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> None:
        """Set keys of the database's configuration in one transaction; for the owner.

        Args:
            settings: A dict of key to value, or a list of dicts with ``key``, ``value`` and optionally ``description``.
                Values other than text are written as canonical JSON.

        Raises:
            ValidationError: An entry is none.
            AuthorizationError: The caller is not the owner.

        Example:
            >>> await client.apply_configuration({"feature_enable_audit_log": False})  # doctest: +SKIP
        """
        if isinstance(settings, Mapping):
            settings = [{"key": key, "value": value} for key, value in settings.items()]
        entries = []
        for position, entry in enumerate(settings):
            if not isinstance(entry, Mapping) or not {"key", "value"} <= set(entry) <= {"key", "value", "description"}:
                raise ValidationError(
                    f"settings[{position}]: a dict with key, value and optionally description is needed, got {entry!r}"
                )
            entries.append(
                {
                    "key": checks.name_text(entry["key"], "key"),
                    "value": _setting(entry["value"]),
                    "description": checks.optional_text(entry.get("description"), "description"),
                }
            )
        await self._call("apply_configuration", entries)

    async def admin_operation(self, config_key: str, config_value: Any) -> None:
        """Set one key of the database's configuration; for the owner and admins.

        Args:
            config_key: The key.
            config_value: Its value; anything but text is written as canonical JSON.

        Raises:
            AuthorizationError: The caller is neither.
        """
        await self._call("admin_operation", checks.name_text(config_key, "config_key"), _setting(config_value))

    async def grant_permission(self, grantee: Identity | str | None, action: str, entity_type: str) -> None:
        """Let somebody do an action on a type; for the owner and admins.

        Args:
            grantee: Identity, or its 64 hexadecimal digits; None for everybody.
            action: Name of a reducer, as ``create_entity``; ``*`` for any.
            entity_type: Type of entity, relation or event; ``*`` for any.
        """
        await self._call("grant_permission", *_grant(grantee, action, entity_type))

    async def revoke_permission(self, grantee: Identity | str | None, action: str, entity_type: str) -> None:
        """Take back exactly one grant; for the owner and admins.

        Args:
            grantee: Who it was given to, as in `grant_permission`.
            action: The action that was granted.
            entity_type: The type that it was granted for.

        Raises:
            NotFoundError: There is no such grant.
        """
        await self._call("revoke_permission", *_grant(grantee, action, entity_type))

    async def grant_admin(self, identity: Identity | str) -> None:
        """Make somebody an admin; for the owner."""
        await self._call("grant_admin", checks.identity(identity, "identity"))

    async def revoke_admin(self, identity: Identity | str) -> None:
        """Make somebody an ordinary user again; for the owner.

        Raises:
            NotFoundError: This identity is no admin.
        """
        await self._call("revoke_admin", checks.identity(identity, "identity"))

    async def record_metric(
        self, name: str, value: float, kind: str = "gauge", tags: Mapping[str, Any] | None = None
    ) -> str:
        """Store a figure in the metrics table.

        Args:
            name: What was measured.
            value: The figure.
            kind: What sort of figure it is, as ``gauge`` or ``counter``.
            tags: What belongs to it, as a dict that JSON can hold.

        Returns:
            The id of the row.

        Raises:
            ValidationError: An argument cannot be stored.
        """
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValidationError(f"value must be a number, got {value!r}")
        id_ = self._new_id()
        words = (checks.name_text(name, "name"), checks.name_text(kind, "kind"))
        await self._call("record_metric", id_, *words, float(value), checks.json_object(tags or {}, "tags"))
        return id_

    async def query_metrics(
        self,
        name: str | None = None,
        filters: queries.Filters | None = None,
        limit: int | None = 100,
        offset: int = 0,
    ) -> list[Row]:
        """Find figures, oldest first.

        Args:
            name: What was measured; None for anything.
            filters: What else has to hold, as `query_entities` takes it.
            limit: Most rows to return; None for all.
            offset: How many rows to leave out first.
        """
        plan = queries.plan(METRIC, filters, equal={"name": name}, limit=limit, offset=offset)
        return await self._run(plan, "query_metrics")

    async def truncate_all(self) -> None:
        """Empty the database, as it was right after publishing; for the owner."""
        await self._call("truncate_all")

    async def _count(self, table: TableSchema) -> int:
        return len(await self._query(select(table), "get_system_status"))


def _setting(value: Any) -> str:
    return checks.text(value, "value") if isinstance(value, str) else canonical_json.dumps(value)


def _grant(grantee: Identity | str | None, action: str, entity_type: str) -> tuple[Identity | None, str, str]:
    who = None if grantee is None else checks.identity(grantee, "grantee")
    return who, checks.name_text(action, "action"), checks.name_text(entity_type, "entity_type")
