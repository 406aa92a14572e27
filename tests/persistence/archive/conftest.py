"""An archive with something of everything in it, made once; each test has a copy of its own."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from support.archives import fill, owner_of

from pytest_inner_universe.persistence import Archive, export_database, read_archive
from pytest_inner_universe.testing.universe import Universe


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    async def make(universe: Universe) -> Archive:
        async with owner_of(universe) as client:
            await fill(client)
            return await export_database(client, tmp_path_factory.mktemp("made") / "archive")

    with Universe.embedded() as universe:
        return asyncio.run(make(universe))


@pytest.fixture
def archive(made_once: Archive, tmp_path: Path) -> Archive:
    return read_archive(shutil.copytree(made_once.folder, tmp_path / "archive"))
