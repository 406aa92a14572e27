"""The module that a universe holds: what a user gave, or the Inner Universe module that ships with the package."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from ..persistence.bundled import bundled_module_path as bundled_module_path

if TYPE_CHECKING:
    from ..engine.module import Module


def load_module(module: str | PathLike[str] | bytes | Module | None) -> Module:
    """Return the compiled module of whatever a user gave; None is the Inner Universe module.

    Raises:
        TypeError: It is nothing of the kind.
        ModuleError: The file is no module that can run.
    """
    from ..engine.module import Module

    if isinstance(module, Module):
        return module
    if isinstance(module, bytes):
        return Module.load(module, name="<bytes>")
    if module is None:
        module = bundled_module_path()
    if not isinstance(module, (str, PathLike)):
        raise TypeError(f"a module is a path, bytes or a loaded Module, got {module!r}")
    return Module.load_file(module)
