"""Streams of entities, relations, events and load, from a seed, and what plays them.

A `Simulator` makes things; who takes them is up to the test: a universe (synchronous), a client (asynchronous, the real
one or a mock), or the handlers that were given to a mock client.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_inner_universe.testing.factories import Factories

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence

    from pytest_inner_universe.persistence.inner_universe import InnerUniverseClient
    from pytest_inner_universe.persistence.types import NewEntity, NewEvent, NewRelation
    from pytest_inner_universe.testing.mocks import MockInnerUniverse
    from pytest_inner_universe.testing.universe import Universe

T = TypeVar("T")

WEIGHTS: Mapping[str, float] = {
    "create_entity": 5,
    "update_entity": 3,
    "create_relation": 3,
    "publish_event": 3,
    "commit_state_version": 1,
    "delete_entity": 1,
}
"""How often each operation comes up in a stream of steps."""


@dataclass(frozen=True)
class Step:
    """One operation of a client, ready to be done.

    Attributes:
        method: name of the client's method.
        arguments: its arguments by name.
    """

    method: str
    arguments: Mapping[str, Any]

    async def on(self, client: InnerUniverseClient) -> Any:
        """Do it on a client, and return what the method returns."""
        return await getattr(client, self.method)(**self.arguments)


@dataclass
class Load:
    """What a played stream came to.

    Attributes:
        done: how many steps of each method succeeded.
        failed: the steps that did not, with their errors.
        seconds: how long all of it took.
    """

    done: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[Step, Exception]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def count(self) -> int:
        """How many steps succeeded."""
        return sum(self.done.values())

    @property
    def per_second(self) -> float:
        """Succeeded steps in a second."""
        return self.count / self.seconds if self.seconds else 0.0


class Simulator:
    """Makes streams, and plays them.

    Args:
        seed: where everything starts; the same seed makes the same streams in the same order of asking.

    Example:
        >>> [step.method for step in Simulator(1).steps(3)] == [step.method for step in Simulator(1).steps(3)]
        True
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.make = Factories(seed)
        self.random = self.make.random

    def entities(self, count: int, entity_type: str | None = None) -> Iterator[NewEntity]:
        """A stream of new entities."""
        return (self.make.entity(entity_type) for _ in range(count))

    def relations(self, count: int, among: Sequence[str | NewEntity]) -> Iterator[NewRelation]:
        """A stream of new relations between any two of some entities."""
        return (self.make.relation(self.random.choice(among), self.random.choice(among)) for _ in range(count))

    def events(self, count: int, event_types: Sequence[str] | None = None) -> Iterator[NewEvent]:
        """A stream of new events, of the given types or of any."""
        return (self.make.event(self.random.choice(event_types) if event_types else None) for _ in range(count))

    def steps(self, count: int, weights: Mapping[str, float] = WEIGHTS) -> Iterator[Step]:
        """A stream of operations that all succeed when they are done in order on data that nobody else changes.

        Args:
            count: how many.
            weights: how often each method comes up; methods as in `WEIGHTS`.

        Raises:
            ValueError: a method is not one of `WEIGHTS`, or no weight is above 0.
        """
        unknown = sorted(set(weights) - set(WEIGHTS))
        if unknown:
            raise ValueError(f"unknown steps {', '.join(unknown)}; there are {', '.join(WEIGHTS)}")
        if not any(weight > 0 for weight in weights.values()):
            raise ValueError("no step has a weight above 0")
        return self._steps(count, weights)

    def _steps(self, count: int, weights: Mapping[str, float]) -> Iterator[Step]:
        alive: list[str] = []
        version: str | None = None
        names = list(weights)
        for _ in range(count):
            (method,) = self.random.choices(names, weights=[weights[name] for name in names])
            if method in ("update_entity", "create_relation", "delete_entity") and not alive:
                method = "create_entity"
            if method == "create_entity":
                entity = self.make.entity()
                assert entity.id is not None
                alive.append(entity.id)
                yield Step(method, {**_fields(entity, "entity_type", "metadata"), "entity_id": entity.id})
            elif method == "update_entity":
                metadata = self.make.entity().metadata
                yield Step(method, {"entity_id": self.random.choice(alive), "metadata": metadata})
            elif method == "delete_entity":
                gone = alive.pop(self.random.randrange(len(alive)))
                yield Step(method, {"entity_id": gone, "cascade": True})
            elif method == "create_relation":
                new = self.make.relation(self.random.choice(alive), self.random.choice(alive))
                names_of = ("from_entity", "to_entity", "relation_type", "metadata")
                yield Step(method, {**_fields(new, *names_of), "relation_id": new.id})
            elif method == "publish_event":
                event = self.make.event()
                yield Step(method, {**_fields(event, "event_type", "source", "data"), "event_id": event.id})
            else:
                description, data_hash = self.make.version()
                parent, version = version, self.make.new_id()
                arguments = {"parent_version_id": parent, "description": description, "data_hash": data_hash}
                yield Step(method, {**arguments, "version_id": version})

    def disturbed(self, items: Iterable[T], *, duplicates: float = 0.1, swaps: float = 0.1) -> list[T]:
        """A stream as an unreliable way would deliver it: some items twice, some after their successor.

        Args:
            items: the stream.
            duplicates: share of the items that come twice, 0 to 1.
            swaps: share of neighbours that change places, 0 to 1.
        """
        result: list[T] = []
        for item in items:
            result.append(item)
            if self.random.random() < duplicates:
                result.append(item)
        for position in range(len(result) - 1):
            if self.random.random() < swaps:
                result[position], result[position + 1] = result[position + 1], result[position]
        return result

    def bursts(self, items: Iterable[T], largest: int = 10) -> Iterator[list[T]]:
        """A stream in groups of 1 to `largest` items that belong to the same moment."""
        group: list[T] = []
        size = self.random.randint(1, largest)
        for item in items:
            group.append(item)
            if len(group) == size:
                yield group
                group, size = [], self.random.randint(1, largest)
        if group:
            yield group

    def play(self, universe: Universe, steps: int | Iterable[Step]) -> Load:
        """Do steps on a universe that holds the Inner Universe module, as its owner.

        Args:
            universe: where.
            steps: the steps, or how many of `steps` to make.

        Returns:
            What succeeded and what failed; a failed step does not stop the others.
        """
        from pytest_inner_universe.testing.clients import owner_client

        client = owner_client(universe)
        load, start = Load(), time.perf_counter()
        for step in self.steps(steps) if isinstance(steps, int) else steps:
            _note(load, step, _finish(_outcome(client, step)))
        load.seconds = time.perf_counter() - start
        return load

    async def play_on(self, client: InnerUniverseClient, steps: int | Iterable[Step], *, at_once: int = 1) -> Load:
        """Do steps on a client, the real one or a mock.

        Args:
            client: a connected client.
            steps: the steps, or how many of `steps` to make.
            at_once: how many calls are under way together; a connection keeps them in order.

        Returns:
            What succeeded and what failed; a failed step does not stop the others.
        """
        import asyncio

        load, start = Load(), time.perf_counter()
        waiting = list(self.steps(steps) if isinstance(steps, int) else steps)
        for first in range(0, len(waiting), at_once):
            group = waiting[first : first + at_once]
            outcomes = await asyncio.gather(*(_outcome(client, step) for step in group))
            for step, outcome in zip(group, outcomes):
                _note(load, step, outcome)
        load.seconds = time.perf_counter() - start
        return load

    async def play_events(self, mock: MockInnerUniverse, events: int | Iterable[NewEvent]) -> list[dict[str, Any]]:
        """Let a mock client's event handlers see events, as if a server had sent them.

        Args:
            mock: the mock client.
            events: the events, or how many to make.

        Returns:
            The rows that the handlers got.
        """
        stream = self.events(events) if isinstance(events, int) else events
        return [await mock.simulate_event(event.event_type, dict(event.data), event.source) for event in stream]


async def _outcome(client: InnerUniverseClient, step: Step) -> Exception | None:
    try:
        await step.on(client)
    except Exception as error:  # noqa: BLE001 (whatever a step raises is its outcome)
        return error
    return None


def _finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits, as those of an owner's client do not."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise RuntimeError("a step on a universe waited for something")


def _note(load: Load, step: Step, error: Exception | None) -> None:
    if error is None:
        load.done[step.method] += 1
    else:
        load.failed.append((step, error))


def _fields(record: object, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}
