"""How clients' connections begin and end: the module's hooks, and the rows of `st_client` and `st_connection_credentials`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ConnectRefused, ViewFailed

if TYPE_CHECKING:
    from .clients import Client
    from .core import DatabaseCore
    from .store import Table, Transaction


def admit(database: DatabaseCore, client: Client, claims: bytes | None) -> None:
    """Run the connect hook and add the client's row.

    Args:
        database: The database, whose lock is held.
        client: Who wants to come in.
        claims: The claims of its token as JSON, for modules that look at them.

    Raises:
        ConnectRefused: The hook said no, or a view failed; all is as it was.
    """
    identity, connection = client.identity_bytes, client.connection_bytes
    if claims is not None:
        database.host.claims[connection] = claims
    try:
        _enter(database, identity, connection, claims)
    except BaseException:
        database.host.claims.pop(connection, None)
        raise


def _enter(database: DatabaseCore, identity: bytes, connection: bytes, claims: bytes | None) -> None:
    hook = database.module.definition.lifecycle.get("client_connected")
    tx = database.datastore.begin()
    tx.insert(database.datastore.table("st_client"), identity + connection)
    credentials = _credentials(database)
    if credentials is not None and claims is not None:
        tx.insert(credentials, connection + len(claims).to_bytes(4, "little") + claims)
    if hook is not None:
        outcome = database.run_in(tx, hook, b"", identity, connection)
        if not outcome.committed:
            raise ConnectRefused(database.name, outcome.message, outcome.panic)
    try:
        database.commit(tx, None)
    except ViewFailed as failure:
        raise ConnectRefused(database.name, failure.reason, failure.panic) from failure


def forget(database: DatabaseCore, identity: bytes, connection: bytes) -> None:
    """Run the disconnect hook and remove the client's row, whatever the hook says.

    Args:
        database: The database, whose lock is held.
        identity: Who is gone, 32 bytes.
        connection: Which of its connections, 16 bytes.
    """
    hook = database.module.definition.lifecycle.get("client_disconnected")
    if hook is not None:
        tx = database.datastore.begin()
        if database.run_in(tx, hook, b"", identity, connection).committed:
            _remove(database, tx, identity, connection)
            if database.commit_own(tx):
                return
    tx = database.datastore.begin()
    _remove(database, tx, identity, connection)
    database.commit_own(tx)


def _remove(database: DatabaseCore, tx: Transaction, identity: bytes, connection: bytes) -> None:
    """Take the rows of a connection out."""
    tx.delete(database.datastore.table("st_client"), identity + connection)
    credentials = _credentials(database)
    if credentials is not None and tx.count(credentials):  # in memory nobody has any
        tx.delete_rows(credentials, tx.seek(credentials.unique_indexes[0], connection))


def _credentials(database: DatabaseCore) -> Table | None:
    """Return the table with what clients' tokens say; older releases have none."""
    return database.datastore.catalog.table_names.get("st_connection_credentials")


def forget_all(database: DatabaseCore) -> None:
    """Do this for every client whose row is there, as a server does when it starts."""
    for row in database.datastore.view().rows(database.datastore.table("st_client")):
        forget(database, row[:32], row[32:])
