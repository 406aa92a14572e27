"""Rows made again from the log: what its events carry, and what is done where they do not fit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from support.archives import contents, owner_of, rewritten

from pytest_inner_universe.persistence import (
    Archive,
    BackupError,
    ValidationError,
    export_database,
    restore_until,
    rewind_archive,
)
from pytest_inner_universe.persistence.archive.rebuilding import LogGap, Rebuilding
from pytest_inner_universe.sats import Timestamp
from pytest_inner_universe.testing.universe import Universe

METADATA: dict[str, Any] = {"description": None, "name": "Ada", "properties": {}, "tags": []}
LATER = Timestamp(2**60)


def event(at: int, kind: str, id: str = "e", **metadata: Any) -> dict[str, Any]:
    data = {"entity_id": id, "entity_type": "Person", "metadata": {**METADATA, **metadata}}
    return {"event_type": f"ENTITY_{kind}", "timestamp": at, "data": json.dumps(data)}


def rebuilt(events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    with Rebuilding() as state:
        state.follow(events)
        rows = [json.loads(text) for text in state.tables["entity"].lines()]
    return {row["id"]: (row["created_at"], row["updated_at"], row["metadata"]["name"]) for row in rows}


def test_rows_follow_their_events() -> None:
    created, updated, deleted = event(1, "CREATED"), event(2, "UPDATED", name="Bob"), event(3, "DELETED")
    assert rebuilt([created]) == {"e": (1, 1, "Ada")}
    assert rebuilt([created, updated]) == {"e": (1, 2, "Bob")}
    assert rebuilt([created, updated, deleted]) == {}
    assert rebuilt([created, updated, deleted, event(4, "CREATED", name="Eve")]) == {"e": (4, 4, "Eve")}


def test_changes_of_one_microsecond_come_in_the_only_order_that_fits() -> None:
    created, updated, deleted = event(1, "CREATED"), event(1, "UPDATED", name="Bob"), event(1, "DELETED")
    assert rebuilt([updated, created]) == {"e": (1, 1, "Bob")}
    assert rebuilt([deleted, updated, created]) == {}
    again = event(2, "CREATED", name="Eve")
    assert rebuilt([created, again, event(2, "DELETED")]) == {"e": (2, 2, "Eve")}
    assert rebuilt([created, updated, event(1, "UPDATED", name="Bob")]) == {"e": (1, 1, "Bob")}


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([event(1, "UPDATED")], "the log says that it was updated, but it was not there"),
        ([event(1, "CREATED"), event(2, "CREATED")], "the log says that it was created, but it was there"),
        (
            [event(1, "CREATED"), event(2, "UPDATED", name="Bob"), event(2, "UPDATED", name="Eve")],
            "it changed 2 times within a microsecond, in an order that the log does not tell",
        ),
        (
            [event(1, "CREATED"), *(event(2, "UPDATED") for _ in range(7))],
            "it changed 7 times within a microsecond, in an order that the log does not tell",
        ),
    ],
)
def test_a_log_that_does_not_fit(events: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(LogGap) as caught:
        rebuilt(events)
    assert (caught.value.table, caught.value.key, caught.value.reason) == ("entity", "e", reason)


@pytest.mark.parametrize("data", ["[]", "{}", '{"entity_id": "e", "entity_type": "Person", "metadata": 1}', "1"])
def test_events_of_others_with_such_a_type_make_no_rows(data: str) -> None:
    assert rebuilt([{"event_type": "ENTITY_CREATED", "timestamp": 1, "data": data}]) == {}


@pytest.mark.asyncio
async def test_properties_come_back_as_they_were_written(universe: Universe, tmp_path: Path) -> None:
    texts = [
        "{}",
        ' { "b" : 1.50, "a":"\\u00e9 }\\"" }\n',
        '{"properties":{"a":[{"properties":1}]},"tags":"x"}',
        '{"a":1,"a":2}',
    ]
    for number, text in enumerate(texts):
        metadata = {"name": 'n"}', "description": "{", "tags": ['"'], "properties": text}
        universe.call("create_entity", f"e{number}", "Person", metadata)
    relation: dict[str, Any] = {
        "description": None,
        "strength": 1e-7,
        "bidirectional": True,
        "tags": [],
        "properties": texts[1],
    }
    universe.call("create_relation", "r", "e0", "e1", "KNOWS", relation)
    universe.call("update_relation", "r", {**relation, "strength": 3.0})
    async with owner_of(universe) as client:
        archive = await export_database(client, tmp_path / "one")
    again = rewind_archive(archive, tmp_path / "two", LATER)
    assert contents(again) == contents(archive)


def test_an_event_that_somebody_forged(archive: Archive, tmp_path: Path) -> None:
    def forge(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        forged = event(rows[-1]["timestamp"], "DELETED", "ada")
        return [*rows, {"event_id": "zzz", "source": None, **forged}]

    bad = rewritten(archive, tmp_path / "bad", {"event_log": forge})
    with pytest.raises(BackupError) as caught:
        rewind_archive(bad, tmp_path / "earlier", LATER)
    assert str(caught.value) == (
        f"{bad.folder}: its event log does not account for table entity: replayed, it leads to 2 rows, and 3 are there, or "
        "they differ; was the audit log off for a while?"
    )
    assert not (tmp_path / "earlier").exists()


def test_a_log_that_lacks_its_beginning(archive: Archive, tmp_path: Path) -> None:
    bad = rewritten(
        archive,
        tmp_path / "bad",
        {
            "event_log": lambda rows: [
                row for row in rows if row["source"] != "bob" or row["event_type"] != "ENTITY_CREATED"
            ]
        },
    )
    with pytest.raises(BackupError) as caught:
        rewind_archive(bad.folder, tmp_path / "earlier", LATER)
    assert caught.value.reason.startswith("its event log cannot be replayed: entity bob at 20")
    assert caught.value.reason.endswith(": the log says that it was updated, but it was not there")


@pytest.mark.asyncio
async def test_a_database_goes_back_by_its_own_log(universe: Universe) -> None:
    async with owner_of(universe) as client:
        await client.create_entity("Person", {"name": "Ada"}, entity_id="ada")
        moment = (await client.get_entity("ada"))["updated_at"]
        await client.update_entity("ada", {"name": "Countess"})
        with pytest.raises(BackupError, match=r"say replace=True to give up what is in it$"):
            await restore_until(client, client, moment)
        await restore_until(client, client, moment.to_datetime(), replace=True)
        assert (await client.get_entity("ada"))["metadata"]["name"] == "Ada"


def test_a_moment_needs_a_time_zone(archive: Archive, tmp_path: Path) -> None:
    from datetime import datetime

    with pytest.raises(ValidationError) as caught:
        rewind_archive(archive, tmp_path / "earlier", datetime(2026, 1, 1))  # noqa: DTZ001  # that is the mistake
    assert str(caught.value) == (
        "moment: a Timestamp or a datetime with time zone is needed, got datetime.datetime(2026, 1, 1, 0, 0)"
    )
