from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_inner_universe.server import processes
from pytest_inner_universe.server.leftovers import ContainerRecord, Run, Swept, begin, sweep, user_root
from pytest_inner_universe.server.processes import ProcessRecord


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs until it is ended, with the test's folder in its command line."""
    command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        # Where a program has only just begun, the system may not know its command line yet.
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        yield process
        process.kill()


def dead_run(root: Path, *records: ProcessRecord | ContainerRecord) -> Run:
    """Leave a run as one that was killed leaves it."""
    run = Run(root)
    for record in records:
        run.note(record)
    run.close()
    return run


def recorded(process: subprocess.Popen[bytes], marker: str) -> ProcessRecord:
    record = processes.record(process.pid, marker)
    assert record is not None
    return record


def test_a_run_that_ends_leaves_nothing(root: Path) -> None:
    with Run(root) as run:
        folder = run.new_folder("server")
        (folder / "data").mkdir()
        assert folder.parent == run.folder == root / run.id
    assert list(root.iterdir()) == []


def test_runs_and_folders_have_names_of_their_own(root: Path) -> None:
    with Run(root) as one, Run(root) as other:
        assert one.id != other.id
        assert len({one.new_folder("server"), one.new_folder("server"), other.new_folder("server")}) == 3


def test_a_living_run_is_left_alone(root: Path, process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    with Run(root) as run:
        note = run.note(recorded(process, str(tmp_path)))
        assert sweep(root) == Swept()
        assert process.poll() is None
        note.unlink()


def test_a_dead_runs_process_is_ended_and_its_folder_removed(
    root: Path, process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    run = dead_run(root, recorded(process, str(tmp_path)))
    assert sweep(root) == Swept(runs=[run.id], processes=[process.pid])
    assert process.wait(10) < 0
    assert list(root.iterdir()) == []


def test_a_process_with_another_start_or_command_line_is_left_alone(
    root: Path, process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    true = recorded(process, str(tmp_path))
    run = dead_run(
        root,
        ProcessRecord(true.pid, "1", true.marker),
        ProcessRecord(true.pid, true.started, "/another/folder"),
        ProcessRecord(2**22 + 1, true.started, true.marker),
    )
    assert sweep(root) == Swept(runs=[run.id])
    assert process.poll() is None


def test_a_process_that_has_ended_is_not_waited_for(
    root: Path, process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    run = dead_run(root, recorded(process, str(tmp_path)))
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has asked how
    assert sweep(root) == Swept(runs=[run.id])


def test_a_container_whose_engine_does_not_answer_is_kept_for_the_next_sweep(root: Path, tmp_path: Path) -> None:
    run = Run(root)
    run.note(ContainerRecord("inner-universe-x", run.id, f"unix://{tmp_path}/docker.sock"))
    run.close()
    for _ in range(2):
        assert sweep(root) == Swept(kept=[run.id])


def test_a_container_of_another_run_is_not_asked_for(root: Path, tmp_path: Path) -> None:
    run = dead_run(root, ContainerRecord("theirs", "0123456789", f"unix://{tmp_path}/docker.sock"))
    assert sweep(root) == Swept(kept=[run.id])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"Other": {}}', '{"ProcessRecord": {"pid": 1}}'])
def test_a_record_that_cannot_be_read_keeps_its_run(text: str, root: Path) -> None:
    run = Run(root)
    (run.folder / "records" / "1.json").write_text(text, "utf-8")
    run.close()
    assert sweep(root) == Swept(kept=[run.id])


def test_what_is_no_run_is_left_alone(root: Path, tmp_path: Path) -> None:
    elsewhere = dead_run(tmp_path / "elsewhere", ProcessRecord(1, "1", "x"))
    for name in ("notes", "0123456789", ".0123456789"):
        (root / name).mkdir(parents=True)
    (root / "abcdefabcd").symlink_to(elsewhere.folder)
    (root / "file").write_text("", "utf-8")
    before = sorted(root.iterdir())
    assert sweep(root) == Swept()
    assert sorted(root.iterdir()) == before
    assert elsewhere.folder.exists()


def test_a_root_that_is_not_there_has_nothing(root: Path) -> None:
    assert sweep(root) == Swept()


def test_a_new_run_sweeps_first(root: Path) -> None:
    old = dead_run(root, ProcessRecord(1, "1", "x"))
    with begin(root) as run:
        assert [folder.name for folder in root.iterdir()] == [run.id]
        assert run.id != old.id


def test_the_users_own_root_is_closed_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    root = user_root()
    assert root == tmp_path / f"inner-universe-{os.getuid()}"
    assert root.stat().st_mode & 0o777 == 0o700
    assert user_root() == root


def test_a_root_that_is_no_folder_of_the_users_own_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "theirs").mkdir()
    (tmp_path / f"inner-universe-{os.getuid()}").symlink_to(tmp_path / "theirs")
    root = user_root()
    assert root.parent == tmp_path
    assert root.name.startswith("inner-universe-")
    assert not root.is_symlink()


def test_who_a_process_is() -> None:
    own = processes.record(os.getpid(), "python")
    assert own is not None
    assert own.started == processes.started_at(os.getpid())
    assert processes.command_line(os.getpid()) is not None
    assert processes.record(2**22 + 1, "x") is None
