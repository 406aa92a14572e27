"""Archives: what a database holds comes back as it was, in another database or at an earlier moment, or nothing changes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from support.archives import SOMEBODY, STATE, contents, fill, owner_of, rewritten

from pytest_inner_universe import universe_fixture
from pytest_inner_universe.persistence import (
    Archive,
    AuthorizationError,
    BackupError,
    InnerUniverseClient,
    NewEntity,
    Progress,
    RestoreError,
    SpacetimeTemporalStore,
    copy_database,
    export_database,
    import_archive,
    replay_events,
    restore_until,
    rewind_archive,
)
from pytest_inner_universe.sats import Timestamp

if TYPE_CHECKING:
    from pytest_inner_universe.persistence.archive.manifest import Encoding
    from pytest_inner_universe.testing.universe import Universe

pytestmark = pytest.mark.asyncio

FAR_AHEAD = Timestamp.from_datetime(datetime(2200, 1, 1, tzinfo=timezone.utc))

second_universe = universe_fixture("second_universe")


@pytest_asyncio.fixture
async def source(universe: Universe) -> AsyncIterator[InnerUniverseClient]:
    """The owner of a database with something of everything."""
    async with owner_of(universe) as client:
        await fill(client)
        yield client


@pytest_asyncio.fixture
async def target(second_universe: Universe) -> AsyncIterator[InnerUniverseClient]:
    """The owner of another database, in which nothing was written."""
    async with owner_of(second_universe) as client:
        yield client


async def held_by(client: InnerUniverseClient, folder: Path) -> dict[str, str]:
    """What a database holds, as text by table."""
    return contents(await export_database(client, folder))


@pytest.mark.parametrize("encoding", ["jsonl", "parquet"])
async def test_a_database_comes_back_byte_by_byte(
    source: InnerUniverseClient, target: InnerUniverseClient, tmp_path: Path, encoding: Encoding
) -> None:
    archive = await export_database(source, tmp_path / "one", encoding=encoding)
    assert await import_archive(archive, target) == archive
    again = await export_database(target, tmp_path / "two", encoding=encoding)
    assert (again.tables, again.left_out) == (archive.tables, ())
    for table in archive.tables.values():
        assert (tmp_path / "one" / table.file).read_bytes() == (tmp_path / "two" / table.file).read_bytes()
    counts = {name: table.rows for name, table in archive.tables.items()}
    assert min(counts.values()) > 0
    assert (counts["entity"], counts["relation"], counts["admin"], counts["permission"]) == (3, 1, 1, 1)


async def test_what_was_destroyed_is_as_it_was(source: InnerUniverseClient, tmp_path: Path) -> None:
    archive = await export_database(source, tmp_path / "one")
    ada = await source.get_entity("ada")
    await source.truncate_all()
    assert await source.query_entities() == []
    await import_archive(tmp_path / "one", source)
    assert await held_by(source, tmp_path / "two") == contents(archive)
    assert await source.get_entity("ada") == ada
    store = SpacetimeTemporalStore(source)
    head = await store.load_head()
    assert head is not None
    assert await store.get_state(head) == STATE


async def test_an_export_is_of_one_moment_while_others_write(universe: Universe, tmp_path: Path) -> None:
    done = asyncio.Event()

    async def write(client: InnerUniverseClient) -> None:
        while not done.is_set():
            await client.create_entities([NewEntity("Twin", {}) for _ in range(2)])

    async with owner_of(universe) as writer, owner_of(universe) as reader:
        await writer.create_entities([NewEntity("Twin", {}) for _ in range(2)])
        writing = asyncio.create_task(write(writer))
        archive = await export_database(reader, tmp_path / "one")
        done.set()
        await writing
    rows = archive.tables["entity"].rows
    created = contents(archive)["event_log"].count('"ENTITY_CREATED"')
    assert (rows % 2, created) == (0, rows)


async def test_who_does_not_own_it_exports_what_everybody_sees(
    source: InnerUniverseClient, universe: Universe, tmp_path: Path
) -> None:
    before = await held_by(source, tmp_path / "before")
    transport = universe.transport(universe.actor("stranger").identity)
    async with InnerUniverseClient(transport=transport, definition=universe.schema) as stranger:
        archive = await export_database(stranger, tmp_path / "public")
        assert archive.left_out == ("config", "admin", "permission")
        with pytest.raises(AuthorizationError) as caught:
            await import_archive(archive, stranger, replace=True)
    assert str(caught.value) == "database 'inner-universe': only its owner can import, and this client is not"
    after = await held_by(source, tmp_path / "after")
    for events in (before, after):
        events["event_log"] = "".join(text for text in events["event_log"].splitlines() if "CLIENT_" not in text)
    assert after == before


async def test_settings_that_an_archive_lacks_stay(
    source: InnerUniverseClient, universe: Universe, target: InnerUniverseClient, tmp_path: Path
) -> None:
    transport = universe.transport(universe.actor("stranger").identity)
    async with InnerUniverseClient(transport=transport, definition=universe.schema) as stranger:
        archive = await export_database(stranger, tmp_path / "public")
    await target.grant_admin("22" * 32)
    await target.apply_configuration({"greeting": "mine"})
    before = await held_by(target, tmp_path / "before")
    await import_archive(archive, target)
    after = await held_by(target, tmp_path / "after")
    settings = ("config", "admin", "permission")
    assert {name: after[name] for name in settings} == {name: before[name] for name in settings}
    assert {name: text for name, text in after.items() if name not in settings} == contents(archive)


async def test_data_that_is_there_is_kept_unless_it_is_given_up(
    source: InnerUniverseClient, target: InnerUniverseClient, tmp_path: Path
) -> None:
    archive = await export_database(source, tmp_path / "one")
    await target.create_entity("Person", {"name": "theirs"})
    await target.grant_admin("22" * 32)
    await target.grant_permission(None, "*", "*")
    before = await held_by(target, tmp_path / "before")
    with pytest.raises(BackupError) as caught:
        await import_archive(archive, target)
    assert str(caught.value) == (
        "database 'inner-universe': it is not empty (entity 1, event_log 1); say replace=True to give up what is in it"
    )
    assert await held_by(target, tmp_path / "still") == before
    await import_archive(archive, target, replace=True)
    assert await held_by(target, tmp_path / "two") == contents(archive)


def nameless(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of which the module refuses the last."""
    return [*rows[:-1], {**rows[-1], "event_id": ""}]


