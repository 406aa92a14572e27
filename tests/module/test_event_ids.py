from __future__ import annotations

import re

from support.metadata import entity_metadata

from pytest_inner_universe.engine.clock import ManualClock
from pytest_inner_universe.testing.universe import Universe

UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def test_ids_of_the_modules_own_events(universe: Universe) -> None:
    new = [{"id": f"e{number}", "entity_type": "T", "metadata": entity_metadata()} for number in range(50)]
    universe.call("create_entities", new[:40])
    for entity in new[40:]:
        universe.call("create_entities", [entity])
    ids = [row["event_id"] for row in universe.rows("event_log")]
    assert len(set(ids)) == len(ids) > 50
    assert [event_id for event_id in ids if not re.fullmatch(UUID4, event_id)] == []


def test_switching_the_audit_log_is_written_in_both_directions(universe: Universe) -> None:
    for value in ("false", "true"):
        universe.call("admin_operation", "feature_enable_audit_log", value)
    events = [row for row in universe.rows("event_log") if row["event_type"] == "CONFIG_UPDATED"]
    assert [event["source"] for event in events] == ["feature_enable_audit_log"] * 2


def test_ids_differ_while_time_stands_still() -> None:
    with Universe.embedded(clock=ManualClock()) as universe:
        for number in range(20):
            universe.call("create_entity", f"e{number}", "T", entity_metadata())
        ids = [row["event_id"] for row in universe.rows("event_log") if row["event_type"] == "ENTITY_CREATED"]
    assert len(set(ids)) == 20
