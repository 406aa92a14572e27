"""What the module says when a reducer fails, as error classes. The texts are the contract of ``module/README.md``."""

from __future__ import annotations

import re
from collections.abc import Callable

from .errors import (
    AuthorizationError,
    BatchError,
    ConflictError,
    EntityNotFoundError,
    FeatureDisabledError,
    NotFoundError,
    PersistenceError,
    ReducerError,
    RelationNotFoundError,
    ValidationError,
    VersionNotFoundError,
)

_NOT_FOUND: dict[str, type[NotFoundError]] = {
    "Entity": EntityNotFoundError,
    "Relation": RelationNotFoundError,
    "State version": VersionNotFoundError,
}


def _not_found(_reducer: str, found: re.Match[str]) -> PersistenceError:
    kind = found["kind"]
    known = _NOT_FOUND.get(kind)
    return known(found["id"]) if known is not None else NotFoundError(found["id"], kind.lower())


def _batch(reducer: str, found: re.Match[str]) -> PersistenceError:
    return BatchError(int(found["position"]), found["id"], from_reducer_text(reducer, found["reason"]))


_TABLE: tuple[tuple[str, Callable[[str, re.Match[str]], PersistenceError]], ...] = (
    (r"Item (?P<position>\d+) \((?P<id>.*?)\): (?P<reason>.+)", _batch),
    (
        r"Permission denied: (?P<action>\S+) on (?P<subject>.*)",
        lambda _, found: AuthorizationError(found[0], found["action"], found["subject"]),
    ),
    (r"Unauthorized: .+", lambda reducer, found: AuthorizationError(found[0], reducer)),
    (r"(?P<kind>[A-Z][a-z ]+) not found: (?P<id>.*)", _not_found),
    (
        r"[A-Z][a-z ]+ already exists with other content: (?P<id>.*)",
        lambda _, found: ConflictError(found[0], found["id"]),
    ),
    (r"Entity (?P<id>.*) has \d+ relations?: .+", lambda _, found: ConflictError(found[0], found["id"])),
    (
        r"State versioning is disabled: config (?P<key>\S+) .*",
        lambda reducer, found: FeatureDisabledError(found["key"], reducer, "the module's config"),
    ),
    (
        r"(Invalid [^:]+: |Unknown action: |State snapshot has \d+ bytes).*",
        lambda reducer, found: ValidationError(f"{reducer}: {found[0]}"),
    ),
)
_COMPILED = tuple((re.compile(pattern, re.DOTALL), make) for pattern, make in _TABLE)


def from_reducer_text(reducer: str, message: str) -> PersistenceError:
    """Make the error that a reducer's failure text stands for.

    Args:
        reducer: Name of the reducer.
        message: Its text.

    Returns:
        An error of the tree in `errors`; `ReducerError` for a text that is not in the table.

    Example:
        >>> from_reducer_text("get", "Entity not found: e-1")
        EntityNotFoundError('e-1', None)
    """
    for pattern, make in _COMPILED:
        found = pattern.fullmatch(message)
        if found is not None:
            return make(reducer, found)
    return ReducerError(reducer, message)
