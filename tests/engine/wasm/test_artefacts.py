"""The cache of compiled modules: what it gives back, and what it does not trust."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import wasmtime

from pytest_inner_universe.engine.wasm import artefacts, runtime
from pytest_inner_universe.engine.wasm.runtime import compile_wasm, digest

WASM = bytes(wasmtime.wat2wasm('(module (func (export "seven") (result i32) (i32.const 7)))'))
OTHER = bytes(wasmtime.wat2wasm('(module (func (export "seven") (result i32) (i32.const 8)))'))


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INNER_UNIVERSE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "modules"


def seven(module: wasmtime.Module) -> int:
    store = wasmtime.Store(runtime.engine())
    store.set_epoch_deadline(1 << 62)
    function = wasmtime.Instance(store, module, []).exports(store)["seven"]
    assert isinstance(function, wasmtime.Func)
    answer = function(store)
    store.close()
    assert isinstance(answer, int)
    return answer


def load(data: bytes = WASM) -> int:
    return seven(compile_wasm(data, digest(data)))


def refuse_to_compile() -> bytes:
    raise AssertionError("compiled although it is in the cache")


def artefact(directory: Path) -> Path:
    (found,) = directory.glob("*.cwasm")
    return found


def test_a_module_is_compiled_once(directory: Path) -> None:
    assert load() == 7
    assert artefact(directory).name.startswith(digest(WASM)[:32])
    assert seven(artefacts.load_or_make(digest(WASM), refuse_to_compile)) == 7
    assert sorted(path.suffix for path in directory.iterdir()) == [".cwasm", ".sum"]


def test_other_bytes_are_another_module(directory: Path) -> None:
    assert (load(WASM), load(OTHER), load(WASM)) == (7, 8, 7)
    assert len(list(directory.glob("*.cwasm"))) == 2


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def remove_the_sum(path: Path) -> None:
    path.with_suffix(".sum").unlink()


def spoil_the_sum(path: Path) -> None:
    path.with_suffix(".sum").write_bytes(b"\xff\xfe")


def replace_by_another(path: Path) -> None:
    """A file whose sum is right, but which is no artefact."""
    path.write_bytes(b"not machine code")
    path.with_suffix(".sum").write_text(digest(b"not machine code"))


def make_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "spoil",
    [truncate, empty, flip_a_bit, remove_the_sum, spoil_the_sum, replace_by_another, make_a_folder],
    ids=lambda function: function.__name__,
)
def test_what_is_spoilt_is_compiled_again(directory: Path, spoil: Callable[[Path], None]) -> None:
    load()
    spoil(artefact(directory))
    assert load() == 7
    if spoil is not make_a_folder:
        assert seven(artefacts.load_or_make(digest(WASM), refuse_to_compile)) == 7


def test_a_place_that_cannot_be_written_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    monkeypatch.setenv("INNER_UNIVERSE_CACHE_DIR", str(file))
    assert load() == 7
    monkeypatch.setenv("INNER_UNIVERSE_CACHE_DIR", "/proc/nowhere")
    assert load() == 7
    assert file.read_text() == "in the way"


def test_without_a_home_there_is_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("INNER_UNIVERSE_CACHE_DIR")
    monkeypatch.setattr(Path, "home", no_home)
    assert artefacts.cache_directory() is None
    assert load() == 7


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/inner-universe/modules"),
        ("linux", {"XDG_CACHE_HOME": "xdg"}, "xdg/inner-universe/modules"),
        ("darwin", {}, "home/Library/Caches/inner-universe/modules"),
        ("win32", {}, "home/AppData/Local/inner-universe/modules"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/inner-universe/modules"),
        ("linux", {"INNER_UNIVERSE_CACHE_DIR": "mine"}, "mine/modules"),
    ],
)
def test_the_cache_is_where_caches_are(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("INNER_UNIVERSE_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    assert artefacts.cache_directory() == Path(expected)


def test_the_folder_belongs_to_the_user_alone(directory: Path) -> None:
    load()
    assert directory.stat().st_mode & 0o077 == 0


def test_files_of_somebody_else_are_not_trusted(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    mine = artefact(directory).stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    monkeypatch.setattr(artefacts, "_TRUSTED_OWNERS", {mine + 2})
    assert artefacts._load(artefact(directory)) is None


def test_what_is_old_goes_when_something_new_comes(directory: Path) -> None:
    load(WASM)
    old = artefact(directory)
    foreign = directory / "keep.txt"
    foreign.write_text("not ours")
    for path in (old, old.with_suffix(".sum"), foreign):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    load(OTHER)
    assert not old.exists()
    assert not old.with_suffix(".sum").exists()
    assert foreign.exists()


def test_what_is_used_stays(directory: Path) -> None:
    load(WASM)
    used = artefact(directory)
    for path in (used, used.with_suffix(".sum")):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    load(WASM)
    load(OTHER)
    assert used.exists()
    assert used.with_suffix(".sum").exists()


def test_many_processes_fill_the_cache_together(directory: Path, tmp_path: Path) -> None:
    source = tmp_path / "seven.wasm"
    source.write_bytes(WASM)
    script = (
        "import sys; from pathlib import Path\n"
        "from pytest_inner_universe.engine.wasm.runtime import compile_wasm, digest\n"
        "data = Path(sys.argv[1]).read_bytes()\n"
        "print(len(compile_wasm(data, digest(data)).exports))\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(source)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    assert [process.communicate(timeout=50) for process in processes] == [("1\n", "")] * 4
    assert sorted(path.suffix for path in directory.iterdir()) == [".cwasm", ".sum"]
