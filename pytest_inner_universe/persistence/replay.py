"""States of versions brought back: from what was stored of them, or from an earlier one and the deltas since."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

from . import canonical_json, deltas
from .errors import CorruptDataError, IntegrityError, NotFoundError
from .snapshots import decode_state, hash_of
from .types import Row

if TYPE_CHECKING:
    from .versions import VersionOperations


async def state_of(client: VersionOperations, version_id: str) -> Any:
    """Return the state of a version, checked against the hash that the version records.

    Without a stored state, that of the nearest version before it is taken, and the deltas of each version from there are applied: they
    lead to the version that follows it.

    Args:
        client: A connected client.
        version_id: The version.

    Raises:
        VersionNotFoundError: There is no such version.
        NotFoundError: No state was stored, neither of it nor of a version before it.
        IntegrityError: What was stored or applied does not lead to the hash of a version.
        DeltaError: A delta does not fit the state.
        CorruptDataError: What was stored cannot be read.
    """
    following: list[Row] = []
    for version in await client.get_version_history(version_id, None):
        stored = await client.get_state_snapshot(version["version_id"])
        if stored is not None:
            text = decode_state(version["version_id"], stored["encoding"], stored["data"])
            check_hash(version, text)
            state = canonical_json.loads(text, "state")
            break
        following.append(version)
    else:
        raise NotFoundError(version_id, "stored state")
    for version in reversed(following):
        for delta in in_order(await client.get_deltas(version["parent_version_id"])):
            state = deltas.apply(state, delta["operations"])
        check_hash(version, canonical_json.dumps(state, "state"))
    return state


def check_hash(version: Row, text: str) -> None:
    """Check the canonical JSON of a state against a version.

    Raises:
        IntegrityError: It has another hash.
    """
    actual = hash_of(text)
    if actual != version["data_hash"]:
        raise IntegrityError(version["version_id"], version["data_hash"], actual)


def in_order(rows: list[Row]) -> list[Row]:
    """Return deltas as they were given, by time, but each after the one that it names as its parent.

    Raises:
        CorruptDataError: Some name each other.
    """
    places = {row["delta_id"]: place for place, row in enumerate(rows)}
    following: dict[int | None, list[int]] = {}
    for place, row in enumerate(rows):
        following.setdefault(places.get(row["metadata"]["parent_delta_id"]), []).append(place)
    ready = following.get(None, [])
    ordered: list[Row] = []
    while ready:
        place = heapq.heappop(ready)
        ordered.append(rows[place])
        for after in following.get(place, ()):
            heapq.heappush(ready, after)
    if len(ordered) != len(rows):
        raise CorruptDataError("delta_record", rows[0]["state_version_id"], "its deltas are each other's parents")
    return ordered
