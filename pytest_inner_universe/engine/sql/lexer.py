"""Splits SQL into tokens, with PostgreSQL's spelling rules as the server's parser has them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import SqlError

MAX_BYTES = 50_000

_SPACE = re.compile(r"(?:\s+|--[^\n]*)+")
_WORD = re.compile(r"[^\W\d][\w$]*")
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_HEX = re.compile(r"0x([0-9a-fA-F]*)")
_PLACEHOLDER = re.compile(r"\$\w+")
_OPERATORS = (
    "->>", "#>>", "!~*", "<=>", "->", "#>", "::", ":=", "||", "<=", ">=", "<>", "!=", "!~", "~*", "==", "<<", ">>",
    "@>", "<@", "&&", "**", "//", "=>",
)  # fmt: skip
_SINGLE = frozenset("=<>+-*/%(),.;:[]{}|&^#~!@?\\")


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Args:
        kind: "word", "quoted" (a quoted name), "number", "string", "hex", "odd" (a literal that no grammar takes),
            "op" or "end".
        text: What it means: the name, the content of a string, the digits, the operator.
        start: Offset of its first character.
        end: Offset behind its last character.
        shown: How the server's parser writes it back.
    """

    kind: str
    text: str
    start: int
    end: int
    shown: str

    @property
    def keyword(self) -> str:
        """The upper-case word, or nothing for every other token."""
        return self.text.upper() if self.kind == "word" else ""


def place(sql: str, offset: int) -> str:
    """Return line and column as the server's parser appends them to its messages."""
    line = sql.count("\n", 0, offset) + 1
    column = offset - sql.rfind("\n", 0, offset)
    return f" at Line: {line}, Column {column}"


def check_length(sql: str) -> None:
    """Refuse a text that is longer than a server reads.

    Raises:
        SqlError: It has more than 50,000 bytes.
    """
    if len(sql) * 4 > MAX_BYTES and len(sql.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise SqlError(f'SQL query exceeds maximum allowed length: "{sql[:120]}..."', None, sql)


def tokenize(sql: str) -> list[Token]:
    """Split a text into tokens; the last one is always an "end".

    Raises:
        SqlError: A string, quoted name or comment has no end, or a character belongs to no token.
    """
    tokens: list[Token] = []
    offset, size = 0, len(sql)
    while offset < size:
        char = sql[offset]
        if char.isspace() or char in "-/":
            behind = _skip_space(sql, offset)
            if behind != offset:
                offset = behind
                continue
        token = _token(sql, offset, char)
        tokens.append(token)
        offset = token.end
    tokens.append(Token("end", "EOF", size, size, "EOF"))
    return tokens


def _skip_space(sql: str, offset: int) -> int:
    if sql.startswith("/*", offset):
        depth, at = 1, offset + 2
        while depth:
            opening, closing = sql.find("/*", at), sql.find("*/", at)
            if closing < 0:
                raise _unfinished(sql, len(sql), "Unexpected EOF while in a multi-line comment")
            nested = 0 <= opening < closing
            depth += 1 if nested else -1
            at = (opening if nested else closing) + 2
        return at
    found = _SPACE.match(sql, offset)
    return found.end() if found else offset


def _token(sql: str, offset: int, char: str) -> Token:
    follower = sql[offset + 1 : offset + 2]
    if char in "xX" and follower == "'":
        text, end = _quoted(sql, offset + 1, "'", offset)
        return Token("hex", text, offset, end, f"X'{text}'")
    if char in "eEnN" and follower == "'":
        text, end = _quoted(sql, offset + 1, "'", offset)
        return Token("odd", text, offset, end, f"{char.upper()}'{text}'")
    if char == "'":
        text, end = _quoted(sql, offset, "'", offset)
        return Token("string", text, offset, end, "'" + text.replace("'", "''") + "'")
    if char == '"':
        text, end = _quoted(sql, offset, '"', offset)
        return Token("quoted", text, offset, end, '"' + text.replace('"', '""') + '"')
    if found := _WORD.match(sql, offset):
        return Token("word", found[0], offset, found.end(), found[0])
    if found := _HEX.match(sql, offset):
        return Token("hex", found[1], offset, found.end(), f"X'{found[1]}'")
    if (char.isascii() and char.isdigit() or char == ".") and (found := _NUMBER.match(sql, offset)):
        return Token("number", found[0], offset, found.end(), found[0])
    if found := _PLACEHOLDER.match(sql, offset):
        return Token("odd", found[0], offset, found.end(), found[0])
    for operator in _OPERATORS:
        if sql.startswith(operator, offset):
            shown = "<>" if operator == "!=" else operator
            return Token("op", operator, offset, offset + len(operator), shown)
    if char in _SINGLE:
        return Token("op", char, offset, offset + 1, char)
    # The server's tokenizer passes an unknown character on, and its parser then says what it had expected.
    return Token("odd", char, offset, offset + 1, char)


def _quoted(sql: str, opening: int, quote: str, start: int) -> tuple[str, int]:
    at = opening + 1
    while True:
        closing = sql.find(quote, at)
        if closing < 0:
            what = "Unterminated string literal" if quote == "'" else f"Expected close delimiter '{quote}' before EOF."
            raise _unfinished(sql, start, what)
        if sql.startswith(quote, closing + 1):
            at = closing + 2
            continue
        return sql[opening + 1 : closing].replace(quote * 2, quote), closing + 1


def _unfinished(sql: str, offset: int, what: str) -> SqlError:
    return SqlError(f"sql parser error: {what}{place(sql, offset)}", offset, sql)
