"""Callbacks: when they run, in which order, what they are given, and what they cannot break."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
import pytest_asyncio
from support.fake_server import MODULE, FakeServer, change, item, link, rows, update

from pytest_inner_universe.client import Connection, MemoryTransport
from pytest_inner_universe.wire import ReducerOk

pytestmark = pytest.mark.asyncio

ONE, TWO, THREE = item(1, "one"), item(2, "two"), item(3, "three")


class Diary:
    """Notes what callbacks are told."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, ...]] = []

    def note(self, kind: str) -> Any:
        def callback(*rows: dict[str, Any]) -> None:
            self.entries.append((kind, *(row.get("name", row) for row in rows)))

        return callback

    @property
    def callbacks(self) -> dict[str, Any]:
        return {f"on_{kind}": self.note(kind) for kind in ("insert", "update", "delete")}


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest_asyncio.fixture
async def reported() -> list[dict[str, Any]]:
    """What the loop's exception handler is told."""
    contexts: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: contexts.append(context))
    return contexts


async def transact(server: FakeServer, connection: Connection, *parts: Any) -> None:
    """Let a transaction happen, and wait until it is applied."""
    server.outcomes.append(ReducerOk(b"", update(*parts)))
    await connection.call("remove_item", 0)


class TestWhatIsTold:
    async def test_insertions_updates_and_deletions(
        self, server: FakeServer, connection: Connection, diary: Diary
    ) -> None:
        """A deletion and an insertion with the same primary key are one update; deletions come first."""
        server.rows["a"] = rows(item=[ONE, TWO])
        table = connection.tables["item"]
        table.on_insert(diary.note("insert"))
        table.on_update(diary.note("update"))
        table.on_delete(diary.note("delete"))
        await connection.subscribe("a")
        assert diary.entries == []
        await transact(server, connection, change(1, inserts=(THREE, item(2, "zwei")), deletes=(TWO, ONE)))
        assert diary.entries == [("delete", "one"), ("insert", "three"), ("update", "two", "zwei")]

    async def test_a_table_without_primary_key_has_no_updates(
        self, server: FakeServer, connection: Connection, diary: Diary
    ) -> None:
        server.rows["a"] = rows(link=[link(1, 1)])
        await connection.subscribe("a", **diary.callbacks)
        await transact(server, connection, change(1, "link", inserts=(link(1, 2),), deletes=(link(1, 1),)))
        assert diary.entries == [("delete", {"left": 1, "right": 1}), ("insert", {"left": 1, "right": 2})]

    async def test_a_row_that_comes_and_goes_in_one_transaction_is_not_told(
        self, server: FakeServer, connection: Connection, diary: Diary
    ) -> None:
        server.rows["a"] = rows(item=[ONE])
        await connection.subscribe("a", **diary.callbacks)
        await transact(server, connection, change(1, inserts=(ONE, TWO), deletes=(TWO, ONE)))
        assert diary.entries == []

    async def test_the_table_tells_the_sum_and_each_subscription_its_own(
        self, server: FakeServer, connection: Connection, diary: Diary
    ) -> None:
        """A row that moves from one set to another has changed for the table, gone for one set and come for the other."""
        server.rows["old"] = rows(item=[ONE])
        of_table, old, new = Diary(), Diary(), Diary()
        table = connection.tables["item"]
        for kind, add in (("insert", table.on_insert), ("update", table.on_update), ("delete", table.on_delete)):
            add(of_table.note(kind))
        await connection.subscribe("old", **old.callbacks)
        await connection.subscribe("new", **new.callbacks)
        await transact(server, connection, change(1, deletes=(ONE,)), change(2, inserts=(item(1, "uno"),)))
        assert of_table.entries == [("update", "one", "uno")]
        assert old.entries == [("delete", "one")]
        assert new.entries == [("insert", "uno")]

    async def test_a_row_that_another_subscription_has_already_is_not_new_to_the_table(
        self, server: FakeServer, connection: Connection, diary: Diary
    ) -> None:
        server.rows["a"] = rows(item=[ONE])
        connection.tables["item"].on_insert(diary.note("table"))
        await connection.subscribe("a")
        await connection.subscribe("b", on_insert=diary.note("set"))
        await transact(server, connection, change(2, inserts=(ONE,)))
        assert diary.entries == [("set", "one")]

    async def test_first_rows_are_told_only_when_asked_for(
        self, server: FakeServer, connection: Connection, diary: Diary
    ) -> None:
        server.rows["a"] = rows(item=[ONE, TWO])
        connection.tables["item"].on_insert(diary.note("table"))
        await connection.subscribe("a", on_insert=diary.note("first"))
        assert diary.entries == []
        await connection.subscribe("a", on_insert=diary.note("second"), replay=True)
        assert diary.entries == [("second", "one"), ("second", "two")]

    async def test_each_event_has_dicts_of_its_own(self, server: FakeServer, connection: Connection) -> None:
        await connection.subscribe("a", on_insert=lambda row: row.clear())
        await transact(server, connection, change(1, inserts=(ONE,)))
        assert connection.tables["item"].rows() == [{"id": 1, "name": "one"}]
        connection.tables["item"].rows()[0].clear()
        assert connection.tables["item"].find(1) == {"id": 1, "name": "one"}


