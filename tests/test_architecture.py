"""The rooms of the house: who imports whom, and what the plugin loads."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import NamedTuple

import pytest

import pytest_inner_universe

PACKAGE = Path(pytest_inner_universe.__file__).parent
NAME = "pytest_inner_universe"
MAY_IMPORT: dict[str, set[str]] = {
    "sats": set(),
    "wire": {"sats"},
    "engine": {"sats", "wire"},
    "client": {"sats", "wire"},
    "server": {"engine", "client", "wire", "sats"},
    "persistence": {"client", "server", "sats"},
    "testing": {"engine", "client", "server", "persistence", "wire", "sats"},
    "cli": {"engine", "client", "server", "persistence", "sats"},
    "plugin": {"testing"},
}
HEAVY = (
    "wasmtime",
    "faker",
    "aiohttp",
    "cryptography",
    "jwt",
    "blake3",
    "hypothesis",
    "docker",
    "testcontainers",
    "rich",
)


class Import(NamedTuple):
    file: str
    line: int
    module: str
    depth: str  # "module", "function" or "types"


def imports_of(path: Path) -> list[Import]:
    package = [NAME, *path.relative_to(PACKAGE).parent.parts]
    found: list[Import] = []

    def visit(node: ast.AST, depth: str) -> None:
        for child in ast.iter_child_nodes(node):
            where = depth
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                where = "function"
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                where = "types"
            elif isinstance(child, ast.Import):
                found.extend(Import(str(path), child.lineno, name.name, depth) for name in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = package[: len(package) - child.level + 1] if child.level else []
                module = ".".join([*base, *(child.module or "").split(".")]).strip(".")
                # `from package import room` names the room after the import.
                found.extend(Import(str(path), child.lineno, f"{module}.{name.name}", depth) for name in child.names)
            visit(child, where)

    visit(ast.parse(path.read_text(encoding="utf-8")), "module")
    return found


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == NAME and len(parts) > 1 and parts[1] in MAY_IMPORT else None


ROOMS = sorted(room for room in MAY_IMPORT if room != "plugin")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    wrong = [
        f"{found.file}:{found.line}: {found.module}"
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for found in imports_of(path)
        if (target := room_of(found.module)) not in (None, room) and target not in MAY_IMPORT[room]
    ]
    assert wrong == []


def test_the_plugin_imports_the_kit_inside_functions_only() -> None:
    found = [one for one in imports_of(PACKAGE / "plugin.py") if one.depth != "types"]
    own = [one for one in found if one.module.startswith(NAME)]
    assert {room_of(one.module) for one in own} == {"testing"}
    assert {one.depth for one in own} == {"function"}
    foreign = {one.module.split(".")[0] for one in found if one not in own}
    assert foreign <= {"__future__", "pytest", *sys.stdlib_module_names}


def test_every_folder_is_a_package() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_by(f"import {NAME}")
    assert loaded.isdisjoint(HEAVY)
    assert "pytest" not in loaded
    assert {module for module in loaded if module.startswith(f"{NAME}.")} == set()


def distribution(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower().replace("_", "-")


def test_what_is_imported_is_declared() -> None:
    """What comes along with somebody else's package may be gone with its next version."""
    declared = {distribution(line) for line in requires("pytest-inner-universe") or []}
    allowed = {NAME, *sys.stdlib_module_names, "yarl"}  # aiohttp takes and gives addresses as yarl's
    origins = {
        top: set(map(distribution, names)) for top, names in packages_distributions().items() if top not in allowed
    }
    found = [one for path in sorted(PACKAGE.rglob("*.py")) for one in imports_of(path) if one.depth != "types"]
    undeclared = [one for one in found if declared.isdisjoint(origins.get(one.module.split(".")[0], declared))]
    assert [f"{one.file}:{one.line}: {one.module}" for one in undeclared] == []


def test_the_package_needs_none_of_what_the_documents_name() -> None:
    """Not the SDK, which speaks a protocol of the past, and no copy of the standard library."""
    needed = {distribution(line) for line in requires("pytest-inner-universe") or [] if "extra ==" not in line}
    assert "aiohttp" in needed
    assert needed.isdisjoint({"spacetimedb-sdk", "asyncio"})


def test_loading_the_plugin_adds_the_plugin_alone() -> None:
    bare = loaded_by("import pytest")
    with_plugin = loaded_by(f"import pytest, {NAME}.plugin")
    assert with_plugin - bare == {NAME, f"{NAME}.plugin"}
