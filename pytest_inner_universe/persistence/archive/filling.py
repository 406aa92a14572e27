"""Emptying a database and filling it from an archive, without events of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...sats import Timestamp
from ..errors import BackupError
from ..inner_universe import InnerUniverseClient
from ..schema import ADMIN, PERMISSION
from .manifest import Archive
from .progress import Reporter, chunked
from .reading import rows_in
from .rows import JsonRow, RowForm
from .snapshots import in_order, place
from .tables import ARCHIVE_TABLES, DATA_TABLES, OWNER_TABLES
from .writing import Digest

_IMPORT_CONFIGURATION = "import_configuration"
_MEANWHILE = {"feature_enable_audit_log": ("false", "true"), "permission_default": ("deny", "allow")}
"""Settings while rows are imported, and what they stand for where they are not set: no events, and nobody but owner and admins writes."""


async def fill(
    client: InnerUniverseClient,
    archive: Archive,
    saved: Archive,
    written: dict[str, int],
    report: Reporter,
    verify: Reporter,
) -> None:
    """Make a database hold what an archive has.

    Args:
        client: Its owner's client.
        archive: The archive.
        saved: What the database held before, for configuration and grants that the archive does not have.
        written: Gets the rows that certainly were written, by table.
        report: Hears how far it is.
        verify: Hears how far the comparison at the end is.

    Raises:
        BackupError: A row of the archive is none, or the database does not hold in the end what the archive has.
        PersistenceError: The server refused something, or was lost.
    """
    settings = saved if "config" in archive.left_out else archive
    configuration = [row for chunk in _chunks(settings, "config") for row in chunk]
    meanwhile, afterwards = _temporary_settings(client, configuration)
    await client.clear_for_import()
    await client.import_rows(_IMPORT_CONFIGURATION, meanwhile)
    for name, table in DATA_TABLES.items():
        total = archive.tables[name].rows
        written[name] = 0
        report(name, 0, total)
        for chunk in _chunks(archive, name):
            assert table.reducer is not None
            await client.import_rows(table.reducer, chunk)
            written[name] += len(chunk)
            report(name, written[name], total)
    if "admin" in settings.tables:
        await _grant(client, settings)
    await _verify(client, archive, verify, DATA_TABLES)
    await client.import_rows(_IMPORT_CONFIGURATION, configuration + afterwards)
    written["config"] = len(configuration)
    await _verify(client, settings, verify, [name for name in OWNER_TABLES if name != "config" or not afterwards])


def _temporary_settings(
    client: InnerUniverseClient, configuration: list[JsonRow]
) -> tuple[list[JsonRow], list[JsonRow]]:
    """Return the settings while rows are imported, and those that the configuration lacks to take them back."""
    stored = {row["key"]: row for row in configuration}
    made = {"description": None, "updated_at": Timestamp(0), "updated_by": client.identity}
    meanwhile = [{"key": key, **made, "value": value} for key, (value, _) in _MEANWHILE.items()]
    afterwards = [{"key": key, **made, "value": value} for key, (_, value) in _MEANWHILE.items() if key not in stored]
    return meanwhile, afterwards


def _chunks(archive: Archive, name: str) -> Iterator[list[Any]]:
    form = RowForm(ARCHIVE_TABLES[name])
    for chunk in chunked(rows_in(archive, name)):
        try:
            yield [form.unpacked(row) for row in chunk]
        except ValueError as error:
            raise BackupError(str(archive.folder), f"a row of {name} is none: {error}") from error


async def _grant(client: InnerUniverseClient, settings: Archive) -> None:
    """Make admins and grants those of an archive; who granted them when cannot be brought back."""
    there = await client.read_tables([ADMIN, PERMISSION])
    admins_before = {row["identity"] for row in there["admin"]}
    admins = {row["identity"] for chunk in _chunks(settings, "admin") for row in chunk}
    for identity in admins_before - admins:
        await client.revoke_admin(identity)
    for identity in admins - admins_before:
        await client.grant_admin(identity)
    grants_before = set(map(_grant_of, there["permission"]))
    grants = {_grant_of(row) for chunk in _chunks(settings, "permission") for row in chunk}
    for grant in grants_before - grants:
        await client.revoke_permission(*grant)
    for grant in grants - grants_before:
        await client.grant_permission(*grant)


def _grant_of(row: JsonRow) -> tuple[Any, str, str]:
    return row["grantee"], row["action"], row["entity_type"]


async def _verify(client: InnerUniverseClient, archive: Archive, report: Reporter, names: Iterable[str]) -> None:
    tables = [ARCHIVE_TABLES[name] for name in names if name in archive.tables]
    found = await client.read_tables([table.schema for table in tables])
    for table in tables:
        digest = Digest()
        async with in_order(table, found.pop(table.name), report) as (_, lines):
            for chunk in chunked(lines):
                digest.add(chunk)
        expected = archive.tables[table.name]
        if (digest.rows, digest.value) != (expected.rows, expected.digest):
            counts = f"{digest.rows} rows of {table.name}, {expected.rows} were to be there"
            raise BackupError(place(client), f"it does not hold what was written ({counts}); did somebody else write?")
