"""The one variable of SQL, ``row_limit``: the most rows that a query of anyone but the owner may have to look at.

It is a row of the system table st_var. SET puts that row in, and so fails when there is one already; SHOW reads it.
"""

from __future__ import annotations

from ...sats.types import BYTES, STRING, U64, AlgebraicType
from . import ast
from .errors import SqlError, nearest
from .literals import read_literal
from .typetext import type_text

VARIABLES = ("row_limit",)
TABLE = "st_var"


def check_variable(name: str, position: int) -> None:
    """Refuse a name that is no variable.

    Raises:
        SqlError: There is none of this name.
    """
    if name not in VARIABLES:
        raise SqlError(f"{name} is not a valid system variable", position, hint=nearest(name, VARIABLES))


def shown(statement: ast.ShowVariable) -> ast.Select:
    """Return the query that SHOW stands for.

    Raises:
        SqlError: There is no such variable.
    """
    check_variable(statement.name, statement.position)
    position = statement.position
    name = ast.ColumnName(TABLE, "name", position)
    wanted = ast.Comparison("=", name, ast.Constant("string", statement.name, position), position)
    output = ast.OutputColumn(ast.ColumnName(TABLE, "value", position), "value")
    return ast.Select((output,), (ast.Source(TABLE, TABLE, position),), wanted)


def limit_value(assignment: ast.Assignment) -> int:
    """Return the number that SET gives.

    Raises:
        SqlError: There is no such variable, or it takes no such value.
    """
    check_variable(assignment.name, assignment.position)
    constant = assignment.value
    other: dict[str, AlgebraicType] = {"string": STRING, "hex": BYTES}
    if constant.kind != "number":
        found = type_text(other[constant.kind]) if constant.kind in other else "Bool"
        raise SqlError(f"Unexpected type: (expected) U64 != {found} (inferred)", constant.position)
    try:
        return int(read_literal(constant.text, U64))
    except ValueError:
        reason = f"The literal expression `{constant.text}` cannot be parsed as type `U64`"
        raise SqlError(reason, constant.position) from None
