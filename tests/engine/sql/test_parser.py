"""Which texts the two grammars take, and with which words they refuse the others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inner_universe.engine.sql import SqlError, parse_statement, parse_subscription
from pytest_inner_universe.engine.sql.ast import (
    Assignment,
    ColumnName,
    Comparison,
    Constant,
    Count,
    Delete,
    Insert,
    Logical,
    OutputColumn,
    Select,
    Sender,
    SetVariable,
    ShowVariable,
    Source,
    Star,
    Update,
)

BOTH = [
    "SELECT * FROM t",
    "select * from t;",
    "SELECT t.* FROM t",
    "SELECT x.* FROM t AS x",
    "SELECT x.* FROM t x",
    'SELECT * FROM "t"',
    "SELECT * FROM t WHERE a = 1",
    "SELECT * FROM t WHERE 1 = a",
    "SELECT * FROM t WHERE a <> 1 AND b != 2",
    "SELECT * FROM t WHERE (a = 1 OR b = 2) AND (c < 3)",
    "SELECT * FROM t WHERE a <= -1 OR a >= +1.5e3",
    "SELECT * FROM t WHERE a = .5 OR a = 5.",
    "SELECT * FROM t WHERE flag",
    "SELECT * FROM t WHERE TRUE OR false",
    "SELECT * FROM t WHERE a = 'it''s'",
    "SELECT * FROM t WHERE a = 0xFF OR a = X'ff' OR a = x'00'",
    "SELECT * FROM t WHERE owner = :sender",
    "SELECT * FROM t WHERE t.a = t.b",
    "SELECT t.* FROM t JOIN s ON t.a = s.b",
    "SELECT t.* FROM t INNER JOIN s AS r ON t.a = r.b WHERE r.c = 1",
    "SELECT t.* FROM t CROSS JOIN s",
    "SELECT t.* FROM t JOIN s",
    "SELECT t.* FROM t JOIN s JOIN r ON s.a = r.a",
    "SELECT ALL * FROM t",
    "-- first\nSELECT * /* all /* of */ it */ FROM t -- last",
    "SELECT * FROM ns.t WHERE ns.t.a = 1",
    """SELECT * FROM t WHERE "user" = 'x' AND t.user = 'x' AND position = 1 AND date = 2 AND "a ""b" = 3""",
]


@pytest.mark.parametrize("text", BOTH)
def test_both_grammars_take_queries_of_whole_rows(text: str) -> None:
    assert parse_subscription(text) == parse_statement(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM t LIMIT 5", Select(Star(None, 7), (Source("t", "t", 14),), None, Constant("number", "5", 22))),
        ("SELECT * FROM t LIMIT ALL", Select(Star(None, 7), (Source("t", "t", 14),), None)),
        ("SELECT COUNT(*) AS n FROM t", Select(Count("n"), (Source("t", "t", 25 + 1),), None)),
        ("SELECT count(*) n FROM t", Select(Count("n"), (Source("t", "t", 23),), None)),
        (
            "SELECT a, x.b AS c FROM t x",
            Select(
                (OutputColumn(ColumnName("x", "a", 7), "a"), OutputColumn(ColumnName("x", "b", 10), "c")),
                (Source("t", "x", 24),),
                None,
            ),
        ),
        (
            "INSERT INTO t (a, b) VALUES (1, 'x'), (-2, TRUE)",
            Insert(
                "t",
                12,
                ("a", "b"),
                (
                    (Constant("number", "1", 29), Constant("string", "x", 32)),
                    (Constant("number", "-2", 39), Constant("bool", "TRUE", 43)),
                ),
            ),
        ),
        ("INSERT t VALUES (0xAB)", Insert("t", 7, (), ((Constant("hex", "AB", 17),),))),
        (
            "UPDATE t SET a = 1, b = 'x' WHERE c = 2",
            Update(
                "t",
                7,
                (Assignment("a", 13, Constant("number", "1", 17)), Assignment("b", 20, Constant("string", "x", 24))),
                Comparison("=", ColumnName("t", "c", 34), Constant("number", "2", 38), 34),
            ),
        ),
        ("DELETE FROM t", Delete("t", 12, None)),
        ("DELETE FROM t WHERE a", Delete("t", 12, ColumnName("t", "a", 20))),
        ("SET row_limit = 5", SetVariable(Assignment("row_limit", 4, Constant("number", "5", 16)))),
        ("SET row_limit TO 5", SetVariable(Assignment("row_limit", 4, Constant("number", "5", 17)))),
        ("SHOW row_limit", ShowVariable("row_limit", 5)),
    ],
)
def test_the_statement_grammar_takes_more(text: str, expected: object) -> None:
    assert parse_statement(text) == expected


def test_a_condition_keeps_its_structure() -> None:
    """AND binds tighter than OR, chains of either are one node."""
    select = parse_subscription("SELECT * FROM t WHERE a = 1 OR b = :sender AND c AND d <> 2")
    one = Comparison("=", ColumnName("t", "a", 22), Constant("number", "1", 26), 22)
    mine = Comparison("=", ColumnName("t", "b", 31), Sender(35), 31)
    rest = Comparison("<>", ColumnName("t", "d", 53), Constant("number", "2", 58), 53)
    assert select.where == Logical("OR", (one, Logical("AND", (mine, ColumnName("t", "c", 47), rest), 31)), 22)


REFUSED_BY_BOTH = [
    ("SELEC", "sql parser error: Expected an SQL statement, found: SELEC at Line: 1, Column 1"),
    ("SELECT *\n  FROM t WHERE", "sql parser error: Expected an expression:, found: EOF"),
    ("SELECT * FROM", "sql parser error: Expected identifier, found: EOF"),
    ("SELECT * FROM t AS", "sql parser error: Expected an identifier after AS, found: EOF"),
    ("SELECT * FROM t x y", "sql parser error: Expected end of statement, found: y at Line: 1, Column 19"),
    ("SELECT *\n  FROM t WHERE )", "sql parser error: Expected an expression:, found: ) at Line: 2, Column 16"),
    ("SELECT * FROM t WHERE (a = 1", "sql parser error: Expected ), found: EOF"),
    ("SELECT * FROM t WHERE a = 'x", "sql parser error: Unterminated string literal at Line: 1, Column 27"),
    ("SELECT * FROM t WHERE a = ?", "sql parser error: Expected an expression:, found: ? at Line: 1, Column 27"),
    ("SELECT * FROM t WHERE a LIKE", "sql parser error: Expected an expression:, found: EOF"),
    ("", "Empty SQL query"),
    (" ; ", "Empty SQL query"),
    ("SELECT * FROM t; SELECT * FROM s", "Multiple SQL statements are not supported"),
    ("SELECT * FROM t ORDER BY a desc", "Unsupported: SELECT * FROM t ORDER BY a DESC"),
    ("select * from t offset 1", "Unsupported: SELECT * FROM t OFFSET 1"),
    ("SELECT * FROM t LIMIT '5'", "Unsupported: SELECT * FROM t LIMIT '5'"),
    ("SELECT * FROM t LIMIT -1", "Unsupported: SELECT * FROM t LIMIT -1"),
    ("SELECT * FROM t FETCH FIRST 2 ROWS ONLY", "Unsupported: SELECT * FROM t FETCH FIRST 2 ROWS ONLY"),
    ("WITH x AS (SELECT * FROM t) SELECT * FROM x", "Unsupported: WITH x AS (SELECT * FROM t) SELECT * FROM x"),
    ("SELECT * FROM t WHERE name LIKE 'A%'", "Unsupported expression: name LIKE 'A%'"),
    ("SELECT * FROM t WHERE name not ilike 'A%'", "Unsupported expression: name NOT ILIKE 'A%'"),
    ("SELECT * FROM t WHERE a IN (9,30)", "Unsupported expression: a IN (9, 30)"),
    ("SELECT * FROM t WHERE a IS NOT NULL", "Unsupported expression: a IS NOT NULL"),
    ("SELECT * FROM t WHERE b = 1 AND NOT a = 9", "Unsupported expression: NOT a = 9"),
    ("SELECT * FROM t WHERE a BETWEEN 1 AND 9 OR b = 2", "Unsupported expression: a BETWEEN 1 AND 9"),
    ("SELECT * FROM t WHERE lower(name) = 'a'", "Unsupported expression: lower(name)"),
    ("SELECT * FROM t WHERE a = (SELECT b FROM s)", "Unsupported expression: (SELECT b FROM s)"),
    ("SELECT * FROM t WHERE EXISTS (SELECT * FROM s)", "Unsupported expression: EXISTS (SELECT * FROM s)"),
    ("SELECT * FROM t WHERE a = CASE WHEN b THEN 1 END", "Unsupported expression: CASE WHEN b THEN 1 END"),
    ("SELECT * FROM t WHERE user = 'x'", "Unsupported expression: user"),
    ("SELECT user FROM t", "Aggregate expressions must have column aliases"),
    ("SELECT * FROM t WHERE trim = 1", "sql parser error: Expected (, found: = at Line: 1, Column 28"),
    ("SELECT * FROM t WHERE CAST(a AS int) = 1", "Unsupported expression: CAST(a AS int)"),
    ("SELECT * FROM t WHERE a = - b", "Unsupported expression: -b"),
    ("SELECT * FROM t WHERE a = NULL", "Unsupported literal expression: NULL"),
    ("SELECT * FROM t WHERE a = $1", "Unsupported literal expression: $1"),
    ("SELECT * FROM t WHERE a = :other", "Unsupported literal expression: :other"),
    ("SELECT * FROM t WHERE a = E'x'", "Unsupported literal expression: E'x'"),
    ("SELECT * FROM t WHERE a+1 = 2", "Unsupported binary operator: +"),
    ("SELECT * FROM t WHERE a || 'x' = 'yx'", "Unsupported binary operator: ||"),
    ("SELECT * FROM t, s", "Implicit joins are not supported"),
    ("SELECT t.* FROM t LEFT JOIN s ON t.a = s.b", "Non-inner joins are not supported"),
    ("SELECT t.* FROM t NATURAL JOIN s", "Non-inner joins are not supported"),
    ("SELECT t.* FROM t JOIN s USING (a)", "Non-inner joins are not supported"),
    ("SELECT t.* FROM t JOIN s ON t.a = 1", "Non-inner joins are not supported"),
    ("SELECT t.* FROM t JOIN s ON t.a < s.b", "Non-inner joins are not supported"),
    ("SELECT t.* FROM t JOIN s ON t.a = s.b AND t.c = s.c", "Non-inner joins are not supported"),
    ("SELECT * FROM (SELECT * FROM t) x", "Unsupported FROM expression: (SELECT * FROM t) AS x"),
    ("SELECT * FROM f(1)", "Unsupported FROM expression: f(1)"),
    ("SELECT *, a FROM t", "Mixed wildcard projections are not supported"),
    ("SELECT COUNT(*) FROM t", "Aggregate expressions must have column aliases"),
    ("SELECT COUNT(a) AS n FROM t", "Unsupported aggregate function: COUNT(a)"),
    ("SELECT sum(a) AS n FROM t", "Unsupported aggregate function: sum(a)"),
    ("SELECT a + 1 AS b FROM t", "Unsupported projection expression: a + 1"),
    ("SELECT 1 FROM t", "Unsupported projection expression: 1"),
    ("SELECT t.* FROM t JOIN s ON a = s.b", "Names must be qualified when using joins"),
    ("SELECT t.* FROM t JOIN s ON t.a = s.b WHERE c = 1", "Names must be qualified when using joins"),
    ("SELECT a FROM t JOIN s ON t.a = s.b", "Names must be qualified when using joins"),
    (f"SELECT * FROM t WHERE {'(' * 60}a{')' * 60}", "sql parser error: recursion limit exceeded"),
    (f"SELECT * FROM t WHERE a{' AND a' * 1601}", "Recursion limit exceeded, `sql-parser::parse_expr`"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED_BY_BOTH)
def test_both_grammars_refuse_with_the_same_words(text: str, reason: str) -> None:
    for parse in (parse_subscription, parse_statement):
        with pytest.raises(SqlError) as caught:
            parse(text)
        assert caught.value.reason == reason
        assert caught.value.server_text == f"{reason}, executing: `{text}`"


@pytest.mark.parametrize(
    ("text", "subscription", "statement"),
    [
        ("SELECT 1", "A FROM clause is required", "Unsupported projection expression: 1"),
        (
            "SELECT * FROM t UNION ALL SELECT * FROM s",
            "Unsupported set operation: SELECT * FROM t UNION ALL SELECT * FROM s",
            "Unsupported: SELECT * FROM t UNION ALL SELECT * FROM s",
        ),
        ("VALUES (1)", "Unsupported set operation: VALUES (1)", "Unsupported: VALUES (1)"),
        (
            "SELECT DISTINCT a FROM t",
            "Unsupported SELECT: SELECT DISTINCT a FROM t",
            "Unsupported: SELECT DISTINCT a FROM t",
        ),
        (
            "SELECT a, COUNT(*) AS n FROM t group by a HAVING a > 1",
            "Unsupported SELECT: SELECT a, COUNT(*) AS n FROM t GROUP BY a HAVING a > 1",
            "Unsupported: SELECT a, COUNT(*) AS n FROM t GROUP BY a HAVING a > 1",
        ),
        ("DROP TABLE t", "Unsupported: Non-SELECT queries", "Unsupported: DROP TABLE t"),
        ("EXPLAIN SELECT * FROM t", "Unsupported: Non-SELECT queries", "Unsupported: EXPLAIN SELECT * FROM t"),
        ("SHOW TABLES", "Unsupported: Non-SELECT queries", "Unsupported: SHOW TABLES"),
        (
            "INSERT INTO t SELECT * FROM s",
            "Unsupported: Non-SELECT queries",
            "Unsupported INSERT expression: SELECT * FROM s",
        ),
        (
            "INSERT INTO t (a) VALUES (b)",
            "Unsupported: Non-SELECT queries",
            "Unsupported INSERT value: b",
        ),
        (
            "INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING",
            "Unsupported: Non-SELECT queries",
            "Unsupported: INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING",
        ),
        (
            "UPDATE t SET a = b",
            "Unsupported: Non-SELECT queries",
            "Unsupported column/variable assignment expression: b",
        ),
        (
            "UPDATE t AS x SET a = 1",
            "Unsupported: Non-SELECT queries",
            "Unsupported: UPDATE t AS x SET a = 1",
        ),
        (
            "UPDATE t SET a = 1 FROM s WHERE t.b = s.b",
            "Unsupported: Non-SELECT queries",
            "Unsupported: UPDATE t SET a = 1 FROM s WHERE t.b = s.b",
        ),
        (
            "DELETE FROM t x WHERE x.a = 1",
            "Unsupported: Non-SELECT queries",
            "Unsupported table expression in DELETE: t AS x",
        ),
        ("DELETE FROM t, s", "Unsupported: Non-SELECT queries", "Multi-table DELETE is not supported"),
        (
            "DELETE FROM t WHERE a = 1 RETURNING a",
            "Unsupported: Non-SELECT queries",
            "Unsupported: DELETE FROM t WHERE a = 1 RETURNING a",
        ),
        ("SET a = 1, 2", "Unsupported: Non-SELECT queries", "Unsupported: SET a = 1, 2"),
        (
            "SET a 1",
            "sql parser error: Expected equals sign or TO, found: 1 at Line: 1, Column 7",
            "sql parser error: Expected equals sign or TO, found: 1 at Line: 1, Column 7",
        ),
    ],
)
def test_each_grammar_has_words_of_its_own(text: str, subscription: str, statement: str) -> None:
    for parse, reason in ((parse_subscription, subscription), (parse_statement, statement)):
        with pytest.raises(SqlError) as caught:
            parse(text)
        assert caught.value.reason == reason


def test_a_query_may_have_50_000_bytes_and_no_more() -> None:
    text = "SELECT * FROM t WHERE a = '" + "é" * 12_000 + "x" * 25_971 + "'"
    assert len(text.encode()) == 49_999
    assert parse_subscription(text + " ")
    with pytest.raises(SqlError) as caught:
        parse_statement(text + "  ")
    assert str(caught.value) == f'SQL query exceeds maximum allowed length: "{text[:120]}..."'


def test_the_message_points_at_the_place() -> None:
    with pytest.raises(SqlError) as caught:
        parse_subscription("SELECT *\nFROM t\tWHERE a = 1 AND name LIKE 'A%'")
    assert str(caught.value) == (
        "Unsupported expression: name LIKE 'A%'\n"
        "  FROM t WHERE a = 1 AND name LIKE 'A%'\n"
        "                         ^"
    )  # fmt: skip
    assert caught.value.position == 32


def test_the_message_shows_a_window_of_a_long_line() -> None:
    with pytest.raises(SqlError) as caught:
        parse_subscription("SELECT * FROM t WHERE " + "a = 1 AND " * 30 + "b IS NULL AND " + "a = 1 AND " * 30 + "a")
    reason, line, caret = str(caught.value).splitlines()
    assert reason == "Unsupported expression: b IS NULL"
    assert len(line) == 102
    assert line[caret.index("^") :].startswith("b IS NULL AND")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM t UNION " * 2_000 + "SELECT * FROM t",
        "SELECT * FROM t WHERE " + "- " * 20_000 + "1",
        "SELECT * FROM t WHERE " + "NOT " * 10_000 + "a",
        "SELECT * FROM t WHERE a" + "[1" * 10_000,
        "SELECT * FROM t WHERE " + "a = " * 10_000 + "a",
        "SELECT * FROM t WHERE " + "f(" * 10_000,
        "SELECT * FROM t WHERE a" + " IS NULL" * 5_000,
        "SELECT * FROM " + "(" * 20_000,
        "/*" * 20_000,
    ],
    ids=lambda text: text[:40],
)
def test_no_depth_harms_the_parser(text: str) -> None:
    assert isinstance(_refusal(parse_subscription, text), SqlError)


def _refusal(parse: Callable[[str], object], text: str) -> SqlError | None:
    try:
        parse(text)
    except SqlError as error:
        return error
    return None


@given(st.text(alphabet=" \n'\"().,;=<>*+-:!0123456789abxESLCTFROMWHJINDGPUYV_%$é\0/[]{}", max_size=60))
def test_any_text_is_taken_or_refused(text: str) -> None:
    """Nothing but an SqlError leaves the parser."""
    for parse in (parse_subscription, parse_statement):
        error = _refusal(parse, text)
        if error is not None:
            assert str(error).startswith(error.reason)
            assert error.position is None or 0 <= error.position <= len(text)


_WORDS = st.sampled_from(
    """SELECT * FROM t s WHERE a b = <> < 1 'x' 0xff ( ) , . AND OR NOT IN LIKE BETWEEN IS NULL JOIN ON AS LIMIT ORDER BY
    UNION INSERT INTO VALUES UPDATE SET DELETE : sender - + COUNT CASE WHEN END ; [ ] :: TRUE LEFT USING SHOW GROUP""".split()
)


@given(st.lists(_WORDS, max_size=25))
def test_any_words_are_taken_or_refused(words: list[str]) -> None:
    for parse in (parse_subscription, parse_statement):
        _refusal(parse, " ".join(words))
