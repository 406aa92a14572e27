"""Real servers. These tests are collected only where this folder is named: `python -m pytest tests/servers`.

They need a server program (`tools/install_server.py` builds one) and, for the half of them that runs in Docker, an engine and
an image, named in INNER_UNIVERSE_IMAGE (`tools/make_image.py` makes one). Nothing is skipped: what is missing is an error
that says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.binary import find_binary
from pytest_inner_universe.server.docker import DockerServer
from pytest_inner_universe.server.leftovers import Run
from pytest_inner_universe.server.process import ProcessServer
from pytest_inner_universe.server.remote import RemoteServer
from pytest_inner_universe.server.remote_handle import RemoteHandle

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / "fixtures" / "modules"
Open = Callable[..., RemoteHandle]


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    named = (Path(config.invocation_params.dir, argument.partition("::")[0]) for argument in config.args)
    return None if any(HERE in (path, *path.parents) for path in map(Path.resolve, named)) else True


@pytest.fixture(scope="session")
def image() -> str:
    name = os.environ.get("INNER_UNIVERSE_IMAGE")
    if not name:
        pytest.fail(
            "INNER_UNIVERSE_IMAGE has to name an image of a server; tools/make_image.py makes one", pytrace=False
        )
    return name


@pytest.fixture(scope="session")
def real_server() -> Path:
    """The program, looked for while the home is still the real one."""
    return find_binary().path


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with Run(tmp_path / "runs") as run:
        yield run


@pytest.fixture(scope="session", params=["process", "docker"])
def server(request: pytest.FixtureRequest) -> Iterator[RemoteServer]:
    """A server for all tests that do not end it."""
    made = ProcessServer() if request.param == "process" else DockerServer(request.getfixturevalue("image"))
    with made:
        yield made


@pytest.fixture(scope="session")
def module() -> Module:
    return Module.load_file(MODULES / "every_type_1_4.wasm")


@pytest.fixture
def open_database(server: RemoteServer, module: Module) -> Iterator[Open]:
    """Publish a module as a database of the test's own."""
    opened: list[RemoteHandle] = []

    def open_database(published: Module = module, **options: object) -> RemoteHandle:
        opened.append(server.database("test", published, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_database
    for handle in opened:
        handle.close()


@pytest.fixture
def database(open_database: Open) -> RemoteHandle:
    return open_database()
