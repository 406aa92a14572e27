"""Requests that cannot be granted."""

from __future__ import annotations

from collections.abc import Sequence

from .base import PersistenceError

_SHOWN_PROBLEMS = 8


class ConflictError(PersistenceError):
    """What is stored already contradicts the request.

    Args:
        message: What the module said.
        id: Id of the row in question.
    """

    def __init__(self, message: str, id: str | None = None) -> None:
        self.message = message
        self.id = id
        super().__init__(message, id)

    def __str__(self) -> str:
        return self.message


class VersionConflictError(ConflictError):
    """The head version is not the one that the writer built on.

    Args:
        expected: The version that the writer took for the head; None for an empty history.
        actual: The head that the server has.
    """

    def __init__(self, expected: str | None, actual: str | None) -> None:
        self.expected = expected
        self.actual = actual
        super().__init__(
            f"the head version is {actual or 'absent'}, not {expected or 'absent'}: another writer committed; "
            "read the head again and commit on top of it",
            actual,
        )

    def __reduce__(self) -> tuple[type[VersionConflictError], tuple[str | None, str | None]]:
        return type(self), (self.expected, self.actual)


class AuthorizationError(PersistenceError):
    """The caller's identity may not do that.

    Args:
        message: What the module said.
        action: The refused action, when the text names one, as ``create``.
        subject: What it was to be done on, as an entity type.
    """

    def __init__(self, message: str, action: str | None = None, subject: str | None = None) -> None:
        self.message = message
        self.action = action
        self.subject = subject
        super().__init__(message, action, subject)

    def __str__(self) -> str:
        return self.message


class ValidationError(PersistenceError, ValueError):
    """Values, filters or settings that cannot be accepted.

    Args:
        problems: One text, or one for each mistake, each saying where and what.
        subject: What was checked, as ``configuration``; part of the text when there is more than one problem.
    """

    def __init__(self, problems: str | Sequence[str], subject: str = "input") -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        self.subject = subject
        super().__init__(self.problems, subject)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        lines = [f"{len(self.problems)} problems in the {self.subject}:"]
        lines += [f"- {problem}" for problem in self.problems[:_SHOWN_PROBLEMS]]
        if len(self.problems) > _SHOWN_PROBLEMS:
            lines.append(f"- and {len(self.problems) - _SHOWN_PROBLEMS} more, in .problems")
        return "\n".join(lines)


class FeatureDisabledError(PersistenceError, RuntimeError):
    """A feature flag of the configuration switches off what was asked.

    Args:
        feature: Name of the flag.
        operation: What was asked.
        where: Where the flag is set.
    """

    def __init__(self, feature: str, operation: str, where: str = "InnerUniverseConfig.features") -> None:
        self.feature = feature
        self.operation = operation
        self.where = where
        super().__init__(feature, operation, where)

    def __str__(self) -> str:
        return f"{self.operation}: the feature flag {self.feature} is off; set it in {self.where}"
