"""Where the bundled module lies, in a checkout and in an installed package."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import pytest_inner_universe.persistence.bundled as place
from pytest_inner_universe.persistence.bundled import MODULE_FILE, RECORD_FILE, bundled_module_path

ROOT = Path(__file__).resolve().parents[2]
ORIGINAL = ROOT / "fixtures" / "modules" / MODULE_FILE


def test_the_module_of_this_checkout_is_found() -> None:
    assert bundled_module_path().read_bytes() == ORIGINAL.read_bytes()


def test_a_file_that_is_nowhere_is_told_with_its_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(place, "_PACKAGE", tmp_path / "package")
    with pytest.raises(FileNotFoundError) as caught:
        bundled_module_path()
    assert str(caught.value) == (
        f"{MODULE_FILE} does not come with this installation of pytest-inner-universe; looked at\n"
        f"- {tmp_path / 'package' / '_data' / MODULE_FILE}\n"
        f"- {tmp_path / 'fixtures' / 'modules' / MODULE_FILE}"
    )


def test_the_copy_in_the_package_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder in (tmp_path / "package" / "_data", tmp_path / "fixtures" / "modules"):
        folder.mkdir(parents=True)
        (folder / MODULE_FILE).write_bytes(str(folder).encode())
    monkeypatch.setattr(place, "_PACKAGE", tmp_path / "package")
    assert bundled_module_path() == tmp_path / "package" / "_data" / MODULE_FILE


def test_the_wheel_carries_module_record_and_type_marker(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        module = archive.read(f"pytest_inner_universe/_data/{MODULE_FILE}")
        entry_points = archive.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    assert hashlib.sha256(module).digest() == hashlib.sha256(ORIGINAL.read_bytes()).digest()
    assert f"pytest_inner_universe/_data/{RECORD_FILE}" in names
    assert "pytest_inner_universe/py.typed" in names
    assert "inner_universe = pytest_inner_universe.plugin" in entry_points
    assert any(name.endswith("licenses/LICENSE") for name in names)
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"pytest_inner_universe"}
