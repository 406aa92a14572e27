"""Keeps the rows of views while somebody follows them.

The rows stand in tables of their own, so that queries, joins and updates of clients treat a view like a table. A view is
computed when the first query asks for it, and again at the end of each transaction that changes something that it has read,
as part of that transaction: when a view fails, so does the reducer. One that nobody follows any more goes after a while.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ViewFailed
from .reads import ReadSet
from .store.backing import ViewCall
from .store.errors import UniqueViolation
from .viewrun import failure, run_view

if TYPE_CHECKING:
    from .executor import Executor
    from .store import Datastore, Table, Transaction

KEPT_MICROS = 10 * 60 * 1_000_000
"""How long the rows of a view stay that nobody follows."""


@dataclass
class _Kept:
    """The rows of a view for one caller, or for all."""

    followers: int
    last_used: int


class Views:
    """The views of one database.

    Args:
        executor: Runs them.
        datastore: Where the tables behind them are.
        now: Tells the time, in microseconds since the Unix epoch.
    """

    def __init__(self, executor: Executor, datastore: Datastore, now: Callable[[], int]) -> None:
        self._executor = executor
        self._datastore = datastore
        self._now = now
        self._kept: dict[ViewCall, _Kept] = {}
        self._reads: dict[ViewCall, ReadSet] = {}
        self._pending: dict[ViewCall, ReadSet | None] = {}
        """What the open transaction leads to when it is committed: what a view has read, None for one that goes."""

    # Who needs them

    def subscribe(self, calls: Iterable[ViewCall]) -> None:
        """Have the rows of views from now on, once more for each time that they are named."""
        calls = tuple(calls)
        tx = self._datastore.begin()
        try:
            self.use(tx, calls)
        except BaseException:
            tx.rollback()
            self._pending.clear()
            raise
        tx.commit()
        self.committed()
        for call in calls:
            if call in self._kept:
                self._kept[call].followers += 1

    def unsubscribe(self, calls: Iterable[ViewCall]) -> None:
        """Take `subscribe` back."""
        for call in calls:
            kept = self._kept.get(call)
            if kept is not None:
                kept.followers = max(0, kept.followers - 1)
                kept.last_used = self._now()

    def use(self, tx: Transaction, calls: Iterable[ViewCall]) -> None:
        """Compute views that are about to be read, as far as their rows are not there.

        As on a server, the one who asks is not told when a view fails: there are no rows then.

        Args:
            tx: The transaction that takes the rows.
            calls: The views.
        """
        self._expire(tx)
        for call in dict.fromkeys(calls):
            if call not in self._kept or self._pending.get(call, True) is None:
                try:
                    self._compute(tx, call)
                except ViewFailed as failure:
                    if failure.is_trap:
                        continue  # what it has read stays noted: the next change of it fails
            self._kept.setdefault(call, _Kept(0, 0)).last_used = self._now()

    def adopt(self, before: Views) -> None:
        """Take over what an earlier version of the module kept, where the views are still the same; `renew` them then."""
        for call, kept in before._kept.items():
            table = self._datastore.catalog.table_names.get(call.view)
            if table is not None and table.definition == before._table(call).definition:
                self._kept[call] = _Kept(0, kept.last_used)

    def clear(self) -> None:
        """Forget all rows, as a server does when it starts."""
        view = self._datastore.view()
        tables = [self._datastore.table(name) for name in self._datastore.definition.views]
        filled = [table for table in tables if view.count(table)]
        if filled:
            tx = self._datastore.begin()
            for table in filled:
                tx.clear(table)
            tx.commit()

    # Transactions

    def refresh(self, tx: Transaction) -> None:
        """Compute the views again whose tables a transaction has changed, before it is committed.

        Raises:
            ViewFailed: A view did not succeed; the transaction has been rolled back.
        """
        changes = tx.peek() if self._reads else None
        if not changes:
            return
        try:
            self._expire(tx)
            for call in [call for call, reads in self._reads.items() if reads.touched_by(changes)]:
                if call not in self._pending:  # else it has just been computed, or is about to go
                    self._refresh(tx, call)
        except BaseException:
            tx.rollback()
            self._pending.clear()
            raise

    def _refresh(self, tx: Transaction, call: ViewCall) -> None:
        if call not in self._kept:
            # It trapped when it was asked for: servers keep what it had read, but nothing to compute it again with.
            number = self._table(call).view_id
            raise ViewFailed(call.view, f"failed to look up materialized view args for view {number}")
        self._compute(tx, call)

    def renew(self, tx: Transaction) -> None:
        """Compute all views again whose rows are there.

        Raises:
            ViewFailed: A view did not succeed.
        """
        for call in self._kept:
            self._compute(tx, call)

    def committed(self) -> None:
        """Note that the transaction has been committed for which views were computed."""
        for call, reads in self._pending.items():
            if reads is not None:
                self._reads[call] = reads
                continue
            self._reads.pop(call, None)
            kept = self._kept.get(call)
            if kept is not None and not kept.followers and self._is_old(kept):
                del self._kept[call]
        self._pending.clear()

    def rolled_back(self) -> None:
        """Note that the transaction has been rolled back for which views were computed."""
        self._pending.clear()

    def _expire(self, tx: Transaction) -> None:
        for call, kept in self._kept.items():
            if not kept.followers and self._is_old(kept):
                self._empty(tx, call)
                self._pending[call] = None

    def _is_old(self, kept: _Kept) -> bool:
        return kept.last_used + KEPT_MICROS < self._now()

    # Computing

    def _table(self, call: ViewCall) -> Table:
        return self._datastore.table(call.view)

    def _empty(self, tx: Transaction, call: ViewCall) -> None:
        table = self._table(call)
        index = next(index for index in table.indexes if index.columns == (0,))
        tx.delete_rows(table, tx.seek(index, call.key))

    def _compute(self, tx: Transaction, call: ViewCall) -> None:
        """Run a view and put its rows in the place of those that were there."""
        reads = ReadSet()
        try:
            rows = run_view(self._executor, self._datastore, call, tx, reads, self._now())
            self._empty(tx, call)
            table = self._table(call)
            for row in rows:
                tx.insert(table, call.key + row)
        except UniqueViolation as error:
            self._note(call, reads)
            raise failure(call, "Error materializing view", str(error)) from None
        except ViewFailed:
            self._note(call, reads)
            raise
        self._pending[call] = reads

    def _note(self, call: ViewCall, reads: ReadSet) -> None:
        """Add what a view has read that failed to what it had read before."""
        before = self._reads.get(call)
        if before is not None:
            reads.merge(before)
        self._pending[call] = reads
