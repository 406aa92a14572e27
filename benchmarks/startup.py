"""What pytest runs cost: with the plugin, with a first universe, with a thousand tests. Each run is a process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, median

EMPTY = "def test_it():\n    pass\n"
FIRST = "def test_it(universe):\n    assert universe.count('entity') == 0\n"
MANY = (
    "import pytest\n\n@pytest.mark.parametrize('number', range({count}))\ndef test_it({fixture}number):\n    {body}\n"
)
READS = "assert universe.count('event_log') == 1"
CALLS = "universe.call('publish_event', 'e', 'PING', None, '{}'); assert universe.count('event_log') > 1"
PLUGINS = ("-pasyncio", "-pinner_universe")


def measure(quick: bool) -> list[Figure]:
    """Plugin import, first test and a thousand tests."""
    runs = 5 if quick else 15
    with tempfile.TemporaryDirectory(prefix="inner-universe-bench-") as folder:
        place = Path(folder)
        many = 3 if quick else 5
        return [
            _plugin_import(place, runs),
            _first_test(place, runs),
            _many_tests(place, many, "that read", READS),
            _many_tests(place, many, "that call a reducer and read", CALLS),
        ]


def _plugin_import(place: Path, runs: int) -> Figure:
    imports = "pytest_inner_universe.plugin, pytest_inner_universe.testing.settings, pytest_inner_universe.testing.async_fixtures"
    bare, loaded = _side_by_side(place, runs, ["-c", "import pytest"], ["-c", f"import pytest, {imports}"])
    (place / "test_empty.py").write_text(EMPTY)
    without, with_it = _side_by_side(
        place, runs, _pytest("test_empty.py", "-pasyncio"), _pytest("test_empty.py", *PLUGINS)
    )
    note = f"over {bare:.0f} ms; a whole empty run takes {with_it - without:.1f} ms more ({with_it:.0f} over {without:.0f})"
    return Figure("plugin import over bare pytest", loaded - bare, "ms", 10, runs, note)


def _first_test(place: Path, runs: int) -> Figure:
    (place / "test_empty.py").write_text(EMPTY)
    (place / "test_first.py").write_text(FIRST)
    empty, first = _side_by_side(place, runs, _pytest("test_empty.py", *PLUGINS), _pytest("test_first.py", *PLUGINS))
    note = f"{first:.0f} ms over {empty:.0f} ms, compiled module cached"
    return Figure("first embedded test over an empty run", first - empty, "ms", 100, runs, note)


def _many_tests(place: Path, runs: int, what: str, body: str, count: int = 1000) -> Figure:
    (place / "test_many_empty.py").write_text(MANY.format(count=count, fixture="", body="pass"))
    (place / "test_many.py").write_text(MANY.format(count=count, fixture="universe, ", body=body))
    empty, small = _side_by_side(
        place, runs, _pytest("test_many_empty.py", *PLUGINS), _pytest("test_many.py", *PLUGINS)
    )
    note = f"{small:.0f} ms over {empty:.0f} ms; {(small - empty) / count:.2f} ms a test"
    return Figure(f"{count} small universe tests {what}, over {count} empty ones", small / empty, "x", 2, runs, note)


def _pytest(file: str, *arguments: str) -> list[str]:
    quiet = ("-q", "-pno:cacheprovider", "-oasyncio_default_fixture_loop_scope=function")
    return ["-m", "pytest", *quiet, *arguments, file]


def _side_by_side(place: Path, runs: int, first: list[str], second: list[str]) -> tuple[float, float]:
    """Medians in ms of two commands, run in turn so that a slow moment of the machine meets both."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "INNER_UNIVERSE_"))
    }
    # Compiled code is part of what is promised, and this folder keeps it out of the checkout.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPYCACHEPREFIX": str(place / "compiled")}
    taken: tuple[list[float], list[float]] = ([], [])
    for run in range(runs + 1):
        for command, times in ((first, taken[0]), (second, taken[1])):
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], cwd=place, env=environment, check=True, capture_output=True)
            if run:  # the first one compiles
                times.append((time.perf_counter() - start) * 1000)
    return median(taken[0]), median(taken[1])
