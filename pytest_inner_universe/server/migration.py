"""Whether a server would take a module in place of another, under its rules of automatic migration."""

from __future__ import annotations

from ..engine.module import Module
from ..engine.release import release_named
from ..engine.store.datastore import Datastore
from ..engine.store.migrate import MigrationPlan as MigrationPlan
from ..engine.wasm.errors import ModuleError as ModuleError
from ..sats import ModuleDef


def migration_plan(old: ModuleDef, new: ModuleDef, release: str | None = None) -> MigrationPlan:
    """Compare two definitions; what depends on the rows that are there is not looked at.

    Args:
        old: What is deployed.
        new: What is to take its place.
        release: Name of the release whose rules count; the newest that is known by default.
    """
    datastore = Datastore.create(old) if release is None else Datastore.create(old, release_named(release))
    return datastore.plan_migration(new)


def definition_of(wasm: bytes, name: str = "module.wasm") -> ModuleDef:
    """Return what a compiled module declares.

    Args:
        wasm: The module.
        name: What errors call it.

    Raises:
        ModuleError: It is none.
    """
    module = Module.load(wasm, name)
    try:
        return module.definition
    finally:
        module.close()
