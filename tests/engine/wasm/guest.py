"""Plays a module: calls host functions directly, on a memory of its own."""

from __future__ import annotations

from struct import pack

import wasmtime
from support.tables import auto_inc, module_def, table_def

from pytest_inner_universe.engine.store import Datastore, Table, Transaction
from pytest_inner_universe.engine.wasm import runtime
from pytest_inner_universe.engine.wasm.host import Procedure
from pytest_inner_universe.engine.wasm.imports import Imports
from pytest_inner_universe.engine.wasm.linking import Box
from pytest_inner_universe.engine.wasm.memory import GuestMemory
from pytest_inner_universe.sats import ModuleDef, ScheduleDef
from pytest_inner_universe.sats.types import SCHEDULE_AT, STRING, U8, U32, U64

MINUS_ONE = 0xFFFF_FFFF
OUT = 8
LENGTH = 16
BUFFER = 1024
MISSING = 999_999

PAIR = table_def(
    "pair", "id", ("name",), ("team,age", "hash:age"), (auto_inc(0),), id=U64, name=STRING, team=U32, age=U8
)
PLAIN = table_def("plain", number=U32)
TIMED = table_def("timed", "id", (), (), (auto_inc(0),), ScheduleDef("timed_sched", "fire", 1), id=U64, at=SCHEDULE_AT)


class StandIn:
    """A host with a datastore of its own, that writes down what it is told."""

    def __init__(self, definition: ModuleDef | None = None) -> None:
        self.datastore: Datastore = Datastore.create(definition or ModuleDef(9, {}, {}))
        self.tx: Transaction | None = None
        self.identity = bytes(range(32))
        self.records: list[tuple[int, str | None, str | None, int | None, str]] = []
        self.inserted: list[tuple[str, bytes]] = []
        self.immediate: list[tuple[str, bytes]] = []
        self.claims: dict[bytes, bytes] = {}
        self.raises: BaseException | None = None
        self.procedure: Procedure | None = None

    def console_log(self, level: int, target: str | None, filename: str | None, line: int | None, message: str) -> None:
        if self.raises is not None:
            raise self.raises
        self.records.append((level, target, filename, line, message))

    def row_inserted(self, table: Table, row: bytes) -> None:
        if self.raises is not None:
            raise self.raises
        self.inserted.append((table.name, row))

    def schedule_immediate(self, name: str, args: bytes) -> None:
        self.immediate.append((name, args))

    def jwt(self, connection: bytes) -> bytes | None:
        return self.claims.get(connection)


class Guest:
    """Plays the module: puts things into memory, calls host functions, looks at what came of it."""

    def __init__(self) -> None:
        self.store = wasmtime.Store(runtime.engine())
        limits = wasmtime.MemoryType(wasmtime.Limits(4, 8))
        self.wasm_memory = wasmtime.Memory(self.store, limits)
        self.memory = GuestMemory(self.wasm_memory, self.store)
        self.box = Box()
        self.imports = Imports()
        self.imports.memory = self.memory
        self.host = StandIn(module_def(PAIR, PLAIN, TIMED))
        self.imports.host = self.host

    def call(self, name: str, *values: int | bytes) -> int:
        """Call a host function; bytes are put into memory and passed as pointer and length."""
        at = 100_000
        numbers: list[int] = []
        for value in values:
            if isinstance(value, bytes):
                self.memory.view[at : at + len(value)] = value
                numbers += [at, len(value)]
                at += len(value) + 8
            else:
                numbers.append(value)
        try:
            answer = getattr(self.imports, name)(*numbers)
        except Exception as error:
            answer = self.box.settle(error)  # as both ways of linking do
            if answer is None:
                raise
        assert isinstance(answer, int)
        return answer

    def u32(self, at: int = OUT) -> int:
        return int.from_bytes(self.memory.read(at, 4), "little")

    def u64(self, at: int = OUT) -> int:
        return int.from_bytes(self.memory.read(at, 8), "little")

    def table(self, name: str) -> int:
        return self.host.datastore.table(name).id

    def index(self, name: str) -> int:
        return self.host.datastore.index(name).id

    def insert(self, table: str, row: bytes) -> tuple[int, bytes]:
        """Insert; returns the answer and what was written back."""
        self.memory.write(BUFFER, row)
        self.memory.write_u32(LENGTH, len(row))
        answer = self.call("datastore_insert_bsatn", self.table(table), BUFFER, LENGTH)
        return answer, self.memory.read(BUFFER, self.u32(LENGTH)) if answer == 0 else b""

    def update(self, table: str, index: str, row: bytes) -> tuple[int, bytes]:
        """Update; returns the answer and what was written back."""
        self.memory.write(BUFFER, row)
        self.memory.write_u32(LENGTH, len(row))
        answer = self.call("datastore_update_bsatn", self.table(table), self.index(index), BUFFER, LENGTH)
        return answer, self.memory.read(BUFFER, self.u32(LENGTH)) if answer == 0 else b""

    def advance(self, handle: int, capacity: int = 65536) -> tuple[int, bytes]:
        """Advance an iterator; returns the answer and the bytes, or for too small a buffer the needed size as bytes."""
        self.memory.write_u32(LENGTH, capacity)
        answer = self.call("row_iter_bsatn_advance", handle, BUFFER, LENGTH)
        if answer == 11:
            return answer, b"%d" % self.u32(LENGTH)
        return answer, self.memory.read(BUFFER, self.u32(LENGTH))

    def read(self, source: int, capacity: int) -> tuple[int, bytes]:
        """Read from a source; returns the answer and the bytes."""
        self.memory.write_u32(LENGTH, capacity)
        answer = self.call("bytes_source_read", source, BUFFER, LENGTH)
        return answer, self.memory.read(BUFFER, self.u32(LENGTH)) if answer != 8 else b""


def pair(id: int, name: str, team: int, age: int) -> bytes:
    return pack(f"<QI{len(name)}sIB", id, len(name), name.encode(), team, age)


def u32s(*numbers: int) -> bytes:
    return pack(f"<{len(numbers)}I", *numbers)
