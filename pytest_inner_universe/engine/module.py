"""A compiled SpacetimeDB module, ready to be published in any number of embedded databases."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from ..sats.errors import SatsError
from .wasm.errors import DefinitionUnreadable, ModuleEmpty, ModuleFileMissing
from .wasm.host import NoHost
from .wasm.instance import CALL_LIMIT, Instance, ModuleState

if TYPE_CHECKING:
    from pathlib import Path

    from ..sats import ModuleDef
    from .wasm.host import Host
    from .wasm.program import Program

POOL_SIZE = 4
"""Idle instances that a module keeps; each holds about as much memory as the module's image has."""


class Module:
    """A module that was loaded, checked and compiled; make one with `load` or `load_file`.

    It can be shared between threads and databases.

    Attributes:
        name: The file, as the user knows it.
        definition: Its tables, reducers and types.
        raw_definition: The same as the module wrote it.
    """

    def __init__(self, program: Program, definition: ModuleDef, raw_definition: bytes) -> None:
        self.name = program.name
        self.definition = definition
        self.raw_definition = raw_definition
        self._program = program
        self._idle: list[Instance] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Module {self.name} ({self.size} bytes, ABI {self.abi})>"

    @classmethod
    def load(cls, data: bytes, name: str = "module.wasm") -> Module:
        """Load a module from its bytes.

        Args:
            data: The compiled module.
            name: What messages call it, usually its path.

        Raises:
            ModuleError: It cannot be used; each reason has a class of its own in `engine.wasm.errors`.
        """
        from ..sats.definition import decode_definition
        from .wasm.program import Program

        program = Program(bytes(data), name)
        instance = Instance(program, NoHost())
        try:
            definition = decode_definition(instance.description)
        except SatsError as error:
            instance.close()
            raise DefinitionUnreadable(name, str(error)) from None
        module = cls(program, definition, instance.description)
        module._idle.append(instance)
        return module

    @classmethod
    def load_file(cls, path: str | os.PathLike[str] | Path) -> Module:
        """Load a module from a file.

        Raises:
            ModuleFileMissing: There is no such file, or it cannot be read.
            ModuleError: It cannot be used.
        """
        name = os.fspath(path)
        try:
            with open(name, "rb") as file:
                data = file.read()
        except OSError as error:
            reason = "it is a directory" if os.path.isdir(name) else (error.strerror or str(error))
            raise ModuleFileMissing(name, reason) from None
        if not data:
            raise ModuleEmpty(name)
        return cls.load(data, name)

    @property
    def data(self) -> bytes:
        """The compiled module's bytes."""
        return self._program.data

    @property
    def size(self) -> int:
        """Number of bytes of the compiled module."""
        return len(self._program.data)

    @property
    def hash(self) -> str:
        """BLAKE3 of the bytes, 64 hexadecimal digits: equal for equal modules.

        A server identifies programs by Keccak-256, which nothing light offers; the two are never compared.
        """
        return self._program.digest

    @property
    def abi(self) -> str:
        """The ABI version that it needs, as ``10.4``."""
        return self._program.abi

    def new_instance(
        self, host: Host, call_limit: float | None = CALL_LIMIT, accelerate: bool | None = None
    ) -> Instance:
        """Start a new instance; whoever asks for it closes it.

        Args:
            host: The database that it serves.
            call_limit: Seconds that a call may take, None for no limit.
            accelerate: Whether to link through wasmtime's C interface where that works; None asks the environment variable
                ``INNER_UNIVERSE_NO_ACCELERATOR``.
        """
        return Instance(self._program, host, call_limit, accelerate)

    def take_instance(
        self, host: Host, call_limit: float | None = CALL_LIMIT, state: ModuleState | None = None
    ) -> Instance:
        """Return an instance, an idle one if there is one.

        Args:
            host: The database that it serves.
            call_limit: Seconds that a call may take, None for no limit.
            state: What the module shall remember; None for nothing. If it cannot be had, it remembers nothing.
        """
        with self._lock:
            instance = self._idle.pop() if self._idle else None
        if instance is not None and not instance.rewind(state):
            instance.close()
            instance = None
        if instance is None:
            instance = self.new_instance(host, call_limit)
            if state is not None and not instance.rewind(state):
                instance.close()
                return self.new_instance(host, call_limit)
            return instance
        instance.host = host
        instance.call_limit = call_limit
        return instance

    def give_back(self, instance: Instance) -> None:
        """Take back an instance that is no longer used; it is kept for the next who needs one, or closed."""
        if not instance.is_spent and self._program.can_rewind:
            instance.host = NoHost()
            with self._lock:
                if len(self._idle) < POOL_SIZE:
                    self._idle.append(instance)
                    return
        instance.close()

    def close(self) -> None:
        """Close the idle instances. The module stays usable."""
        with self._lock:
            idle, self._idle = self._idle, []
        for instance in idle:
            instance.close()
