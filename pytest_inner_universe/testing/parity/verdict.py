"""What is reported of a test that ran on two sides: one result, which says what differs."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from _pytest._code.code import ReprEntryNative

from pytest_inner_universe.testing.parity.comparison import Difference, differences
from pytest_inner_universe.testing.parity.runs import Run, reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLE = "universe: parity"
REMEDY = (
    "What differs on purpose stands in docs/fidelity.md. A difference that is expected leaves the test out:",
    '  @pytest.mark.universe(parity=False, reason="...")',
)


def verdict(item: pytest.Function, first: Run, second: Run) -> list[pytest.TestReport]:
    """Return the reports of a test that ran on two sides.

    Args:
        item: the test.
        first: how it went on the first side.
        second: how it went on the second side.
    """
    failures = [run for run in (first, second) if run.failed is not None]
    if len(failures) == 2:
        return _failed_on_both(first, second)
    if failures:
        return _failed_on_one(first, second, failures[0])
    if first.skipped or second.skipped:
        return _lasting(second if first.skipped else first, first, second)
    found = compared(first, second)
    reports = _lasting(first, first, second)
    if found:
        call = next(report for report in reports if report.when == "call")
        call.outcome = "failed"
        call.longrepr = _repr_of(item, "\n".join([*_summary(first, second, found), *REMEDY]))
        call.__dict__.pop("wasxfail", None)
    return reports


def compared(first: Run, second: Run) -> list[Difference]:
    """Return what differs in the universes of a test."""
    is_cut = bool(first.failed or second.failed)
    found = []
    pairs = list(zip(first.witnesses, second.witnesses))
    for number, (one, other) in enumerate(pairs, 1):
        of = f" of universe {number}" if len(pairs) > 1 else ""
        found += [
            Difference(each.where + of, each.first, each.second) for each in differences(one, other, is_cut=is_cut)
        ]
    counts = len(first.witnesses), len(second.witnesses)
    if counts[0] != counts[1] and not is_cut:
        found.append(Difference("the number of universes", *map(str, counts)))
    return found


def _failed_on_both(first: Run, second: Run) -> list[pytest.TestReport]:
    reports = _lasting(first, first, second)
    failed = next(report for report in reports if report.failed)
    if first.way == second.way:
        text = f"fails on {first.side} and on {second.side} in the same way"
    else:
        phase, reason = second.way
        text = f"fails on both sides in different ways; shown is {first.side}.\n{second.side}, in {phase}: {reason}"
        found = compared(first, second)
        if found:
            text += "\n" + "\n".join(_summary(first, second, found))
    failed.sections.append((TITLE, text))
    return reports


def _failed_on_one(first: Run, second: Run, failing: Run) -> list[pytest.TestReport]:
    other = second if failing is first else first
    reports = _lasting(failing, first, second)
    result = "is skipped" if other.skipped else "passes"
    for report in reports:
        if report.failed:
            report.longrepr = _said_first(
                report, failing.side, f"fails on {failing.side} only; {result} on {other.side}"
            )
    failed = next(report for report in reports if report.failed)
    lines = _summary(first, second, found) if (found := compared(first, second)) else []
    failed.sections.append((TITLE, "\n".join([*lines, *REMEDY])))
    return reports


def _lasting(run: Run, *runs: Run) -> list[pytest.TestReport]:
    """Return a run's reports; each phase took as long as in all runs together."""
    reports = [copy.copy(report) for report in run.reports]
    for report in reports:
        report.duration = sum(each.duration for one in runs for each in one.reports if each.when == report.when)
        report.start = min(each.start for one in runs for each in one.reports)
        report.stop = max(each.stop for one in runs for each in one.reports)
        report.sections = list(report.sections)
    return reports


def _summary(first: Run, second: Run, found: Sequence[Difference]) -> list[str]:
    sides = first.side, second.side
    lines = [f"{sides[0]} and {sides[1]} differ in {found[0].where}:", *found[0].lines(sides)]
    if len(found) > 1:
        more = [one.where for one in found[1:4]] + (["..."] if len(found) > 4 else [])
        lines.append(f"also differing: {'; '.join(more)}")
    return lines


def _said_first(report: pytest.TestReport, side: str, text: str) -> Any:
    """Return the description of a failure with a line before it, and its one-line form with the side in it."""
    shown: Any = report.longrepr
    if not hasattr(shown, "reprtraceback"):
        return f"{text}\n{shown}"
    shown = copy.copy(shown)
    trace = shown.chain[0][0] if getattr(shown, "chain", None) else shown.reprtraceback
    trace.reprentries = [ReprEntryNative([f"{text}\n"]), *trace.reprentries]
    if shown.reprcrash is not None:
        shown.reprcrash.message = f"on {side} only: {reason_of(report)}"
    return shown


def _repr_of(item: pytest.Function, text: str) -> Any:
    try:
        pytest.fail(text, pytrace=False)
    except pytest.fail.Exception as error:
        return item.repr_failure(pytest.ExceptionInfo.from_exception(error))
