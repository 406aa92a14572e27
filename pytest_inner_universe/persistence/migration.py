"""Whether the database of one version of a module can become that of the next."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..sats import ModuleDef
from .errors import ValidationError

if TYPE_CHECKING:
    from ..server.migration import MigrationPlan

ModuleSource = ModuleDef | bytes | str | os.PathLike[str]
"""A definition, as ``universe.schema`` or a server's schema is one; a compiled module; or the path of its file."""


def check_migration(old: ModuleSource, new: ModuleSource, *, release: str | None = None) -> MigrationPlan:
    """Tell what a server's automatic migration would do to the tables, and what forbids it; nothing is started.

    Rows are not looked at: a new unique constraint is refused by a server too where rows have the same value.

    Args:
        old: What is deployed.
        new: What is to be deployed over it.
        release: The release of the server, as ``1.2``; the newest that is known by default.

    Returns:
        The plan: `steps`, `refusals` (empty when it can be done) and `breaks_clients`.

    Raises:
        ValidationError: A file cannot be read, or is no module; there is no such release.

    Example:
        >>> check_migration("old.wasm", "new.wasm").refusals  # doctest: +SKIP
        ("table 'entity': column 'id' was removed",)
    """
    from ..server.migration import migration_plan

    definitions = _definition(old), _definition(new)
    try:
        return migration_plan(*definitions, release)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def _definition(source: ModuleSource) -> ModuleDef:
    if isinstance(source, ModuleDef):
        return source
    from ..server.migration import ModuleError, definition_of

    if isinstance(source, bytes):
        name, wasm = "module.wasm", source
    else:
        name = os.fspath(source)
        try:
            wasm = Path(source).read_bytes()
        except OSError as error:
            raise ValidationError(f"the module {name} cannot be read: {error.strerror}") from error
    try:
        return definition_of(wasm, name)
    except ModuleError as error:
        raise ValidationError(str(error)) from error
