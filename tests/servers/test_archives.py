"""A server that is killed in the middle of an import: what the error says is true, and what was there comes back."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.archives import contents, fill

from pytest_inner_universe.client import HttpApi
from pytest_inner_universe.persistence import (
    InnerUniverseClient,
    InnerUniverseConfig,
    Progress,
    RestoreError,
    export_database,
    import_archive,
    read_archive,
)
from pytest_inner_universe.persistence.bundled import bundled_module_path
from pytest_inner_universe.server.process import ProcessServer

pytestmark = pytest.mark.asyncio
DATABASE = "archived"


@pytest.fixture
def first() -> Iterator[ProcessServer]:
    """A server that is killed."""
    with ProcessServer() as server:
        yield server


@pytest.fixture
def second() -> Iterator[ProcessServer]:
    """One that goes on."""
    with ProcessServer() as server:
        yield server


@asynccontextmanager
async def owner_of_a_database(server: ProcessServer) -> AsyncIterator[InnerUniverseClient]:
    """A client that owns a new database of a server, and does not come back when it is lost."""
    token = server.credentials(None).token
    place = urlsplit(server.url)
    config = InnerUniverseConfig(
        address=place.hostname or "", port=place.port or 0, database=DATABASE, token=token, retry_attempts=0
    )
    async with HttpApi(server.url, token) as api:
        await api.publish(bundled_module_path().read_bytes(), DATABASE)
    async with InnerUniverseClient(config) as client:
        yield client


async def test_a_server_that_is_killed_in_the_middle_of_an_import(
    first: ProcessServer, second: ProcessServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()

    def kill(step: Progress) -> None:
        if (step.phase, step.table, step.done) == ("import", "relation", 1):
            pid = first.pid
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    async with owner_of_a_database(first) as client:
        await fill(client)
        archive = await export_database(client, tmp_path / "one")
        await client.create_entity("Person", {"name": "theirs"})
        monkeypatch.setattr("tempfile.tempdir", str(kept))
        with pytest.raises(RestoreError) as caught:
            await import_archive(archive, client, replace=True, progress=kill)
    error = caught.value
    assert (error.is_unchanged, error.written) == (False, {"entity": 3, "relation": 1, "state_version": 0})
    assert error.saved is not None
    saved = read_archive(error.saved)
    assert saved.tables["entity"].rows == 4
    async with owner_of_a_database(second) as client:
        await import_archive(saved, client)
        assert contents(await export_database(client, tmp_path / "two")) == contents(saved)
