"""Upgrades that are refused, in the order in which a server looks at what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_inner_universe.server.registry import Registry
from pytest_inner_universe.server.tokens import Credentials

if TYPE_CHECKING:
    from support.http_requests import Requests

pytestmark = pytest.mark.usefixtures("published")

PATH = "/v1/database/here/subscribe"
UPGRADE = {
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "WebSocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "v1.json.spacetimedb, v2.bsatn.spacetimedb",
}


def refused(requests: Requests, path: str = PATH, bearer: str | None = None, **params: str) -> tuple[int, str]:
    answer = requests("GET", path, None, bearer, UPGRADE, **params)
    assert answer.headers["access-control-allow-origin"] == "*"
    return answer.status, answer.text


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"compression": "Zip"}, "unknown compression, there are None, Brotli and Gzip"),
        ({"compression": "gzip"}, "unknown compression, there are None, Brotli and Gzip"),
        ({"connection_id": "0" * 32}, "Invalid connection ID: the all-zeros ConnectionId is reserved."),
        ({"connection_id": "1"}, "expected 32 hexadecimal digits"),
        ({"light": "yes"}, "expected true or false"),
        ({"confirmed": "1"}, "expected true or false"),
    ],
)
def test_parameters_that_make_no_sense(request_: Requests, params: dict[str, str], text: str) -> None:
    assert refused(request_, **params) == (400, text)


def test_a_bad_token_in_header_or_address(request_: Requests) -> None:
    assert refused(request_, bearer="not.a.token")[0] == 401
    assert refused(request_, token="not.a.token")[0] == 401


def test_databases_that_are_not_there(request_: Requests, registry: Registry, owner: Credentials) -> None:
    assert refused(request_, "/v1/database/nowhere/subscribe") == (404, "`nowhere` not found")
    registry.delete("here", owner.identity)
    assert refused(request_)[0] == 500


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("No_Name", "characters"),
        ("no.name", "characters"),
        ("N--", "characters"),
        ("a-B", "characters"),
        ("-", "hyphen"),
        ("a-", "hyphen"),
        ("-a", "hyphen"),
        ("a--B", "hyphen"),
    ],
)
def test_texts_that_are_no_names(request_: Requests, name: str, mistake: str) -> None:
    answer = refused(request_, f"/v1/database/{name}/subscribe")
    assert answer == (400, f"Invalid URL: invalid {mistake} in database name")


@pytest.mark.parametrize("offer", ["", "v9.bsatn.spacetimedb", "v2.bsatn"])
def test_no_version_in_common(request_: Requests, offer: str) -> None:
    answer = request_("GET", PATH, headers={**UPGRADE, "Sec-WebSocket-Protocol": offer})
    assert (answer.status, answer.text) == (400, "no valid protocol selected")


def test_an_ordinary_request(request_: Requests) -> None:
    answer = request_("GET", PATH)
    assert (answer.status, answer.text) == (426, "This service requires use of the websocket protocol")
    assert request_("POST", PATH, headers=UPGRADE).status == 405


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Sec-WebSocket-Version", "`Sec-WebSocket-Version` header did not include `13`"),
        ("Sec-WebSocket-Key", "`Sec-WebSocket-Key` header missing"),
    ],
)
def test_a_handshake_without(request_: Requests, name: str, text: str) -> None:
    answer = request_("GET", PATH, headers={key: value for key, value in UPGRADE.items() if key != name})
    assert (answer.status, answer.text) == (400, text)


@pytest.mark.parametrize("key", ["short", "c2hvcnQ=", "\u00e4" * 24, "dGhlIHNhbXBsZSBub25jZQ==\u00fc"])
def test_a_key_that_is_none(request_: Requests, key: str) -> None:
    assert request_("GET", PATH, headers={**UPGRADE, "Sec-WebSocket-Key": key}).status == 400


def test_the_servers_order_decides(request_: Requests) -> None:
    answer = request_("GET", PATH, headers=UPGRADE)
    assert answer.status == 101
    assert answer.headers["sec-websocket-protocol"] == "v2.bsatn.spacetimedb"
