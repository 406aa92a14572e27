"""``init``: what it writes passes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.shells import EVERY_TYPE, MODULES, Ran, Run

_SCOPE = ("-o", "asyncio_default_fixture_loop_scope=function")
"""Some releases of pytest-asyncio warn where nothing is said of it."""
FILES = ("tests/conftest.py", "tests/test_universe.py")


def passed(project: Path) -> str:
    """Run the tests of a project as its user would, and return the last line."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "-q", *_SCOPE]
    done = subprocess.run(command, cwd=project, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1].split(" in ")[0]


def test_what_is_written_passes(run: Run, tmp_path: Path) -> None:
    assert run("init") == Ran(
        0, "wrote tests/conftest.py\nwrote tests/test_universe.py\nrun them with: python -m pytest\n"
    )
    assert passed(tmp_path) == "2 passed"


@pytest.mark.parametrize("module", sorted(MODULES.glob("*.wasm")), ids=lambda path: path.stem)
def test_so_do_tests_of_a_module(run: Run, tmp_path: Path, module: Path) -> None:
    project = tmp_path / "my project"
    project.mkdir()
    (project / "it's.wasm").symlink_to(module)
    assert run("init", project, "--module", project / "it's.wasm").code == 0
    assert '"../it\'s.wasm"' in (project / "tests" / "conftest.py").read_text()
    assert passed(project) == "2 passed"


def test_what_a_script_gets(run: Run, tmp_path: Path) -> None:
    assert json.loads(run("init", "--json").out) == {"written": list(FILES)}


def test_nothing_is_overwritten_by_accident(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / FILES[0]).write_text("mine")
    assert run("init") == Ran(1, "", "inner-universe: tests/conftest.py is there already; --force overwrites\n")
    assert (tmp_path / FILES[0]).read_text() == "mine"
    assert not (tmp_path / FILES[1]).exists()
    assert run("init", "--force").code == 0
    assert (tmp_path / FILES[0]).read_text() != "mine"
    assert run("init").err == (
        "inner-universe: tests/conftest.py and tests/test_universe.py are there already; --force overwrites\n"
    )


def test_places_and_modules_that_are_none(run: Run, tmp_path: Path) -> None:
    assert run("init", "nowhere") == Ran(2, "", "inner-universe: nowhere is no folder\n")
    assert run("init", "--module", "nothing.wasm") == Ran(
        1,
        "",
        "inner-universe: cannot read the module nothing.wasm: No such file or directory\n"
        "  give the path of a compiled module (.wasm), as `spacetime build` or\n"
        "  `cargo build --release --target wasm32-unknown-unknown` writes it\n",
    )
    (tmp_path / "tests").write_text("a file")
    assert run("init", "--module", EVERY_TYPE) == Ran(1, "", "inner-universe: cannot write tests: File exists\n")
