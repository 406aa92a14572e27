"""A state of a database to start from, or to go back to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..sats import Identity
    from .module import Module
    from .store import Datastore
    from .wasm.instance import ModuleState


@dataclass(frozen=True)
class Snapshot:
    """The whole state of a database at one moment; it never changes and costs nothing to keep.

    Args:
        module: The module that was published then.
        datastore: The data; use it through forks only.
        identity: The database's identity.
        owner: Who published it.
        module_state: What the module remembers; None for nothing, as after a restart of the server.
    """

    module: Module
    datastore: Datastore
    identity: Identity
    owner: Identity
    module_state: ModuleState | None = None
