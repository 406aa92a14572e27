"""Identities, tokens, and what holds for every route."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.http_requests import Requests

from pytest_inner_universe.server.front import Front
from pytest_inner_universe.server.registry import Registry
from pytest_inner_universe.server.tokens import Credentials


def test_a_new_identity_comes_with_its_token(request_: Requests, registry: Registry) -> None:
    made = request_("POST", "/v1/identity").json()
    assert registry.authority.check(made["token"]).identity.hex() == made["identity"]


def test_the_token_for_websockets_lasts_a_minute(request_: Requests, registry: Registry, owner: Credentials) -> None:
    made = request_("POST", "/v1/identity/websocket-token", bearer=owner.token).json()
    assert made["token"] != owner.token
    assert registry.authority.check(made["token"]).identity == owner.identity


@pytest.mark.parametrize(
    ("header", "status", "text"),
    [
        ("Basic x", 400, "Authorization is invalid: malformed token"),
        ("Bearer", 400, "Authorization is invalid: malformed token"),
        ("Bearer x", 401, "Invalid token: InvalidToken"),
    ],
)
def test_a_header_that_is_no_token(request_: Requests, header: str, status: int, text: str) -> None:
    for path in ("/v1/ping", "/v1/identity/websocket-token", "/v1/database/here"):
        method = "POST" if path.endswith("token") else "GET"
        answer = request_(method, path, headers={"Authorization": header})
        assert (answer.status, answer.text) == (status, text)
        assert "spacetime-identity" not in answer.headers


def test_health_looks_at_no_token(request_: Requests) -> None:
    assert request_("GET", "/v1/health", headers={"Authorization": "Basic x"}).status == 200


def test_an_identity_has_64_digits(request_: Requests, owner: Credentials) -> None:
    for path in ("/v1/identity/x/databases", "/v1/identity/x/verify"):
        answer = request_("GET", path, bearer=owner.token)
        assert (answer.status, answer.text) == (400, "Invalid URL: an identity has 64 hexadecimal digits")


@pytest.mark.usefixtures("published")
def test_the_databases_of_an_identity(request_: Requests, owner: Credentials, published: str) -> None:
    answer = request_("GET", f"/v1/identity/{owner.identity.hex()}/databases")
    assert answer.json() == {"identities": [published]}


@pytest.mark.usefixtures("published")
def test_every_request_to_a_database_gets_an_identity(request_: Requests, registry: Registry) -> None:
    headers = [request_("GET", "/v1/database/here").headers for _ in range(2)]
    identities = [registry.authority.check(one["spacetime-identity-token"]).identity.hex() for one in headers]
    assert identities == [one["spacetime-identity"] for one in headers]
    assert identities[0] != identities[1]


def test_browsers_may_ask_before_they_come(request_: Requests) -> None:
    answer = request_("OPTIONS", "/v1/identity/websocket-token", headers={"Origin": "http://somewhere"})
    assert (answer.status, answer.body) == (200, b"")
    assert {name: value for name, value in answer.headers.items() if name.startswith("access-control")} == {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "*",
        "access-control-allow-headers": "authorization,accept,content-type",
    }
    unknown = request_("OPTIONS", "/v1/nowhere")
    assert (unknown.status, "access-control-allow-origin" in unknown.headers) == (404, False)


def test_a_method_that_a_route_does_not_have(request_: Requests) -> None:
    answer = request_("DELETE", "/v1/identity")
    assert (answer.status, answer.body, answer.headers["allow"]) == (405, b"", "POST")


@pytest.mark.usefixtures("published")
def test_bodies_have_a_limit_except_programs(serve: Callable[..., Front], owner: Credentials, wasm: bytes) -> None:
    front = serve(body=1000)
    assert front.url is not None
    requests = Requests(front.url, owner.token)
    large = "x" * 1001
    for path, headers in (("sql", {}), ("call/nothing", {"Content-Type": "application/json"}), ("names", {})):
        answer = requests("POST", f"/v1/database/here/{path}", large, headers=headers)
        assert (answer.status, answer.text) == (413, "Failed to buffer the request body: length limit exceeded")
    assert requests("PUT", "/v1/database/here", wasm).status == 200


@pytest.mark.usefixtures("published")
def test_the_limit_of_a_server_is_two_mebibytes(as_owner: Requests) -> None:
    spaces = " " * (2 * 1024 * 1024 - len("SELECT * FROM person"))
    assert as_owner("POST", "/v1/database/here/sql", "SELECT * FROM person" + spaces + " ").status == 413


def test_what_fails_unforeseen_is_answered(
    request_: Requests, registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise LookupError("on purpose")

    monkeypatch.setattr(registry, "owned_by", fail)
    answer = request_("GET", f"/v1/identity/{'0' * 64}/databases")
    assert (answer.status, answer.text) == (500, "LookupError: on purpose")
    assert [record.message for record in caplog.records] == [f"a request to /v1/identity/{'0' * 64}/databases failed"]
