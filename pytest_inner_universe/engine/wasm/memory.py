"""Access to a module's linear memory.

The engine is configured so that a memory never moves; it only grows. One view over its bytes therefore lives as long
as the instance, and is made anew when an access lies beyond it. Nothing is ever touched beyond the memory's present
length: behind it lie guard pages, which would kill the process.
"""

from __future__ import annotations

import ctypes
import weakref
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, NoReturn

from .errors import BadPointer, Trap

if TYPE_CHECKING:
    from wasmtime import Memory, Store

_U16 = Struct("<H")
_U32 = Struct("<I")
_U64 = Struct("<Q")
_WASM_PAGE = 65536


def address_of(memory: Memory, store: Store) -> int:
    """Where a wasm memory begins in the process's memory."""
    return ctypes.addressof(memory.data_ptr(store).contents) if memory.data_len(store) else 0


@lru_cache(maxsize=128)
def _array(length: int) -> type[ctypes.Array[ctypes.c_ubyte]]:
    """Return the ctypes array of a length; without this, the type would be made anew whenever a memory has grown."""
    return ctypes.c_ubyte * length


def view_of(memory: Memory, store: Store) -> memoryview:
    """A writable view of all bytes of a wasm memory, as it is now."""
    length = memory.data_len(store)
    if length == 0:
        return memoryview(bytearray())
    return memoryview(_array(length).from_address(address_of(memory, store))).cast("B")


class NoMemory:
    """Stands for the memory while a module is instantiated and there is none yet."""

    def __getattr__(self, name: str) -> NoReturn:
        raise Trap("it called a host function in its start function, before it was there")


class GuestMemory:
    """Reads and writes a module's memory, and refuses what it does not have.

    Args:
        memory: The exported memory.
        store: Its store. Held weakly: host functions refer to this object and must not keep their store alive.
    """

    __slots__ = ("_memory", "_store", "address", "size", "view")

    def __init__(self, memory: Memory, store: Store) -> None:
        self._memory = memory
        self._store = weakref.ref(store)
        self.address = address_of(memory, store)
        self.view = view_of(memory, store)
        self.size = len(self.view)

    def refresh(self) -> int:
        """Look at the memory's length again; returns it."""
        store = self._store()
        if store is not None and self._memory.data_len(store) != self.size:
            self.view = view_of(self._memory, store)
            self.size = len(self.view)
        return self.size

    def grow_to(self, size: int) -> None:
        """Have at least so many bytes, a multiple of wasm's pages."""
        missing = size - self.refresh()
        store = self._store()
        if missing > 0 and store is not None:
            self._memory.grow(store, missing // _WASM_PAGE)
            self.refresh()

    def close(self) -> None:
        """Let go of the memory; every later access is refused."""
        self._store = lambda: None  # type: ignore[assignment]
        self.view = memoryview(b"")
        self.size = 0

    def check(self, pointer: int, length: int) -> None:
        """Refuse a null pointer (also with length 0) and everything that is not inside the memory.

        Raises:
            BadPointer: The range is refused.
        """
        if pointer == 0 or (pointer + length > self.size and pointer + length > self.refresh()):
            raise BadPointer(pointer, length, self.size)

    def read(self, pointer: int, length: int) -> bytes:
        """A copy of `length` bytes."""
        end = pointer + length
        if pointer == 0 or end > self.size:
            self.check(pointer, length)
        return self.view[pointer:end].tobytes()

    def read_text(self, pointer: int, length: int) -> str:
        """Text in UTF-8; anything else stops the module."""
        data = self.read(pointer, length)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise Trap(
                f"it gave a host function a name that is not UTF-8: {error.reason} at byte {error.start}"
            ) from None

    def write(self, pointer: int, data: bytes) -> None:
        """Copy `data` into the memory."""
        end = pointer + len(data)
        if pointer == 0 or end > self.size:
            self.check(pointer, len(data))
        self.view[pointer:end] = data

    def read_u32(self, pointer: int) -> int:
        """A 32-bit number."""
        if pointer == 0 or pointer + 4 > self.size:
            self.check(pointer, 4)
        return int(_U32.unpack_from(self.view, pointer)[0])

    def write_u32(self, pointer: int, value: int) -> None:
        """Write a 32-bit number."""
        if pointer == 0 or pointer + 4 > self.size:
            self.check(pointer, 4)
        _U32.pack_into(self.view, pointer, value)

    def write_u64(self, pointer: int, value: int) -> None:
        """Write a 64-bit number."""
        if pointer == 0 or pointer + 8 > self.size:
            self.check(pointer, 8)
        _U64.pack_into(self.view, pointer, value)