class TestWhen:
    async def test_after_the_whole_transaction_and_before_the_call_returns(
        self, server: FakeServer, connection: Connection
    ) -> None:
        seen: list[tuple[int, int]] = []
        tables = connection.tables
        await connection.subscribe("a", on_insert=lambda row: seen.append((tables["item"].count, tables["link"].count)))
        await transact(
            server, connection, change(1, inserts=(ONE, TWO)), change(1, "link", inserts=(link(1, 2), link(2, 1)))
        )
        assert seen == [(2, 2)] * 4

    async def test_tables_first_then_subscriptions_each_in_their_order(
        self, server: FakeServer, connection: Connection, diary: Diary
    ) -> None:
        await connection.subscribe("a", on_insert=diary.note("first set"))
        await connection.subscribe("b", on_insert=diary.note("second set"))
        connection.tables["item"].on_insert(diary.note("table, first"))
        connection.tables["item"].on_insert(diary.note("table, second"))
        await transact(server, connection, change(1, inserts=(ONE,)), change(2, inserts=(ONE,)))
        assert [kind for kind, _ in diary.entries] == ["table, first", "table, second", "first set", "second set"]

    async def test_never_from_within_the_request(self, server: FakeServer, connection: Connection) -> None:
        """The server may hold a lock while it answers; callbacks wait until it is done."""
        inside: list[bool] = []
        is_answering = False
        answer = server.called

        def called(request: Any) -> list[Any]:
            nonlocal is_answering
            is_answering = True
            server.end.say(*answer(request))
            is_answering = False
            return []

        server.answers[type(request_of_call())] = called
        await connection.subscribe("a", on_insert=lambda row: inside.append(is_answering))
        await transact(server, connection, change(1, inserts=(ONE,)))
        assert inside == [False]


def request_of_call() -> Any:
    from pytest_inner_universe.wire import CallReducer

    return CallReducer(0, 0, "", b"")


class TestCancelling:
    async def test_a_cancelled_callback_runs_no_more(
        self, server: FakeServer, connection: Connection, diary: Diary
    ) -> None:
        cancel = connection.tables["item"].on_insert(diary.note("insert"))
        await connection.subscribe("a")
        await transact(server, connection, change(1, inserts=(ONE,)))
        cancel()
        cancel()
        await transact(server, connection, change(1, inserts=(TWO,)))
        assert diary.entries == [("insert", "one")]

    async def test_the_same_function_can_be_added_twice_and_cancelled_once(
        self, server: FakeServer, connection: Connection, diary: Diary
    ) -> None:
        note = diary.note("insert")
        cancel = connection.tables["item"].on_insert(note)
        connection.tables["item"].on_insert(note)
        cancel()
        await connection.subscribe("a")
        await transact(server, connection, change(1, inserts=(ONE,)))
        assert diary.entries == [("insert", "one")]

    async def test_callbacks_may_cancel_each_other_while_they_run(
        self, server: FakeServer, connection: Connection, diary: Diary
    ) -> None:
        table = connection.tables["item"]
        cancels: list[Any] = []
        cancels.append(table.on_insert(lambda row: [cancel() for cancel in cancels]))
        cancels.append(table.on_insert(diary.note("insert")))
        await connection.subscribe("a")
        await transact(server, connection, change(1, inserts=(ONE, TWO)))
        assert diary.entries == []


