"""The state machine: the same random operations on both sides, and after each one everything that anybody heard compared."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pytest_inner_universe.client.loop_thread import LoopThread
from pytest_inner_universe.engine.store import Datastore
from pytest_inner_universe.server.embedded import EmbeddedServer
from pytest_inner_universe.server.remote import RemoteServer
from pytest_inner_universe.wire import v1

from .known import Known
from .masks import Masks
from .sides import BSATN, EVERYBODY, JSON, Answer, Said, Side
from .statements import short
from .subject import Call, Subject
from .tally import Tally

if TYPE_CHECKING:
    from aiohttp import ClientSession

SLOTS = (0, 1, 2)
PROTOCOLS = {0: BSATN, 1: BSATN, 2: JSON}
QUERY_IDS = st.integers(1, 4)
PEOPLE = st.sampled_from([*EVERYBODY, None])
STEP_SECONDS = 600.0
"""Longer than all that a step waits for."""
MOST_PLACES = 20
LONGEST = 600
LONGEST_STEP = 300
NOTHING = "nothing"
SOON = 2000
"""Microseconds."""

Saying = v1.ClientMessage | bytes | str | tuple[Call | None, int, int]
"""A message, or a call with its number and flags."""
Step = Callable[[Side], Awaitable[Answer | None]]


@dataclass
class Arena:
    """What all examples of a run share."""

    subject: Subject
    real: RemoteServer
    embedded: EmbeddedServer
    loop: LoopThread
    http: ClientSession
    tally: Tally


class Difference(AssertionError):
    """The two sides did not say the same."""


def machine_of(arena: Arena) -> type[RuleBasedStateMachine]:  # noqa: C901  # its rules need the subject
    """Return the machine for the subject of an arena."""
    subject = arena.subject
    definition = subject.module.definition
    calls, statements = subject.calls, subject.statements
    # The answer to a call that is refused may overtake those to calls before it.
    good_calls = short(calls.filter(lambda call: call.args is not None))
    sessions = itertools.count(1)

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            tokens = {name: arena.real.credentials(None if name == "owner" else name).token for name in EVERYBODY}
            self.known = Known()
            embedded, real = arena.embedded.handle("parity"), arena.real.database("parity", subject.module)
            self.sides = [
                Side("embedded", embedded, arena.http, tokens, subject.barrier),
                Side("real", real, arena.http, tokens, subject.barrier),
            ]
            store: Datastore = embedded.database.datastore
            self.masks = [Masks(side, store, self.known) for side in self.sides]
            arena.loop.run(learn(self.sides), STEP_SECONDS)
            self.step = 0
            self.history: list[str] = []
            self.numbers = itertools.count(1)
            self.is_door_closed = False

        def do(self, kind: str, what: object, action: Step, slot: int | None = None) -> None:
            """Do something on both sides, as a client if one is named, and compare everything that is said."""
            self.step += 1
            arena.tally.kinds[kind] += 1
            self.history.append(f"{self.step:>3} {kind} {shortened(what, LONGEST_STEP)}")

            async def on(side: Side) -> tuple[Answer | None, dict[int, list[Said]]]:
                answer = await action(side)
                return answer, await side.settle(slot)

            async def both() -> list[tuple[Answer | None, dict[int, list[Said]]]]:
                return await asyncio.gather(*map(on, self.sides))

            said = arena.loop.run(both(), STEP_SECONDS)

            def masked() -> list[dict[str, list[Any]]]:
                return [
                    masks.of(self.step, heard, answer) for masks, (answer, heard) in zip(self.masks, said, strict=True)
                ]

            results = masked()
            if results[0] != results[1]:
                with self.known.masked() as met:
                    results = masked()
                if results[0] != results[1]:
                    arena.tally.differences += 1
                    raise Difference(told(self.history, *results))
                arena.tally.known.update(met)

        def teardown(self) -> None:
            async def close() -> None:
                await asyncio.gather(*(side.close() for side in self.sides))

            arena.loop.run(close(), STEP_SECONDS)

        # Coming and going

        @initialize(who=st.sampled_from(EVERYBODY))
        def first_client(self, who: str) -> None:
            self.come_in(0, who, False)

        def come_in(self, slot: int, who: str, light: bool) -> None:
            number = next(sessions)

            async def connect(side: Side) -> None:
                await side.connect(slot, who, PROTOCOLS[slot], number, light)

            self.do("connect", (slot, who, light), connect)

        @rule(slot=st.sampled_from(SLOTS), who=st.sampled_from(EVERYBODY), light=st.booleans())
        def connect(self, slot: int, who: str, light: bool) -> None:
            if slot in self.sides[0].clients:
                self.do("disconnect", slot, lambda side: side.disconnect(slot))
            else:
                self.come_in(slot, who, light)

        def somebody(self, slot: int) -> int:
            """Return the slot of a client that is there; where there is none, one comes, unless the door is closed."""
            if not self.sides[0].open_slots and not self.is_door_closed:
                self.come_in(slot, EVERYBODY[slot], False)
            open_slots = self.sides[0].open_slots
            return open_slots[slot % len(open_slots)] if open_slots else slot

        # Over a connection

        def say(self, slot: int, kind: str, *messages: Saying) -> None:
            slot = self.somebody(slot)
            if slot not in self.sides[0].clients:
                return

            async def send(side: Side) -> None:
                for message in messages:
                    await side.clients[slot].send(self.written(message, PROTOCOLS[slot]))

            self.do(kind, (slot, messages), send, slot)

        def written(self, message: Any, protocol: str) -> Any:
            """Calls are told to both protocols in the way of each."""
            if isinstance(message, tuple):
                call, number, flags = message
                args = call.json(definition) if protocol == JSON else call.bsatn(definition)
                return v1.CallReducer(call.reducer, args, number, flags)
            return message

        @rule(slot=st.sampled_from(SLOTS), call=calls, quiet=st.sampled_from([0, 0, 0, 1]))
        def call(self, slot: int, call: Call, quiet: int) -> None:
            self.say(slot, "call", (call, next(self.numbers), quiet))

        @rule(slot=st.sampled_from(SLOTS), call=calls)
        def call_again(self, slot: int, call: Call) -> None:
            self.say(slot, "call", (call, next(self.numbers), 0))

        @rule(slot=st.sampled_from(SLOTS), several=st.lists(good_calls, min_size=2, max_size=4))
        def calls_in_flight(self, slot: int, several: list[Call]) -> None:
            self.say(slot, "calls in flight", *[(call, next(self.numbers), 0) for call in several])

        @rule(slot=st.sampled_from(SLOTS), queries=st.lists(statements.queries, min_size=0, max_size=3), id=QUERY_IDS)
        def subscribe(self, slot: int, queries: list[str], id: int) -> None:
            self.say(slot, "subscribe", v1.SubscribeMulti(tuple(queries), next(self.numbers), id))

        @rule(slot=st.sampled_from(SLOTS), query=statements.good_queries, id=QUERY_IDS)
        def subscribe_well(self, slot: int, query: str, id: int) -> None:
            self.say(slot, "subscribe", v1.SubscribeMulti((query,), next(self.numbers), id))

        @rule(slot=st.sampled_from(SLOTS), query=statements.queries, id=QUERY_IDS)
        def subscribe_single(self, slot: int, query: str, id: int) -> None:
            self.say(slot, "subscribe single", v1.SubscribeSingle(query, next(self.numbers), id))

        @rule(slot=st.sampled_from(SLOTS), queries=st.lists(statements.queries, min_size=0, max_size=2))
        def subscribe_as_ever(self, slot: int, queries: list[str]) -> None:
            self.say(slot, "subscribe (oldest way)", v1.Subscribe(tuple(queries), next(self.numbers)))

        @rule(slot=st.sampled_from(SLOTS), query=statements.good_queries)
        def subscribe_well_as_ever(self, slot: int, query: str) -> None:
            self.say(slot, "subscribe (oldest way)", v1.Subscribe((query,), next(self.numbers)))

        @rule(slot=st.sampled_from(SLOTS), id=QUERY_IDS, many=st.sampled_from([True, True, False]))
        def unsubscribe(self, slot: int, id: int, many: bool) -> None:
            kind = v1.UnsubscribeMulti if many else v1.Unsubscribe
            self.say(slot, "unsubscribe", kind(next(self.numbers), id))

        @rule(slot=st.sampled_from(SLOTS), query=statements.queries)
        def one_off(self, slot: int, query: str) -> None:
            self.say(slot, "one-off query", v1.OneOffQuery(next(self.numbers).to_bytes(4, "little"), query))

        @rule(slot=st.sampled_from(SLOTS), data=st.binary(max_size=6))
        @precondition(lambda self: self.step > 20)
        def nonsense(self, slot: int, data: bytes) -> None:
            self.say(slot, "nonsense", b"\xff" + data)

        # Over HTTP

        @rule(who=PEOPLE, call=calls)
        def http_call(self, who: str | None, call: Call) -> None:
            path = f"/call/{quote(call.reducer, safe='')}"
            body = call.json(definition)
            self.do("call by HTTP", (who, call), lambda side: side.request(who, "POST", path, body))

        @rule(who=PEOPLE, text=statements.statements)
        def http_sql(self, who: str | None, text: str) -> None:
            self.do("SQL by HTTP", (who, text), lambda side: side.sql(who, text))

        @rule(text=statements.statements)
        def owners_sql(self, text: str) -> None:
            self.do("SQL by HTTP", ("owner", text), lambda side: side.sql("owner", text))

        @rule(
            who=st.sampled_from([*EVERYBODY, None, "not.a.token"]),
            what=st.sampled_from(["", "/names", "/schema", "/logs"]),
        )
        def ask(self, who: str | None, what: str) -> None:
            params = {"/schema": {"version": "9"}}.get(what, {})
            self.do("other HTTP", (who, what), lambda side: side.request(who, "GET", what, **params))

        # Time, and the end of everything

        @precondition(lambda self: subject.schedules is not None and self.step > 5)
        @rule(slot=st.sampled_from(SLOTS), note=st.text("ab", max_size=2))
        def schedule(self, slot: int, note: str) -> None:
            assert subject.schedules is not None
            slot = self.somebody(slot)
            if slot not in self.sides[0].clients:
                return
            reducer, table = subject.schedules
            # Not over HTTP: what is scheduled may run before or after the visit ends.
            call = self.written((Call(reducer, (SOON, note)), next(self.numbers), 0), PROTOCOLS[slot])

            async def wait(side: Side) -> None:
                before = await side.count(table)
                await side.clients[slot].send(call)
                await side.heard_by(slot)
                if side.name == "embedded":
                    side.handle.advance(SOON)
                await side.until(table, before)

            self.do("schedule", (slot, note), wait, slot)

        @precondition(lambda self: subject.closes_door is not None and self.step > 35 and not self.is_door_closed)
        @rule(slot=st.sampled_from(SLOTS))
        def close_door(self, slot: int) -> None:
            self.is_door_closed = True
            self.say(slot, "call", (subject.closes_door, next(self.numbers), 0))

        @invariant()
        def same_clients_are_open(self) -> None:
            embedded, real = (sorted(side.clients) for side in self.sides)
            assert embedded == real

    return Machine


async def learn(sides: list[Side]) -> None:
    await asyncio.gather(*(side.learn() for side in sides))


def told(history: list[str], embedded: object, real: object) -> str:
    """Say what was done, and what differs after it, place by place."""
    found = list(differences(embedded, real))
    lines = [
        line
        for where, left, right in found[:MOST_PLACES]
        for line in (f"at {where}", f"      real: {shortened(right)}", f"  embedded: {shortened(left)}")
    ]
    cut = [f"... {len(found) - MOST_PLACES} more places"] if len(found) > MOST_PLACES else []
    title = "After the last of these operations the embedded server says something else than the real one:"
    return "\n".join([title, *history, "", *lines, *cut])


def differences(left: Any, right: Any, where: str = "") -> Iterator[tuple[str, object, object]]:
    """Return the places at which two values differ, the innermost ones."""
    if isinstance(left, dict) and isinstance(right, dict) and left.get("") == right.get(""):
        for name in [*left, *(name for name in right if name not in left)]:
            yield from differences(
                left.get(name, NOTHING), right.get(name, NOTHING), f"{where}.{name}" if where else name
            )
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for number, (a, b) in enumerate(zip(left, right, strict=True)):
            yield from differences(a, b, f"{where}[{number}]")
    elif isinstance(left, list) and isinstance(right, list) and left and right and left[0] == right[0]:
        yield from differences(left[1:], right[1:], f"{where}[1:]" if not where.endswith("1:]") else where)
    elif left != right or type(left) is not type(right):
        yield where, left, right


def shortened(value: object, longest: int = LONGEST) -> str:
    text = value if value is NOTHING else repr(value)
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"
