"""Server programs that are none, and runs in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.programs import MakeProgram, write_program

from pytest_inner_universe.server.leftovers import Run


@pytest.fixture
def make_program(tmp_path: Path) -> MakeProgram:
    def make(behaviour: str = "good", version: str = "1.2.0") -> Path:
        return write_program(tmp_path / "programs" / f"spacetime-{behaviour}-{version}", behaviour, version)

    return make


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with Run(tmp_path / "runs") as run:
        yield run