class TestFailing:
    async def test_a_failure_reaches_nobody_else(
        self,
        server: FakeServer,
        connection: Connection,
        diary: Diary,
        reported: list[dict[str, Any]],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def breaks(row: object) -> None:
            raise ValueError("no thanks")

        connection.tables["item"].on_insert(breaks)
        connection.tables["item"].on_insert(diary.note("insert"))
        await connection.subscribe("a")
        await transact(server, connection, change(1, inserts=(ONE,)))
        assert diary.entries == [("insert", "one")]
        (failure,) = connection.callback_errors
        text = f"callback {breaks.__qualname__} raised ValueError: no thanks"
        assert str(failure) == text
        assert failure.callback is breaks
        assert isinstance(failure.error, ValueError)
        assert failure.__cause__ is failure.error
        assert reported == [{"message": text, "exception": failure.error}]
        (record,) = caplog.records
        assert (record.levelno, record.name, record.getMessage()) == (
            logging.ERROR,
            "pytest_inner_universe.client.callbacks",
            text,
        )

    async def test_a_failed_assertion_of_pytest_does_not_hang_the_call(
        self, server: FakeServer, connection: Connection, reported: list[dict[str, Any]]
    ) -> None:
        connection.tables["item"].on_insert(lambda row: pytest.fail("seen"))
        await connection.subscribe("a")
        await transact(server, connection, change(1, inserts=(ONE,)))
        (failure,) = connection.callback_errors
        assert str(failure.error) == "seen"
        assert len(reported) == 1

    async def test_only_the_latest_failures_are_kept(
        self, server: FakeServer, connection: Connection, reported: list[dict[str, Any]]
    ) -> None:
        names: list[str] = []

        def breaks(row: dict[str, Any]) -> None:
            names.append(row["name"])
            raise ValueError(row["name"])

        connection.tables["item"].on_insert(breaks)
        await connection.subscribe("a")
        await transact(server, connection, change(1, inserts=tuple(item(n, str(n)) for n in range(105))))
        assert [str(failure.error) for failure in connection.callback_errors] == [str(n) for n in range(5, 105)]
        assert len(names) == len(reported) == 105


class TestAsynchronous:
    async def test_they_go_on_by_themselves(self, server: FakeServer, connection: Connection) -> None:
        release, seen = asyncio.Event(), []

        async def callback(row: dict[str, Any]) -> None:
            await release.wait()
            seen.append(row)

        connection.tables["item"].on_insert(callback)
        await connection.subscribe("a")
        await transact(server, connection, change(1, inserts=(ONE, TWO)))
        assert seen == []
        draining = asyncio.create_task(connection.drained())
        done, _ = await asyncio.wait([draining], timeout=0.01)
        assert not done
        release.set()
        await draining
        assert seen == [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]
        assert connection.callback_errors == ()

    async def test_they_may_use_the_connection(self, server: FakeServer, connection: Connection) -> None:
        async def callback(row: dict[str, Any]) -> None:
            await connection.call("remove_item", row["id"])

        await connection.subscribe("a", on_insert=callback)
        await transact(server, connection, change(1, inserts=(ONE,)))
        await connection.drained()
        assert server.end.heard[-1].args == b"\1\0\0\0"  # type: ignore[union-attr]

    async def test_a_task_that_a_plain_callback_returns_is_waited_for(
        self, server: FakeServer, connection: Connection
    ) -> None:
        seen: list[object] = []

        async def later(row: object) -> None:
            await asyncio.sleep(0)
            seen.append(row)

        connection.tables["item"].on_insert(lambda row: asyncio.create_task(later(row)))
        await connection.subscribe("a")
        await transact(server, connection, change(1, inserts=(ONE,)))
        await connection.drained()
        assert len(seen) == 1

    async def test_their_failures_are_reported(
        self, server: FakeServer, connection: Connection, reported: list[dict[str, Any]]
    ) -> None:
        async def breaks(row: object) -> None:
            await asyncio.sleep(0)
            raise ValueError("later")

        connection.tables["item"].on_insert(breaks)
        await connection.subscribe("a")
        await transact(server, connection, change(1, inserts=(ONE,)))
        await connection.drained()
        (failure,) = connection.callback_errors
        assert str(failure) == f"callback {breaks.__qualname__} raised ValueError: later"
        assert len(reported) == 1

    async def test_closing_waits_for_them(self, server: FakeServer, connection: Connection) -> None:
        seen: list[object] = []

        async def callback(row: dict[str, Any]) -> None:
            await connection.call("remove_item", row["id"])
            seen.append(row)

        await connection.subscribe("a", on_insert=callback)
        server.end.say(update(change(1, inserts=(ONE,))))
        await asyncio.sleep(0)
        await connection.close()
        assert len(seen) == 1
        assert connection.callback_errors == ()

    async def test_closing_does_not_wait_forever(self, server: FakeServer, reported: list[dict[str, Any]]) -> None:
        async def stays(row: object) -> None:
            await asyncio.Event().wait()

        connection = await Connection.open(MemoryTransport(server), MODULE, close_timeout=0.01)
        await connection.subscribe("a", on_insert=stays)
        await transact(server, connection, change(1, inserts=(ONE,)))
        await connection.close()
        (failure,) = connection.callback_errors
        assert str(failure) == (
            f"callback {stays.__qualname__} raised TimeoutError: "
            "it still ran after the connection was closed, and was cancelled"
        )
        assert len(reported) == 1

    async def test_one_that_raises_when_it_is_cancelled_is_reported_once(
        self, server: FakeServer, reported: list[dict[str, Any]]
    ) -> None:
        async def stays(row: object) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                raise ValueError("not so fast")

        connection = await Connection.open(MemoryTransport(server), MODULE, close_timeout=0.01)
        await connection.subscribe("a", on_insert=stays)
        await transact(server, connection, change(1, inserts=(ONE,)))
        await connection.close()
        assert len(connection.callback_errors) == len(reported) == 1

    async def test_one_that_waits_for_an_answer_hears_of_the_end(
        self, server: FakeServer, reported: list[dict[str, Any]]
    ) -> None:
        connection = await Connection.open(MemoryTransport(server), MODULE, close_timeout=0.01)
        await connection.subscribe("a", on_insert=lambda row: connection.wait_for(lambda: False))
        await transact(server, connection, change(1, inserts=(ONE,)))
        await connection.close()
        (failure,) = connection.callback_errors
        assert type(failure.error).__name__ == "ConnectionLost"

    async def test_they_may_close_the_connection(self, server: FakeServer, connection: Connection) -> None:
        await connection.subscribe("a", on_insert=lambda row: connection.close())
        await transact(server, connection, change(1, inserts=(ONE, TWO)))
        await connection.drained()
        assert not connection.is_open
        assert connection.callback_errors == ()

    async def test_two_that_wait_for_each_other_do_not_wait_forever(
        self, server: FakeServer, connection: Connection
    ) -> None:
        await connection.subscribe("a", on_insert=lambda row: connection.drained())
        await transact(server, connection, change(1, inserts=(ONE, TWO)))
        await connection.drained()
        assert connection.callback_errors == ()


class TestWaiting:
    """`Connection.wait_for`."""

    async def test_a_condition_that_is_true_is_not_waited_for(self, connection: Connection) -> None:
        assert await connection.wait_for(lambda: "yes") == "yes"

    async def test_its_outcome_is_returned_when_it_becomes_true(
        self, server: FakeServer, connection: Connection
    ) -> None:
        await connection.subscribe("a")
        waiting = asyncio.create_task(connection.wait_for(lambda: connection.tables["item"].find(2)))
        await asyncio.sleep(0)
        await transact(server, connection, change(1, inserts=(ONE,)))
        assert not waiting.done()
        await transact(server, connection, change(1, inserts=(TWO,)))
        assert await waiting == {"id": 2, "name": "two"}

    async def test_callbacks_of_the_same_transaction_run_first(
        self, server: FakeServer, connection: Connection
    ) -> None:
        seen: list[object] = []
        await connection.subscribe("a", on_insert=seen.append)
        server.end.say(update(change(1, inserts=(ONE,))))
        await connection.wait_for(lambda: seen)

    async def test_it_does_not_wait_longer_than_asked(self, connection: Connection) -> None:
        def three_items() -> bool:
            return connection.tables["item"].count == 3

        with pytest.raises(TimeoutError) as caught:
            await connection.wait_for(three_items, timeout=0.01)
        assert str(caught.value) == f"the condition {three_items.__qualname__} did not come true within 0.01 s"
        assert caught.value.condition == three_items.__qualname__  # type: ignore[attr-defined]
        assert caught.value.timeout == 0.01  # type: ignore[attr-defined]

    async def test_what_it_raises_is_raised_to_who_waits(self, server: FakeServer, connection: Connection) -> None:
        with pytest.raises(ZeroDivisionError):
            await connection.wait_for(lambda: 1 / 0)
        await connection.subscribe("a")

        def late() -> bool:
            return connection.tables["item"].count > 0 and 1 / 0 > 0

        waiting = asyncio.create_task(connection.wait_for(late))
        await asyncio.sleep(0)
        await transact(server, connection, change(1, inserts=(ONE,)))
        with pytest.raises(ZeroDivisionError):
            await waiting
        assert connection.is_open

    async def test_several_can_wait_and_be_cancelled(self, server: FakeServer, connection: Connection) -> None:
        await connection.subscribe("a")
        waits = [
            asyncio.create_task(connection.wait_for(lambda: connection.tables["item"].count, timeout=5))
            for _ in range(3)
        ]
        await asyncio.sleep(0)
        waits[1].cancel()
        await transact(server, connection, change(1, inserts=(ONE,)))
        outcomes = await asyncio.gather(*waits, return_exceptions=True)
        assert [outcomes[0], outcomes[2]] == [1, 1]
        assert isinstance(outcomes[1], asyncio.CancelledError)
