"""One running copy of a module."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakMethod

from . import runtime
from .errors import InstanceSpent, OutOfMemory, Trap
from .host import Host, NoHost
from .image import Image
from .imports import Imports
from .linking import ABORTED, Call, trap_of
from .memory import GuestMemory
from .parameters import pack_call, pack_view
from .starting import link, start
from .watchdog import ticks_of, watchdog

if TYPE_CHECKING:
    from .handles import Bytes
    from .program import Program

CALL_LIMIT = 10.0
"""Seconds that a call may take unless told otherwise."""

_U32 = Struct("<I")


class ModuleState(NamedTuple):
    """All that a module can remember between calls.

    Args:
        image: Its memory.
        globals: Values of its exported globals that can change.
    """

    image: Image
    globals: tuple[object, ...]


class Instance:
    """A module that has been started and has described itself, ready for calls.

    An instance belongs to one database at a time and makes one call at a time; different instances may run in different threads.

    Args:
        program: The module's code.
        host: The database that it serves.
        call_limit: Seconds that a call may take, None for no limit.
        accelerate: Whether to link through the C interface where that works; None asks the environment.

    Raises:
        ModuleStartFailed: It trapped or refused before it had described itself.

    Attributes:
        description: BSATN of the module's definition.
        is_spent: Whether it trapped or was closed, and has to be replaced.
    """

    def __init__(
        self,
        program: Program,
        host: Host,
        call_limit: float | None = CALL_LIMIT,
        accelerate: bool | None = None,
    ) -> None:
        self.program = program
        self.is_spent = False
        self._imports = Imports()
        self._imports.host = host
        self._imports.resume = _weakly(self._arm)
        self._watchdog = watchdog()
        self._armed_at = -1
        self._calls: dict[str, Call] = {}
        self.call_limit = call_limit
        wasmtime = runtime.wasmtime()
        self._trouble: tuple[type[Exception], ...] = (wasmtime.Trap, wasmtime.WasmtimeError)
        self._memory_limit = runtime.memory_limit()
        self._store = runtime.own(wasmtime.Store(runtime.engine()))
        self._store.set_limits(memory_size=self._memory_limit)
        self._finalizer = self._watchdog.watch(self)
        self._arm()
        try:
            self._linked = link(program, self._store, self._imports, accelerate, self._trouble, call_limit)
            self._memory = self._imports.memory = GuestMemory(self._linked.memory(), self._store)
            self._call_reducer = self._linked.call_of("__call_reducer__")
            self.description = start(program, self._linked, self._imports.bytes, self._run)
            self._imports.reset()
            self._memory.refresh()
        except BaseException:
            self.close()
            raise
        if program.image is None:
            program.image = Image.of(self._memory)
        self._globals = [self._linked.global_of(name) for name in program.mutable_globals]
        self._first_state = ModuleState(program.image, self._global_values())

    # Calling

    def _arm(self) -> None:
        self._armed_at = self._watchdog.arm(self._ticks)
        self._store.set_epoch_deadline(self._ticks)

    def _run(self, call: Call) -> None:
        """Make a call; whatever ends it early also ends the instance."""
        if self._armed_at != self._watchdog.epoch:
            self._arm()
        try:
            call()
        except BaseException as error:
            self.is_spent = True
            if isinstance(error, self._trouble):
                trap = self._explained(trap_of(error, self._call_limit))
            elif isinstance(error, Trap):
                trap = error
            else:
                raise
            trap.panic = self._imports.panic
            raise trap from None

    def _explained(self, trap: Trap) -> Trap:
        """Return the trap of a module that gave up because it got no more memory as what it is.

        The runtime refuses memory and says nothing of it; the module then aborts without a word. One that had little, and
        wanted too much at once, is known by the function in which it did so, if it carries names.
        """
        memory = self._imports.memory
        if trap.reason != ABORTED or self._imports.panic is not None or not isinstance(memory, GuestMemory):
            return trap
        size, limit = memory.refresh(), self._memory_limit
        if size <= limit // 2 and not any("alloc_error" in name or "oom" in name for name in trap.backtrace):
            return trap
        found = OutOfMemory(limit, size)
        found.backtrace = trap.backtrace
        return found

    @property
    def call_limit(self) -> float | None:
        """Seconds that a call may take, None for no limit."""
        return self._call_limit

    @call_limit.setter
    def call_limit(self, limit: float | None) -> None:
        self._call_limit = limit
        self._ticks = ticks_of(limit)
        self._armed_at = -1

    @property
    def host(self) -> Host:
        """The database that it serves."""
        return self._imports.host

    @host.setter
    def host(self, host: Host) -> None:
        self._imports.host = host

    def call_reducer(self, id: int, sender: bytes, connection: bytes, timestamp: int, args: bytes) -> tuple[int, bytes]:
        """Run a reducer. The transaction is the host's business: open it before, commit or roll back after.

        Args:
            id: Position of the reducer in the definition.
            sender: Identity of the caller, 32 little-endian bytes.
            connection: Connection id of the caller, 16 little-endian bytes, all zero for none.
            timestamp: Microseconds since the Unix epoch; also the seed of the module's random numbers.
            args: BSATN of the arguments.

        Returns:
            The module's code, 0 for success and 1 for an error of its own, and the text of the error in UTF-8.

        Raises:
            Trap: The module panicked or trapped; the instance is spent.
            TimedOut: It ran longer than the limit; the instance is spent.
            InstanceSpent: The instance was spent already.
        """
        data = self._begin()
        source = data.add_source(args) if args else 0
        pack_call(self._linked.arguments, id, sender, connection, timestamp, source, data.add_sink())
        code, text = self._finish(self._call_reducer)
        return code, text if code else b""

    def call_procedure(
        self, id: int, sender: bytes, connection: bytes, timestamp: int, args: bytes
    ) -> tuple[int, bytes]:
        """Run a procedure; its transactions are the business of the host's `procedure`. Otherwise like `call_reducer`.

        Returns:
            The module's code, 0 for success, and BSATN of the value that the procedure returned.
        """
        call = self._call_of("__call_procedure__")
        data = self._begin()
        source = data.add_source(args) if args else 0
        pack_call(self._linked.arguments, id, sender, connection, timestamp, source, data.add_sink())
        return self._finish(call)

    def call_view(self, index: int, sender: bytes | None) -> tuple[int, bytes]:
        """Run a view in the host's transaction. Raises what `call_reducer` raises.

        Args:
            index: Number of the view among those of its kind.
            sender: Identity of the caller, 32 little-endian bytes; None for a view that does not know its caller.

        Returns:
            The module's code and what it wrote.
        """
        call = self._call_of("__call_view_anon__" if sender is None else "__call_view__")
        pack_view(self._linked.arguments, index, sender, 0, self._begin().add_sink())
        return self._finish(call)

    def _call_of(self, export: str) -> Call:
        """Return what calls an export that not every module has."""
        if export not in self.program.exports:
            raise Trap(f"it does not export `{export}`")
        if export not in self._calls:
            self._calls[export] = self._linked.call_of(export)
        return self._calls[export]

    def _begin(self) -> Bytes:
        if self.is_spent:
            raise InstanceSpent
        self._imports.panic = None
        return self._imports.bytes

    def _finish(self, call: Call) -> tuple[int, bytes]:
        data = self._imports.bytes
        try:
            self._run(call)
            (code,) = _U32.unpack_from(self._linked.arguments)
            return code, bytes(data.sinks[1])
        finally:
            data.clear()

    # Starting over

    def _global_values(self) -> tuple[object, ...]:
        return tuple(item.value(self._store) for item in self._globals)

    def state(self) -> ModuleState | None:
        """Return what the module remembers now; None if that is not to be had, see `rewind`."""
        if self.is_spent or not self.program.can_rewind:
            return None
        return ModuleState(Image.of(self._memory), self._global_values())

    def rewind(self, state: ModuleState | None = None) -> bool:
        """Put the module into another state, so that it can serve another database.

        That is the memory and the exported globals. The stack pointer, which is not exported, needs no care: see
        `Program.can_rewind`.

        Args:
            state: What it shall remember, from any instance of the program; None for no more than right after it described
                itself.

        Returns:
            Whether that was possible. It is not after a trap, when the memory has grown too far, or when the module has more
            hidden state.
        """
        image, values = state or self._first_state
        if self.is_spent or not self.program.can_rewind:
            return False
        self._memory.grow_to(len(image.content))
        if not image.restore(self._memory):
            return False
        for item, value in zip(self._globals, values):
            item.set_value(self._store, value)
        self._imports.reset()
        return True

    def close(self) -> None:
        """Free the instance; does nothing the second time."""
        self.is_spent = True
        if self._finalizer.alive:
            self._finalizer()
            if isinstance(self._imports.memory, GuestMemory):
                self._imports.memory.close()
            linked = getattr(self, "_linked", None)
            if linked is not None:
                linked.close()
            self._store.close()
            self._imports.host = NoHost()


def _weakly(method: Callable[[], None]) -> Callable[[], None]:
    """Return what calls a method, as long as its object is there: host functions must not keep their store alive."""
    weak = WeakMethod(method)

    def call() -> None:
        found = weak()
        if found is not None:
            found()

    return call
