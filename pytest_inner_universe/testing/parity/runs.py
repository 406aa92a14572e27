"""One test on one side: its reports, and a start that knows nothing of a run before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest
from _pytest.runner import runtestprotocol

from pytest_inner_universe.testing.parity.comparison import unnamed

if TYPE_CHECKING:
    from pytest_inner_universe.testing.parity.sessions import Side
    from pytest_inner_universe.testing.parity.witness import Witness


@dataclass
class Run:
    """How a test went on one side.

    Attributes:
        side: what reports call the side.
        reports: those of setup, call and teardown.
        witnesses: who saw its universes.
    """

    side: str
    reports: list[pytest.TestReport]
    witnesses: list[Witness]

    @property
    def failed(self) -> pytest.TestReport | None:
        """The report of the first phase that failed."""
        return next((report for report in self.reports if report.failed), None)

    @property
    def skipped(self) -> bool:
        """Whether it was skipped, or failed as it was expected to."""
        return any(report.skipped for report in self.reports)

    @property
    def way(self) -> tuple[str, str]:
        """In which phase it failed, and with which words, without what varies."""
        failed = self.failed
        return ("", "") if failed is None else (failed.when or "", unnamed(reason_of(failed), self.witnesses))


def reason_of(report: pytest.TestReport) -> str:
    """Return the message of a failure, without its traceback."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(report.longrepr if crash is None else crash.message)


def run(item: pytest.Function, nextitem: pytest.Item | None, side: Side, others: list[Witness]) -> Run:
    """Run a test without reporting it.

    Args:
        item: the test.
        nextitem: the test that follows; on the side that runs first it does not matter.
        side: the side that its universes are on.
        others: what the other side saw, if that ran before.
    """
    side.begin(others)
    # What is wider than the test stays up until the last run, as between two tests of one collector.
    following = nextitem if others else cast("pytest.Item", item.parent)
    return Run(side.name, runtestprotocol(item, log=False, nextitem=following), side.witnesses)


class Start:
    """What a test is before its first run, so that the second begins in the same way.

    Args:
        item: the test.
    """

    def __init__(self, item: pytest.Function) -> None:
        self._item = item
        self._properties = list(item.user_properties)
        self._sections = list(item._report_sections)

    def again(self) -> None:
        """Let the test begin anew, with another instance of its class."""
        item = self._item
        item.user_properties[:] = self._properties
        item._report_sections[:] = self._sections
        if isinstance(item.parent, pytest.Class):
            for name in {"_instance", "_obj"} & vars(item).keys():
                delattr(item, name)
