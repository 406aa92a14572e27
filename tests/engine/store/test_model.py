"""The datastore against a list of dicts: whatever is done in whatever order, both say the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule
from support.examples import examples
from support.tables import auto_inc, datastore, key, row, table_def

from pytest_inner_universe.engine.store import Bound, Datastore, Index, Reader, Transaction
from pytest_inner_universe.engine.store.errors import NoSuchRow, UniqueViolation
from pytest_inner_universe.sats import I16, STRING, U8, U32

TABLE = table_def(
    "item", "id", ["name"], ["team,rank", "hash:rank", "rank"], [auto_inc(0)], id=U32, name=STRING, team=U8, rank=I16
)
TYPES = (U32, STRING, U8, I16)

Row = tuple[int, str, int, int]
ROWS = st.tuples(
    st.integers(0, 12), st.sampled_from(["", "a", "a\0", "aa", "b", "é"]), st.integers(0, 2), st.integers(-2, 2)
)


class World:
    """A datastore and the rows that it should have, in the order in which they should be scanned."""

    def __init__(self, store: Datastore, rows: list[Row], next_id: int) -> None:
        self.store = store
        self.committed = rows
        self.next_id = next_id
        self.tx: Transaction | None = None
        self.deleted: list[Row] = []
        self.inserted: list[Row] = []

    @property
    def visible(self) -> list[Row]:
        return [found for found in self.committed if found not in self.deleted] + self.inserted

    def drop(self, old: Row) -> None:
        (self.inserted.remove if old in self.inserted else self.deleted.append)(old)

    def put(self, new: Row) -> None:
        (self.deleted.remove if new in self.deleted else self.inserted.append)(new)

    def with_id(self, values: Row) -> Row:
        if values[0] == 0:
            values = (self.next_id, *values[1:])
            self.next_id += 1
        return values

    def end(self) -> None:
        self.tx, self.deleted, self.inserted = None, [], []


def ordered(values: tuple[Any, ...], column: int) -> Any:
    """Return a column in the form in which Python orders it as SpacetimeDB does."""
    return values[column].encode() if column == 1 else values[column]


def in_range(values: Row, columns: tuple[int, ...], prefix: tuple[Any, ...], bounds: list[tuple[int, Any]]) -> bool:
    found = tuple(ordered(values, column) for column in columns)
    if found[: len(prefix)] != prefix:
        return False
    value = found[len(prefix)]
    (start, low), (end, high) = bounds
    return (start == 2 or value > low or (start == 0 and value == low)) and (
        end == 2 or value < high or (end == 0 and value == high)
    )


class StoreMachine(RuleBasedStateMachine):
    worlds = Bundle("worlds")

    @initialize(target=worlds)
    def create(self) -> World:
        self.all: list[World] = [World(datastore(TABLE), [], 1)]
        return self.all[0]

    def begin(self, world: World) -> Transaction:
        if world.tx is None:
            world.tx = world.store.begin()
        return world.tx

    @rule(world=worlds, values=ROWS)
    def insert(self, world: World, values: Row) -> None:
        tx = self.begin(world)
        table = world.store.table("item")
        given, values = values, world.with_id(values)
        clash = [found for found in world.visible if found[0] == values[0] or found[1] == values[1]]
        if clash and values not in world.visible:
            with pytest.raises(UniqueViolation) as caught:
                tx.insert(table, row(table, *given))
            assert caught.value.existing in [row(table, *found) for found in clash]
            return
        stored, generated = tx.insert(table, row(table, *given))
        assert (stored, generated) == (row(table, *values), b"" if given[0] else stored[:4])
        if values not in world.visible:
            world.put(values)

    @rule(world=worlds, count=st.integers(1, 30))
    def load(self, world: World, count: int) -> None:
        for _ in range(count):
            self.insert(world, (0, f"name {world.next_id}", world.next_id % 3, world.next_id * 7 % 41 - 20))

    @rule(world=worlds, values=ROWS, column=st.sampled_from([0, 1]))
    def update(self, world: World, values: Row, column: int) -> None:
        tx = self.begin(world)
        table = world.store.table("item")
        index = next(index for index in table.indexes if index.columns == (column,) and index.is_unique)
        given, values = values, world.with_id(values)
        old = [found for found in world.visible if found[column] == values[column]]
        other = [found for found in world.visible if found[1 - column] == values[1 - column] and found not in old]
        if not old:
            with pytest.raises(NoSuchRow):
                tx.update(table, index, row(table, *given))
        elif other:
            with pytest.raises(UniqueViolation) as caught:
                tx.update(table, index, row(table, *given))
            assert caught.value.existing == row(table, *other[0])
        else:
            tx.update(table, index, row(table, *given))
            if old[0] != values:
                world.drop(old[0])
                world.put(values)

    @rule(world=worlds, data=st.data())
    def delete(self, world: World, data: st.DataObject) -> None:
        tx = self.begin(world)
        table = world.store.table("item")
        values = data.draw(st.sampled_from(world.visible) if world.visible else ROWS)
        assert tx.delete(table, row(table, *values)) == (values in world.visible)
        if values in world.visible:
            world.drop(values)

    @rule(world=worlds)
    def clear(self, world: World) -> None:
        tx = self.begin(world)
        assert tx.clear(world.store.table("item")) == len(world.visible)
        world.inserted, world.deleted = [], list(world.committed)

    @rule(world=worlds)
    def commit(self, world: World) -> None:
        tx = self.begin(world)
        table = world.store.table("item")
        after = world.visible
        changes = tx.peek()
        assert tx.commit() == changes
        if world.inserted or world.deleted:
            assert set(changes) == {"item"}
            assert changes["item"].inserts == [row(table, *values) for values in world.inserted]
            assert sorted(changes["item"].deletes) == sorted(row(table, *values) for values in world.deleted)
        else:
            assert changes == {}
        world.committed = after
        world.end()

    @rule(world=worlds)
    def rollback(self, world: World) -> None:
        self.begin(world).rollback()
        world.end()

    @rule(world=worlds, target=worlds)
    def fork(self, world: World) -> Any:
        fork = world.store.fork()
        if len(self.all) == 4:
            return multiple()
        self.all.append(World(fork, list(world.committed), world.next_id))
        return self.all[-1]

    @rule(world=worlds, count=st.integers(1, 20))
    @precondition(lambda self: hasattr(self, "all"))
    def fork_again_and_again(self, world: World, count: int) -> None:
        if world.tx is not None:
            return
        for step in range(count):
            self.insert(world, (0, f"step {step}", step % 3, 0))
            self.commit(world)
            world.store.fork()

    @rule(world=worlds, values=ROWS)
    def seek(self, world: World, values: Row) -> None:
        for reader, rows in self.readers(world):
            for index in world.store.table("item").indexes:
                wanted = tuple(values[column] for column in index.columns)
                self.compare(
                    index,
                    reader.seek(index, b"".join(key(TYPES[column], values[column]) for column in index.columns)),
                    [found for found in rows if tuple(found[column] for column in index.columns) == wanted],
                )

    @rule(
        world=worlds,
        values=ROWS,
        other=ROWS,
        elems=st.integers(0, 1),
        kinds=st.tuples(*[st.sampled_from([0, 1, 2])] * 2),
    )
    def range(self, world: World, values: Row, other: Row, elems: int, kinds: tuple[int, int]) -> None:
        for reader, rows in self.readers(world):
            for index in world.store.table("item").indexes:
                if index.algorithm == "hash" or elems >= len(index.columns):
                    continue
                column = index.columns[elems]
                prefix = tuple(ordered(values, column) for column in index.columns[:elems])
                bounds = [Bound(kind, key(TYPES[column], end[column])) for kind, end in zip(kinds, (values, other))]
                bounds = [Bound(2) if bound.kind == 2 else bound for bound in bounds]
                limits = [(kind, ordered(end, column)) for kind, end in zip(kinds, (values, other))]
                prefix_bytes = b"".join(key(TYPES[column], values[column]) for column in index.columns[:elems])
                found = reader.range(index, prefix_bytes, elems, *bounds)
                expected = [found for found in rows if in_range(found, index.columns, prefix, limits)]
                self.compare(index, found, expected)
                encoded = [bytes([bound.kind]) + bound.value for bound in bounds]
                assert reader.range_bsatn(index, prefix_bytes, elems, *encoded) == found
                self.check_order(world, reader, index, found)

    def check_order(self, world: World, reader: Reader, index: Index, found: list[bytes]) -> None:
        decoded = [tuple(index.table.definition.row_codec.decode(data).values()) for data in found]
        own = [values for values in decoded if isinstance(reader, Transaction) and values in world.inserted]
        assert decoded[: len(own)] == own

        def in_key_order(values: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(ordered(values, column) for column in index.columns)

        for part in (own, decoded[len(own) :]):
            assert part == sorted(part, key=in_key_order)

    def compare(self, index: Index, found: list[bytes], expected: list[Row]) -> None:
        assert sorted(found) == sorted(row(index.table, *values) for values in expected)

    def readers(self, world: World) -> list[tuple[Reader, list[Row]]]:
        readers: list[tuple[Reader, list[Row]]] = [(world.store.view(), world.committed)]
        if world.tx is not None:
            readers.append((world.tx, world.visible))
        return readers

    @invariant()
    def everything_is_there_in_order(self) -> None:
        for world in getattr(self, "all", []):
            table = world.store.table("item")
            for reader, rows in self.readers(world):
                expected = [row(table, *values) for values in rows]
                assert reader.rows(table) == expected
                assert reader.count(table) == len(expected)
                assert all(reader.contains(table, data) for data in expected)


StoreMachine.TestCase.settings = settings(examples(60), stateful_step_count=40)
TestStore = StoreMachine.TestCase
