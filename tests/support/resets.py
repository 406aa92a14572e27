"""Tests for runs of pytest inside the tests, each of which fails if it sees what another one left."""

from __future__ import annotations

from collections.abc import Iterable

_TEST = """
def test_{name}(universe):
    assert universe.sql("SELECT * FROM event_log WHERE event_type = 'LEFT'") == []
    assert universe.count("entity") == 0
    for caller in (universe, universe.actor("alice")):
        caller.call("publish_event", caller.name, "LEFT", None, "{{}}")
    universe.call("create_entity", "e", "T", {{"name": None, "description": None, "tags": [], "properties": "{{}}"}})
"""


def leaving_tests(names: Iterable[str]) -> str:
    """Return a file of tests with these names, in this order."""
    return "".join(_TEST.format(name=name) for name in names)
