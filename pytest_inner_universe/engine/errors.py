"""Errors of the embedded database.

The tree::

    EngineError
    ├── AbiNotOffered               the module needs a newer release of the server than the one that is imitated
    ├── PublishFailed               the module's init did not succeed
    ├── ConnectRefused              the module's connect hook did not let a client in
    ├── ViewFailed                  a view could not be computed
    ├── DatabaseClosed              use of a database after its end
    ├── ScheduleRunaway             schedules keep running without end
    └── ...                         those of `store.errors`, `sql.errors`, `subscriptions.errors` and `wasm.errors`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .logs import LogRecord
    from .release import Release


class EngineError(Exception):
    """Base of every error of the embedded engine."""


def _with_panic(panic: LogRecord | None, detail: str) -> str:
    if panic is None:
        return f"\n  {detail}" if detail else ""
    return f"\n  panic at {panic.place or 'an unknown place'}: {panic.message}"


class PublishFailed(EngineError):
    """The module's ``init`` failed, so there is no database.

    Args:
        database: Name that it should have had.
        reason: What ``init`` said, or the general text of a crash.
        panic: The module's last words, where it panicked.
        detail: What the engine knows beyond that.
    """

    def __init__(self, database: str, reason: str, panic: LogRecord | None = None, detail: str = "") -> None:
        self.database = database
        self.reason = reason
        self.panic = panic
        self.detail = detail
        super().__init__(database, reason, panic, detail)

    def __str__(self) -> str:
        text = f"cannot publish database {self.database!r}: the module's init reducer failed: {self.reason}"
        return text + _with_panic(self.panic, self.detail)


class AbiNotOffered(EngineError):
    """A module was built for newer servers than the one that is imitated.

    Args:
        module: Its name.
        abi: The version of the module ABI that it needs.
        release: The release of the server.
    """

    def __init__(self, module: str, abi: str, release: Release) -> None:
        super().__init__(module, abi, release)
        self.module = module
        self.abi = abi
        self.release = release

    @property
    def server_text(self) -> str:
        """The text that a real server sends."""
        return f"abi version {self.abi} is not supported (host implements 10.{self.release.newest_abi})"

    def __str__(self) -> str:
        return (
            f"{self.module} cannot run on the imitated release {self.release}: {self.server_text}\n"
            f"Build it with older bindings, or imitate a newer release (--universe-release)."
        )


class ConnectRefused(EngineError):
    """The module's connect hook returned an error or panicked.

    Args:
        database: Name of the database.
        reason: What the hook said.
        panic: The module's last words, where it panicked.
    """

    def __init__(self, database: str, reason: str, panic: LogRecord | None = None) -> None:
        self.database = database
        self.reason = reason
        self.panic = panic
        super().__init__(database, reason, panic)

    def __str__(self) -> str:
        text = f"the module of database {self.database!r} refused the connection: {self.reason}"
        return text + _with_panic(self.panic, "")


class ViewFailed(EngineError):
    """A view could not be computed, so the transaction that led to it does not take effect.

    Args:
        view: Name of the view.
        reason: What a client is told.
        panic: The module's last words, where the view panicked.
        detail: What the engine knows beyond that.
        is_trap: Whether the module stopped in the middle of the view.
    """

    def __init__(
        self, view: str, reason: str, panic: LogRecord | None = None, detail: str = "", is_trap: bool = False
    ) -> None:
        self.view = view
        self.reason = reason
        self.panic = panic
        self.detail = detail
        self.is_trap = is_trap
        super().__init__(view, reason, panic, detail, is_trap)

    def __str__(self) -> str:
        return f"the view {self.view!r} failed: {self.reason}" + _with_panic(self.panic, self.detail)


class DatabaseClosed(EngineError):
    """A database was used after it had been closed."""

    def __init__(self, database: str) -> None:
        self.database = database
        super().__init__(database)

    def __str__(self) -> str:
        return f"the database {self.database!r} is closed"


class ScheduleRunaway(EngineError):
    """More scheduled calls ran than anybody can have meant.

    Args:
        database: Name of the database.
        most: How many ran.
        table: The scheduled table whose row was next.
    """

    def __init__(self, database: str, most: int, table: str) -> None:
        self.database = database
        self.most = most
        self.table = table
        super().__init__(database, most, table)

    def __str__(self) -> str:
        return (
            f"{self.most} scheduled calls ran in one advance of the clock of database {self.database!r}, "
            f"the last of table {self.table!r}\n"
            "  an interval may be too short for the span; advance in smaller steps or cancel the schedule"
        )
