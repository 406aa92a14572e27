"""Databases of the test module, straight from the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from pytest_inner_universe.engine.calls import CallOutcome
from pytest_inner_universe.engine.clients import Client
from pytest_inner_universe.engine.clock import ManualClock
from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.procedures import ProcedureOutcome
from pytest_inner_universe.engine.store.backing import visible_codec
from pytest_inner_universe.sats import ConnectionId, Identity
from pytest_inner_universe.sats.bsatn import codec
from pytest_inner_universe.wire.messages import PersistentTableRows, TransactionUpdate

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
OWNER = Identity.derive("tests", "owner")
ALICE = Identity.derive("tests", "alice")
BOB = Identity.derive("tests", "bob")


@pytest.fixture(scope="session")
def every_type() -> Module:
    return Module.load_file(MODULES / "every_type_1_4.wasm")


@pytest.fixture(scope="session")
def every_type_2() -> Module:
    return Module.load_file(MODULES / "every_type_2_8.wasm")


@pytest.fixture(scope="session")
def procedures() -> Module:
    return Module.load_file(MODULES / "procedures_2_8.wasm")


@pytest.fixture
def publish(every_type: Module) -> Iterator[Callable[..., Database]]:
    databases: list[Database] = []

    def make(module: Module = every_type, **options: object) -> Database:
        identity = Identity.derive("tests", "database")
        database = Database.publish(module, "test", OWNER, identity, **{"clock": ManualClock(), **options})  # type: ignore[arg-type]
        databases.append(database)
        return database

    yield make
    for database in databases:
        database.close()


@pytest.fixture
def database(publish: Callable[..., Database]) -> Database:
    return publish()


@pytest.fixture
def notes(publish: Callable[..., Database], procedures: Module) -> Database:
    """A database of the module with procedures and views."""
    return publish(procedures)


class Guest:
    """A client of a database that remembers what it was told."""

    def __init__(self, database: Database, identity: Identity = ALICE) -> None:
        self.database = database
        self.told: list[object] = []
        self.ended: list[tuple[int, str]] = []
        self.client: Client = database.connect(
            identity, ConnectionId.random(), self.told.append, lambda code, reason: self.ended.append((code, reason))
        )

    def call(self, reducer: str, *args: object) -> CallOutcome:
        outcomes: list[CallOutcome] = []
        data = self.database.module.definition.reducers[reducer].encode_args(*args)
        self.database.call(self.client, reducer, data, outcomes.append)
        return outcomes[0]

    def run(self, procedure: str, *args: object) -> ProcedureOutcome:
        outcomes: list[ProcedureOutcome] = []
        data = self.database.module.definition.procedures[procedure].encode_args(*args)
        self.database.call_procedure(self.client, procedure, data, outcomes.append)
        return outcomes[0]

    def returned(self, procedure: str, *args: object) -> object:
        outcome = self.run(procedure, *args)
        assert outcome.returned, outcome
        return codec(self.database.module.definition.procedures[procedure].return_type).decode(outcome.value)

    def subscribe(self, number: int, *queries: str) -> dict[str, list[dict[str, object]]]:
        """Subscribe, and return the rows of each table or view that is named in the answer."""
        answer = self.database.subscribe(self.client, number, list(queries))
        return {part.table: decoded(self.database, part.table, part.rows) for part in answer.tables}

    def news(self) -> list[dict[str, tuple[int, int]]]:
        """How many rows of each table or view came and went, by update; forgets them."""
        told, self.told[:] = [update for update in self.told if isinstance(update, TransactionUpdate)], []
        return [counted(update) for update in told]

    def call_raw(self, reducer: str, data: bytes) -> CallOutcome:
        outcomes: list[CallOutcome] = []
        self.database.call(self.client, reducer, data, outcomes.append)
        return outcomes[0]


def counted(update: TransactionUpdate | None) -> dict[str, tuple[int, int]]:
    """How many rows of each table or view an update brings and takes."""
    counts: dict[str, tuple[int, int]] = {}
    for part in [part for query_set in update.query_sets for part in query_set.tables] if update is not None else []:
        for change in part.rows:
            assert isinstance(change, PersistentTableRows)
            counts[part.table_name] = len(change.inserts), len(change.deletes)
    return counts


def decoded(database: Database, name: str, found: Iterable[bytes]) -> list[dict[str, object]]:
    """Rows as a client gets them."""
    codec_ = visible_codec(database.datastore.table(name).definition)
    return [codec_.decode(row) for row in found]


def rows(database: Database, name: str) -> list[dict[str, object]]:
    table = database.datastore.table(name)
    return [table.definition.row_codec.decode(row) for row in database.view().rows(table)]
