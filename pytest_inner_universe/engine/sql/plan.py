"""Plans and runs what a query reads: which table first, how each next one is found, where conditions are tested."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ...sats.definition import TableDef
from ..store.backing import KEY_WIDTH, BackingTable
from .access import Access, best_access, is_searchable
from .bound import Branch, Column, Compare, Node, conjunction, conjuncts, sources_of
from .errors import SqlNotSupported
from .predicates import Predicate, compile_predicate
from .rowreader import column_slice
from .stored import Reader, Schema, StoredIndex, StoredTable

MOST_COMBINATIONS = 10_000_000
"""How many combinations of rows of several tables a query may look at, which takes some seconds."""

MOST_JOINED_ROWS = 1_000_000
"""How many of them it may return."""

Rows = tuple[bytes, ...]
KeyOf = Callable[[Rows], bytes]


@dataclass(frozen=True, slots=True)
class _Step:
    """One table joined to those before.

    Args:
        source: Number of the table in the query.
        access: How its rows are found when nothing of the tables before helps.
        index: Index to search with `key_of` the rows so far.
        key_of: Makes the key, for the index or for a table of keys built on the way.
        own_key: Cuts the same key out of a row of this table, where no index does it.
        alone: Condition on this table only.
        test: Condition on this table and those before.
    """

    source: int
    access: Access
    index: StoredIndex | None
    key_of: KeyOf | None
    own_key: Callable[[bytes], bytes] | None
    alone: Predicate | None
    test: Callable[[Rows], bool] | None

    def apply(self, reader: Reader, before: Iterable[Rows], most: int | None) -> Iterator[Rows]:
        found = self._combined(reader, before)
        if most is not None:
            found = _bounded(found, most, "looks at")
        return filter(self.test, found) if self.test is not None else found

    def _combined(self, reader: Reader, before: Iterable[Rows]) -> Iterator[Rows]:
        if self.index is not None and self.key_of is not None:
            return self._searched(reader, before)
        rows = self.access.rows(reader)
        if self.alone is not None:
            rows = list(filter(self.alone, rows))
        if self.own_key is not None and self.key_of is not None:
            return self._hashed(rows, before)
        return ((*so_far, row) for so_far in before for row in rows)

    def _searched(self, reader: Reader, before: Iterable[Rows]) -> Iterator[Rows]:
        assert self.index is not None
        assert self.key_of is not None
        for so_far in before:
            rows: Iterable[bytes] = reader.seek(self.index, self.key_of(so_far))
            if self.alone is not None:
                rows = filter(self.alone, rows)
            yield from ((*so_far, row) for row in rows)

    def _hashed(self, rows: list[bytes], before: Iterable[Rows]) -> Iterator[Rows]:
        assert self.own_key is not None
        assert self.key_of is not None
        by_key: dict[bytes, list[bytes]] = {}
        for row in rows:
            by_key.setdefault(self.own_key(row), []).append(row)
        for so_far in before:
            yield from ((*so_far, row) for row in by_key.get(self.key_of(so_far), ()))


def _bounded(found: Iterator[Rows], most: int, what: str) -> Iterator[Rows]:
    """Return combinations of rows up to a number.

    Raises:
        SqlNotSupported: There are more.
    """
    yield from islice(found, most)
    for _ in found:
        raise SqlNotSupported(
            f"The embedded engine {what} {most:,} combinations of rows at most; join by columns that are equal"
        )


class BranchPlan:
    """A plan for one branch of a query.

    Args:
        branch: What to read.
        schema: The datastore, for tables and their indexes.
    """

    def __init__(self, branch: Branch, schema: Schema) -> None:
        self.branch = branch
        self.definitions = [source.definition for source in branch.sources]
        self.tables = [schema.table(definition.name) for definition in self.definitions]
        self.order: list[int] = []
        self.steps: list[_Step] = []
        self._open = conjuncts(branch.condition)
        self._constant = self._take(frozenset())
        accesses = {number: best_access(table, number, self._of(number)) for number, table in enumerate(self.tables)}
        self.accesses = accesses
        first = max(accesses, key=lambda number: (accesses[number].rank, -number))
        self.first = accesses.pop(first)
        self.order.append(first)
        self._done(self.first.covered)
        alone = self._take(frozenset(self.order))
        self.first_test = compile_predicate(alone, self.definitions, (first,)) if alone is not None else None
        while accesses:
            self._join(accesses)

    def rows_of(self, source: int, reader: Reader, *, is_bounded: bool = False) -> Iterator[bytes]:
        """Return the rows of one table or view, once for every combination that it is part of; else as `run`."""
        if len(self.order) == 1:
            found = iter(self._first_rows(reader))
        else:
            place = self.order.index(source)
            found = (rows[place] for rows in self.run(reader, is_bounded=is_bounded))
        if isinstance(self.definitions[source], BackingTable):
            return (row[KEY_WIDTH:] for row in found)
        return found

    def run(self, reader: Reader, *, is_bounded: bool = False, counts: bool = False) -> Iterator[Rows]:
        """Return all combinations of rows, in the order of `order`.

        Args:
            reader: Where the rows are.
            is_bounded: Whether to give up where a query would take all time or memory that there is.
            counts: Whether they are counted only, and not kept.

        Raises:
            SqlNotSupported: There are too many, while they are taken.
        """
        found: Iterator[Rows] = ((row,) for row in self._first_rows(reader))
        for step in self.steps:
            found = step.apply(reader, found, MOST_COMBINATIONS if is_bounded else None)
        if is_bounded and self.steps and not counts:
            found = _bounded(found, MOST_JOINED_ROWS, "returns")
        return found

    def counts_all(self) -> StoredTable | None:
        """Return the table if the plan is to read all of it and nothing else."""
        plain = (
            len(self.tables) == 1 and self.first.index is None and self.first_test is None and self._constant is None
        )
        return self.tables[0] if plain else None

    def _first_rows(self, reader: Reader) -> list[bytes]:
        if self._constant is not None and not compile_predicate(self._constant, (), ())():
            return []
        rows = self.first.rows(reader)
        return list(filter(self.first_test, rows)) if self.first_test is not None else rows

    def _of(self, number: int) -> list[Node]:
        return [node for node in self._open if sources_of(node) == {number}]

    def _take(self, known: frozenset[int]) -> Node | None:
        taken = [node for node in self._open if sources_of(node) <= known]
        self._done(taken)
        return conjunction(taken)

    def _done(self, nodes: Iterable[Node]) -> None:
        done = {id(node) for node in nodes}
        self._open = [node for node in self._open if id(node) not in done]

    def _join(self, accesses: dict[int, Access]) -> None:
        number = min(
            accesses, key=lambda n: (self._index_for(n) is None, not self._equalities(n), -accesses[n].rank, n)
        )
        access = accesses.pop(number)
        equalities = self._equalities(number)
        index = self._index_for(number)
        key_of, own_key = None, None
        if index is not None:
            key_of = self._key(tuple(equalities[position][0] for position in index.columns))
        elif equalities:
            positions = tuple(equalities)
            key_of = self._key(tuple(equalities[position][0] for position in positions))
            own_key = _own_key(self.definitions[number], positions)
        if index is None:
            self._done(access.covered)
        self._done(node for position, (_, node) in equalities.items() if index is None or position in index.columns)
        alone = conjunction(own := self._of(number))
        self._done(own)
        self.order.append(number)
        rest = self._take(frozenset(self.order))
        self.steps.append(
            _Step(
                number,
                access,
                index,
                key_of,
                own_key,
                compile_predicate(alone, self.definitions, (number,)) if alone is not None else None,
                _spread(compile_predicate(rest, self.definitions, tuple(self.order))) if rest is not None else None,
            )
        )

    def _equalities(self, number: int) -> dict[int, tuple[Column, Node]]:
        """Return, by column of this table, the columns of tables before that must equal it."""
        known = set(self.order)
        found: dict[int, tuple[Column, Node]] = {}
        for node in self._open:
            if not isinstance(node, Compare) or node.operator != "=":
                continue
            for mine, other in ((node.left, node.right), (node.right, node.left)):
                if not isinstance(mine, Column) or not isinstance(other, Column) or not is_searchable(mine.type):
                    continue
                if mine.source == number and other.source in known:
                    found.setdefault(mine.position, (other, node))
        return found

    def _index_for(self, number: int) -> StoredIndex | None:
        equalities = self._equalities(number)
        fitting = [index for index in self.tables[number].indexes if all(c in equalities for c in index.columns)]
        return max(fitting, key=lambda index: (index.is_unique, len(index.columns)), default=None)

    def _key(self, columns: tuple[Column, ...]) -> KeyOf:
        parts = [(self.order.index(c.source), column_slice(self.definitions[c.source], c.position)) for c in columns]
        if len(parts) == 1:
            ((place, cut),) = parts
            return lambda rows: cut(rows[place])
        return lambda rows: b"".join(cut(rows[place]) for place, cut in parts)


def _own_key(table: TableDef, positions: tuple[int, ...]) -> Callable[[bytes], bytes]:
    cuts = [column_slice(table, position) for position in positions]
    return cuts[0] if len(cuts) == 1 else lambda row: b"".join(cut(row) for cut in cuts)


def _spread(test: Predicate) -> Callable[[Rows], bool]:
    return lambda rows: test(*rows)
