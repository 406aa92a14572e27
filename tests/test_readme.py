"""The README is true: its commands are those of CI, its code runs, its failure is what is printed, its table is the table."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pytest_inner_universe.cli import main
from pytest_inner_universe.testing.options import TABLE

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_ci_runs_the_readme_s_two_commands_word_for_word() -> None:
    (commands,) = blocks("console")
    assert len(commands.splitlines()) == 2
    assert re.findall(r"^bash <<'END'\n(.*?)\nEND$", CI, re.MULTILINE | re.DOTALL) == commands.splitlines()


def test_the_first_test_is_the_example_s() -> None:
    first = (ROOT / "examples" / "quickstart" / "tests" / "test_first.py").read_text(encoding="utf-8")
    assert blocks("python")[0] == first


@pytest.mark.usefixtures("clean_run")
def test_the_asynchronous_test_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(blocks("python")[1])
    result = pytester.runpytest_subprocess("-o", "asyncio_mode=auto", "-p", "no:randomly")
    result.assert_outcomes(passed=1)


def comparable(output: str) -> list[str]:
    """Output without what differs from run to run: durations, and lines in the module's source."""
    return [re.sub(r"\d+\.\d+s|src/\w+\.rs:\d+", "...", line.rstrip()) for line in output.strip().splitlines()]


@pytest.mark.usefixtures("clean_run")
def test_the_first_failure_is_what_is_printed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_ada=blocks("python")[2])
    result = pytester.runpytest_subprocess("-q", "-p", "no:randomly", "-W", "ignore", "test_ada.py")
    lines = [line for line in result.outlines if "PytestDeprecationWarning" not in line]
    assert comparable("\n".join(lines)) == comparable(blocks("text")[0])


@pytest.fixture
def clean_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("PYTEST_", "INNER_UNIVERSE_")) and name != "PYTEST_CURRENT_TEST":
            monkeypatch.delenv(name)


def test_the_table_of_options_is_complete() -> None:
    rows = [f"| `{one.flag}` | {one.allowed} | {one.default_text} | {one.help} |" for one in TABLE]
    assert [line for line in README.splitlines() if line.startswith("| `--")] == rows


@pytest.mark.usefixtures("clean_run")
def test_the_table_of_fixtures_is_complete(pytester: pytest.Pytester) -> None:
    shown = pytester.runpytest_subprocess("--fixtures", "-p", "no:randomly").stdout.str()
    ours = re.findall(r"^(\w+)(?: \[(\w+) scope\])? -- .*pytest_inner_universe", shown, re.MULTILINE)
    fixtures = {name: scope or "function" for name, scope in ours}
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (\w+) \|", README, re.MULTILINE)
    assert {name: scope for names, scope in rows for name in re.findall(r"\w+", names)} == fixtures


def test_options_that_the_pages_name_exist(capsys: pytest.CaptureFixture[str]) -> None:
    pages = README + "".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md")))
    assert set(re.findall(r"--universe-[a-z-]+", pages)) <= {one.flag for one in TABLE}
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    named = re.findall(r"--[a-z-]+", " ".join(re.findall(r"`inner-universe serve([^`]*)`", pages)))
    assert named
    assert set(named) <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
