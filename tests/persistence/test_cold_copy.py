"""Cold copies of a data folder: whole, private, checked before anything changes."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from pytest_inner_universe.persistence import (
    BackupError,
    ColdCopy,
    ControllerError,
    InnerUniverseConfig,
    InnerUniverseController,
    ValidationError,
    read_copy,
    restore_copy,
    write_copy,
)

CONTENT = {
    "control-db/db": b"\0" * 3_000_000,
    "replicas/1/clog/0.log": os.urandom(10_000),
    "id": b"secret",
    "empty": b"",
}


def fill(folder: Path) -> Path:
    for name, data in {**CONTENT, "cache/wasm": b"made anew", "spacetime.pid": b"1"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "id").chmod(0o600)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return fill(tmp_path / "db")


@pytest.fixture
def archive(data: Path, tmp_path: Path) -> Path:
    write_copy(data, tmp_path / "backups" / "one.tar.gz")
    return tmp_path / "backups" / "one.tar.gz"


def test_what_was_there_comes_back(archive: Path, tmp_path: Path) -> None:
    made = read_copy(archive)
    assert made.size == sum(map(len, CONTENT.values()))
    assert set(made.files) == set(CONTENT)
    assert restore_copy(archive, tmp_path / "new" / "db") == made
    assert content(tmp_path / "new" / "db") == CONTENT
    assert os.stat(tmp_path / "new" / "db" / "id").st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path / "new") == ["db"]


def test_it_is_for_its_users_eyes_only(archive: Path) -> None:
    assert archive.stat().st_mode & 0o777 == 0o600
    assert os.listdir(archive.parent) == [archive.name]


def test_data_that_is_there_is_kept_unless_it_is_given_up(archive: Path, data: Path, tmp_path: Path) -> None:
    (data / "id").write_bytes(b"newer")
    with pytest.raises(BackupError) as caught:
        restore_copy(archive, data)
    assert str(caught.value) == f"{data}: the folder is not empty; say replace=True to give up what is in it"
    restore_copy(archive, data, replace=True)
    assert content(data) == CONTENT
    assert sorted(os.listdir(tmp_path)) == ["backups", "db"]


def test_a_folder_on_which_a_server_runs(archive: Path, data: Path, tmp_path: Path) -> None:
    with (data / "spacetime.pid").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        refused: list[Callable[[], ColdCopy]] = [
            lambda: write_copy(data, tmp_path / "two.tar.gz"),
            lambda: restore_copy(archive, data, replace=True),
        ]
        for use in refused:
            with pytest.raises(BackupError) as caught:
                use()
            assert str(caught.value) == f"{data}: a server runs on this folder; stop it first"
    assert content(data)["id"] == b"secret"
    assert sorted(os.listdir(tmp_path)) == ["backups", "db"]


def test_a_folder_without_data(tmp_path: Path) -> None:
    with pytest.raises(BackupError) as caught:
        write_copy(tmp_path, tmp_path / "one.tar.gz")
    assert str(caught.value) == f"{tmp_path}: there is no server's data in this folder"


def test_an_archive_is_never_overwritten(archive: Path, data: Path) -> None:
    with pytest.raises(BackupError) as caught:
        write_copy(data, archive)
    assert str(caught.value) == f"{archive}: it exists already"


def test_a_full_disk_leaves_no_archive(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "addfile", full)
    with pytest.raises(BackupError) as caught:
        write_copy(data, tmp_path / "one.tar.gz")
    assert str(caught.value) == f"{tmp_path}/one.tar.gz: No space left on device"
    assert os.listdir(tmp_path) == ["db"]


def members_of(archive: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            stream = tar.extractfile(member)
            assert stream is not None
            found[member.name] = stream.read()
    return found


def rewrite(archive: Path, changes: dict[str, bytes | None]) -> None:
    """Change members of an archive, as somebody would who does not change the manifest."""
    members: dict[str, bytes | None] = {**members_of(archive), **changes}
    with tarfile.open(archive, "w:gz") as tar:
        for name, data in members.items():
            if data is not None:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data/id": b"forged"}, "1 files are not what they were, id among them"),
        ({"data/id": None, "data/empty": None}, "2 files are not what they were, empty among them"),
        ({"manifest.json": None}, "its end is missing"),
        ({"manifest.json": b"[]"}, "its end is missing"),
        ({"manifest.json": json.dumps({"format": 2}).encode()}, "it has format 2, known is 1"),
        ({"data/../../evil": b""}, "it has something that no backup has: data/../../evil"),
        ({"evil": b""}, "it has something that no backup has: evil"),
    ],
)
def test_what_was_tampered_with_is_refused(
    archive: Path, data: Path, changes: dict[str, bytes | None], reason: str, tmp_path: Path
) -> None:
    # What comes behind the manifest is refused for its place; so the manifest goes last.
    manifest = members_of(archive)["manifest.json"]
    rewrite(archive, {"manifest.json": None})
    rewrite(archive, {key: value for key, value in changes.items() if key != "manifest.json"})
    rewrite(archive, {"manifest.json": changes.get("manifest.json", manifest)})
    uses: list[Callable[[], ColdCopy]] = [
        lambda: read_copy(archive),
        lambda: restore_copy(archive, data, replace=True),
    ]
    for use in uses:
        with pytest.raises(BackupError) as caught:
            use()
        assert str(caught.value) == f"{archive}: {reason}"
    assert content(data)["id"] == b"secret"
    assert sorted(os.listdir(tmp_path)) == ["backups", "db"]


def test_something_behind_the_end(archive: Path) -> None:
    rewrite(archive, {"data/late": b""})
    with pytest.raises(BackupError) as caught:
        read_copy(archive)
    assert caught.value.reason == "it has something that no backup has: data/late"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> ColdCopy:
    folder = tmp_path_factory.mktemp("whole")
    (folder / "db" / "control-db").mkdir(parents=True)
    (folder / "db" / "control-db" / "db").write_bytes(os.urandom(500))
    return write_copy(folder / "db", folder / "whole.tar.gz")


@examples(40)
@given(draw=st.data())
def test_a_half_written_or_damaged_archive_is_refused(whole: ColdCopy, draw: st.DataObject) -> None:
    good = whole.archive.read_bytes()
    if draw.draw(st.booleans(), "cut"):
        bad = good[: draw.draw(st.integers(0, len(good) - 1), "length")]
    else:
        place = draw.draw(st.integers(0, len(good) - 1), "place")
        bad = good[:place] + bytes([good[place] ^ draw.draw(st.integers(1, 255), "bits")]) + good[place + 1 :]
    damaged = whole.archive.with_name("damaged.tar.gz")
    damaged.write_bytes(bad)
    with contextlib.suppress(BackupError):
        found = read_copy(damaged)
        # Time and name in the header of the compression are nobody's data.
        assert (len(bad), found.files) == (len(good), whole.files)


@pytest.mark.asyncio
async def test_a_controller_names_its_backups(data: Path, tmp_path: Path) -> None:
    config = InnerUniverseConfig(port=0, db_path=str(data))
    controller = InnerUniverseController(config)
    with pytest.raises(ValidationError) as caught:
        await controller.back_up()
    assert str(caught.value) == "back_up needs an archive, or a folder in the setting backup_path"
    config.backup_path = str(tmp_path / "backups")
    made = await controller.back_up()
    assert made.archive.parent == tmp_path / "backups"
    assert made.archive.name.startswith("inner-universe-20")
    config.db_path = str(tmp_path / "restored")
    await controller.restore(made.archive)
    assert content(tmp_path / "restored") == CONTENT


@pytest.mark.asyncio
async def test_a_controller_does_not_copy_under_its_server(tmp_path: Path) -> None:
    config = InnerUniverseConfig(port=0, db_path=str(tmp_path / "db"))
    async with InnerUniverseController(config, backend="embedded") as controller:
        await controller.deploy()
        for refused in (controller.back_up(tmp_path / "one.tar.gz"), controller.restore(tmp_path / "one.tar.gz")):
            with pytest.raises(ControllerError) as caught:
                await refused
            assert str(caught.value) == "the server runs on the data; await stop() first"
