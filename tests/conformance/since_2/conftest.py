"""What only servers since 2.0 have. Where the backend is older, or imitates an older one, nothing here is collected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.backends import release_of

if TYPE_CHECKING:
    import pytest


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    return True if release_of(config) < (2,) else None
