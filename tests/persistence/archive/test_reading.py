"""What is not whole, was changed or comes from the future is refused, by whoever wants to use it, before anything is written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.archives import owner_of, with_manifest
from support.examples import examples

from pytest_inner_universe.persistence import Archive, BackupError, Progress, import_archive, read_archive
from pytest_inner_universe.persistence.schema import SCHEMA_VERSION
from pytest_inner_universe.testing.universe import Universe


def test_a_whole_archive(archive: Archive) -> None:
    steps: list[Progress] = []
    assert read_archive(str(archive.folder), progress=steps.append) == archive
    assert {step.phase for step in steps} == {"check"}
    assert sum(step.done for step in steps) == archive.rows == sum(table.rows for table in archive.tables.values())
    assert (archive.encoding, archive.schema_version, archive.source) == (
        "jsonl",
        SCHEMA_VERSION,
        "database 'inner-universe'",
    )


def test_it_is_for_its_users_eyes_only(made_once: Archive) -> None:
    assert made_once.folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in made_once.folder.iterdir()} == {0o600}


def append(name: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        with (folder / name).open("ab") as stream:
            stream.write(b"{}\n")

    return change


def forge(folder: Path) -> None:
    path = folder / "entity.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Ada", b"Eva"))


def manifest(**facts: Any) -> Callable[[Path], object]:
    return lambda folder: with_manifest(read_archive(folder), **facts)


def edit_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(
        path.read_text().replace("\"inner-universe'", '"x').replace('"encoding": "jsonl"', '"encoding": "x"')
    )


CHANGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda folder: (folder / "manifest.json").unlink(), "it has no manifest: it is no archive, or was never finished"),
    (shutil.rmtree, "there is no such folder"),
    (lambda folder: (folder / "relation.jsonl").unlink(), "relation.jsonl is missing"),
    (lambda folder: (folder / "evil").touch(), "it has something that no archive has: evil"),
    (forge, "entity.jsonl is not what it was: its hash is another"),
    (edit_manifest, "its manifest is not what it was"),
    (
        manifest(schema_version=SCHEMA_VERSION + 1),
        (
            f"it is of schema version {SCHEMA_VERSION + 1}, known is {SCHEMA_VERSION}; "
            "use the version of this package that it was made with, or a newer one"
        ),
    ),
    (manifest(format=2), "it has format 2, known is 1; a newer version of this package may know it"),
    (
        manifest(encoding="xml"),
        "its manifest is none: ValueError: unknown tables [], missing tables [], encoding 'xml'",
    ),
    (
        manifest(tables={}),
        (
            "its manifest is none: ValueError: unknown tables [], missing tables ['admin', 'config', 'delta_record', "
            "'entity', 'event_log', 'metric', 'permission', 'relation', 'state_snapshot', 'state_version'], encoding 'jsonl'"
        ),
    ),
    (
        lambda folder: (folder / "manifest.json").write_text("[]"),
        "it has format None, known is 1; a newer version of this package may know it",
    ),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("change", "reason"), CHANGES, ids=range(len(CHANGES)))
async def test_what_was_changed_is_refused(
    archive: Archive, universe: Universe, change: Callable[[Path], object], reason: str
) -> None:
    change(archive.folder)
    before = universe.rows("event_log")
    with pytest.raises(BackupError) as read:
        read_archive(archive.folder)
    with pytest.raises(BackupError) as imported:
        await import_archive(archive, owner_of(universe))  # not even connected
    assert str(read.value) == str(imported.value) == f"{archive.folder}: {reason}"
    assert universe.rows("event_log") == before


def test_a_file_that_grew(archive: Archive) -> None:
    size = archive.tables["metric"].size
    append("metric.jsonl")(archive.folder)
    with pytest.raises(BackupError) as caught:
        read_archive(archive.folder)
    assert caught.value.reason == f"metric.jsonl is not what it was: it has {size + 3} bytes instead of {size}"


def test_a_file_of_another_folder_is_not_looked_at(archive: Archive) -> None:
    path = archive.folder / "manifest.json"
    tables = json.loads(path.read_text())["tables"]
    with_manifest(archive, tables={**tables, "entity": {**tables["entity"], "file": "../../etc/passwd"}})
    with pytest.raises(BackupError) as caught:
        read_archive(archive.folder)
    assert caught.value.reason == "its manifest is none: ValueError: table entity in file '../../etc/passwd'"


@pytest.fixture(scope="module")
def whole(made_once: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return read_archive(shutil.copytree(made_once.folder, tmp_path_factory.mktemp("damaged") / "archive"))


@examples(60)
@given(draw=st.data())
def test_a_half_written_or_damaged_file_is_refused(whole: Archive, draw: st.DataObject) -> None:
    path = whole.folder / draw.draw(st.sampled_from(sorted(os.listdir(whole.folder))), "file")
    good = path.read_bytes()
    if draw.draw(st.booleans(), "cut"):
        bad = good[: draw.draw(st.integers(0, len(good) - 1), "length")]
    else:
        at = draw.draw(st.integers(0, len(good) - 1), "place")
        bad = good[:at] + bytes([good[at] ^ draw.draw(st.integers(1, 255), "bits")]) + good[at + 1 :]
    path.write_bytes(bad)
    try:
        # Only white space of the manifest is nobody's data.
        assert read_archive(whole.folder) == whole
        assert json.loads(bad) == json.loads(good)
    except BackupError:
        pass
    finally:
        path.write_bytes(good)
