"""A socket front over databases of the test modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.http_requests import Requests

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.front import Front, Limits
from pytest_inner_universe.server.front.publishing import Publisher
from pytest_inner_universe.server.registry import Registry
from pytest_inner_universe.server.tokens import Credentials

MODULES = Path(__file__).parents[3] / "fixtures" / "modules"


@pytest.fixture(scope="session")
def wasm() -> bytes:
    return (MODULES / "every_type_1_4.wasm").read_bytes()


@pytest.fixture(scope="session")
def wasm_2() -> bytes:
    return (MODULES / "every_type_2_8.wasm").read_bytes()


@pytest.fixture(scope="session")
def module(wasm: bytes) -> Module:
    return Module.load(wasm)


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    yield registry
    registry.close()


@pytest.fixture
def serve(registry: Registry) -> Iterator[Callable[..., Front]]:
    fronts: list[Front] = []

    def start(**limits: float) -> Front:
        front = Front(registry, limits=Limits(**limits))  # type: ignore[arg-type]
        front.start()
        fronts.append(front)
        return front

    yield start
    for front in fronts:
        front.stop()


@pytest.fixture
def front(serve: Callable[..., Front]) -> Front:
    return serve()


@pytest.fixture
def owner(registry: Registry) -> Credentials:
    return registry.authority.mint()


@pytest.fixture
def request_(front: Front) -> Requests:
    """Requests of nobody in particular."""
    assert front.url is not None
    return Requests(front.url)


@pytest.fixture
def as_owner(front: Front, owner: Credentials) -> Requests:
    """Requests of whoever publishes."""
    assert front.url is not None
    return Requests(front.url, owner.token)


@pytest.fixture
def published(registry: Registry, module: Module, owner: Credentials) -> str:
    """Identity of a database that is published as ``here``, whichever front serves it."""
    return Publisher(registry).create(module, owner.identity, "here").identity.hex()
