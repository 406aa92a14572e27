"""Modules that cannot be built or published, servers that cannot be had."""

from __future__ import annotations

from collections.abc import Sequence

from .base import ConnectionError, PersistenceError

_SHOWN_LINES = 5
_LONGEST_LINE = 160


class ControllerError(PersistenceError, RuntimeError):
    """The controller could not bring something up.

    Args:
        reason: What went wrong, and what to do.
        stderr: What the program that failed wrote, or what the server said.
    """

    def __init__(self, reason: str, stderr: str = "") -> None:
        self.reason = reason
        self.stderr = stderr
        super().__init__(reason, stderr)

    def __str__(self) -> str:
        return self.reason


class ModuleBuildError(ControllerError):
    """The module cannot be built.

    Args:
        folder: Its cargo project.
        reason: What went wrong.
        stderr: What cargo wrote.
    """

    def __init__(self, folder: str, reason: str, stderr: str = "") -> None:
        super().__init__(reason, stderr)
        self.folder = folder
        self.args = (folder, reason, stderr)

    def __str__(self) -> str:
        return _with_lines(f"the module in {self.folder} cannot be built: {self.reason}", self.stderr)


class _DatabaseError(ControllerError):
    what = ""

    def __init__(self, database: str, url: str, reason: str, stderr: str = "") -> None:
        super().__init__(reason, stderr)
        self.database = database
        self.url = url
        self.args = (database, url, reason, stderr)

    def __str__(self) -> str:
        return _with_lines(f"{self.what} database {self.database!r} at {self.url}: {self.reason}", self.stderr)


class DeploymentError(_DatabaseError):
    """A server did not take the module.

    Args:
        database: Name of the database.
        url: Address of the server.
        reason: What went wrong, and what to do.
        stderr: What the server said.
    """

    what = "cannot deploy to"


class ServerStartError(ControllerError):
    """There is no server to be had.

    Args:
        url: Where it was to be.
        reason: What went wrong, with the last lines of its log where it had started.
        stderr: What it wrote.
    """

    def __init__(self, url: str, reason: str, stderr: str = "") -> None:
        super().__init__(reason, stderr)
        self.url = url
        self.args = (url, reason, stderr)

    def __str__(self) -> str:
        return f"no server at {self.url}: {self.reason}"


class NoClientError(_DatabaseError, ConnectionError):
    """A server runs, but does not let the controller's client in.

    Args:
        database: Name of the database.
        url: Address of the server.
        reason: Why not, and what to do.
        stderr: The last that the server wrote.
    """

    what = "no client for"


class PreflightError(ControllerError):
    """The checklist before a deployment has problems.

    Args:
        problems: One text for each.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{len(self.problems)} of the checks before a deployment failed")
        self.args = (self.problems,)

    def __str__(self) -> str:
        return "\n".join([f"{self.reason}:", *(f"- {problem}" for problem in self.problems)])


def _with_lines(text: str, stderr: str) -> str:
    lines = [line.rstrip() for line in stderr.splitlines() if line.strip()]
    shown = [
        line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 3]}..." for line in lines[-_SHOWN_LINES:]
    ]
    return "\n".join([text, *(f"    {line}" for line in shown)])
