"""What a query says, after everything that no server supports has been refused.

Positions are offsets into the text, for messages.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal. Kinds: "bool", "number", "string", "hex"; `text` is its content, a sign included."""

    kind: str
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Sender:
    """`:sender`, the identity of the caller."""

    position: int


@dataclass(frozen=True, slots=True)
class ColumnName:
    """A column, with the name or alias of its table; None only before `qualified`."""

    table: str | None
    column: str
    position: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands and one of = <> < > <= >=."""

    operator: str
    left: Condition
    right: Condition
    position: int


@dataclass(frozen=True, slots=True)
class Logical:
    """Conditions joined by AND, or by OR."""

    operator: str
    terms: tuple[Condition, ...]
    position: int


Condition = Constant | Sender | ColumnName | Comparison | Logical


@dataclass(frozen=True, slots=True)
class Source:
    """A table in FROM, under its name or an alias; `on` joins it to those before."""

    table: str
    alias: str
    position: int
    on: Comparison | None = None


@dataclass(frozen=True, slots=True)
class Star:
    """All columns of one table; `alias` says of which if it was named."""

    alias: str | None
    position: int


@dataclass(frozen=True, slots=True)
class Count:
    """The number of rows, under a name."""

    alias: str


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """One column of the result, under a name."""

    column: ColumnName
    alias: str


Projection = Star | Count | tuple[OutputColumn, ...]


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT."""

    projection: Projection
    sources: tuple[Source, ...]
    where: Condition | None
    limit: Constant | None = None


@dataclass(frozen=True, slots=True)
class Insert:
    """INSERT INTO."""

    table: str
    position: int
    columns: tuple[str, ...]
    rows: tuple[tuple[Constant, ...], ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """A column or variable and its new value."""

    name: str
    position: int
    value: Constant


@dataclass(frozen=True, slots=True)
class Update:
    """UPDATE."""

    table: str
    position: int
    assignments: tuple[Assignment, ...]
    where: Condition | None


@dataclass(frozen=True, slots=True)
class Delete:
    """DELETE FROM."""

    table: str
    position: int
    where: Condition | None


@dataclass(frozen=True, slots=True)
class SetVariable:
    """SET."""

    assignment: Assignment


@dataclass(frozen=True, slots=True)
class ShowVariable:
    """SHOW."""

    name: str
    position: int


Statement = Select | Insert | Update | Delete | SetVariable | ShowVariable


def uses_sender(condition: Condition | None) -> bool:
    """Tell whether a condition depends on who asks."""
    if isinstance(condition, Sender):
        return True
    if isinstance(condition, Comparison):
        return uses_sender(condition.left) or uses_sender(condition.right)
    return isinstance(condition, Logical) and any(uses_sender(term) for term in condition.terms)
