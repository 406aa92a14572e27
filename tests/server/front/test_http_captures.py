"""Every recorded request to a real server, sent to the embedded one: the same statuses, headers and bodies."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.http_requests import Answer, Requests

from pytest_inner_universe.engine.release import RELEASES
from pytest_inner_universe.server.front import Front
from pytest_inner_universe.server.registry import Registry

FIXTURES = Path(__file__).parents[3] / "fixtures"
MODULES = {"1.2.0": "every_type_1_4.wasm", "2.8.3": "every_type_2_8.wasm"}
IDENTITY = r"c200[0-9a-f]{60}"
VARIES = [
    (IDENTITY, "<identity>"),
    (r"`c200[0-9a-f]{12}`", "`<start of identity>`"),
    (r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "<token>"),
    (r'("total_duration_micros"|"ts"|"__timestamp_micros_since_unix_epoch__"):\d+', r"\1:0"),
    (r'("initial_program"|"token"):"0x[0-9a-f]+"', r'\1:"<hash>"'),
    (r"(?s)-----BEGIN.*", "<key>"),
    (r'("0x<identity>"),\d+\]', r"\1,0]"),  # connection ids in st_client
]
"""What differs from run to run."""

OWN_WORDS = {
    "publish bad token": "the decoder of tokens has words of its own",
}
"""Requests whose refusal has another text, and why."""

HOST_LINE = r'\{"level":"Error","ts":0,"filename":"external".*\n'
"""What a server itself writes into the log; the embedded one leaves the log to the module."""


def recorded(release: str) -> list[dict[str, Any]]:
    with gzip.open(FIXTURES / "vectors" / release / "http.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def masked(text: str) -> str:
    for pattern, replacement in VARIES:
        text = re.sub(pattern, replacement, text)
    return text


def headers_that_count(headers: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in headers.items() if name.startswith(("content-type", "access-control"))}
    return kept | {name: "<varies>" for name in headers if name.startswith("spacetime-")}


class Replay:
    """Sends what was recorded, with this run's identities and tokens."""

    def __init__(self, requests: Requests, owner: str, wasm: bytes) -> None:
        self.requests = requests
        self.tokens: dict[str | None, str | None] = {"owner": owner, None: None}
        self.other = ""
        self.wasm = wasm

    def send(self, exchange: dict[str, Any]) -> Answer:
        token = "not.a.token" if exchange["note"] == "publish bad token" else self.tokens[exchange["authorized"]]
        body = self.wasm if exchange["request"] == "<module>" else exchange["request"]
        content_type = exchange["content_type"]
        answer = self.requests(
            exchange["method"],
            re.sub(IDENTITY, self.other, exchange["path"]),
            body,
            token,
            {"Content-Type": content_type} if content_type else {},
            **exchange["params"],
        )
        if exchange["note"] == "new identity":
            self.other, self.tokens["other"] = answer.json()["identity"], answer.json()["token"]
        return answer


@pytest.fixture
def replay(release: str) -> Iterator[Replay]:
    with closing(Registry(release=RELEASES[release.rpartition(".")[0]])) as registry, Front(registry) as front:
        assert front.url is not None
        wasm = (FIXTURES / "modules" / MODULES[release]).read_bytes()
        yield Replay(Requests(front.url), registry.authority.mint().token, wasm)


def comparable(exchange: dict[str, Any], text: str) -> Any:
    """Return the content of an answer without what varies, and without the order that nobody promises."""
    if exchange["note"] in OWN_WORDS:
        return None
    known = masked(text)
    if exchange["note"] == "schema" and text.startswith("{"):
        return in_any_order(json.loads(known))
    if exchange["note"] != "logs":
        return known
    # Where the server wrote a line, the log of the embedded one reaches further back.
    lines = re.sub(HOST_LINE, "", known).splitlines()
    return lines[-7:]


@pytest.mark.parametrize("release", MODULES)
def test_the_answers_are_those_of_a_real_server(replay: Replay, release: str) -> None:
    exchanges = recorded(release)
    assert len(exchanges) == 97
    differences = []
    for exchange in exchanges:
        answer = replay.send(exchange)
        expected = [exchange["status"], headers_that_count(exchange["headers"])]
        found = [answer.status, headers_that_count(answer.headers)]
        expected.append(comparable(exchange, exchange["response"]))
        found.append(comparable(exchange, answer.text))
        if expected != found:
            differences.append((exchange["note"], exchange["request"], expected, found))
    assert differences == []


def in_any_order(content: Any) -> Any:
    """Return a definition with its lists sorted: their order means nothing to anybody who reads names."""
    if isinstance(content, dict):
        return {name: in_any_order(inner) for name, inner in content.items()}
    if isinstance(content, list):
        return sorted((in_any_order(inner) for inner in content), key=repr)
    return content
