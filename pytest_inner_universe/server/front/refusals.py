"""What a client is told when something goes wrong, in the words of the imitated release."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...engine.errors import AbiNotOffered, ConnectRefused, DatabaseClosed, EngineError, PublishFailed
from ...engine.store.errors import MigrationRefused
from ...engine.wasm.errors import InvalidWasm
from ..errors import InvalidName, NoSuchDatabase, NotOwner, TokenRefused, UpdateRefused
from .worker import WorkerStopped

if TYPE_CHECKING:
    from ...engine.release import Release


_STARTS_WELL = re.compile(r"([a-z0-9]+-)*[a-z0-9]*")


def answer_to(error: Exception, release: Release) -> tuple[int, str]:
    """Return status and text of the answer to a request that failed."""
    if isinstance(error, InvalidName):
        return 400, f"Invalid URL: {_what_is_wrong(error.name)} in database name"
    if isinstance(error, NoSuchDatabase) and not error.was_there:
        return 404, f"`{error.asked}` not found" if release.names_what_is_missing else ""
    if isinstance(error, (NoSuchDatabase, DatabaseClosed, WorkerStopped)):
        return 404, "No such database."
    if isinstance(error, TokenRefused):
        return 401, release.not_authentic.format(error.reason)
    if isinstance(error, NotOwner):
        return _not_owner(error, release)
    if isinstance(error, ConnectRefused):
        return 403, error.reason
    if isinstance(error, (MigrationRefused, UpdateRefused)):
        return 400, f"Database update rejected: {error}"
    if isinstance(error, InvalidWasm):
        return 500, f"failed to parse WebAssembly module: {error.reason}"
    if isinstance(error, AbiNotOffered):
        return 500, error.server_text
    if isinstance(error, PublishFailed):
        return 500, error.reason
    if isinstance(error, EngineError):
        return 500, str(error)
    return 500, f"{type(error).__name__}: {error}"


def _not_owner(error: NotOwner, release: Release) -> tuple[int, str]:
    if release.forbids:
        return 403, str(error)
    if error.action == "view module logs":
        return 400, f"Identity does not own database, expected: {error.owner} got: {error.caller}"
    return 500, f"Permission denied: `{error.caller}` does not own database `{error.database[:16]}`"


def _what_is_wrong(name: str) -> str:
    """Name the first mistake, reading from the left; at the end only a hyphen can be one."""
    good = _STARTS_WELL.match(name)
    rest = name[good.end() :] if good else name
    return "invalid characters" if rest and not rest.startswith("-") else "invalid hyphen"
