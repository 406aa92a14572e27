"""Publishing as a server does it: new databases, new versions, and databases set back to their beginning."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...engine.database import CALL_LIMIT, Database
from ...engine.errors import EngineError
from ...engine.module import Module
from ..errors import NoSuchDatabase, UpdateRefused
from ..names import check_name
from ..registry import is_identity

if TYPE_CHECKING:
    from ...engine.store.migrate import MigrationPlan
    from ...sats import Identity
    from ..registry import Registry
    from .entry import Entry

_KEPT_MODULES = 8


@dataclass(frozen=True)
class Published:
    """What came of publishing.

    Args:
        identity: Identity of the database.
        name: The name that was asked for, None if none was.
        created: Whether the database is new.
    """

    identity: Identity
    name: str | None
    created: bool


@dataclass(frozen=True)
class Terms:
    """What somebody agrees to who publishes a new version.

    Args:
        may_break: Whether connected clients may be disconnected.
        token: What the plan of this very update came with.
    """

    may_break: bool = False
    token: str = ""


@dataclass(frozen=True)
class UpdatePlan:
    """What publishing a version would do.

    Args:
        changes: What would change, or why it cannot.
        token: Proves that the plan was asked for.
    """

    changes: MigrationPlan
    token: str


_NO_BREAKING = Terms()


class Publisher:
    """Publishes modules into a registry.

    Args:
        registry: Where the databases go.
        call_limit: Seconds that one call may take in new databases.
    """

    def __init__(self, registry: Registry, call_limit: float = CALL_LIMIT) -> None:
        self.registry = registry
        self.call_limit = call_limit
        self._modules: OrderedDict[bytes, Module] = OrderedDict()
        self._lock = threading.Lock()

    def publish(
        self, wasm: bytes, caller: Identity, asked: str | None = None, clear: bool = False, terms: Terms = _NO_BREAKING
    ) -> Published:
        """Publish a module, as a new database or as a new version of one that is there.

        Args:
            wasm: The compiled module.
            caller: Who publishes.
            asked: Name or identity of the database; one without a name is made unless given.
            clear: Whether data that are there go.
            terms: What may happen to connected clients.

        Raises:
            InvalidName: The name is none.
            NoSuchDatabase: An identity was given that no database has.
            NotOwner: The database belongs to somebody else.
            ModuleError: The module cannot be used.
            PublishFailed: Its ``init`` failed.
            MigrationRefused: It does not fit the data that are there.
            UpdateRefused: It breaks clients, which the terms do not allow.
        """
        with self._lock:
            name = None if asked is None or is_identity(asked) else check_name(asked)
            entry = self._present(asked, caller, "reset database" if clear else "update database")
            if entry is None:
                return self.create(self._load(wasm), caller, name)
            database = entry.database
            if clear:
                self._clear(database, wasm)
            else:
                self._update(database, self._load(wasm), terms)
            entry.start()
            return Published(database.identity, name, created=False)

    def create(self, module: Module, owner: Identity, name: str | None = None) -> Published:
        """Make a new database.

        Args:
            module: Its module.
            owner: Whose it is.
            name: Its name; none unless given.

        Raises:
            InvalidName: The name is none.
            NameTaken: Another database has it.
            PublishFailed: The module's ``init`` failed.
        """
        identity = self.registry.identity_for(name)
        label = identity.hex() if name is None else check_name(name)
        if name is not None:
            # It stays the name of this identity even where the module's `init` fails now.
            self.registry.reserve(name, identity)
        database = Database.publish(
            module, label, owner, identity, call_limit=self.call_limit, release=self.registry.release
        )
        try:
            self.registry.enter(database, name, is_live=True)
        except BaseException:
            database.close()
            raise
        return Published(identity, name, created=True)

    def plan(self, wasm: bytes, caller: Identity, asked: str) -> UpdatePlan:
        """Return what publishing a version would do; arguments and errors as `publish`."""
        entry = self.registry.owned(asked, caller, "update database")
        with self._lock:
            module = self._load(wasm)
        return UpdatePlan(entry.database.plan_update(module), _token(entry.database, module))

    def reset(self, wasm: bytes, caller: Identity, asked: str) -> None:
        """Set a database back to its beginning, with a module; arguments and errors as `publish`."""
        with self._lock:
            entry = self.registry.owned(asked, caller, "reset database")
            self._reset(entry.database, self._load(wasm))
            entry.start()

    def _present(self, asked: str | None, caller: Identity, action: str) -> Entry | None:
        if asked is None:
            return None
        try:
            return self.registry.owned(asked, caller, action)
        except NoSuchDatabase:
            if is_identity(asked):
                raise
            return None

    def _load(self, wasm: bytes) -> Module:
        key = hashlib.sha256(wasm).digest()
        module = self._modules.get(key)
        if module is None:
            module = self._modules[key] = Module.load(wasm, "the published program")
        self._modules.move_to_end(key)
        if len(self._modules) > _KEPT_MODULES:
            self._modules.popitem(last=False)
        return module

    def _clear(self, database: Database, wasm: bytes) -> None:
        try:
            self._reset(database, self._load(wasm))
        except EngineError:
            if not database.release.keeps_on_failed_clear:
                self.registry.delete(database.identity.hex(), database.owner)
            raise

    def _reset(self, database: Database, module: Module) -> None:
        with database.lock:
            fresh = Database.publish(
                module,
                database.name,
                database.owner,
                database.identity,
                database.clock,
                database.call_limit,
                database.release,
            )
            for record in fresh.log:
                database.log.add(record)
            database.restore(fresh.snapshot())
            fresh.close()

    def _update(self, database: Database, module: Module, terms: Terms) -> None:
        with database.lock:
            plan = database.plan_update(module)
            if plan.breaks_clients and not plan.refusals:
                if not terms.may_break:
                    raise UpdateRefused("publish with the policy BreakClients if that is meant")
                if terms.token != _token(database, module):
                    raise UpdateRefused("the token is not that of the plan for this update")
            database.update(module)


def _token(database: Database, module: Module) -> str:
    parts = f"{database.identity.hex()} {database.module.hash} {module.hash}"
    return "0x" + hashlib.sha256(parts.encode()).hexdigest()
