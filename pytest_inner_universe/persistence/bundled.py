"""The compiled Inner Universe module that ships with the package."""

from __future__ import annotations

from pathlib import Path

MODULE_FILE = "inner_universe_module.wasm"
"""File name of the prebuilt module."""

RECORD_FILE = "inner_universe_module.json"
"""File name of the record of its build: hash of its source, toolchain, size."""

_PACKAGE = Path(__file__).resolve().parent.parent


def bundled(name: str) -> Path:
    """Path of a file that ships with the package.

    A wheel carries copies in `_data`. A checkout has no such folder, so that it (and an editable install of it) uses the
    originals in `fixtures/modules`, and a rebuilt module is the one under test.

    Args:
        name: name of the file.

    Raises:
        FileNotFoundError: neither place has it.
    """
    places = (_PACKAGE / "_data" / name, _PACKAGE.parent / "fixtures" / "modules" / name)
    for place in places:
        if place.is_file():
            return place
    looked = "\n".join(f"- {place}" for place in places)
    raise FileNotFoundError(
        f"{name} does not come with this installation of pytest-inner-universe; looked at\n{looked}"
    )


def bundled_module_path() -> Path:
    """Path of the prebuilt Inner Universe module.

    Raises:
        FileNotFoundError: the installation is damaged.
    """
    return bundled(MODULE_FILE)
