"""``backup`` and ``restore``."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from support.shells import Ran, Run

from pytest_inner_universe.server import locks

WHEN = r"made at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of a server that has stopped."""
    folder = tmp_path / "db"
    (folder / "control-db").mkdir(parents=True)
    (folder / "control-db" / "conf").write_bytes(b"what a server wrote")
    (folder / "spacetime.pid").touch()
    return folder


@pytest.fixture
def archive(run: Run, data: Path) -> str:
    assert run("backup", "kept.tar.gz", "--data-dir", "db").code == 0
    return "kept.tar.gz"


def without_moment(ran: Ran) -> Ran:
    return Ran(ran.code, re.sub(WHEN, "made at NOW", ran.out), ran.err)


def test_there_and_back(run: Run, data: Path, tmp_path: Path) -> None:
    assert without_moment(run("backup", "kept.tar.gz", "--data-dir", "db")) == Ran(
        0, "copied db to kept.tar.gz: 1 files, 19 bytes, made at NOW\n"
    )
    assert without_moment(run("restore", "kept.tar.gz", "--check")) == Ran(
        0, "kept.tar.gz is whole: 1 files, 19 bytes, made at NOW\n"
    )
    assert without_moment(run("restore", "kept.tar.gz", "--data-dir", "other")) == Ran(
        0, "restored other from kept.tar.gz: 1 files, 19 bytes, made at NOW\n"
    )
    assert (tmp_path / "other" / "control-db" / "conf").read_bytes() == b"what a server wrote"


def test_a_folder_for_backups(run: Run, data: Path, tmp_path: Path) -> None:
    ran = run("backup", "--data-dir", "db", "--backup-dir", "backups", "--json")
    (made,) = (tmp_path / "backups").iterdir()
    told = json.loads(ran.out)
    assert told == {"archive": f"backups/{made.name}", "made_at": told["made_at"], "files": 1, "bytes": 19}
    assert json.loads(run("restore", f"backups/{made.name}", "--check", "--json").out) == told


def test_what_is_there_is_not_given_up_by_accident(run: Run, archive: str, data: Path) -> None:
    (data / "control-db" / "conf").write_bytes(b"newer")
    assert run("restore", archive, "--data-dir", "db") == Ran(
        1, "", f"inner-universe: {data}: the folder is not empty; say --replace to give up what is in it\n"
    )
    assert (data / "control-db" / "conf").read_bytes() == b"newer"
    assert run("restore", archive, "--data-dir", "db", "--replace").code == 0
    assert (data / "control-db" / "conf").read_bytes() == b"what a server wrote"


def test_a_server_that_runs(run: Run, data: Path) -> None:
    lock = locks.hold(data / "spacetime.pid")
    assert lock is not None
    try:
        assert run("backup", "kept.tar.gz", "--data-dir", "db") == Ran(
            1, "", "inner-universe: db: a server runs on this folder; stop it first\n"
        )
    finally:
        os.close(lock)


def test_archives_that_are_none(run: Run, archive: str, tmp_path: Path) -> None:
    whole = (tmp_path / archive).read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text").write_text("no archive")
    for name in ("cut.tar.gz", "text", "nothing"):
        ran = run("restore", name, "--data-dir", "other")
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith(f"inner-universe: {name}: it cannot be read: ")
        assert len(ran.err.splitlines()) == 1
        assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["backup"], "name the archive to make, or a folder with --backup-dir"),
        (["restore", "x", "--check", "--replace"], "--check changes nothing, so there is nothing to --replace"),
    ],
)
def test_options_that_make_no_sense(run: Run, arguments: list[str], reason: str) -> None:
    assert run(*arguments) == Ran(2, "", f"inner-universe: {reason}\n")


def test_nothing_to_copy(run: Run, archive: str) -> None:
    assert run("backup", "x.tar.gz", "--data-dir", "nowhere") == Ran(
        1, "", "inner-universe: nowhere: there is no server's data in this folder\n"
    )
    assert run("backup", archive, "--data-dir", "db") == Ran(1, "", f"inner-universe: {archive}: it exists already\n")
