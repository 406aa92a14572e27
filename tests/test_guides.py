"""The guides are true: their Python runs as it stands, and prints what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_inner_universe.server.embedded_host import EmbeddedHost

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def examples() -> list[pytest.ParameterSet]:
    """Every Python block of the pages is a script, followed by what it prints."""
    found = []
    for guide in PAGES:
        text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
        pairs = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        assert len(pairs) == text.count("```python\n")
        found += [pytest.param(*pair, id=f"{guide}-{number}") for number, pair in enumerate(pairs, 1)]
    return found


@pytest.mark.parametrize(("script", "output"), examples())
def test_an_example_prints_what_the_guide_says(script: str, output: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INNER_UNIVERSE_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (output, "")


SHELL_GUIDE = "cli.md"
"""Its examples are what a shell shows, one round after the other in one folder."""


def comparable(shown: str) -> list[str]:
    """What a shell shows, without what differs from run to run: identities, moments, and how many events connections left."""
    for what, name in (
        (r"\b[0-9a-f]{64}\b", "IDENTITY"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "MOMENT"),
        (r"event_log +\d+|\d+ rows", "EVENTS"),
    ):
        shown = re.sub(what, name, shown)
    return shown.splitlines()


def test_a_shell_shows_what_the_guide_says(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / SHELL_GUIDE).read_text(encoding="utf-8")
    told = "".join(re.findall(r"^```console\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INNER_UNIVERSE_")}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    shown = ""
    with EmbeddedHost() as server:
        environment["INNER_UNIVERSE_URL"] = server.url
        for command in re.findall(r"^\$ (.*)$", told, re.MULTILINE):
            done = subprocess.run(
                command,
                shell=True,
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            shown += f"$ {command}\n{done.stdout}"
        shown = shown.replace(server.url, "http://127.0.0.1:3000")
    assert comparable(shown) == comparable(told)


def anchors(page: Path) -> set[str]:
    """The places of a page that links can name, as GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("guide", PAGES)
def test_links_lead_somewhere(guide: str) -> None:
    page = ROOT / "docs" / guide
    dead = []
    for link in re.findall(r"\]\(([^):]+)\)", page.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def test_the_index_has_every_page_once() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^- \[.*?\]\((\S+)\): ", index, re.MULTILINE)) == sorted(set(PAGES) - {"README.md"})
