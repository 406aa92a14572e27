"""The host functions of procedures: transactions of their own, sleeping, requests to the world outside.

The first three answer with a number where they are not allowed; the other two stop whatever is no procedure, because a server
offers them to procedures only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .abi import BSATN_DECODE_ERROR, HTTP_ERROR, TRANSACTION_NOT_ANONYMOUS, WOULD_BLOCK_TRANSACTION
from .datastore_imports import DatastoreImports
from .errors import HttpRequestFailed, HttpRequestUnreadable, Trap

if TYPE_CHECKING:
    from .host import Procedure

_SIGN = 1 << 63
_WRAP = 1 << 64


class ProcedureImports(DatastoreImports):
    """The part of an instance's host functions that is for procedures.

    Attributes:
        resume: Called after the host has taken time of its own, which does not count as the module's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.resume: Callable[[], None] = lambda: None

    def procedure_start_mut_tx(self, out: int) -> int:
        """Begin a transaction and tell its time."""
        host = self.host
        if host.tx is not None:
            return WOULD_BLOCK_TRANSACTION
        timestamp = self._procedure("procedure_start_mut_tx").begin_tx()
        self.memory.write_u64(out, timestamp % _WRAP)
        return 0

    def procedure_commit_mut_tx(self) -> int:
        """Commit the transaction; everybody has been told of it when this returns."""
        host = self.host
        if host.tx is None or host.procedure is None:
            return TRANSACTION_NOT_ANONYMOUS
        host.procedure.commit_tx()
        return 0

    def procedure_abort_mut_tx(self) -> int:
        """Drop the transaction."""
        host = self.host
        if host.tx is None or host.procedure is None:
            return TRANSACTION_NOT_ANONYMOUS
        host.procedure.abort_tx()
        return 0

    def procedure_sleep_until(self, micros: int) -> int:
        """Let the time come, and tell what time it is then; a time before 1970 is not waited for."""
        procedure = self._procedure("procedure_sleep_until")
        now = procedure.sleep_until(micros - _WRAP if micros >= _SIGN else micros)
        self.resume()
        return now % _WRAP

    def procedure_http_request(self, request: int, request_length: int, body: int, body_length: int, out: int) -> int:
        """Make a request and give its response and the body as sources, or the reason why there is none as one source."""
        memory = self.memory
        data = memory.read(request, request_length)
        procedure = self._procedure("procedure_http_request")
        content = memory.read(body, body_length)
        try:
            prepared = procedure.prepare_http(data, content)
            if self.host.tx is not None:
                return WOULD_BLOCK_TRANSACTION
            response, received = prepared()
        except HttpRequestUnreadable:
            return BSATN_DECODE_ERROR
        except HttpRequestFailed as error:
            text = str(error).encode()
            reason = len(text).to_bytes(4, "little") + text
            memory.write_u32(out, self.bytes.add_source(reason))
            return HTTP_ERROR
        finally:
            self.resume()
        memory.write_u32(out, self.bytes.add_source(response))
        memory.write_u32(out + 4, self.bytes.add_source(received) if received else 0)
        return 0

    def _procedure(self, function: str) -> Procedure:
        procedure = self.host.procedure
        if procedure is None:
            raise Trap(f"it called {function}, which is for procedures only")
        return procedure
