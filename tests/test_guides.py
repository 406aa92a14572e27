"""The guides are true: their Python runs as it stands, and prints what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("guide", PAGES)
def test_links_lead_somewhere(guide: str) -> None:
    text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
