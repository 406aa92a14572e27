"""The page of requirements is whole: every ID once, every test that it names is there, and nothing is left unsaid."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "requirements.md"
IDS = {
    "IMP": "1-3 10-37 40-45 50-60 65 70-76 80-85 90-99 105-108 110-117 120-122 130-135 140-144 150-154 160-165",
    "IDX": "1-4 10-14 20-29 35-41 50-56 60-79",
    "INT": "1-2 10-13 20-21 30-31 40-43 50-51 60 70-73 80-82 90-92 100-103 110-114 120-125 130",
    "DEP": "1-2 10-11 20-21 30-33 40-56 60-63 70-75 80-84 90-95 100-107 110-114 120-127",
}
CONTRADICTIONS = range(1, 75)
TEST = re.compile(r"`(tests/[\w/]+\.py)::((?:\w+::)?test_\w+)`")


class Row(NamedTuple):
    id: str
    what: str
    tests: str
    remark: str


def rows() -> list[Row]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [
        Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines if re.match(r"\| \w+-\d", line)
    ]


def expected() -> list[str]:
    found = []
    for group, ranges in IDS.items():
        for part in ranges.split():
            first, _, last = part.partition("-")
            found += [f"{group}-{number:03}" for number in range(int(first), int(last or first) + 1)]
    return found


@cache
def names_in(path: str) -> frozenset[str]:
    """The tests of a file, those of classes with the class before them."""
    if not (ROOT / path).is_file():
        return frozenset()
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    found = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    for outer in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        inner = (node for node in outer.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
        found |= {f"{outer.name}::{node.name}" for node in inner}
    return frozenset(found)


def test_every_id_is_there_once_and_in_order() -> None:
    ids = [row.id for row in rows()]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    assert ids == expected()


def test_every_row_says_what_it_is_and_has_a_test_or_a_reason() -> None:
    assert [row.id for row in rows() if not row.what or not (row.tests or row.remark)] == []


def test_every_named_test_is_there() -> None:
    named = [(row.id, *test) for row in rows() for test in TEST.findall(row.tests)]
    assert len(named) > 300
    assert [f"{row}: {path}::{name}" for row, path, name in named if name not in names_in(path)] == []


def test_a_cell_of_tests_holds_nothing_else() -> None:
    assert [row.id for row in rows() if TEST.sub("", row.tests).replace("<br>", "")] == []


def test_a_contradiction_is_one_of_the_list() -> None:
    cited = {int(number) for row in rows() for number in re.findall(r"\bX-(\d+)", row.remark)}
    assert cited <= set(CONTRADICTIONS)
