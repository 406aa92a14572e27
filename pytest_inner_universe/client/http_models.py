"""What servers answer over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..sats.identity import Identity
from ..sats.types import AlgebraicType


@dataclass(frozen=True)
class Credentials:
    """An identity, and the token that proves it.

    Args:
        identity: Who.
        token: The proof; a secret.
    """

    identity: Identity
    token: str

    def __repr__(self) -> str:
        return f"Credentials({self.identity!r})"


@dataclass(frozen=True)
class ServerHealth:
    """What a server says of itself.

    Args:
        version: Its release, as ``1.2.0``.
        schedulable: Whether it takes new databases.
    """

    version: str
    schedulable: bool = True


@dataclass(frozen=True)
class Published:
    """A database that a module was published to.

    Args:
        identity: The database's identity.
        name: Its name, if it has one.
        created: Whether it is new.
    """

    identity: Identity
    name: str | None
    created: bool


@dataclass(frozen=True)
class MigrationPlan:
    """What publishing a module over a database would do.

    Args:
        is_automatic: Whether it can be done at all.
        text: The steps, or why it cannot be done.
        breaks_clients: Whether clients would be disconnected.
        token: Proof of having seen the plan, which publishing wants to see if clients break.
        is_major_upgrade: Whether the module is of a later major release than the database.
    """

    is_automatic: bool
    text: str
    breaks_clients: bool = False
    token: str | None = None
    is_major_upgrade: bool = False


@dataclass(frozen=True)
class DatabaseInfo:
    """What is known of a database.

    Args:
        identity: Its identity.
        owner: Who published it.
        host_type: ``Wasm`` or ``Js``.
        initial_program: Hash of the module that it was created with, as the server prints it.
    """

    identity: Identity
    owner: Identity
    host_type: str
    initial_program: str


@dataclass(frozen=True)
class SqlRows:
    """What a statement gave.

    Args:
        columns: Name and type of each column; none for statements that write.
        rows: The rows as dicts by column name.
        inserted: Rows that were put in.
        deleted: Rows that were taken out.
        updated: Rows that were replaced.
    """

    columns: tuple[tuple[str, AlgebraicType], ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()
    inserted: int = 0
    deleted: int = 0
    updated: int = 0


@dataclass(frozen=True)
class LogLine:
    """One line of a database's log.

    Args:
        level: ``error``, ``warn``, ``info``, ``debug``, ``trace`` or ``panic``.
        message: The text.
        timestamp: In microseconds since the Unix epoch.
        function: The function that ran; servers before 2.0 do not say.
        target: What the module says it comes from, usually a path of Rust modules.
        filename: Source file, where known.
        line: Line in the source file, where known.
        trace: Frames of a panic, innermost first.
    """

    level: str
    message: str
    timestamp: int
    function: str | None = None
    target: str | None = None
    filename: str | None = None
    line: int | None = None
    trace: tuple[str, ...] = ()

    def __str__(self) -> str:
        who = f" {self.function}:" if self.function else ""
        place = "" if self.filename is None else f" ({self.filename}{'' if self.line is None else f':{self.line}'})"
        return "\n".join(
            [f"{self.level.upper():5}{who} {self.message}{place}", *(f"    at {one}" for one in self.trace)]
        )
