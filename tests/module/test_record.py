"""The shipped wasm files are what the source in this repository gives, and say nothing about who built them."""

from __future__ import annotations

import hashlib
import json
import re
from types import ModuleType

import pytest

FOLDERS = ["inner-universe", "every-type-1.4", "every-type-2.8", "procedures-2.8"]
each_module = pytest.mark.parametrize("folder", FOLDERS)


def test_every_module_is_looked_at(build: ModuleType) -> None:
    assert list(build.RECIPES) == FOLDERS


@each_module
def test_record_is_of_the_source(build: ModuleType, folder: str) -> None:
    recipe = build.RECIPES[folder]
    recorded = json.loads(recipe.record.read_text())["source_sha256"]
    assert recorded == build.source_hash(recipe.source), f"run: python module/build.py {folder}"


@each_module
def test_record_is_of_the_file(build: ModuleType, folder: str) -> None:
    recipe = build.RECIPES[folder]
    record = json.loads(recipe.record.read_text())
    wasm = recipe.wasm.read_bytes()
    assert record["module"] == folder
    assert record["size"] == len(wasm)
    assert record["wasm_sha256"] == hashlib.sha256(wasm).hexdigest()
    assert re.fullmatch(r"rustc \d+\.\d+\.\d+.*", record["toolchain"])


@each_module
def test_wasm_has_no_paths_of_the_machine_that_built_it(build: ModuleType, folder: str) -> None:
    wasm = build.RECIPES[folder].wasm.read_bytes()
    # Strings lie side by side in the file without separators, so a path may begin in the middle of text.
    assert re.findall(rb"/(?:root|home|Users|usr|tmp|opt|var|work|builds?)/[\w./-]*", wasm) == []
    assert re.findall(rb"[A-Z]:\\\\?[\w\\.-]+|\.cargo|\.rustup|registry/src", wasm) == []


@each_module
def test_wasm_says_which_source_line_panicked(build: ModuleType, folder: str) -> None:
    assert b"src/l" in build.RECIPES[folder].wasm.read_bytes()


def test_inner_universe_runs_on_every_server_since_1_0(build: ModuleType) -> None:
    wasm = build.RECIPES["inner-universe"].wasm.read_bytes()
    assert set(re.findall(rb"spacetime_\d+\.\d+", wasm)) == {b"spacetime_10.0"}
