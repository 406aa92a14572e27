"""Reducer calls and one-off queries."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.fake_server import MODULE, NOW, FakeServer, change, item, link, rows, update

from pytest_inner_universe.client import (
    CallError,
    Connection,
    MemoryTransport,
    QueryFailed,
    ReducerCrashed,
    ReducerFailed,
    RequestTimeout,
    UnknownReducer,
    UnknownTable,
)
from pytest_inner_universe.sats import ArgumentError
from pytest_inner_universe.wire import (
    CallReducer,
    OneOffQuery,
    OneOffQueryResult,
    ReducerErr,
    ReducerInternalError,
    ReducerOk,
    ReducerOkEmpty,
    ReducerResult,
)

pytestmark = pytest.mark.asyncio


class TestCall:
    async def test_arguments_go_by_position_and_by_name(self, server: FakeServer, connection: Connection) -> None:
        await connection.call("put_item", 1, "one")
        await connection.call("put_item", 1, name="one")
        await connection.call("put_item", name="one", id=1)
        assert server.end.heard == [CallReducer(n, 0, "put_item", item(1, "one")) for n in (1, 2, 3)]

    async def test_its_changes_are_there_when_it_returns(self, server: FakeServer, connection: Connection) -> None:
        seen: list[object] = []
        await connection.subscribe("a", on_insert=seen.append)
        server.outcomes.append(ReducerOk(b"", update(change(1, inserts=(item(1, "one"),)))))
        await connection.call("put_item", 1, "one")
        assert seen == connection.tables["item"].rows() == [{"id": 1, "name": "one"}]

    async def test_a_shorthand_for_no_changes_is_success(self, server: FakeServer, connection: Connection) -> None:
        server.outcomes.append(ReducerOkEmpty())
        await connection.call("put_item", 1, "one")

    async def test_the_reducers_own_error_is_raised(self, server: FakeServer, connection: Connection) -> None:
        server.outcomes.append(ReducerErr.of("no item 1 ✓"))
        with pytest.raises(ReducerFailed) as caught:
            await connection.call("remove_item", 1)
        assert str(caught.value) == "reducer 'remove_item' failed: no item 1 ✓"
        assert (caught.value.reducer, caught.value.message) == ("remove_item", "no item 1 ✓")
        assert isinstance(caught.value, CallError)

    async def test_a_crash_is_raised(self, server: FakeServer, connection: Connection) -> None:
        server.outcomes.append(ReducerInternalError("The instance encountered a fatal error."))
        with pytest.raises(ReducerCrashed) as caught:
            await connection.call("remove_item", 1)
        assert str(caught.value) == (
            "reducer 'remove_item' was not run to its end: The instance encountered a fatal error."
        )

    async def test_a_name_that_is_almost_right_is_guessed(self, server: FakeServer, connection: Connection) -> None:
        with pytest.raises(UnknownReducer) as caught:
            await connection.call("put_itme", 1, "one")
        assert str(caught.value) == "the module has no reducer 'put_itme'; did you mean 'put_item'?"
        assert caught.value.reducer == "put_itme"
        assert caught.value.known == ("put_item", "remove_item")
        assert server.end.heard == []

    async def test_a_name_that_is_quite_wrong_gets_the_list(self, connection: Connection) -> None:
        with pytest.raises(UnknownReducer) as caught:
            await connection.call("xyz")
        assert str(caught.value) == "the module has no reducer 'xyz'; there are put_item, remove_item"

    @pytest.mark.parametrize(
        ("args", "kwargs", "text"),
        [
            ((), {}, "cannot call remove_item: takes 1 argument, got 0: missing 'id'"),
            ((1, 2), {}, "cannot call remove_item: takes 1 argument, got 2"),
            ((), {"ident": 1}, "cannot call remove_item: has no argument 'ident'"),
            (("one",), {}, "cannot call remove_item: id: expected U32, got str 'one'"),
        ],
    )
    async def test_wrong_arguments_show_the_signature(
        self, server: FakeServer, connection: Connection, args: tuple[object, ...], kwargs: dict[str, Any], text: str
    ) -> None:
        with pytest.raises(ArgumentError) as caught:
            await connection.call("remove_item", *args, **kwargs)
        assert str(caught.value) == f"{text}\n  the module declares remove_item(id: U32)"
        assert server.end.heard == []

    async def test_a_server_that_does_not_answer_runs_into_the_timeout(self, server: FakeServer) -> None:
        async with await Connection.open(MemoryTransport(server), MODULE, timeout=0.1) as connection:
            server.be_silent(CallReducer)
            with pytest.raises(RequestTimeout) as caught:
                await connection.call("remove_item", 1)
            assert str(caught.value) == "the answer to the call of 'remove_item' did not come within 0.1 s"
            assert (caught.value.waiting_for, caught.value.timeout) == ("the answer to the call of 'remove_item'", 0.1)
            assert repr(connection) == "<Connection open, 0 subscriptions, 0 waiting>"

    async def test_a_late_answer_finds_nobody_but_its_changes_count(
        self, server: FakeServer, connection: Connection
    ) -> None:
        await connection.subscribe("a")
        server.be_silent(CallReducer)
        calling = asyncio.create_task(connection.call("put_item", 1, "one"))
        await asyncio.sleep(0)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert repr(connection) == "<Connection open, 1 subscriptions, 0 waiting>"
        request = server.end.heard[-1].request_id
        server.end.say(ReducerResult(request, NOW, ReducerOk(b"", update(change(1, inserts=(item(1, "one"),))))))
        await connection.wait_for(lambda: connection.tables["item"].count == 1)

    async def test_several_calls_can_be_under_way(self, server: FakeServer, connection: Connection) -> None:
        server.be_silent(CallReducer)
        calls = [asyncio.create_task(connection.call("remove_item", n)) for n in range(3)]
        await asyncio.sleep(0)
        server.end.say(ReducerResult(2, NOW, ReducerErr.of("second")))
        server.end.say(ReducerResult(3, NOW, ReducerErr.of("third")))
        server.end.say(ReducerResult(1, NOW, ReducerErr.of("first")))
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [getattr(outcome, "message", None) for outcome in outcomes] == ["first", "second", "third"]

    async def test_a_loop_of_calls_lets_others_have_their_turns(self, connection: Connection) -> None:
        turns: list[int] = []

        async def caller(number: int) -> None:
            for _ in range(3):
                await connection.call("remove_item", 1)
                turns.append(number)

        await asyncio.gather(caller(1), caller(2))
        assert turns == [1, 2, 1, 2, 1, 2]

    async def test_what_a_server_raises_reaches_the_caller_and_leaves_nothing_behind(
        self, server: FakeServer, connection: Connection
    ) -> None:
        def gone(request: object) -> list[object]:
            raise RuntimeError("the database is gone")

        server.answers[CallReducer] = gone  # type: ignore[assignment]
        with pytest.raises(RuntimeError, match="the database is gone"):
            await connection.call("remove_item", 1)
        assert repr(connection) == "<Connection open, 0 subscriptions, 0 waiting>"


class TestQuery:
    async def test_rows_come_as_dicts(self, server: FakeServer, connection: Connection) -> None:
        server.rows["SELECT * FROM item"] = rows(item=[item(1, "one"), item(2, "two")])
        assert await connection.query("SELECT * FROM item") == [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]
        assert server.end.heard == [OneOffQuery(1, "SELECT * FROM item")]
        assert connection.tables["item"].rows() == []

    async def test_no_rows_are_an_empty_list(self, connection: Connection) -> None:
        assert await connection.query("SELECT * FROM item") == []

    async def test_names_of_the_source_and_of_views_are_known(self, server: FakeServer, connection: Connection) -> None:
        server.rows["a"] = rows(Item=[item(1, "one")], all_items=[item(2, "two")], AllItems=[item(3, "three")])
        assert [row["id"] for row in await connection.query("a")] == [1, 2, 3]

    async def test_the_servers_error_is_raised(self, server: FakeServer, connection: Connection) -> None:
        server.answers[OneOffQuery] = lambda request: [OneOffQueryResult(request.request_id, "no such table: `x`")]
        with pytest.raises(QueryFailed) as caught:
            await connection.query("SELECT * FROM x")
        assert str(caught.value) == "the query failed: no such table: `x`\n  SELECT * FROM x"
        assert (caught.value.sql, caught.value.message) == ("SELECT * FROM x", "no such table: `x`")

    async def test_rows_of_an_undeclared_table_cannot_be_read(self, server: FakeServer, connection: Connection) -> None:
        server.rows["a"] = rows(st_client=[link(1, 2)])
        with pytest.raises(UnknownTable) as caught:
            await connection.query("a")
        assert str(caught.value) == "the module has no table 'st_client'; there are all_items, item, link, notice"
        assert isinstance(caught.value, KeyError)

    async def test_a_query_is_a_text(self, connection: Connection) -> None:
        with pytest.raises(TypeError) as caught:
            await connection.query(["a"])  # type: ignore[arg-type]
        assert str(caught.value) == "a query is a text, got ['a']"