async def test_an_import_that_the_module_refuses_leaves_everything_as_it_was(
    source: InnerUniverseClient, target: InnerUniverseClient, tmp_path: Path
) -> None:
    bad = rewritten(await export_database(source, tmp_path / "one"), tmp_path / "bad", {"event_log": nameless})
    await fill(target)
    before = await held_by(target, tmp_path / "before")
    with pytest.raises(RestoreError) as caught:
        await import_archive(bad, target, replace=True)
    position = bad.tables["event_log"].rows - 1
    assert str(caught.value) == (
        "database 'inner-universe': the import failed, and the database is as it was before: "
        f"item {position} () failed and nothing of the batch was written: import_events: Invalid event_id: must not be empty"
    )
    assert caught.value.is_unchanged
    assert await held_by(target, tmp_path / "after") == before


async def test_an_import_that_is_cancelled_leaves_everything_as_it_was(
    source: InnerUniverseClient, target: InnerUniverseClient, tmp_path: Path
) -> None:
    archive = await export_database(source, tmp_path / "one")
    await fill(target)
    before = await held_by(target, tmp_path / "before")
    phases: list[str] = []

    def stop(step: Progress) -> None:
        phases.append(step.phase)
        if (step.phase, step.table, step.done) == ("import", "event_log", 0) or step.phase == "undo":
            task.cancel()

    task = asyncio.create_task(import_archive(archive, target, replace=True, progress=stop))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert phases[-1] == "undo"
    assert await held_by(target, tmp_path / "after") == before


async def test_every_moment_comes_back(universe: Universe, target: InnerUniverseClient, tmp_path: Path) -> None:
    async with owner_of(universe) as client:
        seen: list[tuple[Any, list[Any], list[Any]]] = []

        async def look() -> None:
            newest = (await client.query_events(limit=1, newest_first=True))[0]["timestamp"]
            seen.append((newest, await client.query_entities(), await client.query_relations()))

        await client.create_entity("Person", {"name": "Ada", "properties": {"height": 1.0}}, entity_id="ada")
        await look()
        await client.create_entities([NewEntity("Person", {"name": name}, name) for name in ("bob", "eve")])
        await client.create_relation("ada", "bob", "KNOWS", {"strength": 0.1}, relation_id="knows")
        await look()
        await client.update_entity("ada", {"description": "wrote"})
        await client.update_relation("knows", {"bidirectional": True, "properties": {"a": [1]}})
        await look()
        await client.delete_entity("bob", cascade=True)
        await look()
        await client.create_entity("Robot", {}, entity_id="bob")
        await look()
        for moment, entities, relations in seen:
            await restore_until(client, target, moment, replace=True)
            assert await target.query_entities() == entities
            assert await target.query_relations() == relations
            assert (await target.query_events(limit=1, newest_first=True))[0]["timestamp"] <= moment


