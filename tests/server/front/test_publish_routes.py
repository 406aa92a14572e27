"""Publishing over HTTP: new databases, new versions, clearing, plans, resets, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from server.front.peer import Peer
from support.puppets import puppet
from support.raw_definitions import constraint, definition_v9, index, reducer_v9, table_v9
from support.shops import FAILING, TRAPPING

from pytest_inner_universe.sats import STRING, U32, product
from pytest_inner_universe.server.front import Front

if TYPE_CHECKING:
    from support.http_requests import Answer, Requests

ITEM = product(id=U32, owner=U32)
NOTE = product(text=STRING)
KEY = {"key": [0], "indexes": [index([0])], "constraints": [constraint([0])]}
HERE = "/v1/database/here"
INSERT = "INSERT INTO item (id, owner) VALUES (1, 5)"


def version(*tables: bytes, reducers: tuple[str, ...] = ("work",)) -> bytes:
    """A module with these tables whose reducers do nothing."""
    return puppet(definition=definition_v9((ITEM, NOTE), tables, [reducer_v9(name) for name in reducers]))


ITEMS = table_v9("item", 0, **KEY)  # type: ignore[arg-type]
FIRST = version(ITEMS)
MORE = version(ITEMS, table_v9("note", 1), reducers=("more", "work"))
WITHOUT = version(table_v9("note", 1))
"""Without the table of items: that is automatic when it has no rows, and breaks clients."""


def items(requests: Requests) -> list[list[object]]:
    rows: list[list[object]] = requests("POST", f"{HERE}/sql", "SELECT * FROM item").json()[0]["rows"]
    return rows


@pytest.fixture
def first(as_owner: Requests) -> str:
    return str(as_owner("PUT", HERE, FIRST).json()["Success"]["database_identity"])


def test_a_new_version_keeps_the_data(as_owner: Requests, first: str) -> None:
    as_owner("POST", f"{HERE}/sql", INSERT)
    answer = as_owner("PUT", HERE, MORE)
    assert answer.json() == {"Success": {"domain": "here", "database_identity": first, "op": "updated"}}
    assert items(as_owner) == [[1, 5]]
    assert as_owner("POST", f"{HERE}/call/more", "[]", headers={"Content-Type": "application/json"}).status == 200


def test_publishing_to_an_identity(as_owner: Requests, first: str) -> None:
    answer = as_owner("PUT", f"/v1/database/{first}", MORE)
    assert answer.json() == {"Success": {"domain": None, "database_identity": first, "op": "updated"}}
    unknown = as_owner("PUT", f"/v1/database/{'0' * 64}", MORE)
    assert (unknown.status, unknown.text) == (404, "No such database.")


@pytest.mark.usefixtures("first")
def test_what_is_not_automatic_is_refused(as_owner: Requests) -> None:
    as_owner("POST", f"{HERE}/sql", INSERT)
    reason = "table 'item' was removed, but has 1 row"
    answer = as_owner("PUT", HERE, WITHOUT)
    assert answer.status == 400
    assert answer.text.startswith("Database update rejected: ")
    assert reason in answer.text
    plan = as_owner("POST", f"{HERE}/pre_publish", WITHOUT)
    assert plan.json() == {"ManualMigrate": {"reason": reason, "major_version_upgrade": False}}
    assert items(as_owner) == [[1, 5]]


@pytest.mark.parametrize(
    ("version", "text"),
    [(FAILING, "nope"), (TRAPPING, "The instance encountered a fatal error.")],
    ids=["error", "trap"],
)
def test_an_init_that_fails_leaves_no_database_but_a_name_with_an_identity(
    as_owner: Requests, version: bytes, text: str
) -> None:
    for _ in range(2):
        answer = as_owner("PUT", HERE, version)
        assert (answer.status, answer.text) == (500, text)
        missing = as_owner("GET", HERE)
        assert (missing.status, missing.text) == (404, "No such database.")
    assert as_owner("PUT", HERE, FIRST).json()["Success"]["op"] == "created"


@pytest.mark.usefixtures("first")
def test_breaking_clients_needs_the_token_of_the_plan(as_owner: Requests) -> None:
    plan = as_owner("POST", f"{HERE}/pre_publish", WITHOUT).json()["AutoMigrate"]
    assert plan["break_clients"] is True
    assert "remove table 'item'" in plan["migrate_plan"]
    refused = "Database update rejected: the update disconnects clients and was not made: "
    ways = [
        ({}, "publish with the policy BreakClients if that is meant"),
        ({"policy": "Compatible", "token": plan["token"]}, "publish with the policy BreakClients if that is meant"),
        ({"policy": "BreakClients"}, "the token is not that of the plan for this update"),
        ({"policy": "BreakClients", "token": "0x1"}, "the token is not that of the plan for this update"),
    ]
    for params, text in ways:
        answer = as_owner("PUT", HERE, WITHOUT, **params)
        assert (answer.status, answer.text) == (400, refused + text)
    assert as_owner("PUT", HERE, WITHOUT, policy="BreakClients", token=plan["token"]).status == 200


@pytest.mark.asyncio
@pytest.mark.usefixtures("first")
async def test_clients_survive_what_does_not_break_them(front: Front, as_owner: Requests) -> None:
    async with Peer(front.url) as peer:
        as_owner("PUT", HERE, MORE)
        plan = as_owner("POST", f"{HERE}/pre_publish", WITHOUT).json()["AutoMigrate"]
        as_owner("PUT", HERE, WITHOUT, policy="BreakClients", token=plan["token"])
        assert await peer.ending() == (1001, "module exited")


@pytest.mark.asyncio
async def test_clearing_begins_anew_and_disconnects(front: Front, as_owner: Requests, first: str) -> None:
    as_owner("POST", f"{HERE}/sql", INSERT)
    async with Peer(front.url) as peer:
        answer = as_owner("PUT", HERE, MORE, clear="true")
        assert answer.json() == {"Success": {"domain": "here", "database_identity": first, "op": "updated"}}
        assert await peer.ending() == (1001, "module exited")
    assert items(as_owner) == []


def test_clearing_what_is_not_there_makes_it(as_owner: Requests) -> None:
    assert as_owner("PUT", HERE, FIRST, clear="true").json()["Success"]["op"] == "created"


@pytest.mark.usefixtures("first")
def test_a_reset_begins_anew_with_the_program_that_comes_with_it(as_owner: Requests) -> None:
    as_owner("POST", f"{HERE}/sql", INSERT)
    assert as_owner("PUT", f"{HERE}/reset", FIRST).status == 200
    assert items(as_owner) == []


@pytest.mark.usefixtures("first")
def test_only_the_owner_may(request_: Requests) -> None:
    def ending(answer: Answer) -> tuple[int, str]:
        return answer.status, answer.text.rpartition(": ")[2]

    assert ending(request_("PUT", HERE, MORE)) == (403, "update database")
    assert ending(request_("PUT", HERE, MORE, clear="true")) == (403, "reset database")
    assert ending(request_("PUT", f"{HERE}/reset", MORE)) == (403, "reset database")
    assert ending(request_("POST", f"{HERE}/pre_publish", MORE)) == (403, "update database")


@pytest.mark.usefixtures("first")
def test_what_is_no_module_leaves_all_as_it_is(as_owner: Requests) -> None:
    as_owner("POST", f"{HERE}/sql", INSERT)
    for program in (b"", b"\0as", b"not wasm", b"\0asm\1\0\0\0", FIRST[:100]):
        for params in ({}, {"clear": "true"}):
            assert as_owner("PUT", HERE, program, **params).status == 500
    assert items(as_owner) == [[1, 5]]


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"clear": "yes"}, "clear: provided string was not `true` or `false`"),
        ({"policy": "x"}, "policy: unknown variant `x`, expected `Compatible` or `BreakClients`"),
    ],
)
def test_parameters_that_make_no_sense(as_owner: Requests, params: dict[str, str], text: str) -> None:
    answer = as_owner("PUT", HERE, FIRST, **params)
    assert (answer.status, answer.text) == (400, f"Failed to deserialize query string: {text}")


def test_modules_of_another_kind_are_refused(as_owner: Requests) -> None:
    answer = as_owner("PUT", HERE, b"export {}", host_type="Js")
    assert (answer.status, answer.text) == (400, "the embedded server runs WebAssembly modules only")
