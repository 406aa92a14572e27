"""The examples are downstream projects: each is run as its users would run it, in a process and folder of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/pyproject.toml"))


def run(example: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "INNER_UNIVERSE_"))}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=example, env=clean, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_passes(example: Path) -> None:
    result = run(example, "-W", "error")
    assert result.returncode == 0, result.stdout
    assert re.search(r"^=+ \d+ passed in ", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_passes_in_any_order_on_workers(example: Path) -> None:
    result = run(example, "-n", "2", "-p", "randomly")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_needs_nothing_but_this_package(example: Path) -> None:
    text = (example / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dependencies = ["pytest-inner-universe"]' in text


def test_there_are_examples() -> None:
    assert [path.name for path in EXAMPLES] == ["nerv", "own-module", "quickstart"]
