"""Requests over HTTP that are nearly right."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import given
from support.examples import examples
from support.http_requests import Requests
from support.mutation import mutated

from pytest_inner_universe.server.front import Front
from pytest_inner_universe.server.tokens import Credentials

RECORDING = Path(__file__).parents[2] / "fixtures" / "vectors" / "2.8.3" / "http.jsonl.gz"
SECONDS = 20.0


def recorded() -> list[dict[str, Any]]:
    with gzip.open(RECORDING, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture
def written(owner: Credentials) -> list[bytes]:
    """The recorded requests as bytes, those to the database as its owner."""
    found = []
    for exchange in recorded():
        body = (exchange["request"] or "").encode()
        path = "/".join("here" if place == 3 else part for place, part in enumerate(exchange["path"].split("/")))
        query = f"?{urlencode(exchange['params'])}" if exchange["params"] else ""
        lines = [f"{exchange['method']} {quote(path)}{query} HTTP/1.1", "Host: here", f"Content-Length: {len(body)}"]
        if exchange["content_type"]:
            lines.append(f"Content-Type: {exchange['content_type']}")
        if exchange["authorized"]:
            lines.append(f"Authorization: Bearer {owner.token}")
        found.append("\r\n".join([*lines, "", ""]).encode() + body)
    return sorted(set(found))


def test_every_request_is_answered_or_dropped(front: Front, written: list[bytes], complaints: list[str]) -> None:
    address = urlsplit(front.url or "")
    healthy = Requests(front.url or "")

    @examples(150)
    @given(mutated(written))
    def attempt(request: bytes) -> None:
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=SECONDS) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            try:
                while connection.recv(65_536):
                    pass
            except ConnectionResetError:
                pass
        found, complaints[:] = complaints[:], []
        assert found == []

    attempt()
    assert healthy("GET", "/v1/ping").status == 200


PLACES: list[tuple[str, str, str | None, list[bytes]]] = [
    (
        "POST",
        "/v1/database/here/call/add_person",
        "application/json",
        [b'["Ada", 1, 36]', b'{"name":"a","team":1,"age":2}'],
    ),
    (
        "POST",
        "/v1/database/here/call/put_every",
        "application/json",
        [b'[{"id":1,"a_bool":true,"a_u256":"0x10","a_f32":1.5}]'],
    ),
    ("POST", "/v1/database/here/sql", None, [b"SELECT * FROM person", b"DELETE FROM person WHERE name = 'x'"]),
    ("PUT", "/v1/database/other", None, [b"\0asm\1\0\0\0"]),
    ("POST", "/v1/database/here/pre_publish", None, [b"\0asm\1\0\0\0\0\2ab"]),
    ("PUT", "/v1/database/here/names", "application/json", [b'["here", "there"]', b"[]", rb'["\ud800", 1]']),
    ("POST", "/v1/database/here/names", None, [b"here-2"]),
]


@pytest.mark.parametrize(("method", "path", "content_type", "bodies"), PLACES, ids=[path for _, path, *_ in PLACES])
def test_every_body_is_answered(
    front: Front,
    owner: Credentials,
    complaints: list[str],
    method: str,
    path: str,
    content_type: str | None,
    bodies: list[bytes],
) -> None:
    as_owner = Requests(front.url or "", owner.token)
    nested = [b"[" * 3_000, b'{"a":' * 3_000, b"9" * 5_000]
    ask: Callable[..., Any] = as_owner
    headers = {} if content_type is None else {"Content-Type": content_type}

    @examples(25)
    @given(mutated([*bodies, *nested]))
    def attempt(body: bytes) -> None:
        answer = ask(method, path, body, headers=headers)
        assert answer.status in {200, 400, 401, 403, 404, 409, 415, 422, 500, 530}
        found, complaints[:] = complaints[:], []
        assert found == []

    attempt()
