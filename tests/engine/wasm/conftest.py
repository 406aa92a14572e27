"""Started modules, and a host that stands in for a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.wasm.instance import CALL_LIMIT, Instance

from .guest import Guest, StandIn

MODULES = Path(__file__).parents[3] / "fixtures" / "modules"
NOBODY = bytes(32)
NO_CONNECTION = bytes(16)


class Stage:
    """A started module with its host, whose reducers can be called."""

    def __init__(self, module: Module, instance: Instance, host: StandIn) -> None:
        self.module = module
        self.instance = instance
        self.host = host

    def call(self, reducer: str | int = 0, *args: object, raw: bytes = b"") -> tuple[int, bytes]:
        """Call a reducer in a transaction that is committed when it returns 0."""
        if isinstance(reducer, str):
            definition = self.module.definition.reducers[reducer]
            reducer, raw = definition.id, definition.encode_args(*args)
        tx = self.host.tx = self.host.datastore.begin()
        done = False
        try:
            code, text = self.instance.call_reducer(reducer, NOBODY, NO_CONNECTION, 1, raw)
            done = code == 0
        finally:
            self.host.tx = None
            if done:
                tx.commit()
            else:
                tx.rollback()
        return code, text

    def rows(self, table: str) -> list[dict[str, object]]:
        """The committed rows of a table."""
        found = self.host.datastore.table(table)
        return [found.definition.row_codec.decode(row) for row in self.host.datastore.view().rows(found)]


Begin = Callable[..., Stage]


@pytest.fixture(params=[True, False], ids=["unchecked", "shims"])
def accelerate(request: pytest.FixtureRequest) -> bool:
    """Both ways of linking; tests that use this say what both have to do."""
    return bool(request.param)


@pytest.fixture
def begin(accelerate: bool) -> Iterator[Begin]:
    """Start a module, given as bytes or loaded."""
    made: list[Instance] = []
    loaded: list[Module] = []

    def start(source: bytes | Module, call_limit: float | None = CALL_LIMIT) -> Stage:
        if isinstance(source, bytes):
            source = Module.load(source, "puppet.wasm")
            loaded.append(source)
        host = StandIn(source.definition)
        instance = source.new_instance(host, call_limit, accelerate)
        made.append(instance)
        return Stage(source, instance, host)

    yield start
    for instance in made:
        instance.close()
    for module in loaded:
        module.close()


@pytest.fixture(scope="session")
def every_type() -> Iterator[Module]:
    module = Module.load_file(MODULES / "every_type_1_4.wasm")
    yield module
    module.close()


@pytest.fixture(scope="session")
def every_type_2() -> Iterator[Module]:
    module = Module.load_file(MODULES / "every_type_2_8.wasm")
    yield module
    module.close()


@pytest.fixture(params=["every_type", "every_type_2"])
def real(request: pytest.FixtureRequest) -> Module:
    """The test module, as built with the bindings 1.4 and with 2.8."""
    module = request.getfixturevalue(request.param)
    assert isinstance(module, Module)
    return module


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INNER_UNIVERSE_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def outside() -> Iterator[Guest]:
    guest = Guest()
    yield guest
    guest.memory.close()
    guest.store.close()


@pytest.fixture
def guest(outside: Guest) -> Iterator[Guest]:
    """A guest inside a transaction."""
    tx = outside.host.tx = outside.host.datastore.begin()
    yield outside
    tx.rollback()