async def test_what_only_grows_is_cut_at_the_moment(source: InnerUniverseClient, tmp_path: Path) -> None:
    versions = await source.get_version_history()
    first = min(row["timestamp"] for row in versions)
    archive = await export_database(source, tmp_path / "one")
    earlier = rewind_archive(archive, tmp_path / "earlier", first)
    assert {name: table.rows for name, table in earlier.tables.items() if name not in ("event_log", "config")} == {
        "entity": 3,
        "relation": 1,
        "state_version": 1,
        "delta_record": 0,
        "state_snapshot": 0,
        "metric": 0,
        "admin": 0,
        "permission": 0,
    }
    assert earlier.uncertain == ("greeting",)
    now = rewind_archive(archive, tmp_path / "now", FAR_AHEAD)
    assert {name: table.digest for name, table in now.tables.items()} == {
        name: table.digest for name, table in archive.tables.items()
    }
    assert now.uncertain == ()


async def test_a_log_with_gaps_is_noticed(source: InnerUniverseClient, tmp_path: Path) -> None:
    await source.apply_configuration({"feature_enable_audit_log": False})
    await source.create_entity("Person", {"name": "unheard of"})
    archive = await export_database(source, tmp_path / "one")
    with pytest.raises(BackupError) as caught:
        rewind_archive(archive, tmp_path / "earlier", FAR_AHEAD)
    assert str(caught.value) == (
        f"{tmp_path / 'one'}: its event log does not account for table entity: replayed, it leads to 3 rows, and 4 are "
        "there, or they differ; was the audit log off for a while?"
    )
    assert not (tmp_path / "earlier").exists()


async def test_events_come_again_in_their_order(source: InnerUniverseClient, tmp_path: Path) -> None:
    expected = await source.query_events(limit=None)
    heard: list[Any] = []

    async def hear(event: Any) -> None:
        heard.append(event)

    archive = await export_database(source, tmp_path / "one")
    assert await replay_events(source, hear) == len(expected)
    assert heard == expected
    heard.clear()
    types = ["ENTITY_CREATED", "NOTE"]
    wanted = [event for event in expected if event["event_type"] in types]
    assert await replay_events(archive, hear, event_types=types) == len(wanted) == 5
    assert heard == wanted
    middle = expected[len(expected) // 2]["timestamp"]
    some = [
        await replay_events(archive, hear, until=middle),
        await replay_events(archive, hear, since=middle.to_datetime()),
    ]
    assert sum(some) == len(expected) + sum(event["timestamp"] == middle for event in expected)


async def test_a_copy_with_other_rows(source: InnerUniverseClient, target: InnerUniverseClient, tmp_path: Path) -> None:
    def change(table: str, row: Any) -> Any:
        if table == "entity":
            return {**row, "entity_type": "Human", "metadata": {**row["metadata"], "properties": {"was": row["id"]}}}
        return None if table in ("event_log", "admin") else row

    phases: list[str] = []
    copy = await copy_database(source, target, transform=change, progress=lambda step: phases.append(step.phase))
    assert not copy.folder.exists()
    assert list(dict.fromkeys(phases)) == ["read", "write", "check", "save", "import", "verify"]
    assert {
        (row["id"], row["entity_type"], row["metadata"]["properties"]["was"]) for row in await target.query_entities()
    } == {(name, "Human", name) for name in ("ada", "bob", "eve")}
    assert await target.query_relations() == await source.query_relations()
    assert await target.query_events() == []
    deltas = [
        await client.get_deltas((await client.get_version_history())[0]["version_id"]) for client in (source, target)
    ]
    assert deltas[0] == deltas[1]
    assert SOMEBODY not in (await held_by(target, tmp_path / "two"))["admin"]


async def test_nothing_stays_of_an_export_that_is_cancelled(source: InnerUniverseClient, tmp_path: Path) -> None:
    def stop(step: Progress) -> None:
        if (step.phase, step.table) == ("read", "event_log"):
            task.cancel()

    task: asyncio.Task[Archive] = asyncio.create_task(export_database(source, tmp_path / "one", progress=stop))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert os.listdir(tmp_path) == []
    assert source.connection.subscriptions == ()  # type: ignore[attr-defined]
