"""Procedures over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.http_requests import Answer, Requests

HERE = "/v1/database/notes"
MODULE = Path(__file__).parents[3] / "fixtures" / "modules" / "procedures_2_8.wasm"


@pytest.fixture(autouse=True)
def published(as_owner: Requests) -> None:
    assert as_owner("PUT", HERE, MODULE.read_bytes()).status == 200


def call(requests: Requests, name: str, *args: object) -> Answer:
    return requests("POST", f"{HERE}/call/{name}", json.dumps(args), headers={"Content-Type": "application/json"})


def test_a_procedure_answers_with_its_value(as_owner: Requests) -> None:
    answer = call(as_owner, "add", 2, 3)
    assert (answer.status, answer.headers["content-type"], answer.text) == (200, "application/json", "5")
    assert int(answer.headers["spacetime-execution-duration-micros"]) >= 0
    assert call(as_owner, "nothing").text == "[]"


def test_what_it_commits_is_there(as_owner: Requests) -> None:
    assert call(as_owner, "write_all", 7, ["a", "b"]).json() == 2
    rows = as_owner("POST", f"{HERE}/sql", "SELECT text FROM note").json()[0]["rows"]
    assert sorted(rows) == [["a"], ["b"]]


def test_an_error_that_it_returns_is_a_value(as_owner: Requests) -> None:
    answer = call(as_owner, "write_unless", "x", True)
    assert (answer.status, answer.json()) == (200, [1, "refused x"])
    assert "spacetime-energy-used" not in answer.headers


def test_a_panic_is_an_error_of_the_server(as_owner: Requests) -> None:
    answer = call(as_owner, "explodes")
    assert answer.status == 500
    assert answer.text.startswith(
        "The module instance encountered a fatal error: error while executing at wasm backtrace:"
    )


def test_arguments_that_do_not_fit(as_owner: Requests) -> None:
    answer = call(as_owner, "add", 2)
    why = "invalid length 1, expected reducer args for add with 2 elements at line 1 column 3"
    text = f"invalid arguments for procedure add: .: invalid arguments for function add: .: .: {why}"
    assert (answer.status, answer.text) == (400, text)


def test_an_unknown_name(as_owner: Requests) -> None:
    answer = call(as_owner, "ad")
    assert (answer.status, answer.text) == (404, "No such procedure")


def test_a_private_one_does_not_exist_for_others_whatever_they_give_it(as_owner: Requests, request_: Requests) -> None:
    assert call(as_owner, "run_job", "x").status == 400
    answer = call(request_, "run_job", "x")
    assert (answer.status, answer.text) == (404, "No such procedure")
