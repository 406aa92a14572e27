"""The Inner Universe module as a subject of the parity machine."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.sats import Identity

from .statements import Statements, Table, quoted, short
from .subject import Call, Subject, bad_calls

IDS = st.sampled_from(["a", "b", "c", "d", "", "it's"])
TYPES = st.sampled_from(["Person", "Place", "Thing", ""])
JSON = st.sampled_from(["{}", '{"a":1}', '{"b":[1,2.5,null]}', "[]", "not json", '{"a": 1}', '"text"'])
TAGS = st.lists(st.sampled_from(["x", "y", "\u00e9"]), max_size=2)
TEXTS = st.sampled_from(["", "one", "two", "\u00e9\U0001f600"])
MAYBE = st.none() | TEXTS
ENTITY = st.fixed_dictionaries({"name": MAYBE, "description": MAYBE, "tags": TAGS, "properties": JSON})
RELATION = st.fixed_dictionaries(
    {
        "description": MAYBE,
        "strength": st.sampled_from([0.0, 0.5, 1.0, -1.0, 2.0, 1e300]),
        "bidirectional": st.booleans(),
        "tags": TAGS,
        "properties": JSON,
    }
)
ACTIONS = st.sampled_from(["create_entity", "publish_event", "record_metric", "*", "fly", ""])
DELTA = st.fixed_dictionaries(
    {
        "operation_type": st.sampled_from(["Set", "Delete", "Insert", "Remove", "Patch"]),
        "path": st.sampled_from(["/a", "a.b", ""]),
        "value": st.none() | JSON,
        "index": st.none() | st.integers(0, 3),
        "patch": st.none() | JSON,
    }
)
DELTA_METADATA = st.fixed_dictionaries(
    {"description": TEXTS, "author": MAYBE, "tags": TAGS, "parent_delta_id": st.none() | IDS}
)


def _records(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.fixed_dictionaries(fields), max_size=3)


def calls() -> st.SearchStrategy[Call]:
    """Calls of all reducers."""

    def call(reducer: str, *args: st.SearchStrategy[Any]) -> st.SearchStrategy[Call]:
        return st.tuples(*args).map(lambda values: Call(reducer, values))

    somebody = st.none() | st.just(Identity(bytes(32)))
    create = call("create_entity", IDS, TYPES, ENTITY)
    relate = call("create_relation", IDS, IDS, IDS, TYPES, RELATION)
    return st.one_of(
        create,
        create,
        relate,
        relate,
        call("create_entities", _records(id=IDS, entity_type=TYPES, metadata=ENTITY)),
        call("update_entity", IDS, ENTITY),
        call("delete_entity", IDS, st.booleans()),
        call(
            "create_relations",
            _records(id=IDS, from_entity=IDS, to_entity=IDS, relation_type=TYPES, metadata=RELATION),
        ),
        call("update_relation", IDS, RELATION),
        call("delete_relation", IDS),
        call("publish_event", IDS, TYPES, st.none() | IDS, JSON),
        call("publish_events", _records(event_id=IDS, event_type=TYPES, source=st.none() | IDS, data=JSON)),
        call("commit_state_version", IDS, st.none() | IDS, TEXTS, TEXTS),
        call("record_delta", IDS, IDS, st.lists(DELTA, max_size=2), DELTA_METADATA),
        call("store_state_snapshot", IDS, TEXTS, TEXTS),
        call("record_metric", IDS, TYPES, TEXTS, st.sampled_from([0.0, 1.5, -1e10]), JSON),
        call("grant_permission", somebody, ACTIONS, TYPES),
        call("revoke_permission", somebody, ACTIONS, TYPES),
        call("grant_admin", st.just(Identity(bytes(32)))),
        call("revoke_admin", st.just(Identity(bytes(32)))),
        call("admin_operation", st.sampled_from(["permission_default", "log_level", ""]), st.sampled_from(["deny", "allow"])),
        call("admin_operation", st.just("feature_enable_audit_log"), st.sampled_from(["false", "true"])),
        call("truncate_all"),
        call("clear_for_import"),
    )  # fmt: skip


STATEMENTS = Statements(
    Table(
        "entity",
        {"id": quoted(IDS), "entity_type": quoted(TYPES), "created_at": st.just("'2020-01-01T00:00:00Z'")},
        None,
        (("relation", "a.id = b.from_entity"), ("relation", "a.id = b.to_entity"), ("event_log", "a.id = b.event_id")),
    ),
    Table(
        "relation",
        {"id": quoted(IDS), "from_entity": quoted(IDS), "to_entity": quoted(IDS), "relation_type": quoted(TYPES)},
        None,
        (("entity", "a.to_entity = b.id"), ("relation", "a.to_entity = b.from_entity")),
    ),
    Table("event_log", {"event_type": st.just("'ENTITY_CREATED'"), "data": quoted(JSON)}),
    Table("state_version", {"version_id": quoted(IDS), "owner": st.just(":sender"), "description": quoted(TEXTS)}),
    Table("delta_record", {"delta_id": quoted(IDS), "state_version_id": quoted(IDS)}),
    Table("metric", {"id": quoted(IDS), "value": st.sampled_from(["0", "1.5", "-1e10"]), "name": quoted(TYPES)}),
    Table("client_connection", {"identity": st.just(":sender"), "connection_id": st.just("0x" + "00" * 15 + "01")}),
    Table("config", {"key": st.sampled_from(["'log_level'", "'nope'"]), "value": quoted(TEXTS)}),
    Table("permission", {"id": quoted(IDS), "action": quoted(ACTIONS)}),
    Table("admin", {"identity": st.just(":sender")}),
)


def subject(module: Module) -> Subject:
    """Return the subject."""
    return Subject(
        "inner_universe",
        module,
        short(st.one_of(calls(), calls(), calls(), calls(), bad_calls(module.definition))),
        STATEMENTS,
        ("create_entities", bytes(4), "[[]]"),
    )
