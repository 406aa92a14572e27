"""Strategies for SQL: good statements, and bad ones of every kind that comes to mind."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hypothesis import strategies as st

Texts = st.SearchStrategy[str]
Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=Hashable)


@dataclass(frozen=True)
class Table:
    """What statements about a table are made of.

    Args:
        name: Its name.
        columns: Strategies for literals that fit, by column; columns that cannot be compared are left out.
        row: What a whole row looks like in an INSERT, None where rows cannot be written by SQL.
        joins: Other tables, with the condition that joins them; ``a`` is this table, ``b`` the other one.
    """

    name: str
    columns: dict[str, Texts]
    row: tuple[str, Texts] | None = None
    joins: tuple[tuple[str, str], ...] = ()


ODD_LITERALS = st.sampled_from(
    ["1", "0", "-1", "'x'", "''", "true", "NULL", "0xff", "0xzz", "X'00ff'", "1.5", "1e3", "256", "99999999999999999999",
     ":sender", ":other", "'it''s'", "id", "nope", "'2025-02-10T15:45:30Z'", "'yesterday'", "1 + 1", "lower('X')"]
)  # fmt: skip
COMPARISONS = st.sampled_from(["=", "=", "=", "<>", "!=", "<", ">", "<=", ">="])
BROKEN = st.sampled_from(
    [
        "", ";", "SELECT", "SELECT *", "SELECT * FROM", "SELECT * FROM no_such_table", "select * from Person",
        "SELECT * FROM person ORDER BY id", "SELECT * FROM person LIMIT -1", "SELECT DISTINCT name FROM person",
        "SELECT * FROM person; SELECT * FROM team", "SELECT * FROM person, team", "SELECT 1", "SELECT id FROM person",
        "SELECT COUNT(*) FROM person", "SELECT COUNT(id) AS n FROM person", "SELECT * FROM person WHERE name LIKE 'a%'",
        "SELECT * FROM person WHERE name IN ('a')", "SELECT * FROM person WHERE NOT id = 1", "DROP TABLE person",
        "SELECT * FROM person WHERE id IS NULL", "SELECT * FROM person JOIN team ON person.team = team.id",
        "SELECT person.*, team.* FROM person JOIN team ON person.team = team.id", "SELECT * FROM *", "select * from *",
        "SELECT p.* FROM person p LEFT JOIN team t ON p.team = t.id", "SELECT x.* FROM person p", "garbage",
        "SELECT p.* FROM person p JOIN team t ON p.age = t.id", "SELECT p.* FROM person p JOIN team t ON p.name = t.id",
        "SELECT p.* FROM person p JOIN team p ON p.team = p.id", "SELECT p.* FROM person p JOIN team t ON p.team < t.id",
        "SELECT p.* FROM person p JOIN team t ON team = id", "SELECT p.* FROM person p CROSS JOIN team t",
        "SELECT * FROM (SELECT * FROM person)", "SELECT * FROM person WHERE (id = 1", "SELECT * FROM person WHERE id = 'one",
        'SELECT * FROM "person"', "SELECT * FROM public.person", "SELECT * FROM person AS", "SELECT * FROM person WHERE",
        "INSERT INTO person VALUES (1, 'a', 1, 1)", "INSERT INTO person (id) VALUES (1)", "UPDATE person SET nope = 1",
        "DELETE FROM no_such_table", "INSERT INTO no_such_table (a) VALUES (1)", "UPDATE person SET age = age + 1",
        "SET row_limit = 5", "SHOW row_limit", "SELECT * FROM person WHERE TRUE", "SELECT * FROM person WHERE FALSE",
        "SELECT * FROM person WHERE 1 = 1", "SELECT * FROM person GROUP BY id", "SELECT * FROM person LIMIT 0",
        "SELECT * FROM person UNION SELECT * FROM person", "SELECT * FROM person -- and more", "SELECT  *\nFROM\tperson",
        "SELECT * FROM st_client", "SELECT * FROM st_table", "SELECT * FROM st_module", "SELECT * FROM st_nothing",
        "SELECT * FROM person WHERE \u00e9 = 1", "SELECT '\u00e9'", "SELECT * FROM person p WHERE person.id = 1",
    ]
)  # fmt: skip


def short(strategy: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    """Return the same strategy under a short name; Hypothesis prints what strategies are made of, again and again."""

    @st.composite
    def drawn(draw: st.DrawFn) -> Value:
        return draw(strategy)

    return drawn()


def each(choices: Sequence[Choice], of: Callable[[Choice], Texts]) -> Texts:
    """Return what a function makes of one of some choices, made once for each; making strategies takes longer than drawing."""
    return st.sampled_from(choices).flatmap(functools.cache(of))


def quoted(values: st.SearchStrategy[str]) -> Texts:
    """Return string literals of texts."""
    return values.map(lambda text: "'" + text.replace("'", "''") + "'")


class Statements:
    """Strategies for statements about the tables of a module.

    Args:
        tables: The tables.
    """

    def __init__(self, *tables: Table) -> None:
        self._tables = {table.name: table for table in tables}
        good = short(st.one_of(self._plain(), self._plain(), self._joined()))
        self.good_queries: Texts = good
        self.queries: Texts = short(st.one_of(good, good, good, self._mistaken(), self._broken()))
        """What may be subscribed to or asked once, and what may not."""
        self.statements: Texts = short(st.one_of(self.queries, self._projected(), self._written(), self._written()))
        """What may be asked over HTTP."""

    def _broken(self) -> Texts:
        first = next(iter(self._tables))
        return BROKEN.map(lambda text: text.replace("person", first) if "person" not in self._tables else text)

    def _condition(self, table: Table, prefix: str, literal: Texts | None = None) -> Texts:
        def one(column: str) -> Texts:
            return st.builds(
                lambda comparison, value: f"{prefix}{column} {comparison} {value}",
                COMPARISONS,
                table.columns[column] if literal is None else literal,
            )

        single = each(sorted(table.columns), one)
        return st.recursive(
            single,
            lambda inner: st.builds(
                lambda a, word, b: f"({a} {word} {b})", inner, st.sampled_from(["AND", "OR", "and"]), inner
            ),
            max_leaves=3,
        )

    def _plain(self) -> Texts:
        def of(name: str) -> Texts:
            table = self._tables[name]
            heads = [
                (f"SELECT * FROM {name}", ""),
                (f"SELECT {name}.* FROM {name}", f"{name}."),
                (f"SELECT x.* FROM {name} AS x", "x."),
                (f"SELECT * FROM {name} x", "x."),
            ]
            return each(
                heads,
                lambda head: st.one_of(
                    st.just(head[0]),
                    self._condition(table, head[1]).map(lambda condition: f"{head[0]} WHERE {condition}"),
                ),
            )

        return each(sorted(self._tables), of)

    def _joined(self) -> Texts:
        joins = [
            (table.name, other, condition)
            for table in self._tables.values()
            for other, condition in table.joins
            if other in self._tables
        ]

        def of(join: tuple[str, str, str]) -> Texts:
            name, other, condition = join
            heads = st.sampled_from(
                [f"SELECT {side}.* FROM {name} a {word} {other} b ON {condition}" for side in "ab" for word in ("JOIN", "INNER JOIN")]
            )  # fmt: skip
            ends = st.one_of(
                st.just(""),
                self._condition(self._tables[name], "a.").map(" WHERE {}".format),
                self._condition(self._tables[other], "b.").map(" WHERE {}".format),
            )
            return st.builds(str.__add__, heads, ends)

        return each(joins, of)

    def _mistaken(self) -> Texts:
        def of(name: str) -> Texts:
            condition = self._condition(self._tables[name], "", ODD_LITERALS)
            return condition.map(lambda text: f"SELECT * FROM {name} WHERE {text}")

        return each(sorted(self._tables), of)

    def _projected(self) -> Texts:
        def of(name: str) -> Texts:
            table = self._tables[name]
            columns = st.lists(st.sampled_from([*sorted(table.columns), "nope"]), min_size=1, max_size=3)
            listed = st.builds(lambda names: f"SELECT {', '.join(names)} FROM {name}", columns)
            renamed = columns.map(
                lambda names: "SELECT " + ", ".join(f"{one} AS c{i}" for i, one in enumerate(names)) + f" FROM {name}"
            )
            counted = st.just(f"SELECT COUNT(*) AS n FROM {name}")
            heads = st.one_of(listed, renamed, counted)
            ends = st.one_of(st.just(""), self._condition(table, "").map(" WHERE {}".format), st.just(" LIMIT 0"))
            return st.builds(str.__add__, heads, ends)

        return each(sorted(self._tables), of)

    def _written(self) -> Texts:
        def of(name: str) -> Texts:
            table = self._tables[name]
            where = st.one_of(st.just(""), self._condition(table, "").map(" WHERE {}".format))
            choices = [where.map(lambda end: f"DELETE FROM {name}{end}")]
            for column, literal in table.columns.items():
                values = st.one_of(literal, literal, ODD_LITERALS)
                choices.append(
                    st.builds(
                        lambda value, end, column=column: f"UPDATE {name} SET {column} = {value}{end}", values, where
                    )
                )
            if table.row is not None:
                columns, values = table.row
                choices += [values.map(lambda row: f"INSERT INTO {name} ({columns}) VALUES ({row})")] * 3
                choices.append(
                    st.lists(values, min_size=2, max_size=3).map(
                        lambda rows: f"INSERT INTO {name} ({columns}) VALUES " + ", ".join(f"({row})" for row in rows)
                    )
                )
            return st.one_of(*choices)

        return each([name for name in sorted(self._tables) if not name.startswith("st_")], of)
