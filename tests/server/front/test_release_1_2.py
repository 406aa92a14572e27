"""What the socket front does otherwise when it imitates release 1.2; the recorded requests show the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import pytest
from server.front.peer import Peer
from support.http_requests import Requests

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.release import RELEASE_1_2
from pytest_inner_universe.server.front import Front
from pytest_inner_universe.server.registry import Registry
from pytest_inner_universe.wire import messages, v1, v1_json

HERE = "/v1/database/here"
UNKNOWN = "/v1/database/c200" + 60 * "0"


@pytest.fixture
def older() -> Iterator[Front]:
    with closing(Registry(release=RELEASE_1_2)) as registry, Front(registry) as front:
        yield front


@pytest.fixture
def owner(older: Front) -> Requests:
    assert older.url is not None
    return Requests(older.url, older.registry.authority.mint().token)


@pytest.fixture
def nobody(older: Front) -> Requests:
    assert older.url is not None
    return Requests(older.url)


@pytest.fixture
def published(owner: Requests, wasm: bytes) -> str:
    identity: str = owner("PUT", HERE, wasm).json()["Success"]["database_identity"]
    return identity


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_modules_for_newer_releases_are_refused(owner: Requests, wasm_2: bytes, method: str) -> None:
    answer = owner(method, HERE if method == "PUT" else "/v1/database", wasm_2)
    assert (answer.status, answer.text) == (500, "abi version 10.4 is not supported (host implements 10.0)")


def test_a_database_is_lost_when_it_cannot_be_cleared(owner: Requests, published: str, wasm: bytes) -> None:
    assert owner("PUT", HERE, b"garbage", clear="true").status == 500
    gone = owner("GET", HERE)
    assert (gone.status, gone.text) == (404, "No such database.")
    again = owner("PUT", HERE, wasm).json()["Success"]
    assert (again["database_identity"], again["op"]) == (published, "created")


def test_a_failed_update_loses_nothing(owner: Requests, published: str, wasm_2: bytes) -> None:
    assert owner("PUT", HERE, wasm_2).status == 500
    assert owner("GET", HERE).status == 200


def test_publishing_has_no_policy(owner: Requests, published: str, wasm: bytes) -> None:
    assert owner("PUT", HERE, wasm, policy="none", host_type="Js").status == 200


def test_sql_is_no_visit(owner: Requests, nobody: Requests, published: str) -> None:
    assert owner("POST", f"{HERE}/call/close_door", "[]", headers={"Content-Type": "application/json"}).status == 200
    assert nobody("POST", f"{HERE}/sql", "SELECT * FROM person").status == 200
    refused = nobody("POST", f"{HERE}/call/nothing", "[]", headers={"Content-Type": "application/json"})
    assert (refused.status, refused.text) == (403, "the door is closed")


def test_anybody_adds_a_name(nobody: Requests, published: str) -> None:
    assert nobody("POST", f"{HERE}/names", "there").json() == {
        "Success": {"domain": "there", "database_identity": published}
    }


@pytest.mark.parametrize(("count", "lines"), [("0", 0), ("1", 1)])
def test_who_asks_for_no_lines_of_the_log_gets_none(owner: Requests, published: str, count: str, lines: int) -> None:
    owner("POST", f"{HERE}/call/nothing", "[]", headers={"Content-Type": "application/json"})
    text = owner("GET", f"{HERE}/logs", num_lines=count).text
    assert len(text.splitlines()) == lines
    assert '"function"' not in text


def test_the_error_of_a_reducer_is_logged_under_its_name(owner: Requests, published: str) -> None:
    owner("POST", f"{HERE}/call/fails", '["why"]', headers={"Content-Type": "application/json"})
    (line,) = [
        one for one in map(json.loads, owner("GET", f"{HERE}/logs").text.splitlines()) if one["level"] == "Error"
    ]
    assert line == {"level": "Error", "ts": line["ts"], "target": "fails", "message": "why"}


@pytest.mark.parametrize("parameters", [("clear", "x"), ("num_lines", "x")])
def test_bad_parameters_are_not_named(
    owner: Requests, published: str, wasm: bytes, parameters: tuple[str, str]
) -> None:
    name, value = parameters
    method, path = ("PUT", HERE) if name == "clear" else ("GET", f"{HERE}/logs")
    answer = owner(method, path, wasm if name == "clear" else None, **{name: value})
    reasons = {"clear": "provided string was not `true` or `false`", "num_lines": "invalid digit found in string"}
    assert (answer.status, answer.text) == (400, f"Failed to deserialize query string: {reasons[name]}")


@pytest.mark.parametrize("route", ["", "/names", "/schema?version=9", "/logs", "/unstable/timestamp", "/identity"])
def test_what_is_not_there(owner: Requests, route: str) -> None:
    nowhere = owner("GET", f"/v1/database/nowhere{route}")
    assert (nowhere.status, nowhere.text) == (404, "")
    unknown = owner("GET", UNKNOWN + route)
    assert (unknown.status, unknown.text) == (404, "No such database.")


def test_what_is_not_there_cannot_be_deleted_by_name(owner: Requests) -> None:
    assert owner("DELETE", "/v1/database/nowhere").status == 404
    assert owner("DELETE", UNKNOWN).status == 200


@pytest.mark.parametrize("route", ["/pre_publish", "/reset"])
def test_routes_that_came_later(owner: Requests, published: str, route: str) -> None:
    answer = owner("POST" if route == "/pre_publish" else "PUT", HERE + route, b"")
    assert (answer.status, answer.text) == (404, "")
    assert "spacetime-identity" not in answer.headers


async def connect(front: Front, database: str, protocol: str) -> int:
    """Return the status of an upgrade."""
    from aiohttp import WSServerHandshakeError

    try:
        async with Peer(front.url, database, protocol=protocol):
            return 101
    except WSServerHandshakeError as error:
        return error.status


@pytest.mark.asyncio
@pytest.mark.parametrize("protocol", ["v2.bsatn.spacetimedb", "v3.bsatn.spacetimedb"])
async def test_the_later_protocols_are_not_offered(older: Front, published: str, protocol: str) -> None:
    assert await connect(older, "here", protocol) == 400
    assert await connect(older, "here", "v1.bsatn.spacetimedb") == 101


@pytest.mark.asyncio
async def test_a_deleted_database_cannot_be_subscribed_to(older: Front, owner: Requests, published: str) -> None:
    assert owner("DELETE", HERE).status == 200
    assert await connect(older, published, "v1.bsatn.spacetimedb") == 404


@pytest.mark.asyncio
async def test_others_are_told_the_body_of_a_call(
    older: Front, owner: Requests, published: str, module: Module
) -> None:
    definition = module.definition
    async with Peer(older.url, protocol="v1.json.spacetimedb", definition=definition) as peer:
        await peer.ask(messages.Subscribe(1, 1, ("SELECT * FROM person",)))
        body = '[ "Ann", 1,  30 ]'
        owner("POST", f"{HERE}/call/add_person", body, headers={"Content-Type": "application/json"})
        told = v1_json.decode_server(str(await peer.hear_raw()))
    assert isinstance(told, v1.TransactionUpdate)
    assert told.reducer_call.args == body


def test_its_limits_are_those_of_the_release(older: Front) -> None:
    assert (older.limits.ping_interval, older.limits.idle_timeout) == (60.0, 120.0)
