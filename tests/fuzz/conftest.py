"""Input that nobody would send on purpose; more of it with `python -m pytest tests/fuzz --hypothesis-profile=thorough`."""

from __future__ import annotations

import logging
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.front import Front
from pytest_inner_universe.server.front.entry import Entry
from pytest_inner_universe.server.front.publishing import Publisher
from pytest_inner_universe.server.registry import Registry
from pytest_inner_universe.server.tokens import Credentials

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
MOST_MEMORY = 512 * 1024
"""KiB by which one test may make the process larger."""
CALL_SECONDS = 0.2


@pytest.fixture(autouse=True)
def _memory_has_bounds() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY


@pytest.fixture(scope="session", params=["1_4", "2_8"])
def module(request: pytest.FixtureRequest) -> Module:
    return Module.load_file(MODULES / f"every_type_{request.param}.wasm")


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    yield registry
    registry.close()


@pytest.fixture
def owner(registry: Registry) -> Credentials:
    return registry.authority.mint()


@pytest.fixture
def entry(registry: Registry, module: Module, owner: Credentials) -> Entry:
    """A database called ``here``."""
    Publisher(registry, CALL_SECONDS).create(module, owner.identity, "here")
    return registry.find("here")


@pytest.fixture
def front(registry: Registry, entry: Entry) -> Iterator[Front]:
    with Front(registry) as front:
        yield front


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        # Requests that are none are noted as errors by the library, which answers them as it should.
        if not isinstance(error, BadHttpMessage):
            self.texts.append(self.format(record))


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What was logged as a warning or an error: something that nobody foresaw."""
    handler = _Complaints()
    logging.getLogger().addHandler(handler)
    yield handler.texts
    logging.getLogger().removeHandler(handler)
