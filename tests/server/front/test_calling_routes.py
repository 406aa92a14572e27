"""Calls, SQL and logs over HTTP."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.server.registry import Registry
from pytest_inner_universe.server.tokens import Credentials

if TYPE_CHECKING:
    from support.http_requests import Answer, Requests

HERE = "/v1/database/here"

pytestmark = pytest.mark.usefixtures("published")


@pytest.fixture
def database(registry: Registry) -> Database:
    return registry.find("here").database


def call(requests: Requests, reducer: str, args: object = ()) -> Answer:
    text = args if isinstance(args, str) else json.dumps(args)
    return requests("POST", f"{HERE}/call/{reducer}", text, headers={"Content-Type": "application/json"})


def sql(requests: Requests, text: str) -> Answer:
    return requests("POST", f"{HERE}/sql", text)


def lines(answer: Answer) -> list[dict[str, object]]:
    return [json.loads(line) for line in answer.text.splitlines()]


def test_arguments_by_position_and_by_name(as_owner: Requests) -> None:
    assert call(as_owner, "add_person", ["Ann", 1, 30]).status == 200
    assert call(as_owner, "add_person", {"age": 9, "team": 4, "name": "Dan"}).status == 200
    assert sql(as_owner, "SELECT name, age FROM person").json()[0]["rows"] == [["Ann", 30], ["Dan", 9]]


@pytest.mark.parametrize(
    ("args", "path", "reason"),
    [
        (["x"], ".", "invalid length 1, expected reducer args for add_person with 3 elements at line 1 column 5"),
        (["x", 1, 256], "[2]", "invalid value: integer `256`, expected u8 at line 1 column 12"),
        ({"name": "x", "team": 1}, ".", "missing reducer argument `age` at line 1 column 24"),
        ("", ".", "EOF while parsing a value at line 1 column 0"),
        ("[" * 100_000, "[0]", "invalid type: sequence, expected a string at line 1 column 1"),
        ('"x"', ".", 'invalid type: string "x", expected a add_person tuple at line 1 column 3'),
    ],
)
def test_arguments_that_do_not_fit(as_owner: Requests, args: object, path: str, reason: str) -> None:
    answer = call(as_owner, "add_person", args)
    start = f"invalid arguments for reducer add_person: {path}: invalid arguments for function add_person: {path}"
    assert (answer.status, answer.text) == (400, f"{start}: {path}: {reason}")


def test_arguments_behind_which_something_follows(as_owner: Requests) -> None:
    reason = "trailing characters at line 1 column 4"
    answer = call(as_owner, "nothing", "[] x")
    start = f"invalid arguments for reducer nothing: {reason}: invalid arguments for function nothing"
    assert (answer.status, answer.text) == (400, f"{start}: {reason}: {reason}")


def test_arguments_that_are_no_text(as_owner: Requests) -> None:
    headers = {"Content-Type": "application/json"}
    answer = as_owner("POST", f"{HERE}/call/nothing", b"\xff", headers=headers)
    assert (answer.status, answer.text) == (400, "Request body didn't contain valid UTF-8")


@pytest.mark.parametrize("body", ["[]".encode("utf-16-le"), b"\xef\xbb\xbf[]"])
def test_arguments_in_another_encoding_or_behind_a_mark(as_owner: Requests, body: bytes) -> None:
    answer = as_owner("POST", f"{HERE}/call/nothing", body, headers={"Content-Type": "application/json"})
    assert answer.status == 400
    assert answer.text.startswith("invalid arguments for reducer nothing: ")


def test_a_guest_is_connected_for_the_length_of_its_request(as_owner: Requests, database: Database) -> None:
    call(as_owner, "nothing")
    assert [record.message for record in database.log] == ["connected", "disconnected"]
    assert database.clients == {}
    assert len(sql(as_owner, "SELECT * FROM st_client").json()[0]["rows"]) == 1


def test_who_is_not_let_in_is_told_why(as_owner: Requests) -> None:
    assert call(as_owner, "close_door").status == 200
    for answer in (call(as_owner, "nothing"), sql(as_owner, "SELECT * FROM seen")):
        assert (answer.status, answer.text) == (403, "the door is closed")


def test_a_panic_is_told_and_forgotten(as_owner: Requests) -> None:
    answer = call(as_owner, "panics")
    assert (answer.status, answer.text) == (530, "The instance encountered a fatal error.")
    assert call(as_owner, "nothing").status == 200


def test_sql_that_is_no_text(as_owner: Requests) -> None:
    answer = as_owner("POST", f"{HERE}/sql", b"\xff")
    assert (answer.status, answer.text) == (400, "Request body didn't contain valid UTF-8")


def test_only_the_owner_writes(as_owner: Requests, request_: Requests) -> None:
    insert = "INSERT INTO seen (what) VALUES ('x')"
    assert sql(request_, insert).status == 400
    assert sql(as_owner, insert).json()[0]["stats"] == {"rows_inserted": 1, "rows_deleted": 0, "rows_updated": 0}
    assert sql(request_, "SELECT * FROM seen").json()[0]["rows"] == [["x"]]


def test_the_log_tells_of_panics_and_errors(as_owner: Requests) -> None:
    call(as_owner, "panics")
    call(as_owner, "fails", ["my text"])
    found = lines(as_owner("GET", f"{HERE}/logs"))
    (panic,) = [line for line in found if line["level"] == "Panic"]
    assert (panic["message"], panic["function"], panic["trace"]) == ("on purpose", "panics", [])
    (error,) = [line for line in found if line["level"] == "Error"]
    assert (error["message"], error["function"]) == ("my text", "fails")
    assert [*found[0]] == ["level", "ts", "target", "filename", "line_number", "function", "message"]


def test_the_newest_lines(as_owner: Requests) -> None:
    for _ in range(3):
        call(as_owner, "nothing")
    for asked, count in (("2", 2), ("0", 1), ("100", 6)):
        assert len(lines(as_owner("GET", f"{HERE}/logs", num_lines=asked))) == count
    assert as_owner("GET", f"{HERE}/logs", num_lines="x").status == 400


def test_following_the_log(as_owner: Requests, owner: Credentials, registry: Registry) -> None:
    call(as_owner, "nothing")
    address = urlsplit(as_owner.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    connection.request(
        "GET", f"{HERE}/logs?follow=true&num_lines=1", headers={"Authorization": f"Bearer {owner.token}"}
    )
    answer = connection.getresponse()
    assert json.loads(answer.readline())["message"] == "disconnected"
    call(as_owner, "fails", ["followed"])
    assert [json.loads(answer.readline())["message"] for _ in range(3)] == ["connected", "followed", "disconnected"]
    registry.delete("here", owner.identity)
    assert answer.read() == b""
    connection.close()
