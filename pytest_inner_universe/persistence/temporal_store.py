"""State versions and deltas as a temporal store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from . import canonical_json, replay
from .delivery import SETTLE_SECONDS, Delivery
from .errors import NotFoundError, PersistenceError, ValidationError, VersionConflictError
from .snapshots import encode_state, hash_of
from .types import INSERTED, DeltaMetadata, DeltaOperation, Row
from .versions import latest_of

if TYPE_CHECKING:
    from .inner_universe import InnerUniverseClient


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

    def __init__(self, client: InnerUniverseClient) -> None:
        self.client = client
        self.current_version_id: str | None = None
        self._lock = asyncio.Lock()
        # While versions of others are followed: the subscription, who is told, and the newest version so far.
        self._token: Any = None
        self._tell: Delivery | None = None
        self._newest: Row | None = None
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
            if self._token is None or not self._token.is_active:
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

    async def follow(self, on_version: Callable[[Row], Any] | None = None) -> None:
        """Keep the newest version of the database as the current one, whoever commits it, until `close`.

        Whoever makes a new state of an older one says so by ``parent_version_id``: a check of the head compares with that.

        Args:
            on_version: Called with the row of each new version, one after the other; plain or async.

        Raises:
            ValidationError: This store follows already, or what to call cannot be called.
        """
        if self._token is not None:
            raise ValidationError("this temporal store follows already; close it first")
        if on_version is not None:
            if not callable(on_version):
                raise ValidationError(f"on_version must be callable, got {on_version!r}")
            self._tell = Delivery(on_version, self.logger, "the follower of versions")
        try:
            self._token = await self.client.subscribe_state_version_changes(self._on_version_change)
            head = await self.client.get_latest_version()
        except BaseException:
            await self.close()
            raise
        if head is not None:
            self._take(head)

    async def close(self) -> None:
        """Stop following, and wait until what has come is told; harmless otherwise, and the store can be used on."""
        token, self._token = self._token, None
        tell, self._tell = self._tell, None
        self._newest = None
        try:
            if token is not None:
                await token.unsubscribe()
        finally:
            if tell is not None:
                await tell.settle(SETTLE_SECONDS)

    def _on_version_change(self, change_type: str, row: Row) -> None:
        if change_type == INSERTED:
            self._take(row)
            if self._tell is not None:
                self._tell(row)

    def _take(self, row: Row) -> None:
        self._newest = latest_of([row] if self._newest is None else [self._newest, row])
        assert self._newest is not None
        self.current_version_id = self._newest["version_id"]

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
        text = canonical_json.dumps(state, "state")
        replay.check_hash(await self.client.get_state_version(version_id), text)

    async def get_state(self, version_id: str | None = None) -> Any:
        """Return the state of a version, checked against the version's hash.

        Where it was not stored, the nearest one that was stored before it is taken, and the deltas recorded since are applied.

        Args:
            version_id: The version; the current one if not given.

        Raises:
            NotFoundError: No state was stored, neither of it nor of a version before it.
            IntegrityError: What was stored or recorded does not lead to the hash of the version.
            DeltaError: A recorded delta does not fit the state.
        """
        return await replay.state_of(self.client, version_id or await self._current_id())

    async def _current_id(self) -> str:
        current = await self.get_current_version()
        if current is None:
            raise NotFoundError("current", "state version")
        return str(current["version_id"])

    async def _check_head(self, parent: str | None) -> None:
        head = await self.client.get_latest_version()
        actual = head["version_id"] if head else None
        if actual != parent:
            raise VersionConflictError(parent, actual)
