"""Imports bring back what was there, to the byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.metadata import entity_metadata, relation_metadata

if TYPE_CHECKING:
    from pytest_inner_universe.testing.universe import Universe

DELTA = {"description": "step", "author": None, "tags": ["t"], "parent_delta_id": None}
IMPORTS = {
    "entity": "import_entities",
    "relation": "import_relations",
    "state_version": "import_state_versions",
    "delta_record": "import_deltas",
    "event_log": "import_events",
    "state_snapshot": "import_snapshots",
    "metric": "import_metrics",
    "config": "import_configuration",
}
KEYS = {
    "state_version": "version_id",
    "delta_record": "delta_id",
    "event_log": "event_id",
    "state_snapshot": "version_id",
}
KINDS = {
    "entity": "Entity",
    "relation": "Relation",
    "state_version": "State version",
    "delta_record": "Delta",
    "event_log": "Event",
    "state_snapshot": "State snapshot",
    "metric": "Metric",
}


@pytest.fixture
def filled(universe: Universe) -> None:
    """Rows in every table, and no events of connections."""
    universe.call("admin_operation", "feature_enable_connection_events", "false")
    universe.call("create_entity", "e1", "Person", entity_metadata())
    universe.call("create_relation", "r1", "e1", "e1", "KNOWS", relation_metadata())
    universe.call("commit_state_version", "v1", None, "d", "h")
    universe.call("record_delta", "d1", "v1", [], DELTA)
    universe.call("store_state_snapshot", "v1", "json", "{}")
    universe.call("record_metric", "m1", "load", "gauge", 1.0, "{}")
    universe.call("grant_permission", None, "publish_event", "X")
    universe.call("grant_admin", bytes(32).hex())


def sorted_rows(universe: Universe, table: str) -> list[str]:
    return sorted(map(repr, universe.rows(table)))


@pytest.mark.usefixtures("filled")
def test_a_backup_is_restored_exactly(universe: Universe) -> None:
    backup = {table: universe.rows(table) for table in IMPORTS}
    before = {table: sorted_rows(universe, table) for table in universe.schema.tables}
    universe.call("clear_for_import")
    assert [table for table in IMPORTS if universe.count(table)] == []
    for table, reducer in IMPORTS.items():
        universe.call(reducer, backup[table])
        universe.call(reducer, backup[table])
    assert {table: sorted_rows(universe, table) for table in universe.schema.tables} == before


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("table", list(KINDS))
def test_import_refuses_a_row_that_differs_from_the_stored_one(universe: Universe, refused: Any, table: str) -> None:
    key = KEYS.get(table, "id")
    stored = universe.rows(table)[0]
    timestamp = next(name for name in ("created_at", "timestamp") if name in stored)
    other = {**stored, timestamp: type(stored[timestamp])(1)}
    assert refused(IMPORTS[table], [stored, other]) == (
        f"Item 1 ({stored[key]}): {KINDS[table]} already exists with other content: {stored[key]}"
    )
    assert refused(IMPORTS[table], [{**stored, key: ""}]) == f"Item 0 (): Invalid {key}: must not be empty"


def test_import_of_configuration_replaces(universe: Universe, refused: Any) -> None:
    (row,) = [row for row in universe.rows("config") if row["key"] == "log_level"]
    changed = {**row, "value": "trace", "description": None}
    universe.call("import_configuration", [changed])
    assert [row for row in universe.rows("config") if row["key"] == "log_level"] == [changed]
    assert refused("import_configuration", [{**row, "key": ""}]) == "Item 0 (): Invalid key: must not be empty"
