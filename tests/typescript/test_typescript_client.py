"""What the official TypeScript client sees of the embedded server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(240)

Run = Callable[[str], Any]


def test_it_connects_and_is_given_an_identity_and_a_token(run: Run) -> None:
    seen = run("connect")
    assert seen["identity"].startswith("c200")
    assert len(seen["token"].split(".")) == 3
    assert (seen["same"], seen["active"]) == (True, True)


def test_callbacks_tell_of_inserts_updates_and_deletes(run: Run) -> None:
    ada = [["insert", "Ada", 36], ["update", "Ada", 36, 37], ["delete", "Ada", 37]]
    assert run("changes") == {
        "atOnce": [["insert", "Ada", 36]],
        "own": [ada[0], ["insert", "Bob", 20], *ada[1:]],
        "others": ada,
        "left": ["Bob"],
    }


def test_errors_come_with_their_kind_and_text(run: Run) -> None:
    assert run("errors") == {
        "fails": ["SenderError", "my text ✗"],
        "panics": ["InternalError", "The instance encountered a fatal error."],
        "unknown": ["InternalError", "no such reducer"],
        "after": None,
        "query": "no such table: `nowhere`. If the table exists, it may be marked private., "
        "executing: `SELECT * FROM nowhere`",
    }


def test_every_type_goes_there_and_back(run: Run) -> None:
    assert run("every_type") == {"columns": 30, "mismatches": []}


def test_unsubscribing_takes_the_rows_away_and_ends_the_news(run: Run) -> None:
    assert run("unsubscribe") == {
        "before": ["Ada"],
        "after": [],
        "changes": [["insert", "Ada", 36], ["delete", "Ada", 36]],
        "active": False,
    }


def test_a_token_brings_the_identity_back(run: Run) -> None:
    assert run("reconnect") == {"same": True, "names": ["Ada"]}


def test_large_transactions_arrive_plain_and_packed(run: Run) -> None:
    assert run("large") == {"none": 5000, "gzip": 6000}


def test_a_thousand_calls_in_flight_are_answered_in_order(run: Run) -> None:
    assert run("many_calls") == {"ordered": True, "rows": 1000}


def test_a_bad_token_and_a_closed_door_are_connect_errors(run: Run) -> None:
    seen = run("refused")
    assert seen["token"] == ["Error", "Failed to verify token: Unauthorized"]
    assert seen["door"] is not None


def test_a_deleted_database_disconnects(run: Run) -> None:
    assert run("deleted") == {"gone": True}
