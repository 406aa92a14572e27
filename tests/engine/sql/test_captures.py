"""SQL as a real server answered it: the recorded HTTP requests against the same data."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from support.sql_store import Store

from pytest_inner_universe.engine.sql import SqlError, execute, parse_subscription
from pytest_inner_universe.sats import Identity, decode_definition
from pytest_inner_universe.sats.sats_json import json_codec

VECTORS = Path(__file__).parents[3] / "fixtures" / "vectors"


def _recorded(name: str) -> list[dict[str, Any]]:
    with gzip.open(VECTORS / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


HTTP = _recorded("2.8.3/http.jsonl.gz")
SQL = [entry for entry in HTTP if entry["path"].endswith("/sql")]
BEFORE_SQL = HTTP[: HTTP.index(SQL[0])]
OWNER = Identity.from_hex(next(e["headers"]["spacetime-identity"] for e in SQL if e["authorized"] == "owner"))


def _database() -> Store:
    """The database of the recording just before its first statement."""
    definition = decode_definition(bytes.fromhex((VECTORS / "definition-bindings-2.8.hex").read_text()))
    store = Store(definition=definition)
    store.change({"team": [(1, OWNER, "first")], "secret": [(1, "hidden")]})
    for entry in BEFORE_SQL:
        if entry["status"] != 200 or "/call/" not in entry["path"]:
            continue
        reducer = definition.reducers[entry["path"].rpartition("/")[2]]
        args = json_codec(reducer.params).loads(entry["request"])
        if reducer.name == "add_person":
            store.change({"person": [(0, args["name"], args["team"], args["age"])]})
        elif reducer.name == "put_every":
            row = args["row"]
            old = store.rows(f"SELECT * FROM every_type WHERE id = {row['id']}")
            store.change({"every_type": [tuple(row.values())]}, {"every_type": old})
    return store


@pytest.fixture
def recorded_database() -> Store:
    return _database()


def _run(store: Store, entry: dict[str, Any]) -> Any:
    caller = Identity.from_hex(entry["headers"]["spacetime-identity"])
    tx = store.datastore.begin()
    try:
        return execute(tx, entry["request"], caller, caller == OWNER)
    finally:
        tx.rollback()


@pytest.mark.parametrize("entry", [e for e in SQL if e["status"] != 200], ids=lambda e: e["request"] or "empty")
def test_refusals_have_the_recorded_words(recorded_database: Store, entry: dict[str, Any]) -> None:
    with pytest.raises(SqlError) as caught:
        _run(recorded_database, entry)
    assert caught.value.reason == entry["response"]


@pytest.mark.parametrize(
    "entry", [e for e in SQL if e["status"] == 200 and " st_" not in e["request"]], ids=lambda e: e["request"]
)
def test_answers_have_the_recorded_columns_rows_and_counts(recorded_database: Store, entry: dict[str, Any]) -> None:
    """INSERT, UPDATE and DELETE in the recording act on a row that the statements before them have made."""
    if entry["request"].startswith(("UPDATE", "DELETE")):
        recorded_database.sql("INSERT INTO person (id, name, team, age) VALUES (0, 'Eve', 5, 20)")
    result = _run(recorded_database, entry)
    (answer,) = json.loads(entry["response"])
    assert [name for name, _ in result.columns] == [e["name"]["some"] for e in answer["schema"]["elements"]]
    codecs = [json_codec(type_) for _, type_ in result.columns]
    rows = [[codec.encode(value, dynamic=True) for codec, value in zip(codecs, row)] for row in result.rows]
    assert json.loads(json.dumps(rows)) == answer["rows"]
    assert answer["stats"] == {
        "rows_inserted": result.inserted,
        "rows_deleted": result.deleted,
        "rows_updated": result.updated,
    }


SUBSCRIBED = [
    (entry["note"], json.loads(entry["text"])["SubscribeMulti"]["query_strings"])
    for entry in _recorded("2.8.3/v1.json.jsonl.gz")
    if entry["scenario"] == "queries" and entry["dir"] == "c2s" and "SubscribeMulti" in entry["text"]
]


def test_the_recorded_subscriptions_parse_as_they_did() -> None:
    """Their texts in full, with the tables they need, are tested with subscriptions; here only the grammar."""
    refused = []
    for _, queries in SUBSCRIBED:
        for query in queries:
            try:
                parse_subscription(query)
            except SqlError as error:
                refused.append((query, error.reason))
    assert refused == [
        ("SELECT * FROM *", "sql parser error: Expected identifier, found: * at Line: 1, Column 15"),
        ("SELECT * FROM person ORDER BY id", "Unsupported: SELECT * FROM person ORDER BY id"),
        ("SELECT * FROM person LIMIT 1", "Unsupported: SELECT * FROM person LIMIT 1"),
        ("SELECT * FROM person WHERE name LIKE 'A%'", "Unsupported expression: name LIKE 'A%'"),
        ("SELEC", "sql parser error: Expected an SQL statement, found: SELEC at Line: 1, Column 1"),
        ("", "Empty SQL query"),
    ]
