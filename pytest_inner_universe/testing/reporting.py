"""What a failed test shows of its universes: panic, logs, last reducer calls, and where its state was kept."""

from __future__ import annotations

import re
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_inner_universe.testing.kept import keep, log_of
from pytest_inner_universe.testing.session import UNIVERSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

    from pytest_inner_universe.testing.settings import Settings
    from pytest_inner_universe.testing.universe import Universe

_OURS = "pytest_inner_universe."

LONGEST_LINE = 500
"""Characters of one line that a report shows."""


@contextmanager
def told_once(failure: pytest.ExceptionInfo[BaseException], config: pytest.Config) -> Iterator[None]:
    """Let a report show the place in the test and the text of an error that this package raises on purpose.

    Its own frames stay hidden, and so does an error of its own that led to this one, because the text says everything. Other
    errors, `-vv` and `--full-trace` show more.

    Args:
        failure: what the test raised.
        config: the run.
    """
    _hide_frames()
    error = failure.value
    cause = error.__cause__
    if (
        cause is None
        or config.get_verbosity() > 1
        or config.getoption("fulltrace")
        or not _is_ours(type(error))
        or not _is_ours(type(cause))
    ):
        yield
    else:
        error.__cause__ = None
        try:
            yield
        finally:
            error.__cause__ = cause


def _hide_frames() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith(_OURS):
            module.__dict__.setdefault("__tracebackhide__", _raised_on_purpose)


def _raised_on_purpose(error: pytest.ExceptionInfo[BaseException] | None) -> bool:
    return error is not None and _is_ours(error.type)


def _is_ours(kind: type[BaseException]) -> bool:
    return kind.__module__.startswith(_OURS)


def complete(report: pytest.TestReport, item: pytest.Item, settings: Settings) -> None:
    """Add the sections of a test's universes to its report, and keep their state if the settings say so.

    Args:
        report: the report of one phase of the test; pytest-xdist carries its sections to the controller.
        item: the test.
        settings: the run's settings.
    """
    universes = [universe for node in item.listchain() for universe in node.stash.get(UNIVERSES, ())]
    several = len(universes) > 1
    for universe in universes:
        title = f"universe {universe.name}" if several else "universe"
        if report.failed and settings.report:
            for name, text in sections(universe, settings.report):
                report.sections.append((f"{title}: {name}", text))
        if settings.keep == "always" and report.when == "call" or settings.keep == "failed" and report.failed:
            folder = keep(universe, _folder(item) / universe.name, item.nodeid)
            report.sections.append((f"{title}: kept", str(folder)))


def sections(universe: Universe, lines: int) -> list[tuple[str, str]]:
    """The report of one universe.

    Args:
        universe: open or closed.
        lines: most lines per section; the newest are shown.

    Returns:
        Pairs of a section's name and its text; what is empty is left out.
    """
    logs, failure = log_of(universe)
    panics = [
        f"{record.message}\nat {record.place or 'an unknown place'}" for record in logs if record.level == "panic"
    ]
    parts = (
        ("panic", panics),
        ("module log", [str(record) for record in logs] or failure),
        ("last reducer calls", [str(call) for call in universe.calls]),
        ("server log", universe.handle.server_log(lines)),
    )
    return [(name, shorten(content, lines)) for name, content in parts if content]


def shorten(lines: Iterable[str], limit: int) -> str:
    """Join lines, with the oldest left out beyond a limit and long ones cut; both say how much is missing.

    Args:
        lines: the lines, oldest first; one may itself hold several.
        limit: most lines of the result, not counting the note.
    """
    split = [piece for line in lines for piece in (line.splitlines() or [""])]
    shown = [
        piece
        if len(piece) <= LONGEST_LINE
        else f"{piece[:LONGEST_LINE]} ... ({len(piece) - LONGEST_LINE} more characters)"
        for piece in split[-limit:]
    ]
    hidden = len(split) - len(shown)
    if hidden:
        noun = "line" if hidden == 1 else "lines"
        shown.insert(0, f"({hidden} earlier {noun} not shown; --universe-report={len(split)} shows all)")
    return "\n".join(shown)


def _folder(item: pytest.Item) -> Path:
    name = re.sub(r"[^\w.-]+", "-", item.nodeid).strip("-")
    cache = getattr(item.config, "cache", None)
    # Without pytest's cache plugin there is no folder that a later run would clean, so the system's own has to do.
    parent = Path(tempfile.mkdtemp(prefix="inner-universe-")) if cache is None else cache.mkdir("inner-universe")
    return Path(parent) / name
