"""The calls that clients make, as a universe remembers them for the report of a failure."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_inner_universe.client.errors import ReducerCrashed, ReducerFailed
from pytest_inner_universe.client.link import HearsOfFailures, KnowsClients
from pytest_inner_universe.testing.calling import Call
from pytest_inner_universe.testing.recording import RecordingTransport
from pytest_inner_universe.testing.universe import Universe
from pytest_inner_universe.wire.messages import CallReducer

EVERY_TYPE = Path(__file__).parents[2] / "fixtures" / "modules" / "every_type_1_4.wasm"


@pytest.fixture
def people() -> Iterator[Universe]:
    with Universe.embedded(EVERY_TYPE) as universe:
        yield universe


@pytest.mark.asyncio
async def test_calls_of_everybody_are_remembered_in_their_order(people: Universe) -> None:
    people.call("nothing")
    async with people.connect(people.actor("alice")) as alice, people.connect() as somebody:
        await alice.call("add_person", "Ada", team=1, age=36)
        with pytest.raises(ReducerFailed):
            await somebody.call("fails", "no")
        with pytest.raises(ReducerCrashed):
            await alice.call("panics")
        name = f"client {somebody.identity.hex()[:12]}"
    assert [str(call) for call in people.calls] == [
        "owner: nothing() -> committed",
        "alice: add_person(name='Ada', team=1, age=36) -> committed",
        f"{name}: fails(text='no') -> failed: no",
        "alice: panics() -> crashed: The instance encountered a fatal error.",
    ]


class Silent:
    """A way to nobody: no answer ever comes."""

    async def open(self, receiver: Any) -> Any:
        self.receiver = receiver
        return self

    def send(self, message: Any) -> None:
        pass

    async def close(self) -> None:
        pass


class Deaf:
    """A receiver."""

    def messages(self, messages: list[Any]) -> None:
        pass

    def closed(self, code: int | None, reason: str) -> None:
        pass


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("reducer", "args", "text"),
    [
        ("nothing", b"", "client: nothing() -> unanswered"),
        ("add_person", b"\xff", "client: add_person(1 bytes) -> unanswered"),
        ("who_knows", b"\1\2", "client: who_knows(2 bytes) -> unanswered"),
    ],
)
async def test_what_was_not_answered_or_does_not_decode(people: Universe, reducer: str, args: bytes, text: str) -> None:
    calls: deque[Call] = deque()
    link = await RecordingTransport(Silent(), people.schema, calls, None).open(Deaf())
    link.send(CallReducer(1, 0, reducer, args))
    assert [str(call) for call in calls] == [text]


@pytest.mark.asyncio
async def test_what_both_sides_can_do_is_seen_through_it(people: Universe) -> None:
    class Known(Silent):
        def known_as(self, token: str) -> Any:
            self.token = token
            return self

    class Listening(Deaf):
        def failed(self, error: Exception) -> None:
            raise error

    for way, receiver, can in ((Silent(), Deaf(), False), (Known(), Listening(), True)):
        transport = RecordingTransport(way, people.schema, deque(), None)
        assert isinstance(transport, KnowsClients) is can
        assert not inspect.iscoroutine(await transport.open(receiver))
        assert isinstance(way.receiver, HearsOfFailures) is can
    again = transport.known_as("token")
    assert isinstance(again, RecordingTransport)
    assert isinstance(again, KnowsClients)
