"""Checks names and types of a query, and binds it to the tables of a database."""

from __future__ import annotations

from ...sats.types import BOOL, BYTES, IDENTITY, STRING, U64, U256, AlgebraicType
from ...sats.values import Identity
from ..store.backing import BackingTable, ViewCall, visible_columns
from . import ast
from .bound import (
    Branch,
    Column,
    Columns,
    Compare,
    Logic,
    Node,
    Output,
    Query,
    RowCount,
    SourceTable,
    Value,
    WholeRows,
    conjunction,
    conjuncts,
)
from .catalog import Catalog
from .errors import SqlError, SqlNotSupported, nearest
from .literals import is_comparable, read_literal
from .typetext import type_text

MOST_TABLES = 32
"""More tables than any query joins; planning looks at all pairs of them, again and again."""


class Checker:
    """Checks one query.

    Args:
        catalog: The tables that the caller sees.
        caller: Who asks, and so the value of `:sender`.
    """

    def __init__(self, catalog: Catalog, caller: Identity) -> None:
        self.catalog = catalog
        self.caller = caller
        self._tables: dict[str, int] = {}
        self._sources: list[SourceTable] = []
        self._joins: list[tuple[Column, Column]] = []

    def select(self, select: ast.Select) -> Query:
        """Check a SELECT, without row-level security.

        Raises:
            SqlError: It names something that is not there, or compares what cannot be compared.
        """
        for source in select.sources:
            self._add(source)
        where = self.condition(select.where) if select.where is not None else None
        output = self._output(select.projection)
        limit = None
        if select.limit is not None:
            limit = int(self._literal(select.limit, U64).value)
        calls = self._view_calls()
        where = conjunction([*conjuncts(where), *(_is_for(number, call) for number, call in calls.items())])
        depends = ast.uses_sender(select.where) or any(call.sender is not None for call in calls.values())
        branch = Branch(tuple(self._sources), where, tuple(self._joins))
        return Query((branch,), output, limit, depends, tuple(dict.fromkeys(calls.values())))

    def single_table(self, name: str, position: int) -> SourceTable:
        """Check the one table of an INSERT, UPDATE or DELETE.

        Raises:
            SqlError: There is none, or it is a view.
        """
        self._add(ast.Source(name, name, position))
        if isinstance(self._sources[0].definition, BackingTable):
            raise SqlError(f"`{self._sources[0].definition.name}` is a view; DML on views is not supported", position)
        return self._sources[0]

    def _view_calls(self) -> dict[int, ViewCall]:
        caller = self.caller.to_bytes()
        found = ((number, source.definition) for number, source in enumerate(self._sources))
        return {number: table.call_by(caller) for number, table in found if isinstance(table, BackingTable)}

    def condition(self, condition: ast.Condition) -> Node:
        """Check a WHERE clause.

        Raises:
            SqlError: It is no condition over the tables that were added.
        """
        return self._typed(condition, BOOL)[0]

    def assigned(self, constant: ast.Constant, type_: AlgebraicType) -> Value:
        """Check a literal that is to be written into a column of a type.

        Raises:
            SqlError: SQL cannot write such a column, or not with this literal.
        """
        if constant.kind in ("bool", "string"):
            kind = BOOL if constant.kind == "bool" else STRING
            if type_ != kind:
                raise self._unexpected(kind, type_, constant.position)
        if constant.kind == "bool":
            return Value(constant.text == "TRUE", BOOL)
        return self._literal(constant, type_)

    def _add(self, source: ast.Source) -> None:
        if source.alias in self._tables:
            raise SqlError(f"Duplicate name `{source.alias}`", source.position)
        definition = self.catalog.table(source.table, source.position)
        if len(self._sources) == MOST_TABLES:
            raise SqlNotSupported(f"The embedded engine joins {MOST_TABLES} tables at most", source.position)
        self._tables[source.alias] = len(self._sources)
        self._sources.append(SourceTable(definition, source.alias))
        if source.on is not None:
            joined = self.condition(source.on)
            assert isinstance(joined, Compare)
            left, right = joined.left, joined.right
            assert isinstance(left, Column)
            assert isinstance(right, Column)
            self._joins.append((left, right))

    def _output(self, projection: ast.Projection) -> Output:
        if isinstance(projection, ast.Count):
            return RowCount(projection.alias)
        if isinstance(projection, ast.Star):
            if projection.alias is None:
                if len(self._sources) > 1:
                    raise SqlError("SELECT * is not supported for joins", projection.position)
                return WholeRows(0)
            return WholeRows(self._source(projection.alias, projection.position))
        columns: dict[str, Column] = {}
        for output in projection:
            if output.alias in columns:
                raise SqlError(f"Duplicate name `{output.alias}`", output.column.position)
            columns[output.alias] = self._column(output.column)
        return Columns(tuple(columns.items()))

    def _source(self, alias: str, position: int) -> int:
        number = self._tables.get(alias)
        if number is None:
            raise SqlError(f"`{alias}` is not in scope", position, hint=nearest(alias, self._tables))
        return number

    def _column(self, name: ast.ColumnName) -> Column:
        assert name.table is not None
        number = self._source(name.table, name.position)
        definition = self._sources[number].definition
        try:
            column = definition.column(name.column)
        except KeyError:
            hint = nearest(name.column, [column.name for column in visible_columns(definition)])
            raise SqlError(f"`{name.column}` is not in scope", name.position, hint=hint) from None
        return Column(number, column.position, column.type)

    def _typed(self, node: ast.Condition, expected: AlgebraicType | None) -> tuple[Node, AlgebraicType]:
        if isinstance(node, ast.Constant):
            if node.kind == "bool":
                if expected not in (None, BOOL):
                    raise self._unexpected(BOOL, expected, node.position)
                return Value(node.text == "TRUE", BOOL), BOOL
            if expected is None:
                raise SqlError("Cannot resolve type for literal expression", node.position)
            return self._literal(node, expected), expected
        if isinstance(node, ast.Sender):
            return self._sender(node, expected)
        if isinstance(node, ast.ColumnName):
            column = self._column(node)
            if expected not in (None, column.type):
                raise self._unexpected(column.type, expected, node.position)
            return column, column.type
        if expected not in (None, BOOL):
            raise self._unexpected(BOOL, expected, node.position)
        if isinstance(node, ast.Logical):
            return Logic(node.operator, tuple(self.condition(term) for term in node.terms)), BOOL
        return self._comparison(node), BOOL

    def _comparison(self, node: ast.Comparison) -> Compare:
        # Whichever side has a type of its own gives it to the other one.
        if isinstance(node.left, (ast.Constant, ast.Sender)):
            right, type_ = self._typed(node.right, None)
            left, _ = self._typed(node.left, type_)
        else:
            left, type_ = self._typed(node.left, None)
            right, _ = self._typed(node.right, type_)
        if not is_comparable(type_):
            reason = f"Invalid binary operator `{node.operator}` for type `{type_text(type_)}`"
            raise SqlError(reason, node.position)
        return Compare(node.operator, left, right)

    def _sender(self, node: ast.Sender, expected: AlgebraicType | None) -> tuple[Value, AlgebraicType]:
        data = self.caller.to_bytes()
        if self.catalog.schema.release.sender_is_text:
            if expected is None:
                raise SqlError("Cannot resolve type for literal expression", node.position)
            return self._literal(ast.Constant("hex", data[::-1].hex(), node.position), expected), expected
        if expected is None or expected == IDENTITY:
            return Value(int.from_bytes(data, "little"), IDENTITY), IDENTITY
        if expected == BYTES:
            return Value(data[::-1], BYTES), BYTES
        raise self._unexpected(IDENTITY, expected, node.position)

    def _literal(self, constant: ast.Constant, type_: AlgebraicType) -> Value:
        try:
            return Value(read_literal(constant.text, type_), type_)
        except ValueError:
            reason = f"The literal expression `{constant.text}` cannot be parsed as type `{type_text(type_)}`"
            raise SqlError(reason, constant.position) from None

    def _unexpected(self, expected: AlgebraicType, found: AlgebraicType | None, position: int) -> SqlError:
        inferred = type_text(found) if found is not None else ""
        return SqlError(f"Unexpected type: (expected) {type_text(expected)} != {inferred} (inferred)", position)


def _is_for(source: int, call: ViewCall) -> Node:
    """Return the condition that a row of a view was computed for this call."""
    return Compare("=", Column(source, 0, U256), Value(int.from_bytes(call.key, "little"), U256))
