"""State versions, deltas and stored states."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from . import checks, mapping
from .errors import VersionNotFoundError
from .operations import Operations
from .queries import check_count
from .schema import DELTA_RECORD, STATE_SNAPSHOT, STATE_VERSION
from .sql import comparison
from .types import DeltaMetadata, DeltaOperation, Row

_FEATURE = "enable_state_versioning"


class VersionOperations(Operations):
    """Committing and reading state versions and the deltas between them."""

    async def commit_state_version(
        self,
        parent_version_id: str | None,
        description: str,
        data_hash: str,
        *,
        version_id: str | None = None,
    ) -> str:
        """Store a new state version.

        Args:
            parent_version_id: The version that it follows; None for the first.
            description: What changed.
            data_hash: Hash of the state.
            version_id: Its id; a new UUID if not given. The same id with the same content again has no effect.

        Returns:
            The id.

        Raises:
            VersionNotFoundError: The parent does not exist.
            FeatureDisabledError: State versioning is switched off.
        """
        self._require_feature(_FEATURE, "commit_state_version")
        parent = None if parent_version_id is None else checks.name_text(parent_version_id, "parent_version_id")
        words = (checks.text(description, "description"), checks.text(data_hash, "data_hash"))
        id_ = self._id(version_id, "version_id")
        await self._call("commit_state_version", id_, parent, *words)
        return id_

    async def get_state_version(self, version_id: str) -> Row:
        """Read a state version.

        Raises:
            VersionNotFoundError: There is none with this id.
        """
        row = await self._find(STATE_VERSION, version_id, "get_state_version")
        if row is None:
            raise VersionNotFoundError(version_id)
        return row

    async def get_latest_version(self) -> Row | None:
        """Read the newest state version, None if there is none.

        Of several with the same time, one that no other has as its parent is the newest.
        """
        return latest_of(await self._all(STATE_VERSION, "get_latest_version"))

    async def get_version_history(self, version_id: str | None = None, limit: int | None = 10) -> list[Row]:
        """Read a state version and those before it, newest first, along the chain of parents.

        Args:
            version_id: Where to begin; None for the newest.
            limit: Most versions to return; None for all.

        Raises:
            VersionNotFoundError: There is no version with this id.
        """
        check_count("limit", limit, none=True)
        rows = {row["version_id"]: row for row in await self._all(STATE_VERSION, "get_version_history")}
        if version_id is None:
            latest = latest_of(rows.values())
            version_id = latest["version_id"] if latest else None
        elif version_id not in rows:
            raise VersionNotFoundError(version_id)
        chain: list[Row] = []
        while version_id in rows and (limit is None or len(chain) < limit):
            chain.append(rows.pop(version_id))
            version_id = chain[-1]["parent_version_id"]
        return chain

    async def record_delta(
        self,
        state_version_id: str,
        operations: Iterable[DeltaOperation | Mapping[str, Any]],
        metadata: DeltaMetadata | Mapping[str, Any],
        *,
        delta_id: str | None = None,
    ) -> str:
        """Store what changed in a state version.

        Args:
            state_version_id: The version.
            operations: The steps, in order.
            metadata: What is known about the change.
            delta_id: Its id; a new UUID if not given. The same id with the same content again has no effect.

        Returns:
            The id.

        Raises:
            ValidationError: An operation lacks what it needs, or has what it does not take.
            VersionNotFoundError: The version does not exist.
            FeatureDisabledError: State versioning is switched off.
        """
        self._require_feature(_FEATURE, "record_delta")
        version = checks.name_text(state_version_id, "state_version_id")
        steps, wire = mapping.delta_operations(operations), mapping.delta_metadata(metadata)
        id_ = self._id(delta_id, "delta_id")
        await self._call("record_delta", id_, version, steps, wire)
        return id_

    async def get_deltas(self, state_version_id: str) -> list[Row]:
        """Read the deltas of a state version, oldest first."""
        conditions = [comparison("state_version_id", "=", checks.name_text(state_version_id, "state_version_id"))]
        rows = await self._all(DELTA_RECORD, "get_deltas", conditions)
        return sorted(rows, key=lambda row: (row["timestamp"].micros, row["delta_id"]))

    async def store_state_snapshot(self, version_id: str, encoding: str, data: str) -> None:
        """Store the full state of a version.

        Args:
            version_id: The version.
            encoding: How the data is encoded, as ``json``.
            data: The state as text; the module's config limits its size.

        Raises:
            VersionNotFoundError: The version does not exist.
            ConflictError: It has another stored state already.
        """
        self._require_feature(_FEATURE, "store_state_snapshot")
        id_ = checks.name_text(version_id, "version_id")
        words = (checks.name_text(encoding, "encoding"), checks.text(data, "data"))
        if self._encryption is not None:
            words = self._encryption.seal_state(*words, f"{STATE_SNAPSHOT.name}/{id_}")
        await self._call("store_state_snapshot", id_, *words)

    async def get_state_snapshot(self, version_id: str) -> Row | None:
        """Read the stored state of a version, None if it has none."""
        return await self._find(STATE_SNAPSHOT, version_id, "get_state_snapshot")


def latest_of(versions: Collection[Row]) -> Row | None:
    """Return the newest of some state versions, None of none."""
    parents = {row["parent_version_id"] for row in versions}
    return max(
        versions,
        key=lambda row: (row["timestamp"].micros, row["version_id"] not in parents, row["version_id"]),
        default=None,
    )
