"""``init``: a conftest and a first test for a project."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .failures import OK, USAGE, CommandError
from .output import Output
from .parsing import Commands, add_json, command

_CONFTEST = '''\
"""What the tests of this folder share. `universe` comes from the plugin: a SpacetimeDB database for every test."""

import pytest


@pytest.fixture
def ada(universe):
    """The id of a person who is there when a test begins."""
    metadata = {"name": "Ada", "description": None, "tags": [], "properties": "{}"}
    universe.call("create_entity", "ada", "Person", metadata)
    return "ada"
'''
_TEST = '''\
"""A first test: every test has a database of its own, with the module in it."""


def test_ada_is_there(universe, ada):
    (person,) = universe.sql(f"SELECT * FROM entity WHERE id = '{ada}'")

    assert person["entity_type"] == "Person"
    assert person["metadata"]["name"] == "Ada"


def test_every_test_starts_clean(universe):
    assert universe.count("entity") == 0
'''
_OWN_CONFTEST = '''\
"""What the tests of this folder share. `universe` comes from the plugin: a SpacetimeDB database for every test."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def universe_module_path():
    """The module that every universe holds."""
    return Path(__file__).parent / {path!r}
'''
_OWN_TEST = '''\
"""A first test: every test has a database of its own, with the module in it."""


def test_the_module_is_published(universe):
    assert list(universe.schema.tables) == {tables!r}
    assert list(universe.schema.reducers) == {reducers!r}


def test_tables_can_be_read(universe):
    for table in universe.schema.tables:
        assert universe.count(table) == len(universe.rows(table))
'''


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = command(
        commands,
        "init",
        init,
        "write a conftest and a first test into a project",
        "Write conftest.py and test_universe.py into the folder tests of a project. `python -m pytest` passes then.",
    )
    parser.add_argument("project", nargs="?", default=".", metavar="DIR", help="the project (default: where you are)")
    parser.add_argument(
        "--module", metavar="FILE", help="the module to test (default: Inner Universe, which is shipped)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite files that are there")
    add_json(parser, "the paths of the files as one JSON object")


def init(options: argparse.Namespace) -> int:
    """Run the command."""
    project = Path(options.project)
    if not project.is_dir():
        raise CommandError(f"{project} is no folder", USAGE)
    folder = project / "tests"
    texts = _texts(folder, options.module)
    files = {folder / name: text for name, text in texts.items()}
    there = [str(file) for file in files if file.exists() or file.is_symlink()]
    if there and not options.force:
        raise CommandError(
            f"{' and '.join(there)} {'is' if len(there) == 1 else 'are'} there already; --force overwrites"
        )
    try:
        folder.mkdir(exist_ok=True)
        for file, text in files.items():
            file.write_text(text, "utf-8")
    except OSError as error:
        raise CommandError(f"cannot write {error.filename}: {error.strerror}") from error
    output = Output(options.as_json)
    if output.as_json:
        output.json({"written": [str(file) for file in files]})
    else:
        output.line("\n".join([*(f"wrote {file}" for file in files), "run them with: python -m pytest"]))
    return OK


def _texts(folder: Path, module: str | None) -> dict[str, str]:
    if module is None:
        return {"conftest.py": _CONFTEST, "test_universe.py": _TEST}
    from ..engine.module import Module

    definition = Module.load_file(module).definition
    path = Path(os.path.relpath(module, folder)).as_posix()
    return {
        "conftest.py": _OWN_CONFTEST.format(path=path),
        "test_universe.py": _OWN_TEST.format(tables=[*definition.tables], reducers=[*definition.reducers]),
    }
