"""Databases by name and identity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_inner_universe.engine.clock import ManualClock
from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.sats import Identity
from pytest_inner_universe.server.embedded import EmbeddedServer
from pytest_inner_universe.server.errors import InvalidName, NameTaken, NoSuchDatabase, NotOwner
from pytest_inner_universe.server.registry import Registry

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
OTHER = Identity.derive("tests", "other")


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(Module.load_file(MODULES / "every_type_1_4.wasm"), clock=ManualClock)
    yield server
    server.close()


@pytest.fixture
def database(server: EmbeddedServer) -> Callable[[], Database]:
    return server.database


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    yield registry
    registry.close()


def test_a_database_is_found_by_name_and_identity(registry: Registry, database: Callable[[], Database]) -> None:
    entry = registry.add(database())
    assert registry.find(entry.database.name) is entry
    assert registry.find(entry.database.identity.hex()) is entry
    assert registry.find(f"0x{entry.database.identity.hex()}") is entry
    assert registry.names(entry) == [entry.database.name]
    assert registry.owned_by(entry.database.owner) == [entry.database.identity]


def test_forks_share_an_identity_and_the_newest_has_it(registry: Registry, database: Callable[[], Database]) -> None:
    first, second = registry.add(database()), registry.add(database())
    identity = first.database.identity.hex()
    assert registry.find(identity) is second
    registry.remove(second.database)
    assert registry.find(identity) is first


@pytest.mark.parametrize("name", ["Capital", "under_score", "", "-x", "x-", "a--b", "ä", "x.y", "x\n"])
def test_what_is_no_name_is_not_looked_for(registry: Registry, name: str) -> None:
    with pytest.raises(InvalidName):
        registry.find(name)


def test_an_unknown_name_and_an_unknown_identity_are_told_apart(registry: Registry) -> None:
    with pytest.raises(NoSuchDatabase) as by_name:
        registry.find("nowhere")
    assert str(by_name.value) == "there is no database 'nowhere'"
    with pytest.raises(NoSuchDatabase) as by_identity:
        registry.find("0" * 64)
    assert str(by_identity.value) == f"there is no database '{'0' * 64}' any more, it was deleted"


def test_what_was_removed_is_not_there_and_goes_on(registry: Registry, database: Callable[[], Database]) -> None:
    added = database()
    registry.add(added)
    registry.remove(added)
    registry.remove(added)
    assert not added.closed
    with pytest.raises(NoSuchDatabase):
        registry.find(added.name)
    registry.add(added)


def test_a_name_is_given_once(registry: Registry, database: Callable[[], Database]) -> None:
    added = database()
    registry.add(added)
    with pytest.raises(NameTaken) as caught:
        registry.add(added)
    assert str(caught.value) == f"the name {added.name!r} is in use"


def test_names_come_and_go(registry: Registry, database: Callable[[], Database]) -> None:
    entry, other = registry.add(database()), registry.add(database())
    registry.add_name(entry, "second")
    assert registry.names(entry) == [entry.database.name, "second"]
    with pytest.raises(NameTaken):
        registry.add_name(other, "second")
    with pytest.raises(NameTaken):
        registry.set_names(entry, ["second"])
    with pytest.raises(InvalidName):
        registry.set_names(entry, ["third", "No"])
    registry.set_names(entry, ["third"])
    assert registry.names(entry) == ["third"]
    with pytest.raises(NoSuchDatabase):
        registry.find("second")


def test_only_the_owner_may(registry: Registry, database: Callable[[], Database]) -> None:
    entry = registry.add(database())
    name, owner = entry.database.name, entry.database.owner
    assert registry.owned(name, owner, "look") is entry
    with pytest.raises(NotOwner) as caught:
        registry.delete(name, OTHER)
    assert str(caught.value) == (
        f"{OTHER.hex()} is not authorized to perform action on database {entry.database.identity.hex()}: delete database"
    )


def test_a_deleted_database_leaves_its_name_and_identity(registry: Registry, database: Callable[[], Database]) -> None:
    entry = registry.add(database())
    name, identity, owner = entry.database.name, entry.database.identity, entry.database.owner
    registry.delete(name, owner)
    registry.delete(name, owner)
    assert entry.database.closed
    with pytest.raises(NoSuchDatabase) as caught:
        registry.find(name)
    assert caught.value.was_there
    assert registry.identity_for(name) == identity
    assert registry.identity_for(None) != registry.identity_for(None)


def test_closing_ends_what_was_published_here_and_nothing_else(database: Callable[[], Database]) -> None:
    registry, added, own = Registry(), database(), database()
    registry.add(added)
    registry.enter(own, "own", is_live=True)
    registry.close()
    assert (added.closed, own.closed) == (False, True)
