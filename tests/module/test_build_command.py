from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "Cargo.toml").write_text("[package]\n")
    (tmp_path / "Cargo.lock").write_text("version = 4\n")
    (tmp_path / "src" / "lib.rs").write_text("mod a;\n")
    (tmp_path / "src" / "a.rs").write_text("\n")
    return tmp_path


@pytest.mark.parametrize("change", ["edit", "rename", "add", "move bytes between files"])
def test_source_hash_sees(build: ModuleType, folder: Path, change: str) -> None:
    before = build.source_hash(folder)
    source = folder / "src"
    if change == "edit":
        (source / "a.rs").write_text("// \n")
    elif change == "rename":
        (source / "a.rs").rename(source / "b.rs")
    elif change == "add":
        (source / "c.rs").write_text("")
    else:
        (source / "a.rs").write_text("")
        (source / "lib.rs").write_text("mod a;\n\n")
    assert build.source_hash(folder) != before


def test_source_hash_ignores_what_is_not_source(build: ModuleType, folder: Path) -> None:
    before = build.source_hash(folder)
    (folder / "notes.txt").write_text("x")
    assert build.source_hash(folder) == before


def test_unknown_module(build: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        build.main(["everytype"])
    assert stop.value.code == 2
    message = "no module 'everytype'; there are inner-universe, every-type-1.4, every-type-2.8, procedures-2.8"
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"error: {message}")


def test_no_compiler(build: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr("pytest_inner_universe.persistence.toolchain.find_linker", lambda: None)
    assert build.main(["--check"]) == 1
    assert capsys.readouterr().err == (
        "No Rust compiler for wasm32-unknown-unknown here.\n"
        "With rustup: rustup target add wasm32-unknown-unknown\n"
        "On Debian:   apt-get install --no-install-recommends rustc-web cargo-web rust-web-src lld\n"
        "Or let this command do it: python module/build.py --install-toolchain\n"
    )


def test_check_accepts_the_shipped_file(build: ModuleType) -> None:
    recipe = build.RECIPES["inner-universe"]
    assert build.compare(recipe, recipe.wasm.read_bytes()) == []


def test_check_accepts_other_bytes_with_the_same_definition(build: ModuleType) -> None:
    recipe = build.RECIPES["inner-universe"]
    custom_section = b"\x00\x03\x02hi"
    assert build.compare(recipe, recipe.wasm.read_bytes() + custom_section) == []


def test_check_refuses_another_definition(build: ModuleType) -> None:
    recipe = build.RECIPES["every-type-1.4"]
    other = build.RECIPES["inner-universe"].wasm.read_bytes()
    assert build.compare(recipe, other) == [
        "every-type-1.4: a fresh build has another definition than every_type_1_4.wasm"
    ]


def test_check_refuses_a_stale_fixture(
    build: ModuleType, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = build.RECIPES["inner-universe"]
    fixtures = tmp_path / "modules"
    fixtures.mkdir()
    for path in (recipe.wasm, recipe.record):
        shutil.copy(path, fixtures)
    monkeypatch.setattr(build, "FIXTURES", fixtures)
    monkeypatch.setattr(build, "MODULES", tmp_path.parent)
    stale = dataclasses.replace(recipe, folder=tmp_path.name)
    stale.wasm.write_bytes(recipe.wasm.read_bytes() + b"\x00\x03\x02hi")
    assert build.compare(stale, recipe.wasm.read_bytes()) == [
        f"{stale.folder}: the source has changed since inner_universe_module.wasm was built",
        f"{stale.folder}: inner_universe_module.wasm is not the file of its record",
    ]
