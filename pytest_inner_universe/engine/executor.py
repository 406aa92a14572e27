"""Runs reducers and views of one module for one database, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .calls import CallOutcome
from .errors import ViewFailed
from .wasm.errors import TimedOut, Trap

if TYPE_CHECKING:
    from ..sats import ReducerDef, ViewDef
    from .hosting import DatabaseHost
    from .module import Module
    from .store import Transaction
    from .wasm.instance import Instance, ModuleState


class Executor:
    """Holds the wasm instance of a database, and replaces it when it has trapped.

    The instance is taken when the first reducer runs, so that a database that nobody calls has none.

    Args:
        module: The compiled module.
        host: What its host functions reach.
        call_limit: Seconds that one call may take.
        state: What the module remembers at the first call.
    """

    def __init__(self, module: Module, host: DatabaseHost, call_limit: float, state: ModuleState | None = None) -> None:
        self.module = module
        self.host = host
        self.call_limit = call_limit
        self._instance: Instance | None = None
        self._state = state

    def run(
        self,
        reducer: ReducerDef,
        args: bytes,
        sender: bytes,
        connection: bytes,
        timestamp: int,
        tx: Transaction,
    ) -> CallOutcome:
        """Run a reducer inside an open transaction, which the caller then commits or drops.

        Args:
            reducer: Which one.
            args: Its arguments as BSATN.
            sender: Identity of the caller, 32 bytes.
            connection: Connection id of the caller, 16 bytes, all zero for none.
            timestamp: Start of the transaction.
            tx: The transaction.
        """
        host = self.host
        instance = self._instance or self._take_instance()
        host.begin(tx, reducer.name, timestamp)
        try:
            code, message = instance.call_reducer(reducer.id, sender, connection, timestamp, args)
        except Trap as trap:
            self._instance = None
            limit = trap.limit if isinstance(trap, TimedOut) else None
            detail = "" if limit is None and host.panic is not None else str(trap)
            text = host.datastore.release.crashed
            return CallOutcome(reducer.name, "crashed", text, timestamp, panic=host.panic, detail=detail, limit=limit)
        except BaseException:
            self._instance = None
            raise
        finally:
            host.end()
        if code == 0:
            return CallOutcome(reducer.name, "committed", "", timestamp)
        text = message.decode("utf-8", "replace")
        if code != 1:
            detail = f"the module returned the unknown code {code}"
            text = host.datastore.release.crashed
            return CallOutcome(reducer.name, "crashed", text, timestamp, panic=host.panic, detail=detail)
        return CallOutcome(reducer.name, "failed", text, timestamp)

    def _take_instance(self) -> Instance:
        state, self._state = self._state, None
        self._instance = self.module.take_instance(self.host, call_limit=self.call_limit, state=state)
        return self._instance

    def module_state(self) -> ModuleState | None:
        """Return what the module remembers, None for nothing."""
        return self._state if self._instance is None else self._instance.state()

    def run_view(self, view: ViewDef, sender: bytes | None, tx: Transaction, timestamp: int) -> tuple[int, bytes]:
        """Run a view inside an open transaction.

        Args:
            view: Which one.
            sender: Identity of the caller, 32 bytes; None for a view that does not know its caller.
            tx: The transaction.
            timestamp: The time, for the log.

        Returns:
            The module's code and what it wrote: its result, or the text of an error.

        Raises:
            ViewFailed: It panicked or was stopped.
        """
        host = self.host
        instance = self._instance or self._take_instance()
        host.begin(tx, view.name, timestamp)
        try:
            return instance.call_view(view.index, sender)
        except Trap as trap:
            self._instance = None
            detail = "" if host.panic is not None and not isinstance(trap, TimedOut) else str(trap)
            raise ViewFailed(view.name, host.datastore.release.crashed, host.panic, detail, is_trap=True) from None
        except BaseException:
            self._instance = None
            raise
        finally:
            host.end()

    def release(self) -> None:
        """Give the instance back; the next call starts with a fresh one."""
        self._state = None
        instance, self._instance = self._instance, None
        if instance is not None:
            self.module.give_back(instance)
