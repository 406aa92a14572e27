"""Server programs that are none, and runs in a folder of the test's own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

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


@pytest.fixture
def an_hour_passes(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let an hour pass for whoever waits for a server, whatever it is called with."""
    passed = threading.Event()
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + 3_600 * passed.is_set(), sleep=time.sleep)
    monkeypatch.setattr("pytest_inner_universe.server.readiness.time", clock)
    return lambda *_: passed.set()
