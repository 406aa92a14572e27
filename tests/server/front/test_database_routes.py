"""What the routes tell about a database, and how it is named and ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.sats.definition_json import definition_from_json

if TYPE_CHECKING:
    from support.http_requests import Requests

AS_JSON = {"Content-Type": "application/json"}
HERE = "/v1/database/here"

pytestmark = pytest.mark.usefixtures("published")


def test_it_is_found_by_name_and_identity(request_: Requests, published: str) -> None:
    for asked in ("here", published, f"0x{published}"):
        answer = request_("GET", f"/v1/database/{asked}/identity")
        assert (answer.status, answer.text) == (200, published)


def test_what_is_not_there(request_: Requests) -> None:
    for route in ("", "/identity", "/names", "/logs", "/schema?version=9"):
        by_name = request_("GET", f"/v1/database/nowhere{route}")
        assert (by_name.status, by_name.text) == (404, "`nowhere` not found")
        by_identity = request_("GET", f"/v1/database/{'0' * 64}{route}")
        assert (by_identity.status, by_identity.text) == (404, "No such database.")


def test_the_schema_can_be_read_back(request_: Requests, module: Module) -> None:
    read = definition_from_json(request_("GET", f"{HERE}/schema", version="9").json())
    assert list(read.tables) == sorted(module.definition.tables)
    assert list(read.reducers) == list(module.definition.reducers)


def test_the_program_is_the_number_of_the_module_table(as_owner: Requests, module: Module) -> None:
    told = as_owner("GET", HERE).json()["initial_program"]
    assert told == f"0x{bytes.fromhex(module.hash)[::-1].hex().lstrip('0')}"
    (row,) = as_owner("POST", f"{HERE}/sql", "SELECT * FROM st_module").json()[0]["rows"]
    assert (row[3], row[5]) == (told, "0.0.1")


def test_names_are_added(as_owner: Requests, request_: Requests, published: str) -> None:
    answer = as_owner("POST", f"{HERE}/names", "second")
    assert answer.json() == {"Success": {"domain": "second", "database_identity": published}}
    assert request_("GET", "/v1/database/second/names").json() == {"names": ["here", "second"]}
    again = as_owner("POST", f"{HERE}/names", "second")
    assert (again.status, again.text) == (500, "record with the name second already exists")
    assert as_owner("POST", f"{HERE}/names", "Not_One").status == 400
    nobody = request_("POST", f"{HERE}/names", "third")
    assert (nobody.status, nobody.json()) == (401, {"PermissionDenied": {"domain": "third"}})


def test_a_taken_name_is_not_added(as_owner: Requests, wasm: bytes) -> None:
    as_owner("PUT", "/v1/database/there", wasm)
    assert as_owner("POST", f"{HERE}/names", "there").status == 500


def test_names_are_replaced(as_owner: Requests, request_: Requests, published: str) -> None:
    answer = as_owner("PUT", f"{HERE}/names", json.dumps(["first", "second"]), headers=AS_JSON)
    assert (answer.status, answer.json()) == (200, "Success")
    assert request_("GET", f"/v1/database/{published}/names").json() == {"names": ["first", "second"]}
    assert request_("GET", HERE).status == 404
    again = as_owner(
        "PUT",
        "/v1/database/first/names",
        json.dumps(["first"]),
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    assert (again.status, again.json()) == (400, {"OtherError": "the name `first` is in use"})
    nobody = request_("PUT", "/v1/database/first/names", "[]", headers=AS_JSON)
    assert (nobody.status, nobody.json()) == (401, {"NotYourDatabase": {"database": published}})


@pytest.mark.parametrize(
    ("body", "status"), [("", 400), ("{}", 422), ("[1]", 422), ("null", 422), ("[", 400), ("[" * 100_000, 400)]
)
def test_names_that_are_none(as_owner: Requests, body: str, status: int) -> None:
    what = "deserialize the JSON body into the target type" if status == 422 else "parse the request body as JSON"
    answer = as_owner("PUT", f"{HERE}/names", body, headers=AS_JSON)
    assert (answer.status, answer.text) == (status, f"Failed to {what}: expected an array of names")


def test_a_name_with_other_characters(as_owner: Requests, published: str) -> None:
    answer = as_owner("PUT", f"{HERE}/names", '["No_Name"]', headers=AS_JSON)
    assert (answer.status, answer.text) == (400, "Error parsing `No_Name`: invalid characters in database name")


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
def test_names_that_do_not_come_as_json(as_owner: Requests, published: str, headers: dict[str, str]) -> None:
    answer = as_owner("PUT", f"{HERE}/names", '["second"]', headers=headers)
    assert (answer.status, answer.text) == (415, "Expected request with `Content-Type: application/json`")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_names_that_are_no_text(as_owner: Requests, published: str, method: str) -> None:
    answer = as_owner(
        method, f"/v1/database/{published}/names", b"\xff", headers={"Content-Type": "application/json; charset=none"}
    )
    assert (answer.status, answer.text) == (400, "Request body didn't contain valid UTF-8")


def test_half_a_character_is_no_name(as_owner: Requests, published: str) -> None:
    answer = as_owner("PUT", f"/v1/database/{published}/names", rb'["\ud800"]', headers=AS_JSON)
    assert (answer.status, answer.text) == (
        422,
        "Failed to deserialize the JSON body into the target type: expected an array of names",
    )


def test_the_time_of_a_database_and_of_the_machine(request_: Requests) -> None:
    for asked in ("here", "nowhere"):
        answer = request_("GET", f"/v1/database/{asked}/unstable/timestamp").json()
        assert answer["__timestamp_micros_since_unix_epoch__"] > 1_700_000_000_000_000


def test_a_deleted_database_can_be_published_again_by_anybody(
    as_owner: Requests, request_: Requests, wasm: bytes, published: str
) -> None:
    assert as_owner("DELETE", HERE).status == 200
    somebody = request_("POST", "/v1/identity").json()["token"]
    answer = request_("PUT", HERE, wasm, somebody)
    assert answer.json() == {"Success": {"domain": "here", "database_identity": published, "op": "created"}}


def test_deleting_what_never_was(request_: Requests) -> None:
    assert request_("DELETE", "/v1/database/nowhere").status == 200
    assert request_("DELETE", f"/v1/database/{'0' * 64}").status == 200
