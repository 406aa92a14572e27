"""The hooks of a run with `--universe-parity`: each test that uses a universe runs once on each side, as one test.

Both runs happen within one item, so ids, selection, order and workers stay what they are. Reports are held back until both sides are
done. The embedded engine comes first, because what a server has still to say can then be waited for.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inner_universe.testing.options import checked
from pytest_inner_universe.testing.parity.comparison import tables_agree
from pytest_inner_universe.testing.parity.runs import Start, run
from pytest_inner_universe.testing.parity.verdict import verdict
from pytest_inner_universe.testing.session import UNIVERSES

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_inner_universe.testing.parity.sessions import Side, Sides
    from pytest_inner_universe.testing.session import UniverseSession

SESSION = "universe_session"


class ParityPlugin:
    """The hooks.

    Args:
        sides: where universes are.
    """

    def __init__(self, sides: Sides) -> None:
        self.session: UniverseSession = sides.alone
        """What the fixture `universe_session` gives to the test that runs."""

        self._sides = sides
        self._side: Side | None = None
        self._following: pytest.Item | None = None
        self._runs = count(1)
        # Universes of wider scopes than a test are those of one run on one side, or of the tests that are not compared.
        self._run = self._run_of_fixtures = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> object:
        """Run a test on both sides, if it is one to be compared."""
        if not isinstance(item, pytest.Function) or not is_compared(item):
            self._turn_to(None)
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self._reports(item, nextitem):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _reports(self, item: pytest.Function, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
        embedded, real = self._sides.embedded, self._sides.real
        start = Start(item)
        self._turn_to(embedded)
        self._following = nextitem
        first = run(item, None, embedded, [])
        if not self._goes_on(item):
            return first.reports
        start.again()
        self._turn_to(real)
        return verdict(item, first, run(item, nextitem, real, first.witnesses))

    def _goes_on(self, item: pytest.Item) -> bool:
        """Return whether the first run of a test is followed by one on the other side."""
        has_server = self._sides.real.settings.backend != "embedded"
        stops = item.session.shouldstop or item.session.shouldfail
        return has_server and not stops and bool(self._sides.embedded.witnesses)

    def _turn_to(self, side: Side | None) -> None:
        self._side = side
        self.session = side or self._sides.alone
        self._run = 0 if side is None else next(self._runs)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """End what fixtures hold of another run, whatever their scope."""
        if self._run == self._run_of_fixtures:
            return
        self._run_of_fixtures = self._run
        for node in item.listchain():
            node.stash.setdefault(UNIVERSES, []).clear()
        for definition in item.session._fixturemanager.getfixturedefs(SESSION, item) or ():
            # It does nothing where the fixture is not in use; those that stand on it end before it.
            definition.finish(item._request)  # type: ignore[attr-defined]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, Any, Any]:
        """Look at the rows when the test function has come to its end, before any fixture ends."""
        witnesses = [] if self._side is None else self._side.witnesses
        try:
            result = yield
        finally:
            for witness in witnesses:
                witness.learn_names()
        for witness in witnesses:
            witness.look(tables_agree)
        return result

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """End wider scopes too, where the first run has kept them up for a second one that does not follow."""
        try:
            return (yield)
        finally:
            if self._side is self._sides.embedded and not self._goes_on(item):
                item.session._setupstate.teardown_exact(self._following)

    def pytest_unconfigure(self) -> None:
        """End both sides."""
        self._sides.close()


def is_compared(item: pytest.Item) -> bool:
    """Return whether no marker lets a test out; the one that is nearest to it decides."""
    chosen = (mark.kwargs["parity"] for mark in item.iter_markers("universe") if "parity" in mark.kwargs)
    return bool(checked("parity", next(chosen, True), "parity"))
