"""A state that grows by deltas, each of them recorded, as NERV's StateProjector holds it in memory."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from . import canonical_json, deltas
from .errors import CorruptDataError, ValidationError
from .paths import Path, format_path
from .types import DeltaMetadata, DeltaOperation, Row

Delta = Mapping[str, Any] | Callable[[Any], Any] | Sequence[DeltaOperation | Mapping[str, Any]]
DEFAULT_PROJECTION = "default"


class SpacetimeStateProjector:
    """Applies deltas to a state, records each under a state version, and shows the state through projections.

    Args:
        client: A connected `InnerUniverseClient`.
        version_id: The version that the deltas belong to.
        initial_state: The state of that version, a JSON value.

    Example:
        >>> version = await store.commit_version({"count": 0}, "start")  # doctest: +SKIP
        >>> projector = SpacetimeStateProjector(client, version, {"count": 0})  # doctest: +SKIP
        >>> await projector.apply_delta({"count": 1}, "one more")  # doctest: +SKIP
        0
    """

    def __init__(self, client: Any, version_id: str, initial_state: Any) -> None:
        self.client = client
        self.version_id = version_id
        canonical_json.check(initial_state, "initial_state")
        self._initial = copy.deepcopy(initial_state)
        self._state = self._initial
        self._deltas: list[tuple[str, Any, DeltaMetadata]] = []
        self._projections: dict[str, Callable[[Any], Any]] = {DEFAULT_PROJECTION: lambda state: state}
        self._lock = asyncio.Lock()

    @classmethod
    async def rebuild(cls, client: Any, version_id: str, initial_state: Any) -> SpacetimeStateProjector:
        """Return a projector in the state that the recorded deltas of a version lead to.

        Args:
            client: A connected `InnerUniverseClient`.
            version_id: The version.
            initial_state: Its state, as `SpacetimeTemporalStore.get_state` gives it.

        Raises:
            CorruptDataError: The deltas are no chain.
            DeltaError: One does not fit the state.
        """
        projector = cls(client, version_id, initial_state)
        for row in _chain(await client.get_deltas(version_id)):
            metadata = DeltaMetadata(**row["metadata"])
            projector._take(
                row["delta_id"], row["operations"], metadata, deltas.apply(projector._state, row["operations"])
            )
        return projector

    async def apply_delta(
        self, delta: Delta, description: str = "", source: str | None = None, tags: Iterable[str] | None = None
    ) -> int:
        """Change the state, and record how.

        Args:
            delta: A dict whose keys replace those of the state; a function from a copy of the state to the new state, of which the
                difference is recorded; or operations as `SpacetimeTemporalStore.record_delta` takes them.
            description: What it is about.
            source: Who makes it.
            tags: Labels.

        Returns:
            Its number, counted from 0.

        Raises:
            DeltaError: It does not fit the state; nothing was recorded.
            ValidationError: It makes no sense, or leads to what JSON cannot hold.
        """
        async with self._lock:
            operations = self._operations(delta)
            after = deltas.apply(self._state, operations)
            canonical_json.check(after, "the state")
            parent = self._deltas[-1][0] if self._deltas else None
            metadata = DeltaMetadata(description, source, list(tags or ()), parent)
            id_ = await self.client.record_delta(self.version_id, operations, metadata)
            self._take(id_, operations, metadata, after)
            return len(self._deltas) - 1

    def add_projection(self, name: str, projection: Callable[[Any], Any]) -> None:
        """Add a projection, a function from a copy of the state, or replace the one of this name."""
        self._projections[name] = projection

    def project(self, projection: str = DEFAULT_PROJECTION, until: int | None = None) -> Any:
        """Show the state through a projection.

        Args:
            projection: Its name.
            until: Number of the last delta that counts; all unless given.

        Raises:
            ValueError: There is no such projection.
        """
        if projection not in self._projections:
            raise ValidationError(f"there is no projection {projection!r}; known: {', '.join(self._projections)}")
        state = self._state
        if until is not None:
            state = self._initial
            for _, operations, _ in self._deltas[: max(0, until + 1)]:
                state = deltas.apply(state, operations)
        return self._projections[projection](copy.deepcopy(state))

    def get_current_state(self) -> Any:
        """Return a copy of the state."""
        return copy.deepcopy(self._state)

    def get_delta_history(self, with_tags: Iterable[str] | None = None) -> list[tuple[int, DeltaMetadata]]:
        """Return number and metadata of the deltas, of those with one of the tags if any are given."""
        wanted = None if with_tags is None else set(with_tags)
        return [
            (number, metadata)
            for number, (_, _, metadata) in enumerate(self._deltas)
            if wanted is None or wanted & set(metadata.tags)
        ]

    async def reset_to_initial(self) -> None:
        """Go back to the initial state, by a delta that undoes all; the record keeps what there was."""
        if self._state != self._initial:
            await self.apply_delta(difference(self._state, self._initial), "reset to the initial state")

    def _operations(self, delta: Delta) -> list[DeltaOperation | Mapping[str, Any]]:
        if callable(delta):
            return list(difference(self._state, delta(copy.deepcopy(self._state))))
        if isinstance(delta, Mapping):
            return [DeltaOperation("Patch", "", patch=dict(delta))]
        if isinstance(delta, str) or not isinstance(delta, Sequence):
            raise ValidationError(f"a delta is a dict, a function or a list of operations, got {delta!r}")
        return list(delta)

    def _take(self, id_: str, operations: Any, metadata: DeltaMetadata, after: Any) -> None:
        self._deltas.append((id_, operations, metadata))
        self._state = after


def difference(before: Any, after: Any, path: Path = ()) -> list[DeltaOperation]:
    """Return operations that lead from one state to another: nested dicts key by key, everything else as a whole.

    Example:
        >>> [(step.operation_type, step.path) for step in difference({"a": 1, "b": {"c": 2}}, {"b": {"c": 3}})]
        [('Delete', 'a'), ('Set', 'b.c')]
    """
    if isinstance(before, dict) and isinstance(after, dict) and all(isinstance(key, str) for key in after):
        steps = [DeltaOperation("Delete", format_path((*path, key))) for key in before if key not in after]
        for key, value in after.items():
            if key not in before:
                steps.append(DeltaOperation("Set", format_path((*path, key)), value=value))
            else:
                steps += difference(before[key], value, (*path, key))
        return steps
    same = type(before) is type(after) and before == after
    return [] if same else [DeltaOperation("Set", format_path(path), value=after)]


def _chain(rows: list[Row]) -> list[Row]:
    """Sort deltas by what each stands on; times may be equal."""
    following = {row["metadata"]["parent_delta_id"]: row for row in rows}
    chain: list[Row] = []
    row = following.get(None)
    while row is not None and len(chain) < len(rows):
        chain.append(row)
        row = following.get(row["delta_id"])
    if len(chain) != len(rows):
        raise CorruptDataError("delta_record", rows[0]["state_version_id"], "its deltas are no chain")
    return chain
