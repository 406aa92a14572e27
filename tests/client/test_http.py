"""The HTTP side, against what two real servers said and against servers that talk nonsense."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from support.fake_websocket import Peer, serving
from support.sockets import refusing_port

from pytest_inner_universe.client import (
    AnswerLost,
    BadAnswer,
    CallRefused,
    Credentials,
    HttpApi,
    HttpError,
    MigrationPlan,
    NoSuchDatabase,
    NoSuchRoute,
    NotAuthorized,
    OutcomeUnknown,
    ProcedureCrashed,
    Published,
    PublishRejected,
    QueryFailed,
    ReducerCrashed,
    ReducerFailed,
    RequestTimeout,
    ServerHealth,
    ServerUnreachable,
)
from pytest_inner_universe.sats import STRING, U8, U32, U64, Identity

pytestmark = pytest.mark.asyncio
VECTORS = Path(__file__).parents[2] / "fixtures" / "vectors"
RELEASES = ["1.2.0", "2.8.3"]
WASM = b"\0asm"
Attempt = Callable[[HttpApi], Coroutine[Any, Any, Any]]


def captured(release: str) -> list[dict[str, Any]]:
    with gzip.open(VECTORS / release / "http.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def saying(release: str, note: str) -> Callable[[Peer], Coroutine[Any, Any, None]]:
    """Answer as a server of that release did once."""
    found = next(one for one in captured(release) if one["note"] == note)

    async def conduct(peer: Peer) -> None:
        await peer.body()
        headers = {name: value for name, value in found["headers"].items() if name != "content-length"}
        peer.answer(f"{found['status']} X", found["response"].encode(), headers)

    return conduct


async def told(release: str, note: str, attempt: Attempt, token: str | None = "t") -> Any:
    """Return what a request gives if the server answers as it did once."""
    async with serving(saying(release, note)) as url, HttpApi(url, token) as api:
        return await attempt(api)


@pytest.mark.parametrize("release", RELEASES)
class TestCaptures:
    async def test_the_server(self, release: str) -> None:
        assert await told(release, "service", lambda api: api.ping()) is None
        health = next(one for one in captured(release) if "nodes" in one["response"])
        answered = json.loads(health["response"])

        async def conduct(peer: Peer) -> None:
            assert (peer.method, peer.path) == ("GET", "/v1/health")
            peer.answer("200 OK", json.dumps(answered).encode())

        async with serving(conduct) as url, HttpApi(url) as api:
            assert await api.health() == ServerHealth(release)

    async def test_identities(self, release: str) -> None:
        made = await told(release, "new identity", lambda api: api.new_identity(), None)
        assert isinstance(made, Credentials)
        assert made.token.startswith("eyJ")
        assert made.token not in repr(made)
        assert (await told(release, "websocket token", lambda api: api.websocket_token())).startswith("eyJ")
        with pytest.raises(NotAuthorized) as caught:
            await told(release, "websocket token without auth", lambda api: api.websocket_token())
        assert str(caught.value) == (
            "POST /v1/identity/websocket-token is not allowed (status 401): Authorization required"
        )

    async def test_publishing(self, release: str) -> None:
        def publish(api: HttpApi) -> Coroutine[Any, Any, Published]:
            return api.publish(WASM, "cap-http")

        created, updated = (
            await told(release, "publish created", publish),
            await told(release, "publish again", publish),
        )
        assert (created.name, created.created, updated.created) == ("cap-http", True, False)
        assert created.identity == updated.identity
        nameless = await told(release, "publish without name", lambda api: api.publish(WASM))
        assert (nameless.name, nameless.created) == (None, True)
        for note, kind, status in (
            ("publish garbage", PublishRejected, 500),
            ("publish empty", PublishRejected, 500),
            ("publish bad name", PublishRejected, 400),
            ("publish not owner", NotAuthorized, 500 if release == "1.2.0" else 403),
            ("publish bad token", NotAuthorized, 401),
        ):
            with pytest.raises(HttpError) as caught:
                await told(release, note, publish)
            assert (type(caught.value), caught.value.status) == (kind, status)
        assert caught.value.request == "PUT /v1/database/cap-http"

    async def test_what_publishing_would_do(self, release: str) -> None:
        def attempt(api: HttpApi) -> Coroutine[Any, Any, MigrationPlan]:
            return api.pre_publish("cap-http", WASM)

        if release == "1.2.0":
            with pytest.raises(NoSuchRoute) as caught:
                await told(release, "pre-publish", attempt)
            assert str(caught.value) == (
                "POST /v1/database/cap-http/pre_publish is nothing that this server can do (status 404) "
                "without giving a reason"
            )
        else:
            plan = await told(release, "pre-publish", attempt)
            assert (plan.is_automatic, plan.breaks_clients, plan.is_major_upgrade) == (True, False, False)
            assert "Database Migration Plan" in plan.text
            assert plan.token.startswith("0x")

    async def test_facts(self, release: str) -> None:
        info = await told(release, "info", lambda api: api.info("cap-http"))
        published = await told(release, "publish again", lambda api: api.publish(WASM, "cap-http"))
        assert (info.identity, info.host_type) == (published.identity, "Wasm")
        assert info.initial_program.startswith("0x")
        assert await told(release, "names", lambda api: api.names("cap-http")) == ["cap-http"]
        definition = await told(release, "schema", lambda api: api.schema("cap-http"))
        assert "person" in definition.tables
        with pytest.raises(NoSuchDatabase) as caught:
            await told(release, "info of missing", lambda api: api.info("cap-http"))
        assert str(caught.value) == "GET /v1/database/cap-http found no such database (status 404): No such database."

    async def test_logs(self, release: str) -> None:
        lines = await told(release, "logs", lambda api: api.logs("cap-http", 8))
        assert len(lines) == 8
        assert {line.level for line in lines} <= {"info", "warn", "error", "debug", "panic"}
        assert all(line.timestamp > 1_700_000_000_000_000 for line in lines)
        with pytest.raises(NotAuthorized):
            await told(release, "logs as other", lambda api: api.logs("cap-http"))

    async def test_calls(self, release: str) -> None:
        def call(api: HttpApi) -> Coroutine[Any, Any, Any]:
            return api.call("cap-http", "reducer", ["x"])

        assert await told(release, "call nothing", call) is None
        with pytest.raises(ReducerFailed) as failed:
            await told(release, "call fails", call)
        assert failed.value.message == "my text ✗"
        with pytest.raises(ReducerCrashed):
            await told(release, "call panics", call)
        for note, status in (("call unknown", 404), ("call bad_args", 400), ("call lifecycle", 400)):
            with pytest.raises(CallRefused) as caught:
                await told(release, note, call)
            assert caught.value.status == status
            assert str(caught.value).startswith(
                "POST /v1/database/cap-http/call/reducer did not call anything (status "
            )
        with pytest.raises(NoSuchDatabase):
            await told(release, "call unknown database", lambda api: api.call("nowhere", "nothing"))

    async def test_sql(self, release: str) -> None:
        result = await told(release, "sql", lambda api: api.sql("cap-http", "SELECT * FROM person"))
        assert result.columns == (("id", U64), ("name", STRING), ("team", U32), ("age", U8))
        assert result.rows
        assert set(result.rows[0]) == {"id", "name", "team", "age"}
        refused = next(one for one in captured(release) if one["note"] == "sql as other" and one["status"] == 400)

        async def refuse(peer: Peer) -> None:
            peer.answer("400 Bad", refused["response"].encode(), {"spacetime-identity": "c2"})

        async with serving(refuse) as url, HttpApi(url) as api:
            with pytest.raises(QueryFailed) as caught:
                await api.sql("cap-http", "SELECT * FROM secret")
        assert (caught.value.sql, caught.value.message, caught.value.status) == (
            "SELECT * FROM secret",
            refused["response"],
            400,
        )

    async def test_every_answer_to_sql_is_read(self, release: str) -> None:
        answers = [
            one["response"] for one in captured(release) if one["path"].endswith("/sql") and one["status"] == 200
        ]
        left = list(answers)

        async def conduct(peer: Peer) -> None:
            await peer.body()
            peer.answer("200 OK", left.pop(0).encode())

        async with serving(conduct) as url, HttpApi(url) as api:
            for answer in answers:
                ((expected),) = json.loads(answer)
                result = await api.sql("cap-http", "x")
                assert len(result.rows) == len(expected["rows"])
                assert result.inserted == expected["stats"]["rows_inserted"]
        assert len(answers) > 5

    async def test_deleting(self, release: str) -> None:
        assert await told(release, "delete", lambda api: api.delete("cap-http")) is None
        assert await told(release, "info of missing", lambda api: api.delete("cap-http")) is None
        with pytest.raises(NotAuthorized):
            await told(release, "delete as other", lambda api: api.delete("cap-http"))


class TestRequests:
    """What is sent."""

    async def sent(self, attempt: Attempt, answer: bytes = b"", status: str = "200 OK") -> list[tuple[Peer, bytes]]:
        requests: list[tuple[Peer, bytes]] = []

        async def conduct(peer: Peer) -> None:
            requests.append((peer, await peer.body()))
            peer.answer(status, answer)

        async with serving(conduct) as url, HttpApi(url, "secret") as api:
            await attempt(api)
        return requests

    async def test_a_call(self) -> None:
        ((peer, body),) = await self.sent(lambda api: api.call("a db/../x", "do it?", {"x": "ü"}))
        assert (peer.method, peer.path) == ("POST", "/v1/database/a%20db%2F..%2Fx/call/do%20it%3F")
        assert (peer.headers["content-type"], peer.headers["authorization"]) == ("application/json", "Bearer secret")
        assert json.loads(body) == {"x": "ü"}
        ((peer, body),) = await self.sent(lambda api: api.call("db", "f", (1, None)))
        assert body == b"[1, null]"

    async def test_what_a_procedure_returns(self) -> None:
        results: list[Any] = []

        async def attempt(api: HttpApi) -> None:
            results.append(await api.call("db", "compute"))

        await self.sent(attempt, b'{"some": [1, 2]}')
        assert results == [{"some": [1, 2]}]

    async def test_a_procedure_that_panics(self) -> None:
        said = b"The module instance encountered a fatal error: error while executing at wasm backtrace:"
        with pytest.raises(ProcedureCrashed) as caught:
            await self.sent(lambda api: api.call("db", "explodes"), said, "500 Internal Server Error")
        assert (caught.value.procedure, caught.value.message) == ("explodes", said.decode())
        with pytest.raises(HttpError) as other:
            await self.sent(lambda api: api.call("db", "explodes"), b"disk full", "500 Internal Server Error")
        assert str(other.value) == "POST /v1/database/db/call/explodes was refused (status 500): disk full"

    async def test_a_number_that_json_has_no_word_for(self) -> None:
        with pytest.raises(ValueError, match=r"^Out of range float values are not JSON compliant"):
            await self.sent(lambda api: api.call("db", "f", [float("nan")]))

    async def test_publishing(self) -> None:
        success = b'{"Success":{"domain":null,"database_identity":"%s","op":"created"}}' % (b"ab" * 32)
        ((peer, body),) = await self.sent(lambda api: api.publish(WASM, "db", clear=True), success)
        assert (peer.method, peer.path, body) == ("PUT", "/v1/database/db?clear=true", WASM)
        ((peer, _),) = await self.sent(lambda api: api.publish(WASM), success)
        assert (peer.method, peer.path) == ("POST", "/v1/database")
        plan = MigrationPlan(True, "", True, "0x1")
        ((peer, _),) = await self.sent(lambda api: api.publish(WASM, "db", plan=plan), success)
        assert peer.parameters == {"policy": "BreakClients", "token": "0x1"}

    async def test_names_and_logs(self) -> None:
        ((peer, body),) = await self.sent(lambda api: api.set_names("db", ["a", "b"]))
        assert (peer.method, peer.path, body) == ("PUT", "/v1/database/db/names", b'["a", "b"]')
        ((peer, _),) = await self.sent(lambda api: api.logs("db", 5))
        assert peer.path == "/v1/database/db/logs?num_lines=5"
        ((peer, _),) = await self.sent(lambda api: api.logs("db"))
        assert peer.path == "/v1/database/db/logs"

    async def test_an_old_server_is_reset_by_publishing(self) -> None:
        requests: list[str] = []

        async def conduct(peer: Peer) -> None:
            await peer.body()
            requests.append(f"{peer.method} {peer.path}")
            if peer.path.endswith("/reset"):
                peer.answer("404 Not Found")
            else:
                success = b'{"Success":{"domain":{"tld":"db"},"database_identity":"%s","op":"updated"}}' % (b"ab" * 32)
                peer.answer("200 OK", success)

        async with serving(conduct) as url, HttpApi(url) as api:
            await api.reset("db", WASM)
            with pytest.raises(NoSuchRoute):
                await api.reset("db")
        assert requests == ["PUT /v1/database/db/reset", "PUT /v1/database/db?clear=true", "PUT /v1/database/db/reset"]

    async def test_a_database_has_a_name(self) -> None:
        with pytest.raises(ValueError, match=r"^a database has a name or an identity, got an empty text$"):
            await HttpApi("http://127.0.0.1:1").info("")


class TestMisbehaviour:
    """Servers that answer something else, too late, or not at all."""

    @pytest.mark.parametrize(
        ("attempt", "body", "reason"),
        [
            (lambda api: api.new_identity(), b"<html>", "not JSON: Expecting value at character 0"),
            (lambda api: api.new_identity(), b"[]", "expected an object, got []"),
            (
                lambda api: api.new_identity(),
                b'{"identity":"xy","token":""}',
                "identity: expected an identity, got 'xy'",
            ),
            (lambda api: api.names("db"), b'{"names":[1]}', "names[0]: expected an object, got 1"),
            (lambda api: api.info("db"), b"{}", "host_type: the field is missing"),
            (lambda api: api.schema("db"), b'{"typespace":{"types":[]}}', "tables: the field is missing"),
            (lambda api: api.sql("db", "x"), b"[]", "expected the result of one statement, got 0"),
            (
                lambda api: api.sql("db", "x"),
                b'[{"schema":{"elements":[{"name":{"some":"a"},"algebraic_type":{"U8":[]}}]},"rows":[[1,2]]}]',
                "[0].rows[0]: a row of 2 values, there are 1 columns",
            ),
            (
                lambda api: api.sql("db", "x"),
                b'[{"schema":{"elements":[{"name":{"some":"a"},"algebraic_type":{"U8":[]}}]},"rows":[["z"]]}]',
                "[0].rows[0][0]: expected U8, got str 'z'",
            ),
            (
                lambda api: api.sql("db", "x"),
                b'[{"schema":{"elements":[{"name":{"some":"a"},"algebraic_type":{"Ref":1}}]},"rows":[]}]',
                "the type of column 'a' refers to other types",
            ),
            (lambda api: api.logs("db"), b'{"level":"Info"}', "message: the field is missing"),
            (lambda api: api.names("db"), b"\xff", "it is no UTF-8"),
        ],
    )
    async def test_an_answer_that_makes_no_sense(self, attempt: Attempt, body: bytes, reason: str) -> None:
        async def conduct(peer: Peer) -> None:
            await peer.body()
            peer.answer("200 OK", body)

        async with serving(conduct) as url, HttpApi(url) as api:
            with pytest.raises(BadAnswer) as caught:
                await attempt(api)
        assert caught.value.reason == reason
        assert str(caught.value) == f"the answer to {caught.value.request} cannot be used: {reason}"

    async def test_no_http(self) -> None:
        async def conduct(peer: Peer) -> None:
            peer.writer.write(b"hello?\r\n\r\n")

        async with serving(conduct) as url, HttpApi(url) as api:
            with pytest.raises(BadAnswer) as caught:
                await api.ping()
        assert str(caught.value).startswith("the answer to GET /v1/ping cannot be used: it is no HTTP: ")

    async def test_an_answer_that_does_not_come(self) -> None:
        async def wait(peer: Peer) -> None:
            await asyncio.Event().wait()

        async with serving(wait) as url, HttpApi(url, timeout=0.02) as api:
            with pytest.raises(RequestTimeout) as caught:
                await api.ping()
        assert str(caught.value) == "the answer to GET /v1/ping did not come within 0.02 s"

    async def test_a_connection_that_is_cut(self) -> None:
        async def cut(peer: Peer) -> None:
            await peer.body()
            peer.drop()

        async with serving(cut) as url, HttpApi(url) as api:
            with pytest.raises(AnswerLost) as lost:
                await api.publish(WASM)
            assert str(lost.value) == (f"the connection to {url} was lost before the answer came: {lost.value.reason}")
            with pytest.raises(OutcomeUnknown) as caught:
                await api.call("db", "add_person")
            assert caught.value.reducer == "add_person"
            assert caught.value.__cause__ is not None
            assert str(caught.value).endswith("; look at the data before calling it again")

    async def test_half_an_answer(self) -> None:
        async def conduct(peer: Peer) -> None:
            peer.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

        async with serving(conduct) as url, HttpApi(url) as api:
            with pytest.raises(AnswerLost):
                await api.health()

    async def test_nobody_there(self) -> None:
        with refusing_port() as port:
            url = f"http://127.0.0.1:{port}"
            async with HttpApi(url) as api:
                with pytest.raises(ServerUnreachable) as caught:
                    await api.ping()
        assert str(caught.value) == f"no server could be reached at {url}: Connection refused"
        async with HttpApi("gibberish") as api:
            with pytest.raises(ServerUnreachable) as caught:
                await api.ping()
        assert caught.value.reason == "it is no address, which looks like http://127.0.0.1:3000"

    async def test_a_long_text_is_shortened(self) -> None:
        async def conduct(peer: Peer) -> None:
            await peer.body()
            peer.answer("500 Oh", b"\n".join([b"x" * 900] * 30))

        async with serving(conduct) as url, HttpApi(url) as api:
            with pytest.raises(PublishRejected) as caught:
                await api.publish(WASM, "db")
        assert len(str(caught.value).splitlines()) == 7
        assert str(caught.value).endswith("\n  ...")
        assert len(caught.value.text) == 30 * 901 - 1

    async def test_it_can_be_used_again_after_it_was_closed(self) -> None:
        async def conduct(peer: Peer) -> None:
            peer.answer("200 OK")

        async with serving(conduct) as url:
            api = HttpApi(f"{url}/")
            assert (api.url, repr(api)) == (url, f"<HttpApi {url}>")
            await api.ping()
            await api.close()
            await api.ping()
            await api.close()
            await api.close()


async def test_an_identity_is_printed_in_three_ways() -> None:
    number = "c2" + "0" * 60 + "ab"

    async def conduct(peer: Peer) -> None:
        body = {
            "database_identity": {"__identity__": f"0x{number}"},
            "owner_identity": number,
            "host_type": {"Js": []},
            "initial_program": "0x1",
        }
        peer.answer("200 OK", json.dumps(body).encode())

    async with serving(conduct) as url, HttpApi(url) as api:
        info = await api.info("db")
    assert info.identity == info.owner == Identity.from_hex(number)


class TestFollowing:
    async def test_lines_may_come_in_pieces(self) -> None:
        line = json.dumps({"level": "Info", "ts": 1, "message": "ä" * 100_000}).encode()

        async def conduct(peer: Peer) -> None:
            assert peer.path == "/v1/database/db/logs?follow=true&num_lines=1"
            peer.writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + line[:7])
            await peer.writer.drain()
            peer.writer.write(line[7:] + b"\n" + line)

        async with serving(conduct) as url, HttpApi(url) as api:
            lines = [one async for one in api.follow_logs("db", 1)]
        assert [one.message for one in lines] == ["ä" * 100_000] * 2
        assert str(lines[0]) == f"INFO  {'ä' * 100_000}"

    @pytest.mark.parametrize("release", RELEASES)
    async def test_a_refusal(self, release: str) -> None:
        async def follow(api: HttpApi) -> None:
            async for _ in api.follow_logs("cap-http"):
                pass

        with pytest.raises(NotAuthorized):
            await told(release, "logs as other", follow)

    async def test_what_is_no_line(self) -> None:
        async def conduct(peer: Peer) -> None:
            peer.answer("200 OK", b"nonsense\n")

        async with serving(conduct) as url, HttpApi(url) as api:
            with pytest.raises(BadAnswer) as caught:
                await anext(api.follow_logs("db"))
        assert str(caught.value) == (
            "the answer to GET /v1/database/db/logs cannot be used: not JSON: Expecting value at character 0"
        )
