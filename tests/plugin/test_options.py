"""The options: who may set them, who wins, and what a wrong value is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_inner_universe.testing.options import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

SHOW = """
def test_show(universe_settings):
    for name in universe_settings.places:
        print(f"<{name}={getattr(universe_settings, name)}>")
"""
OTHER = {  # a value other than the default, and how the settings show it
    "backend": ("process", "process"),
    "module": ("some.wasm", None),
    "seed": ("7", "7"),
    "reset": ("never", "never"),
    "reset_reducer": ("wipe", "wipe"),
    "binary": ("bin/server", None),
    "image": ("mine:1", "mine:1"),
    "url": ("http://127.0.0.1:1", "http://127.0.0.1:1"),
    "token": ("abc", "abc"),
    "allow": ("one, two", "('one', 'two')"),
    "confirm": ("http://10.0.0.1:1", "http://10.0.0.1:1"),
    "keep": ("failed", "failed"),
    "missing": ("skip", "skip"),
    "release": ("1.2", "1.2"),
    "call_limit": ("2.5", "2.5"),
    "report": ("0", "0"),
    "parity": ("true", "True"),
}
WRONG = {
    "backend": "warp",
    "seed": "-1",
    "reset": "yes",
    "keep": "yes",
    "missing": "no",
    "release": "newest",
    "call_limit": "0",
    "report": "many",
    "parity": "perhaps",
}
ALLOWED = {
    "backend": "embedded, process, docker or external",
    "seed": "a whole number from 0 to 18446744073709551615",
    "reset": "fresh, fork, reuse, clear, reducer or never",
    "keep": "never, failed or always",
    "missing": "fail, skip or embedded",
    "release": "2.8 or 1.2",
    "call_limit": "a number of seconds above 0",
    "report": "a whole number of lines from 0 to 1000000",
    "parity": "true or false",
}
SWITCHES = {option.name for option in TABLE if option.is_switch}
"""Options that stand alone on the command line."""


def shown(result: pytest.RunResult) -> dict[str, str]:
    return dict(re.findall(r"<(\w+)=(.*)>", result.stdout.str()))


def usage_error(result: pytest.RunResult) -> str:
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    errors = [line for line in result.stderr.lines if line.strip()]
    return "\n".join(errors).removeprefix("ERROR: ")


def toml(options: dict[str, str]) -> str:
    lines = [f"{name} = {value if name in BARE else repr(value)}" for name, value in options.items()]
    table = "[tool.pytest]" if pytest.version_tuple >= (9, 0) else "[tool.pytest.ini_options]"
    return "\n".join([table, *lines])


BARE = ("universe_seed", "universe_call_limit", "universe_report", "universe_parity")


def test_every_option_has_a_case_here() -> None:
    names = {option.name for option in TABLE}
    assert set(OTHER) == names
    texts = {"module", "binary", "reset_reducer", "image", "url", "token", "allow", "confirm"}  # any text will do
    assert set(WRONG) == set(ALLOWED) == names - texts


def test_defaults(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(SHOW)
    result = run("-s")
    assert shown(result) == {
        "backend": "embedded",
        "module": "None",
        "seed": "0",
        "reset": "fresh",
        "reset_reducer": "truncate_all",
        "binary": "None",
        "image": "None",
        "url": "None",
        "token": "None",
        "allow": "()",
        "confirm": "None",
        "keep": "never",
        "missing": "fail",
        "release": "2.8",
        "call_limit": "10.0",
        "report": "50",
        "parity": "False",
    }


@pytest.mark.parametrize("source", ["command line", "environment", "ini", "toml"])
@pytest.mark.parametrize("option", TABLE, ids=lambda option: option.name)
def test_each_option_by_each_source(
    pytester: pytest.Pytester, run: Run, clean_environment: pytest.MonkeyPatch, option: object, source: str
) -> None:
    name, flag, ini, variable = option.name, option.flag, option.ini, option.variable  # type: ignore[attr-defined]
    value, expected = OTHER[name]
    pytester.makepyfile(SHOW)
    arguments = ["-s"]
    if source == "command line":
        arguments.append(flag if name in SWITCHES else f"{flag}={value}")
    elif source == "environment":
        clean_environment.setenv(variable, value)
    elif source == "ini":
        pytester.makeini(f"[pytest]\n{ini} = {value}")
    else:
        pytester.makepyprojecttoml(toml({ini: value}))
    result = run(*arguments)
    result.assert_outcomes(passed=1)
    assert shown(result)[name] == (expected if expected is not None else str(pytester.path / value))


def test_the_strongest_source_wins(pytester: pytest.Pytester, run: Run, clean_environment: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(SHOW)
    pytester.makeini("[pytest]\nuniverse_seed = 1")
    assert shown(run("-s"))["seed"] == "1"
    clean_environment.setenv("INNER_UNIVERSE_SEED", "2")
    assert shown(run("-s"))["seed"] == "2"
    assert shown(run("-s", "--universe-seed=3"))["seed"] == "3"


def test_zero_is_a_value_like_any_other(
    pytester: pytest.Pytester, run: Run, clean_environment: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(SHOW)
    pytester.makeini("[pytest]\nuniverse_seed = 5\nuniverse_report = 5")
    clean_environment.setenv("INNER_UNIVERSE_REPORT", "0")
    result = shown(run("-s", "--universe-seed=0"))
    assert (result["seed"], result["report"]) == ("0", "0")


def test_an_empty_variable_says_nothing(
    pytester: pytest.Pytester, run: Run, clean_environment: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(SHOW)
    pytester.makeini("[pytest]\nuniverse_seed = 5")
    clean_environment.setenv("INNER_UNIVERSE_SEED", "")
    assert shown(run("-s"))["seed"] == "5"


def test_a_path_starts_where_it_was_written(
    pytester: pytest.Pytester, run: Run, clean_environment: pytest.MonkeyPatch
) -> None:
    pytester.makeini("[pytest]\nuniverse_module = built/mine.wasm")
    folder = pytester.mkdir("inside")
    (folder / "test_show.py").write_text(SHOW)
    clean_environment.chdir(folder)
    assert shown(run("-s"))["module"] == str(pytester.path / "built" / "mine.wasm")
    assert shown(run("-s", "--universe-module=mine.wasm"))["module"] == str(folder / "mine.wasm")


@pytest.mark.parametrize("name", [name for name in WRONG if name not in SWITCHES])
def test_a_wrong_value_on_the_command_line(pytester: pytest.Pytester, run: Run, name: str) -> None:
    pytester.makepyfile(SHOW)
    flag = "--universe-" + name.replace("_", "-")
    assert usage_error(run(f"{flag}={WRONG[name]}")) == (
        f"{flag}={WRONG[name]} on the command line cannot be used: it takes {ALLOWED[name]}."
    )


def test_a_value_that_is_nearly_right_is_told_the_right_one(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(SHOW)
    assert usage_error(run("--universe-backend=dokcer")) == (
        "--universe-backend=dokcer on the command line cannot be used: it takes embedded, process, docker or external. "
        "Did you mean 'docker'?"
    )


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_in_the_environment(
    pytester: pytest.Pytester, run: Run, clean_environment: pytest.MonkeyPatch, name: str
) -> None:
    pytester.makepyfile(SHOW)
    clean_environment.setenv(f"INNER_UNIVERSE_{name.upper()}", WRONG[name])
    assert usage_error(run()) == (
        f"INNER_UNIVERSE_{name.upper()}={WRONG[name]} in the environment cannot be used: it takes {ALLOWED[name]}."
    )


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_in_the_ini_file(pytester: pytest.Pytester, run: Run, name: str) -> None:
    pytester.makepyfile(SHOW)
    pytester.makeini(f"[pytest]\nuniverse_{name} = {WRONG[name]}")
    # pytest itself refuses what is no number and no truth value, before the value can be shown.
    shown_value = "" if name in {"report", "parity"} else f" = {float('0') if name == 'call_limit' else WRONG[name]}"
    assert usage_error(run()) == (f"universe_{name}{shown_value} in tox.ini cannot be used: it takes {ALLOWED[name]}.")


def test_an_ini_value_on_the_command_line_is_told_as_that(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(SHOW)
    pytester.makeini("[pytest]\nuniverse_seed = 1")
    folder = pytester.mkdir("inside")
    assert usage_error(run("-o", "universe_keep=yes")) == (
        "universe_keep = yes in -o on the command line cannot be used: it takes never, failed or always."
    )
    pytester.chdir()
    shown_there = shown(run("-s", "-o", "universe_module=mine.wasm", f"--rootdir={folder}"))
    assert shown_there["module"] == str(pytester.path / "mine.wasm")


def test_a_wrong_value_stops_a_run_with_workers_once(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(SHOW)
    assert usage_error(run("-n", "2", "--universe-seed=x", plugins=("inner_universe", "asyncio", "xdist"))) == (
        "--universe-seed=x on the command line cannot be used: it takes a whole number from 0 to 18446744073709551615."
    )


@pytest.mark.parametrize("backend", ["process", "docker", "external"])
def test_only_the_embedded_engine_forks(pytester: pytest.Pytester, run: Run, backend: str) -> None:
    pytester.makepyfile(SHOW)
    assert usage_error(run(f"--universe-backend={backend}", "--universe-reset=fork")) == (
        f"--universe-reset=fork on the command line with the backend '{backend}' cannot be used: "
        "it takes fresh, reuse, clear, reducer or never."
    )


def test_help_shows_every_option(pytester: pytest.Pytester, run: Run) -> None:
    text = run("--help").stdout.str()
    for option in TABLE:
        assert option.flag in text
        assert option.ini in text
        assert option.variable in text


MISSPELT = "nobody reads INNER_UNIVERSE_BACKEN in the environment; did you mean INNER_UNIVERSE_BACKEND?"


def test_a_misspelt_variable_is_told_once(
    pytester: pytest.Pytester, run_apart: Run, clean_environment: pytest.MonkeyPatch
) -> None:
    clean_environment.setenv("INNER_UNIVERSE_BACKEN", "process")
    pytester.makepyfile("def test_it(universe_settings): assert universe_settings.backend == 'embedded'")
    result = run_apart("-n2")
    result.assert_outcomes(passed=1)
    assert result.stdout.str().count(f"PytestConfigWarning: {MISSPELT}\n") == 1


def test_a_misspelt_variable_stops_a_run_where_warnings_are_errors(
    pytester: pytest.Pytester, run: Run, clean_environment: pytest.MonkeyPatch
) -> None:
    clean_environment.setenv("INNER_UNIVERSE_BACKEN", "process")
    assert usage_error(run("-Werror::pytest.PytestConfigWarning")) == MISSPELT


@pytest.mark.parametrize("name", ["CACHE_DIR", "PORT", "LOG_LEVEL", "ENABLE_REPORTS", "STAGE_OF_OURS"])
def test_variables_of_others_are_no_matter(
    pytester: pytest.Pytester, run: Run, clean_environment: pytest.MonkeyPatch, name: str
) -> None:
    clean_environment.setenv(f"INNER_UNIVERSE_{name}", "1")
    pytester.makepyfile("def test_it(): pass")
    result = run()
    result.assert_outcomes(passed=1)
    assert "nobody reads" not in result.stdout.str()
