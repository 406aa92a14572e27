"""Reads expressions as the server's parser does: everything SQL allows, so that what is refused can be named.

The reader knows PostgreSQL's precedence, and makes one node per construct. Which of them a query may contain is
decided later, in `lowering`.
"""

from __future__ import annotations

from dataclasses import dataclass

from .cursor import Cursor
from .errors import SqlError
from .lexer import Token

MAX_NESTING = 47

_COMPARISONS = frozenset({"=", "<>", "!=", "<", ">", "<=", ">=", "==", "<=>", "~", "~*", "!~", "!~*"})
_ARROWS = frozenset({"->", "->>", "#>", "#>>", "@>", "<@", "::", "[", ":"})
_PRECEDENCE = {
    **dict.fromkeys(_COMPARISONS, 20),
    "|": 21,
    **dict.fromkeys(("^", "#", "<<", ">>"), 22),
    "&": 23,
    **dict.fromkeys("+-", 30),
    **dict.fromkeys(("*", "/", "%", "||", "//"), 40),
    **dict.fromkeys(_ARROWS, 50),
}  # fmt: skip
_UNARY_NOT, _UNARY_SIGN = 15, 40
_BRACKETED = frozenset({"CAST", "TRY_CAST", "EXTRACT", "SUBSTRING", "TRIM", "CEIL", "FLOOR", "OVERLAY", "EXISTS"})
_BARE_FUNCTIONS = frozenset(
    {"CURRENT_CATALOG", "CURRENT_USER", "SESSION_USER", "USER", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP",
     "LOCALTIME", "LOCALTIMESTAMP"}
)  # fmt: skip
_DATE_WORDS = frozenset({"DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "DATETIME", "INTERVAL", "UUID", "BYTEA", "JSON"})


@dataclass(slots=True)
class Name:
    """A column, perhaps with the table before it."""

    first: int
    behind: int
    parts: tuple[str, ...]


@dataclass(slots=True)
class Literal:
    """A constant. Kinds: "bool", "number", "string", "hex", "sender", "odd" (one that no query may contain)."""

    first: int
    behind: int
    kind: str
    text: str


@dataclass(slots=True)
class Unary:
    """A sign or NOT before an expression."""

    first: int
    behind: int
    operator: str
    operand: Expr


@dataclass(slots=True)
class Binary:
    """Two expressions with an operator between them."""

    first: int
    behind: int
    operator: str
    left: Expr
    right: Expr


@dataclass(slots=True)
class Nested:
    """An expression in round brackets."""

    first: int
    behind: int
    inner: Expr


@dataclass(slots=True)
class Call:
    """A function call."""

    first: int
    behind: int
    name: str
    counts_rows: bool


@dataclass(slots=True)
class Other:
    """Anything else that is SQL."""

    first: int
    behind: int


Expr = Name | Literal | Unary | Binary | Nested | Call | Other


class ExpressionReader:
    """Reads expressions from a cursor.

    Args:
        cursor: Where to read.
    """

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self._depth = 0

    def read(self, binding: int = 0) -> Expr:
        """Read an expression whose operators bind tighter than `binding`.

        Raises:
            SqlError: There is none, or it is nested too deeply.
        """
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise SqlError("sql parser error: recursion limit exceeded", self.cursor.token.start, self.cursor.sql)
        try:
            left = self._prefix()
            while binding < (strength := self._strength()):
                left = self._infix(left, strength)
            return left
        finally:
            self._depth -= 1

    def _prefix(self) -> Expr:
        cursor = self.cursor
        first, token = cursor.at, cursor.token
        if token.kind == "number":
            cursor.advance()
            return Literal(first, cursor.at, "number", token.text)
        if token.kind in ("string", "hex"):
            cursor.advance()
            return Literal(first, cursor.at, token.kind, token.text)
        if token.kind in ("word", "quoted"):
            return self._word(first, token)
        if token.kind == "odd" and len(token.text) > 1 or token.kind == "odd" and token.shown != token.text:
            cursor.advance()
            return Literal(first, cursor.at, "odd", token.text)
        if cursor.is_op(":", "@"):
            cursor.advance()
            if cursor.token.kind not in ("word", "number"):
                raise cursor.expected("placeholder")
            name = token.text + cursor.advance().text
            return Literal(first, cursor.at, "sender" if name == ":sender" else "odd", name)
        if cursor.is_op("+", "-", "~", "@"):
            cursor.advance()
            cursor.signs.add(first)
            operand = self.read(_UNARY_SIGN)
            return Unary(first, cursor.at, token.text, operand)
        if cursor.is_op("("):
            return self._brackets(first)
        raise cursor.expected("an expression:")

    def _brackets(self, first: int) -> Expr:
        cursor = self.cursor
        if cursor.peek(1).keyword in ("SELECT", "WITH", "VALUES"):
            cursor.skip_group()
            return Other(first, cursor.at)
        cursor.advance()
        inner = self.read()
        if cursor.is_op(","):
            while cursor.take_op(","):
                self.read()
            cursor.expect_op(")")
            return Other(first, cursor.at)
        cursor.expect_op(")")
        return Nested(first, cursor.at, inner)

    def _word(self, first: int, token: Token) -> Expr:
        cursor = self.cursor
        word = token.keyword
        follows = cursor.peek(1)
        if word in ("TRUE", "FALSE", "NULL"):
            cursor.advance()
            return Literal(first, cursor.at, "odd" if word == "NULL" else "bool", word)
        if word == "NOT":
            cursor.advance()
            operand = self.read(_UNARY_NOT)
            return Unary(first, cursor.at, "NOT", operand)
        if word == "CASE":
            while not cursor.take_word("END"):
                if cursor.advance().kind == "end":
                    raise cursor.expected("END")
            return Other(first, cursor.at)
        if word == "INTERVAL" or (word in _DATE_WORDS and follows.kind == "string"):
            cursor.advance()
            self.read(_UNARY_SIGN)
            return Other(first, cursor.at)
        if word in _BRACKETED or (word == "POSITION" and follows.text == "("):
            cursor.advance()
            cursor.skip_group()
            return Other(first, cursor.at)
        if word in _BARE_FUNCTIONS and follows.text != "(":
            cursor.advance()
            return Call(first, cursor.at, token.text, False)
        parts = cursor.names()
        if cursor.is_op("("):
            return self._call(first, parts)
        return Name(first, cursor.at, tuple(part.text for part in parts))

    def _call(self, first: int, parts: list[Token]) -> Call:
        cursor = self.cursor
        counts = len(parts) == 1 and parts[0].text.lower() == "count"
        counts = counts and cursor.peek(1).text == "*" and cursor.peek(2).text == ")"
        cursor.skip_group()
        if cursor.take_word("OVER"):
            counts = False
            cursor.skip_group() if cursor.is_op("(") else cursor.name()
        return Call(first, cursor.at, parts[-1].text, counts)

    def _strength(self) -> int:
        cursor = self.cursor
        token = cursor.token
        if token.kind == "op":
            return _PRECEDENCE.get(token.text, 0)
        word = token.keyword
        if word == "NOT":
            follows = cursor.peek(1).keyword
            return 20 if follows in ("IN", "BETWEEN") else 19 if follows in ("LIKE", "ILIKE", "SIMILAR", "RLIKE") else 0
        return {
            "OR": 5, "AND": 10, "IS": 17, "LIKE": 19, "ILIKE": 19, "SIMILAR": 19, "RLIKE": 19, "REGEXP": 19,
            "IN": 20, "BETWEEN": 20, "XOR": 24, "DIV": 40, "COLLATE": 50,
        }.get(word, 0)  # fmt: skip

    def _infix(self, left: Expr, strength: int) -> Expr:
        cursor = self.cursor
        token = cursor.advance()
        word = token.keyword
        if token.kind == "op" and token.text not in ("::", "[") or word in ("AND", "OR", "XOR", "DIV"):
            if cursor.is_word("ANY") or cursor.is_word("ALL"):
                cursor.advance()
                cursor.skip_group()
                return Other(left.first, cursor.at)
            right = self.read(strength)
            return Binary(left.first, cursor.at, word or token.shown, left, right)
        if token.text in ("[", "::") or word == "COLLATE":
            self._suffix(token)
            return Other(left.first, cursor.at)
        if word == "NOT":
            word = cursor.advance().keyword
        if word == "IS":
            cursor.take_word("NOT")
            if cursor.take_word("DISTINCT", "FROM"):
                self.read()
            elif cursor.token.keyword in ("NULL", "TRUE", "FALSE", "UNKNOWN"):
                cursor.advance()
            else:
                raise cursor.expected("[NOT] NULL or TRUE|FALSE or [NOT] DISTINCT FROM after IS")
        elif word == "IN":
            cursor.skip_group()
        elif word == "BETWEEN":
            self.read(20)
            cursor.expect_word("AND")
            self.read(20)
        else:
            cursor.take_word("TO")
            self.read(19)
            if cursor.take_word("ESCAPE"):
                cursor.advance()
        return Other(left.first, cursor.at)

    def _suffix(self, token: Token) -> None:
        if token.text != "[":
            self.cursor.name()
            return
        self.read()
        self.cursor.expect_op("]")
