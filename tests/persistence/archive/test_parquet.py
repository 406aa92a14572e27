"""Archives as Parquet: what other programs find in them, and what is told where pyarrow is not there."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path

import pytest
from support.archives import fill, owner_of

from pytest_inner_universe.persistence import Archive, BackupError, export_database
from pytest_inner_universe.persistence.archive.encodings import read_rows
from pytest_inner_universe.persistence.archive.tables import ARCHIVE_TABLES
from pytest_inner_universe.testing.universe import Universe

# It has no type stubs.
pa, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")

pytestmark = pytest.mark.asyncio


async def test_other_programs_find_columns_of_their_types(universe: Universe, tmp_path: Path) -> None:
    async with owner_of(universe) as client:
        await fill(client)
        await export_database(client, tmp_path / "one", encoding="parquet")
        moment = (await client.get_entity("ada"))["created_at"]
    table = parquet.read_table(tmp_path / "one" / "entity.parquet")
    assert table.schema.field("created_at").type == pa.timestamp("us", "UTC")
    assert table.column("id").to_pylist() == ["ada", "bob", "eve"]
    assert table.column("created_at")[0].as_py() == datetime.fromtimestamp(0, timezone.utc) + (
        moment.to_datetime() - datetime.fromtimestamp(0, timezone.utc)
    )
    assert table.column("metadata")[1].as_py() == {
        "name": "Bob",
        "description": None,
        "tags": ["y"],
        "properties": "{}",
    }


async def test_without_the_extra(universe: Universe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    async with owner_of(universe) as client:
        with pytest.raises(BackupError) as caught:
            await export_database(client, tmp_path / "one", encoding="parquet")
    assert str(caught.value) == (
        "Parquet: pyarrow is not installed: pip install 'pytest-inner-universe[parquet]', or take encoding='jsonl'"
    )
    assert not (tmp_path / "one").exists()


async def test_a_file_that_is_none(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "entity.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(BackupError) as caught:
        list(read_rows("parquet", path, ARCHIVE_TABLES["entity"]))
    assert str(caught.value).startswith(f"{path}: it cannot be read: ")
    parquet.write_table(pa.table({"id": ["1"]}), path)
    with pytest.raises(BackupError) as caught:
        list(read_rows("parquet", path, ARCHIVE_TABLES["entity"]))
    assert str(caught.value) == f"{path}: it has other columns"
