"""A place in the tokens of a query, and how a stretch of tokens is written back.

The server repeats the part that it does not support in its own normal form ("Unsupported expression: name LIKE 'A%'").
That form is made from the tokens: keywords in capitals, one blank between words, aliases with AS.
"""

from __future__ import annotations

from .errors import SqlError
from .lexer import Token, place, tokenize

_KEYWORDS = frozenset(
    """ALL ALTER AND ANALYZE ANY AS ASC BEGIN BETWEEN BY CASCADE CASE CAST COLUMN COMMIT CONFLICT CREATE CROSS CURRENT_DATE
    CURRENT_TIME CURRENT_TIMESTAMP DEFAULT DELETE DESC DISTINCT DO DROP ELSE END ESCAPE EXCEPT EXISTS EXPLAIN EXTRACT
    FETCH FIRST FOR FROM FULL GROUP HAVING IF ILIKE IN INDEX INNER INSERT INTERSECT INTERVAL INTO IS JOIN KEY LAST LATERAL
    LEFT LIKE LIMIT LOCAL NATURAL NEXT NOT NOTHING NULL NULLS OFFSET ON ONLY OR ORDER OUTER OVER PARTITION PRIMARY
    RECURSIVE RESTRICT RETURNING RIGHT ROLLBACK ROW ROWS SELECT SET SHOW SIMILAR START TABLE THEN TO TRANSACTION TRUNCATE
    UNION UNIQUE UPDATE USING VALUES VIEW WHEN WHERE WINDOW WITH""".split()
)
_TIGHT_BEFORE = frozenset({",", ")", ".", ";", "]", "::", "["})
_TIGHT_AFTER = frozenset({"(", ".", "[", "::", ":"})


class Cursor:
    """Reads tokens from left to right.

    Args:
        sql: The query.

    Raises:
        SqlError: The query cannot be split into tokens.
    """

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.tokens = tokenize(sql)
        self.at = 0
        self.implied_as: set[int] = set()
        """Aliases that were written without AS."""
        self.dropped: set[int] = set()
        """Words that the normal form leaves out."""
        self.signs: set[int] = set()
        """Signs of numbers, which stand close to them."""

    @property
    def token(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    def peek(self, ahead: int) -> Token:
        """Return a later token; behind the last one there is always the end."""
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def advance(self) -> Token:
        """Take the next token."""
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def is_op(self, *texts: str) -> bool:
        """Tell whether one of these operators comes next."""
        token = self.tokens[self.at]
        return token.kind == "op" and token.text in texts

    def take_op(self, text: str) -> bool:
        """Take this operator if it comes next."""
        found = self.is_op(text)
        self.at += found
        return found

    def expect_op(self, text: str) -> None:
        """Take this operator.

        Raises:
            SqlError: Something else comes next.
        """
        if not self.take_op(text):
            raise self.expected(text)

    def is_word(self, *words: str) -> bool:
        """Tell whether these keywords come next, in this order."""
        return all(self.peek(ahead).keyword == word for ahead, word in enumerate(words))

    def take_word(self, *words: str) -> bool:
        """Take these keywords if they come next."""
        found = self.is_word(*words)
        self.at += len(words) if found else 0
        return found

    def expect_word(self, word: str) -> None:
        """Take this keyword.

        Raises:
            SqlError: Something else comes next.
        """
        if not self.take_word(word):
            raise self.expected(word)

    def name(self, what: str = "identifier") -> Token:
        """Take a name: any word, quoted or not.

        Args:
            what: What the parser calls it.

        Raises:
            SqlError: Something else comes next.
        """
        if self.token.kind not in ("word", "quoted", "string"):
            raise self.expected(what)
        return self.advance()

    def names(self) -> list[Token]:
        """Take names joined by dots."""
        parts = [self.name()]
        while self.take_op("."):
            parts.append(self.name())
        return parts

    def alias(self, reserved: frozenset[str]) -> Token | None:
        """Take an alias if there is one; these words are none unless AS stands before them."""
        if self.take_word("AS"):
            return self.name("an identifier after AS")
        token = self.token
        if token.kind in ("quoted", "string") or (token.kind == "word" and token.keyword not in reserved):
            self.implied_as.add(self.at)
            return self.advance()
        return None

    def skip_group(self) -> None:
        """Take everything between a pair of round brackets, and them.

        Raises:
            SqlError: The closing one is missing.
        """
        self.expect_op("(")
        depth = 1
        while depth:
            if self.token.kind == "end":
                raise self.expected(")")
            depth += self.is_op("(") - self.is_op(")")
            self.at += 1

    def expected(self, what: str) -> SqlError:
        """Return the error that something else comes next."""
        token = self.token
        where = "" if token.kind == "end" else place(self.sql, token.start)
        return SqlError(f"sql parser error: Expected {what}, found: {token.shown}{where}", token.start, self.sql)

    def error(self, reason: str, at: int, hint: str | None = None) -> SqlError:
        """Return an error about the token with this number."""
        return SqlError(reason, self.tokens[at].start, self.sql, hint)

    def shown(self, first: int, behind: int) -> str:
        """Write tokens back in the server's normal form."""
        parts: list[str] = []
        previous: Token | None = None
        for number in range(first, behind):
            if number in self.dropped:
                continue
            token = self.tokens[number]
            if previous is not None and not self._tight(previous, token, number):
                parts.append(" ")
            if number in self.implied_as:
                parts.append("AS ")
            parts.append(self._spelled(token))
            previous = token
        return "".join(parts)

    def _spelled(self, token: Token) -> str:
        if token.keyword in ("TRUE", "FALSE"):
            return token.text.lower()
        return token.keyword if token.keyword in _KEYWORDS else token.shown

    def _tight(self, previous: Token, token: Token, number: int) -> bool:
        if number - 1 in self.signs or (previous.kind == "op" and previous.text in _TIGHT_AFTER):
            return True
        if token.kind != "op":
            return False
        if token.text == "(":
            before = self.tokens[number - 2].keyword if number > 1 else ""
            is_function = previous.kind in ("word", "quoted") and previous.keyword not in _KEYWORDS - {
                "CAST",
                "EXTRACT",
            }
            return is_function and before not in ("INTO", "TABLE", "AS")
        return token.text in _TIGHT_BEFORE
