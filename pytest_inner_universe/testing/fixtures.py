"""Fixtures of your own making: universes with another module, seed or scope than the plugin's `universe`."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_inner_universe.testing.errors import InvalidSetting
from pytest_inner_universe.testing.settings import from_factory, read_all

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from pytest_inner_universe.testing.session import UniverseSession
    from pytest_inner_universe.testing.universe import Universe

_SCOPES = ("function", "class", "module", "package", "session")


def universe_fixture(
    name: str,
    *,
    module: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    release: str | None = None,
    scope: Literal["function", "class", "module", "package", "session"] = "function",
) -> Any:
    """Make a fixture that gives a universe.

    Its arguments win over the `universe` marker, the command line, the environment and the ini file.

    Args:
        name: what tests ask for.
        module: path of the wasm file; a relative one starts at the folder of the calling file.
        seed: where the universe's generated data starts.
        release: the release of the server that is imitated, ``2.8`` or ``1.2``.
        scope: how long one universe lives; anything wider than a test shares its rows among tests.

    Returns:
        The fixture, to be assigned at module level of a conftest or test file.

    Raises:
        InvalidSetting: an argument's value is not allowed.

    Example:
        >>> shop = universe_fixture("shop", module="shop.wasm")
    """
    base = Path(sys._getframe(1).f_code.co_filename).resolve().parent
    given = from_factory(name, base, module=module, seed=seed, release=release)
    __tracebackhide__ = True
    try:
        _check_names(name, scope)
        read_all(given)
    except InvalidSetting as error:
        raise error.with_traceback(None) from None  # a file that is being collected shows its own line alone

    @pytest.fixture(name=name, scope=scope)
    def opened(
        request: pytest.FixtureRequest,
        universe_session: UniverseSession,
        universe_module_path: Path,
        universe_seed: int,
        universe_name: str,
    ) -> Iterator[Universe]:
        """A universe of this project's own making."""
        full_name = f"{universe_name}-{name.replace('_', '-')}"
        universe = universe_session.open(request.node, universe_module_path, universe_seed, full_name, given)
        yield universe
        universe.close()

    return opened


def _check_names(name: str, scope: str) -> None:
    if not isinstance(name, str) or not name.isidentifier():
        raise InvalidSetting(
            f"{name!r} as the name of a fixture", "what Python takes as a name, because tests ask by it"
        )
    if scope not in _SCOPES:
        near = get_close_matches(str(scope), _SCOPES, n=1)
        place = f"scope={scope!r} of the fixture {name!r}"
        raise InvalidSetting(place, ", ".join(_SCOPES[:-1]) + f" or {_SCOPES[-1]}", near[0] if near else None)
