"""Puts another version of a module in the place of the present one, and carries clients' subscriptions over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .connections import forget_all
from .errors import AbiNotOffered, ViewFailed
from .logs import LogRecord
from .store.errors import MigrationRefused

if TYPE_CHECKING:
    from .core import DatabaseCore
    from .module import Module
    from .release import Release
    from .store.migrate import MigrationPlan
    from .views import Views


def check_abi(module: Module, release: Release) -> None:
    """Check that a release can run a module.

    Raises:
        AbiNotOffered: The module was built for newer ones.
    """
    if int(module.abi.partition(".")[2]) > release.newest_abi:
        raise AbiNotOffered(module.name, module.abi, release)


def plan_of(database: DatabaseCore, module: Module) -> MigrationPlan:
    """Return what publishing another version of the module would change, and what forbids it.

    Raises:
        AbiNotOffered: It needs a newer release.
    """
    check_abi(module, database.release)
    return database.datastore.plan_migration(module.definition)


def replace(database: DatabaseCore, module: Module, break_clients: bool) -> MigrationPlan:
    """Put another version in the place of a database's module, or leave everything as it was.

    Args:
        database: The database, whose lock is held.
        module: The new version; the same program again changes nothing.
        break_clients: Whether a change that breaks clients is wanted.

    Raises:
        AbiNotOffered: The module needs a newer release.
        MigrationRefused: The change is not automatic, or breaks clients and that is not wanted.
    """
    plan = plan_of(database, module)
    if module.hash == database.module.hash:
        return plan
    if plan.breaks_clients and not break_clients and not plan.refusals:
        raise MigrationRefused(tuple(f"to {step} disconnects clients" for step in plan.steps))
    datastore = database.datastore.migrate(plan)
    datastore.set_module_row(database.identity.to_bytes(), database.owner.to_bytes(), module.hash, module.data)
    claims, views = database.host.claims, database.views
    database.executor.release()
    database.load(module, datastore, keeps_views=not plan.breaks_clients)
    database.host.claims = claims
    if plan.breaks_clients:
        database.drop_clients()
        forget_all(database)
    else:
        _resubscribe(database, views)
    return plan


def _resubscribe(database: DatabaseCore, before: Views | None) -> None:
    """Compile the queries of all clients again for the tables of the new version, and compute views again.

    A query that is none any more ends its set, of which the client is told; so is who follows a view that has other rows now.

    Args:
        database: The database, with the new version.
        before: The views of the old version.
    """
    from ..wire.messages import SubscriptionError
    from .sql.errors import SqlError

    views = database.views
    if views is not None and before is not None:
        views.adopt(before)
    for client in database.clients.values():
        is_owner = client.identity == database.owner
        for number, (queries, counting) in list(client.query_sets.items()):
            try:
                database.subscriptions.add(client, client.identity, is_owner, number, queries, counting)
            except SqlError as error:
                del client.query_sets[number]
                client.deliver(SubscriptionError(None, number, error.server_text))
    if views is not None:
        _renew(database, views)


def _renew(database: DatabaseCore, views: Views) -> None:
    tx = database.datastore.begin()
    try:
        views.renew(tx)
    except BaseException as failure:
        database.roll_back(tx)
        if not isinstance(failure, ViewFailed):
            raise
        database.log.add(LogRecord("error", str(failure), database.clock.now()))
    else:
        database.commit_own(tx)
