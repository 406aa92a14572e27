"""Calling reducers and reading rows, synchronously."""

import pytest

from pytest_inner_universe.client.errors import ReducerFailed

ADA = {"name": "Ada", "description": None, "tags": [], "properties": "{}"}


def test_rows_can_be_queried(universe):
    universe.call("create_entity", "ada", "Person", ADA)
    universe.call("create_entity", "london", "Place", {**ADA, "name": "London"})

    assert [row["id"] for row in universe.sql("SELECT * FROM entity WHERE entity_type = 'Place'")] == ["london"]


def test_a_refused_call_changes_nothing(universe):
    with pytest.raises(ReducerFailed) as refused:
        universe.call("create_entity", "ada", "", ADA)

    assert refused.value.message == "Invalid entity_type: must not be empty"
    assert universe.count("entity") == 0


def test_users_have_identities_of_their_own(universe):
    universe.actor("alice").call("publish_event", "event-1", "GREETING", None, "{}")

    assert universe.actor("alice").identity != universe.actor("bob").identity
    assert universe.count("event_log") >= 1


@pytest.mark.universe(parity=False, reason="a real server remembers no states")
def test_a_state_can_be_remembered(universe):
    universe.call("create_entity", "ada", "Person", ADA)
    universe.snapshot("with ada")
    universe.call("delete_entity", "ada", False)

    universe.restore("with ada")
    assert universe.count("entity") == 1
