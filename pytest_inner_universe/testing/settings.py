"""The options as one test run sees them: who may say what, and who wins.

A factory argument beats a marker, a marker the command line, the command line the environment, the environment the ini
file, and the ini file the default. A value counts as given as soon as somebody wrote it, so that `0` and `never` win
over a lower place too.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest

from pytest_inner_universe.testing.errors import InvalidMarker, InvalidSetting
from pytest_inner_universe.testing.options import BY_NAME, TABLE, VARIABLE_PREFIX, Option, checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MARKER_ARGUMENTS = ("module", "seed", "release", "parity", "reason")
"""What `@pytest.mark.universe(...)` takes."""

OTHER_VARIABLES = {"BUILD_DIR", "CACHE_DIR", "CONFIG", "DEBUG", "MEMORY_LIMIT", "NO_ACCELERATOR"}
"""Environment variables, without what they all start with, that are neither options nor settings of a client."""


class Given(NamedTuple):
    """A value that somebody gave, not yet checked.

    Attributes:
        value: as it was written.
        place: where, in words that an error message can start with.
        base: directory that a relative path starts from.
    """

    value: object
    place: str
    base: Path


@dataclass(frozen=True)
class Settings:
    """The resolved options of a run, a test or a fixture.

    Attributes:
        backend: what runs the database.
        module: path of the module, or None for the bundled Inner Universe module.
        seed: where generated data starts, 0 to 2**64-1.
        reset: how a test gets a clean state.
        reset_reducer: the reducer that empties the tables, for `reset` by one.
        binary: the server program of the backend process, None to look for it.
        image: the image of the backend docker, None for the vendor's.
        url: address of the server of the backend external.
        token: who publishes there.
        allow: hosts beyond this machine and private networks that may be used.
        confirm: the address once more, as consent to that.
        keep: after which tests the state is written to a folder.
        missing: what happens when the backend cannot run.
        release: the release of the server that the embedded one imitates.
        parity: whether each test runs on two backends that are compared.
        call_limit: seconds that one reducer may run.
        report: lines per section of a failed test's report; 0 shows none.
        places: for each name above, where its value was given.
    """

    backend: str
    module: Path | None
    seed: int
    reset: Literal["fresh", "fork", "reuse", "clear", "reducer", "never"]
    reset_reducer: str
    binary: Path | None
    image: str | None
    url: str | None
    token: str | None
    allow: tuple[str, ...]
    confirm: str | None
    keep: Literal["never", "failed", "always"]
    missing: Literal["fail", "skip", "embedded"]
    release: Literal["2.8", "1.2"]
    parity: bool
    call_limit: float
    report: int
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def with_given(self, given: Mapping[str, Given | None]) -> Settings:
        """These settings with some values given at a higher place.

        Args:
            given: by option name; None leaves the setting as it is.

        Raises:
            InvalidSetting: a value is not allowed.
        """
        values = read_all(given)
        if not values:
            return self
        places = {name: one.place for name, one in given.items() if one is not None}
        changes: dict[str, Any] = {**values, "places": {**self.places, **places}}
        return replace(self, **changes)

    @property
    def lasts(self) -> bool:
        """Whether tests share one database that is set back between them, or is not."""
        return self.reset not in {"fresh", "fork"}

    @property
    def reset_strategy(self) -> Literal["fresh", "clear", "reducer"]:
        """How a database of a real server is set back."""
        return {"reuse": "clear", "clear": "clear", "reducer": "reducer"}.get(self.reset, "fresh")  # type: ignore[return-value]

    @property
    def on_server(self) -> Settings:
        """These settings with a real server: the one of the chosen backend, else one that runs as a process."""
        return self if self.backend != "embedded" else replace(self, backend="process")

    def check(self) -> None:
        """Check that the settings fit together.

        Raises:
            InvalidSetting: one is not possible beside another.
        """
        backend = self.on_server.backend if self.parity else self.backend
        if self.reset == "fork" and backend != "embedded":
            place = self.places.get("reset", "universe_reset")
            raise InvalidSetting(f"{place} with the backend {backend!r}", "fresh, reuse, clear, reducer or never")


def read(option: Option, given: Given) -> object:
    """Check a given value and turn it into the option's own type.

    Raises:
        InvalidSetting: the option does not allow it.
    """
    value = checked(option.name, given.value, given.place)
    return given.base / value if isinstance(value, Path) else value


def read_all(given: Mapping[str, Given | None]) -> dict[str, object]:
    """Check given values by option name; those that are None are left out of the result."""
    return {name: read(BY_NAME[name], one) for name, one in given.items() if one is not None}


def resolve(option: Option, places: Iterable[Given | None]) -> tuple[object, str]:
    """Take the first given value of the places, ordered from the strongest to the weakest, or the default.

    Returns:
        The checked value, and the place that it came from.

    Raises:
        InvalidSetting: the value that wins is not allowed.
    """
    for given in places:
        if given is not None:
            return read(option, given), given.place
    return option.default, "default"


def from_config(config: pytest.Config, environment: Mapping[str, str] | None = None) -> Settings:
    """Resolve all options of a pytest run.

    Args:
        config: the run.
        environment: variables to look at instead of the process's own.

    Raises:
        InvalidSetting: a value is not allowed.
    """
    variables = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    for option in TABLE:
        candidates = (_command_line(config, option), _environment(config, option, variables), _ini(config, option))
        values[option.name], places[option.name] = resolve(option, candidates)
    return Settings(**values, places=places)


def warn_of_misspelt(config: pytest.Config, environment: Mapping[str, str] | None = None) -> None:
    """Warn of environment variables whose names are nearly those of ours; nobody reads them.

    Args:
        config: the run.
        environment: variables to look at instead of the process's own.

    Raises:
        UsageError: the run's filters make errors of warnings.
    """
    known = {option.name.upper() for option in TABLE} | OTHER_VARIABLES
    names = {
        name.removeprefix(VARIABLE_PREFIX)
        for name in (os.environ if environment is None else environment)
        if name.startswith(VARIABLE_PREFIX)
    }
    if not names - known:
        return
    from pytest_inner_universe.persistence.config_rules import SECTION_OF

    known |= {name.upper() for name in SECTION_OF}
    for name in sorted(names - known):
        near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.8)
        if not near or name.startswith("ENABLE_"):  # features may have any name
            continue
        text = f"nobody reads {VARIABLE_PREFIX}{name} in the environment; did you mean {VARIABLE_PREFIX}{near[0]}?"
        try:
            config.issue_config_time_warning(pytest.PytestConfigWarning(text), stacklevel=2)
        except pytest.PytestConfigWarning:
            raise pytest.UsageError(text) from None


def from_marker(mark: pytest.Mark, test: str, base: Path) -> dict[str, Given | None]:
    """Read the arguments of a `universe` marker.

    Args:
        mark: the marker.
        test: id of the test that carries it.
        base: directory of the test's file; a relative module path starts there.

    Raises:
        InvalidMarker: it has arguments that it does not take.
        InvalidSetting: an argument's value is not allowed.
    """
    arguments = [repr(value) for value in mark.args] + [f"{name}={value!r}" for name, value in mark.kwargs.items()]
    written = f"@pytest.mark.universe({', '.join(arguments)})"
    allowed = ", ".join(MARKER_ARGUMENTS[:-1]) + f" and {MARKER_ARGUMENTS[-1]}"
    if mark.args:
        raise InvalidMarker(written, test, f"takes the keyword arguments {allowed} only.")
    for name in mark.kwargs:
        if name not in MARKER_ARGUMENTS:
            near = difflib.get_close_matches(name, MARKER_ARGUMENTS, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise InvalidMarker(written, test, f"unknown argument {name!r}{hint}; it takes {allowed}.")
    if not isinstance(mark.kwargs.get("reason", ""), str):
        raise InvalidMarker(written, test, "reason is a text.")
    given: dict[str, Given | None] = {
        name: Given(value, f"{name}={value!r} in @pytest.mark.universe on {test}", base)
        for name, value in mark.kwargs.items()
        if name != "reason"
    }
    read_all(given)
    return given


def from_factory(fixture: str, base: Path, **values: object) -> dict[str, Given | None]:
    """Turn a fixture factory's arguments into given values; None counts as not given."""
    return {
        name: None if value is None else Given(value, f"{name}={value!r} of the fixture {fixture!r}", base)
        for name, value in values.items()
    }


def _command_line(config: pytest.Config, option: Option) -> Given | None:
    value = config.getoption(option.ini)
    if value is None:
        return None
    return Given(value, f"{option.flag}={value} on the command line", config.invocation_params.dir)


def _environment(config: pytest.Config, option: Option, variables: Mapping[str, str]) -> Given | None:
    value = variables.get(option.variable)
    if not value:  # an empty variable is how CI systems spell "not set"
        return None
    return Given(value, f"{option.variable}={value} in the environment", config.invocation_params.dir)


def _ini(config: pytest.Config, option: Option) -> Given | None:
    place = "the ini options" if config.inipath is None else config.inipath.name
    base = config.rootpath if config.inipath is None else config.inipath.parent
    if any(one.partition("=")[0] == option.ini for one in config.getoption("override_ini") or ()):
        place, base = "-o on the command line", config.invocation_params.dir
    try:
        value = config.getini(option.ini)
    except (TypeError, ValueError, pytest.UsageError):  # depends on pytest's version
        raise InvalidSetting(f"{option.ini} in {place}", option.allowed) from None
    if value is None or value == "":
        return None
    return Given(value, f"{option.ini} = {value} in {place}", base)
