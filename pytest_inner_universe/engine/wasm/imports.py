"""The host functions that concern neither tables nor rows nor procedures: bytes, log, time, identity.

Each method is the import of its name. Parameters and results are the unsigned numbers of the wasm call; the answer is 0 or an
error number. What has to stop the module is raised, and reaches the caller of the reducer as it is.
"""

from __future__ import annotations

from .abi import (
    EXHAUSTED,
    LEVEL_INFO,
    LEVEL_PANIC,
    NO_LINE,
    NO_SUCH_BYTES,
    NO_SUCH_CONSOLE_TIMER,
    NOT_IN_TRANSACTION,
)
from .errors import Panic, Trap
from .handles import Slab, Timer
from .procedure_imports import ProcedureImports


class Imports(ProcedureImports):
    """All host functions of one instance, with what they keep between calls.

    Attributes:
        host: The database that the instance serves now.
        memory: The module's memory; set as soon as there is one.
        bytes: Sources and sinks of the present call.
        panic: What the module logged last on level 101.
    """

    def __init__(self) -> None:
        super().__init__()
        self.timers: Slab[Timer] = Slab()
        self.panic: Panic | None = None

    def reset(self) -> None:
        """Forget everything that outlives a call, for a fresh database."""
        self.bytes.clear()
        self.iterators.clear()
        self.timers.clear()
        self.panic = None

    def bytes_sink_write(self, sink: int, buffer: int, length_at: int) -> int:
        """Append to a sink; it takes everything."""
        memory = self.memory
        length = memory.read_u32(length_at)
        data = memory.read(buffer, length)
        content = self.bytes.sinks.get(sink)
        if content is None:
            return NO_SUCH_BYTES
        content += data
        return 0

    def bytes_source_read(self, source: int, buffer: int, length_at: int) -> int:
        """Copy the next bytes of a source; the answer that comes with the last one says so, and ends the source."""
        memory = self.memory
        capacity = memory.read_u32(length_at)
        memory.check(buffer, capacity)
        found = self.bytes.sources.get(source)
        if found is None:
            return NO_SUCH_BYTES
        data, start = found
        end = start + capacity
        if end >= len(data):
            part = data[start:] if start else data
            del self.bytes.sources[source]
            answer = EXHAUSTED
        else:
            part = data[start:end]
            self.bytes.sources[source] = (data, end)
            answer = 0
        memory.write(buffer, part)
        memory.write_u32(length_at, len(part))
        return answer

    def bytes_source_remaining_length(self, source: int, out: int) -> int:
        """Tell how many bytes of a source are left."""
        found = self.bytes.sources.get(source)
        if found is None:
            return NO_SUCH_BYTES
        data, start = found
        self.memory.write_u32(out, len(data) - start)
        return 0

    def console_log(
        self,
        level: int,
        target: int,
        target_length: int,
        filename: int,
        filename_length: int,
        line: int,
        message: int,
        message_length: int,
    ) -> int:
        """Log a record; one that cannot be read is dropped, because logging must not stop a module."""
        try:
            text = self._lossy(message, message_length)
            target_text = self._lossy(target, target_length) if target else None
            file = self._lossy(filename, filename_length) if filename else None
        except Trap:
            return 0
        at = None if line == NO_LINE else line
        level &= 0xFF
        if level == LEVEL_PANIC:
            self.panic = Panic(text, file, at)
        self.host.console_log(level, target_text, file, at, text)
        return 0

    def _lossy(self, pointer: int, length: int) -> str:
        return self.memory.read(pointer, length).decode("utf-8", "replace")

    def console_timer_start(self, name: int, name_length: int) -> int:
        """Start a timer and return its number."""
        return self.timers.add(Timer(self.memory.read_text(name, name_length)))

    def console_timer_end(self, handle: int) -> int:
        """End a timer and log how long it ran."""
        timer = self.timers.remove(handle)
        if timer is None:
            return NO_SUCH_CONSOLE_TIMER
        self.host.console_log(LEVEL_INFO, None, None, None, timer.text())
        return 0

    def identity(self, out: int) -> int:
        """Write the database's identity."""
        self.memory.write(out, self.host.identity)
        return 0

    def volatile_nonatomic_schedule_immediate(self, name: int, name_length: int, args: int, args_length: int) -> int:
        """Queue a call of a reducer."""
        memory = self.memory
        self.host.schedule_immediate(memory.read_text(name, name_length), memory.read(args, args_length))
        return 0

    def get_jwt(self, connection: int, out: int) -> int:
        """Give the claims of a connection as a source, 0 where there are none."""
        memory = self.memory
        connection_id = memory.read(connection, 16)
        if self.host.tx is None:
            return NOT_IN_TRANSACTION
        claims = self.host.jwt(connection_id)
        memory.check(out, 4)
        memory.write_u32(out, 0 if claims is None else self.bytes.add_source(claims))
        return 0

    def env_get(self, key: int, key_length: int, out: int) -> int:
        """Answer that the variable is not set: the embedded engine has no environment for modules."""
        memory = self.memory
        memory.read_text(key, key_length)
        if self.host.tx is None:
            return NOT_IN_TRANSACTION
        memory.write_u32(out, 0)
        return 0
