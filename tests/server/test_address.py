"""A universe's address: what other programs see of an embedded database."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_inner_universe.testing.universe import Universe

MODULE = Path(__file__).parents[2] / "fixtures" / "modules" / "every_type_1_4.wasm"


@pytest.fixture
def universe() -> Iterator[Universe]:
    with Universe.embedded(MODULE) as universe:
        yield universe


def ask(universe: Universe, method: str, path: str, body: bytes | None = None, token: str | None = None) -> bytes:
    request = urllib.request.Request(f"{universe.url}/v1/database/{universe.name}/{path}", data=body, method=method)
    request.add_header("Content-Type", "application/json")
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        data: bytes = answer.read()
        return data


def test_other_programs_call_and_read(universe: Universe) -> None:
    ask(universe, "POST", "call/add_person", json.dumps(["Ada", 1, 36]).encode())
    assert [row["name"] for row in universe.rows("person")] == ["Ada"]
    (result,) = json.loads(ask(universe, "POST", "sql", b"SELECT name FROM person"))
    assert result["rows"] == [["Ada"]]


def test_tokens_speak_for_the_people_of_the_universe(universe: Universe) -> None:
    ask(universe, "POST", "call/own_team", json.dumps([7, "hers"]).encode(), universe.actor("alice").token)
    assert [row["owner"] for row in universe.rows("team") if row["id"] == 7] == [universe.actor("alice").identity]
    (result,) = json.loads(ask(universe, "POST", "sql", b"SELECT text FROM secret", universe.token))
    assert result["rows"] == [["hidden"]]


def test_the_address_is_on_loopback_and_stays(universe: Universe) -> None:
    assert universe.url.startswith("http://127.0.0.1:")
    assert universe.url == universe.url


def test_after_the_end_nobody_listens() -> None:
    with Universe.embedded(MODULE) as universe:
        url = universe.url
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{url}/v1/ping", timeout=10)
