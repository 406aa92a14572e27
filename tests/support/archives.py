"""Databases with something of everything in them, and archives that somebody has changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_inner_universe.persistence import (
    Archive,
    EntityMetadata,
    InnerUniverseClient,
    NewEntity,
    RelationMetadata,
    SpacetimeTemporalStore,
    read_archive,
)
from pytest_inner_universe.persistence.archive.reading import rows_in
from pytest_inner_universe.persistence.archive.rows import line
from pytest_inner_universe.persistence.archive.tables import ARCHIVE_TABLES
from pytest_inner_universe.persistence.archive.writing import ArchiveWriter

if TYPE_CHECKING:
    from pytest_inner_universe.testing.universe import Universe

JsonRow = dict[str, Any]
STATE = {"round": 2, "board": ["x", None, "é"]}
SOMEBODY = "11" * 32


def owner_of(universe: Universe) -> InnerUniverseClient:
    """A client of the owner of a universe, not yet connected."""
    return InnerUniverseClient(transport=universe.transport(universe.identity), definition=universe.schema)


async def fill(client: InnerUniverseClient) -> str:
    """Write something into every table, change and delete some of it; return the head of the state versions."""
    properties = {"age": 36, "height": 1.0, "a b": [None, {"ü": "\u2028\n"}]}
    ada = await client.create_entity("Person", EntityMetadata("Ada", "wrote", ["x"], properties), entity_id="ada")
    await client.create_entities([NewEntity("Person", {"name": name}, name) for name in ("bob", "eve", "mallory")])
    await client.create_relation(ada, "bob", "KNOWS", RelationMetadata("since", 0.25, True), relation_id="knows")
    await client.create_relation("eve", "mallory", "KNOWS", {}, relation_id="gone")
    await client.update_entity("bob", {"name": "Bob", "tags": ["y"]})
    await client.update_relation("knows", {"strength": 0.1 + 0.2})
    await client.delete_entity("mallory", cascade=True)
    store = SpacetimeTemporalStore(client)
    await store.commit_version({"round": 1}, "first")
    head = await store.commit_version(STATE, "second", snapshot=True)
    await store.record_state_delta(head, [{"type": "set", "path": "round", "value": None}], "to none")
    await client.publish_event("NOTE", None, {"text": "'quoted' \"text\""})
    await client.record_metric("latency", 1.5, tags={"unit": "ms"})
    await client.apply_configuration({"greeting": {"text": "hello"}})
    await client.grant_admin(SOMEBODY)
    await client.grant_permission(None, "create_entity", "*")
    await client.grant_permission(SOMEBODY, "*", "Person")
    await client.revoke_permission(None, "create_entity", "*")
    return str(head)


def contents(archive: Archive) -> dict[str, str]:
    """What an archive has, as text by table."""
    return {name: "".join(line(row) + "\n" for row in rows_in(archive, name)) for name in archive.tables}


def rewritten(
    archive: Archive, folder: Path, changes: dict[str, Callable[[list[JsonRow]], list[JsonRow]]], **facts: Any
) -> Archive:
    """An archive with other rows, whose manifest fits them."""
    with ArchiveWriter(replace(archive, folder=folder, tables={}, **facts)) as writer:
        for name in archive.tables:
            rows = changes.get(name, list)(list(rows_in(archive, name)))
            with writer.table(ARCHIVE_TABLES[name]) as file:
                file.write([line(row) for row in rows])
        writer.finish()
    return replace(read_archive(folder)) if not facts else replace(archive, folder=folder)


def with_manifest(archive: Archive, **facts: Any) -> None:
    """Change the manifest of an archive, checksum and all."""
    from pytest_inner_universe.persistence.archive import manifest

    path = archive.folder / manifest.MANIFEST
    document = {**json.loads(path.read_text()), **facts}
    document.pop("checksum")
    path.write_text(json.dumps({**document, "checksum": manifest._checksum(document)}))
