"""SpacetimeDB's SQL: both grammars, with the rejections and the words of a real server."""

from __future__ import annotations

from .errors import SqlError, SqlNotSupported
from .execute import execute
from .parser import parse_statement, parse_subscription
from .result import SqlResult

__all__ = ["SqlError", "SqlNotSupported", "SqlResult", "execute", "parse_statement", "parse_subscription"]
