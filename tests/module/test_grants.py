from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.metadata import entity_metadata, relation_metadata

if TYPE_CHECKING:
    from pytest_inner_universe.testing.universe import Actor, Universe


@pytest.fixture
def bob(universe: Universe) -> Actor:
    """Somebody who is neither owner nor admin."""
    return universe.actor("bob")


@pytest.fixture
def closed(universe: Universe) -> None:
    """Nobody may do anything without a grant."""
    universe.call("admin_operation", "permission_default", "deny")


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("everybody", [True, False])
@pytest.mark.parametrize("action", ["create_entity", "*"])
@pytest.mark.parametrize("entity_type", ["Person", "*"])
def test_grants_that_match(
    universe: Universe,
    bob: Actor,
    refused: Any,
    everybody: bool,
    action: str,
    entity_type: str,
) -> None:
    grantee = None if everybody else bob.identity
    universe.call("grant_permission", grantee, action, entity_type)
    bob.call("create_entity", "e1", "Person", entity_metadata())
    universe.call("revoke_permission", grantee, action, entity_type)
    assert refused("create_entity", "e2", "Person", entity_metadata(), by=bob) == (
        "Permission denied: create_entity on Person"
    )


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize(
    ("grantee", "action", "entity_type"),
    [("eve", "create_entity", "Person"), ("bob", "update_entity", "Person"), ("bob", "create_entity", "Robot")],
)
def test_grants_that_do_not_match(
    universe: Universe, bob: Actor, refused: Any, grantee: str, action: str, entity_type: str
) -> None:
    universe.call("grant_permission", universe.actor(grantee).identity, action, entity_type)
    assert refused("create_entity", "e1", "Person", entity_metadata(), by=bob) == (
        "Permission denied: create_entity on Person"
    )


@pytest.mark.usefixtures("closed")
def test_cascade_needs_the_permission_for_relations_too(universe: Universe, bob: Actor, refused: Any) -> None:
    universe.call("create_entity", "e1", "Person", entity_metadata())
    universe.call("create_relation", "r1", "e1", "e1", "KNOWS", relation_metadata())
    universe.call("grant_permission", bob.identity, "delete_entity", "*")
    assert refused("delete_entity", "e1", True, by=bob) == "Permission denied: delete_relation on KNOWS"
    universe.call("grant_permission", bob.identity, "delete_relation", "KNOWS")
    bob.call("delete_entity", "e1", True)
    assert universe.count("entity") == universe.count("relation") == 0
