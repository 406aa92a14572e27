"""State versions and deltas as a temporal store."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

from . import canonical_json
from .errors import IntegrityError, NotFoundError, PersistenceError, VersionConflictError
from .snapshots import decode_state, encode_state
from .types import DeltaMetadata, DeltaOperation, Row
from .versions import VersionOperations


class _Current:
    def __repr__(self) -> str:
        return "the current version"


CURRENT: Final = _Current()
"""Stands for the store's current version as the parent of a new one."""


class SpacetimeTemporalStore:
    """Commits states as a chain of versions, each with the hash of its state.

    Args:
        client: A connected client.

    Example:
        >>> store = SpacetimeTemporalStore(client)  # doctest: +SKIP
        >>> first = await store.commit_version({"count": 1}, "first")  # doctest: +SKIP
        >>> await store.record_delta(first, [{"type": "set", "path": "count", "value": 2}], "one more")  # doctest: +SKIP
    """

    def __init__(self, client: VersionOperations) -> None:
        self.client = client
        self.current_version_id: str | None = None
        self._lock = asyncio.Lock()
        self.logger = logging.getLogger("spacetime_temporal_store")

    async def commit_version(
        self,
        state: Any,
        description: str,
        *,
        parent_version_id: str | _Current | None = CURRENT,
        expect_head: bool = False,
        snapshot: bool = False,
    ) -> str:
        """Commit a state; its version becomes the current one of this store.

        Args:
            state: A JSON value; its hash is the SHA-256 of its canonical JSON.
            description: What changed.
            parent_version_id: The version that it follows; the store's current one if not given, None for none.
            expect_head: Whether to refuse when the newest version of the database is not that parent. Another writer can
                still commit between the check and the commit.
            snapshot: Whether to store the state as well, so that `get_state` can return it.

        Returns:
            The id of the new version.

        Raises:
            ValidationError: The state has no canonical JSON form.
            VersionConflictError: The parent is not the newest version.
            VersionNotFoundError: The parent does not exist.
        """
        text = canonical_json.dumps(state, "state")
        async with self._lock:
            parent = self.current_version_id if isinstance(parent_version_id, _Current) else parent_version_id
            try:
                if expect_head:
                    await self._check_head(parent)
                version_id = await self.client.commit_state_version(parent, description, hash_of(text))
                if snapshot:
                    await self.client.store_state_snapshot(version_id, *encode_state(text))
            except PersistenceError as error:
                self.logger.error("committing %r failed: %s", description, error)  # noqa: TRY400 (it is raised on)
                raise
            self.current_version_id = version_id
        self.logger.debug("committed version %s on %s", version_id, parent)
        return version_id

    async def record_state_delta(
        self,
        version_id: str,
        operations: Iterable[Mapping[str, Any] | DeltaOperation],
        description: str,
        *,
        author: str | None = None,
        tags: Iterable[str] = (),
        parent_delta_id: str | None = None,
    ) -> str:
        """Record what changed in a version.

        Args:
            version_id: The version.
            operations: Steps, as dicts with ``type`` and ``path``: ``set`` (value), ``delete``, ``insert`` (value, index or
                none to append), ``remove`` (index), ``patch`` (patch). `paths` says how a path is written.
            description: What the change was about.
            author: Who made it.
            tags: Labels.
            parent_delta_id: The delta before this one.

        Returns:
            The id of the delta.

        Raises:
            ValidationError: Unknown type, a missing field, a field that the type does not take, a bad path.
            VersionNotFoundError: The version does not exist.
        """
        metadata = DeltaMetadata(description, author, list(tags), parent_delta_id)
        return await self.client.record_delta(version_id, operations, metadata)

    record_delta = record_state_delta

    async def get_current_version(self) -> Row | None:
        """Read the row of the store's current version, else of the newest in the database, else None."""
        if self.current_version_id is not None:
            return await self.client.get_state_version(self.current_version_id)
        return await self.client.get_latest_version()

    async def load_head(self) -> str | None:
        """Make the newest version of the database the current one, and return its id; None if there is none."""
        async with self._lock:
            head = await self.client.get_latest_version()
            self.current_version_id = head["version_id"] if head else None
            return self.current_version_id

    async def get_history(self, limit: int | None = None) -> list[Row]:
        """Read the versions up to the current one, oldest first, along the chain of parents."""
        history = await self.client.get_version_history(self.current_version_id, limit)
        return history[::-1]

    async def verify(self, version_id: str, state: Any) -> None:
        """Check that a state is the one of a version.

        Raises:
            IntegrityError: Its hash differs from the one that the version records.
            VersionNotFoundError: The version does not exist.
        """
        await self._verify_text(version_id, canonical_json.dumps(state, "state"))

    async def get_state(self, version_id: str | None = None) -> Any:
        """Read the stored state of a version, and check it against the version's hash.

        Args:
            version_id: The version; the current one if not given.

        Raises:
            NotFoundError: No state was stored for it.
            IntegrityError: The stored state does not have the hash of the version.
        """
        wanted = version_id or await self._current_id()
        row = await self.client.get_state_snapshot(wanted)
        if row is None:
            await self.client.get_state_version(wanted)
            raise NotFoundError(wanted, "stored state")
        text = decode_state(wanted, row["encoding"], row["data"])
        await self._verify_text(wanted, text)
        return canonical_json.loads(text, "state")

    async def _current_id(self) -> str:
        current = await self.get_current_version()
        if current is None:
            raise NotFoundError("current", "state version")
        return str(current["version_id"])

    async def _verify_text(self, version_id: str, text: str) -> None:
        row = await self.client.get_state_version(version_id)
        actual = hash_of(text)
        if actual != row["data_hash"]:
            raise IntegrityError(version_id, row["data_hash"], actual)

    async def _check_head(self, parent: str | None) -> None:
        head = await self.client.get_latest_version()
        actual = head["version_id"] if head else None
        if actual != parent:
            raise VersionConflictError(parent, actual)


def hash_of(text: str) -> str:
    """Return the SHA-256 of a text, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
