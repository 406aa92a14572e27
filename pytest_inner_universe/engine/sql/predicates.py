"""Compiles conditions into Python functions over row bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

from ...sats.definition import TableDef
from .bound import Column, Compare, Logic, Node, Value, columns_of
from .literals import to_bsatn, width_of
from .rowreader import ColumnSource

_OPERATORS = {"=": "==", "<>": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}

Predicate = Callable[..., bool]


def compile_predicate(node: Node, tables: Sequence[TableDef], order: Sequence[int] = (0,)) -> Predicate:
    """Make a function that tells whether rows fulfil a condition.

    Args:
        node: The condition.
        tables: Definitions of the query's tables, by number.
        order: Numbers of the tables whose rows the function takes, in the order of its arguments.

    Returns:
        A function of one row per table in `order`.
    """
    return _Compiler(node, tables, order).function()


@lru_cache(maxsize=512)
def _code(text: str) -> CodeType:
    """Compile the source of a condition; its constants are names, so queries of one shape share it."""
    return compile(text, "<SQL condition>", "exec")


class _Compiler:
    def __init__(self, node: Node, tables: Sequence[TableDef], order: Sequence[int]) -> None:
        self.node = node
        self.tables = tables
        self.order = order
        self.names: dict[str, Any] = {}
        self.source = ColumnSource(self.names)
        # Wide integers are compared as bytes unless some comparison asks which is larger.
        self.raw = not any(_orders_wide(part) for part in _comparisons(node))

    def function(self) -> Predicate:
        for number in self.order:
            wanted = {c.position: f"v{number}_{c.position}" for c in columns_of(self.node) if c.source == number}
            if wanted:
                types = tuple(column.type for column in self.tables[number].columns)
                self.source.read(f"r{number}", types, wanted, self.raw)
        expression = self._expression(self.node)
        arguments = ", ".join(f"r{number}" for number in self.order)
        text = "\n    ".join([f"def test({arguments}):", *self.source.lines, f"return {expression}"])
        exec(_code(text), self.names)  # noqa: S102 - built from our own parts
        found: Predicate = self.names["test"]
        return found

    def _expression(self, node: Node) -> str:
        if isinstance(node, Column):
            return f"v{node.source}_{node.position}"
        if isinstance(node, Value):
            width = width_of(node.type)
            wide = self.raw and width is not None and width[0] > 8
            return self.source.bind(to_bsatn(node.value, node.type) if wide else node.value)
        if isinstance(node, Compare):
            operator = _OPERATORS[node.operator]
            return f"({self._expression(node.left)} {operator} {self._expression(node.right)})"
        joined = f" {node.operator.lower()} ".join(self._expression(term) for term in node.terms)
        return f"({joined})"


def _comparisons(node: Node) -> list[Compare]:
    if isinstance(node, Compare):
        return [node, *_comparisons(node.left), *_comparisons(node.right)]
    if isinstance(node, Logic):
        return [inner for term in node.terms for inner in _comparisons(term)]
    return []


def _orders_wide(node: Compare) -> bool:
    if node.operator in ("=", "<>"):
        return False
    sides = [side for side in (node.left, node.right) if isinstance(side, (Column, Value))]
    return any((width_of(side.type) or (0, False))[0] > 8 for side in sides)
