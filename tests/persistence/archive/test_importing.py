"""Imports whose server goes away, exports that cannot be written, and what is told of both."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.archives import contents, fill, owner_of, rewritten, with_manifest

from pytest_inner_universe.client.errors import ConnectionLost
from pytest_inner_universe.persistence import (
    Archive,
    BackupError,
    ConnectionError,  # noqa: A004 (it is the builtin as well)
    InnerUniverseClient,
    NotConnectedError,
    Progress,
    RestoreError,
    ValidationError,
    copy_database,
    export_database,
    import_archive,
    read_archive,
)
from pytest_inner_universe.persistence.archive import importing, progress
from pytest_inner_universe.persistence.archive.tables import ARCHIVE_TABLES
from pytest_inner_universe.persistence.archive.writing import ArchiveWriter
from pytest_inner_universe.testing.universe import Universe

pytestmark = pytest.mark.asyncio


class Fragile:
    """A connection that is lost when a reducer is called for some time."""

    def __init__(self, inner: Any, reducer: str, calls_before: int = 0) -> None:
        self._inner = inner
        self._reducer = reducer
        self._calls_before = calls_before
        self.is_open = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def call(self, reducer: str, *args: Any) -> None:
        # Who owns the database is asked by an import of nothing.
        if reducer == self._reducer and args != ([],):
            self._calls_before -= 1
            self.is_open = self._calls_before >= 0
        if not self.is_open:
            raise ConnectionLost("the answer", "")
        await self._inner.call(reducer, *args)


@asynccontextmanager
async def fragile(universe: Universe, reducer: str, calls_before: int = 0) -> AsyncIterator[InnerUniverseClient]:
    async with owner_of(universe) as client:
        yield InnerUniverseClient.over(Fragile(client.connection, reducer, calls_before))


async def held_by(universe: Universe, folder: Path) -> dict[str, str]:
    async with owner_of(universe) as client:
        return contents(await export_database(client, folder))


@pytest.fixture
def kept_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


async def test_a_server_that_goes_away_in_the_middle(
    archive: Archive, universe: Universe, kept_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "STEP", 2)
    async with owner_of(universe) as client:
        await client.create_entity("Person", {"name": "theirs"}, entity_id="theirs")
    async with fragile(universe, "import_entities", 1) as client:
        with pytest.raises(RestoreError) as caught:
            await import_archive(archive, client, replace=True)
    error = caught.value
    saved = error.saved
    assert saved is not None
    assert (error.is_unchanged, error.written) == (False, {"entity": 2})
    assert isinstance(error.__cause__, ConnectionError)
    assert str(error) == (
        "database 'inner-universe': the import failed, and what was there before could not be put back: "
        "import_entities: the connection was lost while waiting for the answer: the server closed it\n"
        "    written by the import: entity 2; rows of one more transaction may be there\n"
        f"    what was there before is in {saved}: import it with replace=True"
    )
    assert {row["id"] for row in universe.rows("entity")} == {"ada", "bob"}
    async with owner_of(universe) as client:
        await import_archive(saved, client, replace=True)
        assert contents(await export_database(client, tmp_path / "after")) == contents(read_archive(saved))
    assert [row["id"] for row in universe.rows("entity")] == ["theirs"]
    assert os.listdir(kept_in) == [saved.parent.name]


@pytest.mark.parametrize("reducer", ["clear_for_import", "import_configuration", "import_metrics", "grant_admin"])
async def test_a_server_that_goes_away_at_any_time(
    archive: Archive, universe: Universe, kept_in: Path, reducer: str, tmp_path: Path
) -> None:
    async with fragile(universe, reducer) as client:
        with pytest.raises(RestoreError) as caught:
            await import_archive(archive, client)
    assert not caught.value.is_unchanged
    assert caught.value.saved is not None
    async with owner_of(universe) as client:
        await import_archive(archive, client, replace=True)
        assert contents(await export_database(client, tmp_path / "after")) == contents(archive)


async def test_a_client_that_is_not_connected(archive: Archive, universe: Universe, tmp_path: Path) -> None:
    client = owner_of(universe)
    for use in (import_archive(archive, client), export_database(client, tmp_path / "one")):
        with pytest.raises(NotConnectedError):
            await use
    assert not (tmp_path / "one").exists()


async def test_somebody_writes_meanwhile(archive: Archive, universe: Universe, tmp_path: Path) -> None:
    before = await held_by(universe, tmp_path / "before")

    def write(step: Progress) -> None:
        if (step.phase, step.table, step.done) == ("import", "metric", 1):
            universe.call("record_metric", "m", "name", "kind", 1.0, "{}")

    async with owner_of(universe) as client:
        with pytest.raises(RestoreError) as caught:
            await import_archive(archive, client, progress=write)
    assert str(caught.value) == (
        "database 'inner-universe': the import failed, and the database is as it was before: database 'inner-universe': "
        "it does not hold what was written (2 rows of metric, 1 were to be there); did somebody else write?"
    )
    after = await held_by(universe, tmp_path / "after")
    assert {**after, "event_log": ""} == {**before, "event_log": ""}


async def test_others_may_not_write_meanwhile(archive: Archive, universe: Universe) -> None:
    refused: list[str] = []

    def write(step: Progress) -> None:
        if (step.phase, step.table, step.done) == ("import", "entity", 0):
            try:
                universe.actor("stranger").call("publish_event", "e", "NOTE", None, "{}")
            except Exception as error:  # noqa: BLE001  # its text is looked at
                refused.append(str(error).splitlines()[0])

    async with owner_of(universe) as client:
        await import_archive(archive, client, progress=write)
    assert len(refused) == 1
    assert "Permission denied: publish_event on NOTE" in refused[0]
    universe.actor("stranger").call("publish_event", "e", "NOTE", None, "{}")


async def test_an_archive_whose_rows_are_none(archive: Archive, universe: Universe, tmp_path: Path) -> None:
    bad = rewritten(archive, tmp_path / "bad", {"metric": lambda rows: [{"id": "m"}]})
    async with owner_of(universe) as client:
        with pytest.raises(RestoreError) as caught:
            await import_archive(bad, client)
    assert str(caught.value) == (
        "database 'inner-universe': the import failed, and the database is as it was before: "
        f"{bad.folder}: a row of metric is none: KeyError: 'name'"
    )


async def test_a_database_that_is_older_than_the_archive(
    archive: Archive, universe: Universe, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_inner_universe.persistence.archive import manifest

    monkeypatch.setattr(manifest, "SCHEMA_VERSION", 2)
    with_manifest(archive, schema_version=2)
    async with owner_of(universe) as client:
        with pytest.raises(BackupError) as caught:
            await import_archive(archive, client)
    assert str(caught.value) == (
        f"{archive.folder}: it is of schema version 2, database 'inner-universe' has 1; deploy the newer module first"
    )


async def test_a_configuration_without_the_usual_keys(archive: Archive, universe: Universe, tmp_path: Path) -> None:
    bare = rewritten(archive, tmp_path / "bare", {"config": lambda rows: []})
    async with owner_of(universe) as client:
        await import_archive(bare, client)
    assert {row["key"]: row["value"] for row in universe.rows("config")} == {
        "feature_enable_audit_log": "true",
        "permission_default": "allow",
    }


async def test_a_folder_with_something_in_it(universe: Universe, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    async with owner_of(universe) as client:
        with pytest.raises(BackupError) as caught:
            await export_database(client, tmp_path)
        assert str(caught.value) == f"{tmp_path}: it exists already, and is no empty folder"
        with pytest.raises(ValidationError) as wrong:
            await export_database(client, tmp_path / "one", encoding="xml")  # type: ignore[arg-type]
    assert str(wrong.value) == "encoding must be one of jsonl, parquet, got 'xml'"
    assert os.listdir(tmp_path) == ["mine"]


async def test_a_full_disk_leaves_nothing(universe: Universe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setattr(os, "fsync", full)
    async with owner_of(universe) as client:
        for folder in (tmp_path / "new", empty):
            with pytest.raises(BackupError) as caught:
                await export_database(client, folder)
            assert str(caught.value) == f"{folder}: No space left on device"
    assert os.listdir(tmp_path) == ["empty"]
    assert os.listdir(empty) == []


async def test_a_killed_export_has_no_manifest(archive: Archive, tmp_path: Path) -> None:
    from dataclasses import replace

    writer = ArchiveWriter(replace(archive, folder=tmp_path / "half", tables={}))
    with writer.table(ARCHIVE_TABLES["entity"]) as file:
        file.write(["{}"])
    with pytest.raises(BackupError) as caught:
        read_archive(tmp_path / "half")
    assert caught.value.reason == "it has no manifest: it is no archive, or was never finished"


async def test_rows_that_cannot_be_written(universe: Universe, tmp_path: Path) -> None:
    async with owner_of(universe) as client, owner_of(universe) as target:
        await fill(client)
        changes: list[tuple[Callable[[Any], Any], str]] = [
            (lambda row: {**row, "id": "same"}, "two rows have the key 'same'"),
            (lambda row: {"id": row["id"]}, "what the transform made of row 'ada' is no row: KeyError('metadata')"),
            (
                lambda row: {**row, "created_at": "now"},
                "row 'ada' cannot be written: 'str' object has no attribute 'micros'",
            ),
        ]
        for change, reason in changes:

            def transform(table: str, row: Any, change: Callable[[Any], Any] = change) -> Any:
                return change(row) if table == "entity" else row

            with pytest.raises(BackupError) as caught:
                await copy_database(client, target, transform=transform, replace=True)
            assert str(caught.value) == f"table entity: {reason}"
        assert len(await client.query_entities()) == 3


async def test_an_undo_goes_on_when_it_is_cancelled_too() -> None:
    done: list[int] = []

    async def slow() -> None:
        for number in range(5):
            await asyncio.sleep(0)
            done.append(number)

    task = asyncio.create_task(importing._whatever_happens(slow()))
    await asyncio.sleep(0)
    task.cancel()
    assert await task is None
    assert done == [0, 1, 2, 3, 4]
